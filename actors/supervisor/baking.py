"""Ends the staged limits of a release that has proven itself: counts its good decisions.

Only under a closed gate. Counted from the journal, by whoever watches; a supervisor that is
replaced counts again from the rows that are still open.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from actors.config import FleetConfig
from actors.runtime import log_event
from checkpoints.approvals import read_in_force
from checkpoints.approved_releases import mark_baked, unbaked
from checkpoints.errors import CheckpointsError
from checkpoints.journal import rows_after
from checkpoints.journal_rows import STRATEGY_ERROR, JournalRow, RowKind
from checkpoints.storage import Storage
from signals.market import Slot, deadline_ms, decision_points

POLL_SECONDS: Final = 10.0
"""Wire. A decision comes every five minutes; at speed 30 every ten seconds."""
LOOK_BACK_ROWS: Final = 64
"""Read again at each look: an owner that is taken back writes the same sequences anew."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """Who made one decision last: a higher fence makes the rows of a lower one void."""

    fence: int
    release: str
    good: bool


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions of releases that have not baked, by slot and due time."""

    decided: dict[tuple[str, int], Decided] = {}

    def good(self, release: str) -> int:
        return sum(one.good for one in self.decided.values() if one.release == release)


def apply(
    count: Count, rows: Iterable[JournalRow], releases: frozenset[str], offsets_ms: tuple[int, ...]
) -> Count:
    """Take rows of one slot in any order; those of other releases only take away. Pure."""
    decided = {key: one for key, one in count.decided.items() if one.release in releases}
    for row in rows:
        if row.kind is not RowKind.DECISION or row.due_ms is None:
            continue
        key = (row.slot, row.due_ms)
        before = decided.get(key)
        if before is not None and before.fence > row.fence:
            continue
        good = is_good(row, offsets_ms)
        decided[key] = Decided(fence=row.fence, release=row.release, good=good)
    return Count(decided=decided)


def is_good(row: JournalRow, offsets_ms: tuple[int, ...]) -> bool:
    """Tell whether a decision was made in time, from a complete snapshot, without an error."""
    assert row.due_ms is not None
    points = decision_points(Slot.parse(row.slot).timeframe, offsets_ms, row.due_ms - 1)
    in_time = row.market_ms < deadline_ms(next(points), next(points))
    failed = (row.reason or "").startswith(STRATEGY_ERROR)
    return bool(row.complete) and in_time and not failed


class Baker:
    """Looks for as long as this supervisor watches."""

    def __init__(self, storage: Storage, config: FleetConfig, wire_ms: Callable[[], float]) -> None:
        self._storage = storage
        self._config = config
        self._wire_ms = wire_ms
        self._count = Count()
        self._read: dict[str, int] = {}
        """Slot -> last sequence seen."""

    async def run(self) -> None:
        """Look until cancelled; under an open gate nothing is staged and nothing is looked for."""
        while True:
            try:
                if not self._config.gate_is_open:
                    await asyncio.to_thread(self.poll)
            except (CheckpointsError, OSError) as error:
                log_event("baking_unknown", reason=str(error))
            await asyncio.sleep(POLL_SECONDS)

    def poll(self) -> None:
        """Count what was decided since the last look; end the limits of what has baked."""
        waiting = unbaked(read_in_force(self._storage))
        if not waiting:
            self._count, self._read = Count(), {}
            return
        for entry in self._config.slots:
            self._apply(entry.slot, frozenset(waiting))
        for release, (plan, _) in waiting.items():
            good = self._count.good(release)
            if mark_baked(self._storage, plan, good, int(self._wire_ms())):
                log_event("release_baked", release=release, decisions=good, plan=plan)

    def _apply(self, slot: str, releases: frozenset[str]) -> None:
        seen = self._read.get(slot, 0)
        rows = rows_after(self._storage, slot, max(0, seen - LOOK_BACK_ROWS)).rows
        self._read[slot] = max((row.sequence for row in rows), default=seen)
        offsets_ms = self._config.timing.decision_offsets_ms
        self._count = apply(self._count, rows, releases, offsets_ms)
