"""What the slots did in a span of time, from schedule, journal and ledger alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from actors.config import FleetConfig
from actors.messages import FenceRecord
from actors.runtime import CONFIG_FILE
from actors.slot.facts import ClaimFact
from actors.slot.rows import entry_of
from checkpoints.journal import Journal, rows_after
from checkpoints.journal_rows import STRATEGY_ERROR, JournalRow, RowKind
from signals.market import Slot, deadline_ms, decision_points
from tests.judge_journal import read_journal
from tests.rolling_update.fleet import Fleet

LATE = "late"
"""How the reason of a decision begins that was given up at its deadline."""
TAIL_ROWS = 200
"""Read again at each look: a take-back writes the same sequences anew."""


@dataclass(frozen=True)
class Account:
    due: int
    dark: tuple[str, ...]
    """Points without a row in time."""
    failed: tuple[str, ...]
    """Points whose row says that there was no decision, or that nothing was seen."""
    sick_wire_ms: float | None
    """Due time of the first of both."""
    well_wire_ms: float | None
    """First good decision of the slot that was sick longest, after its last bad point."""

    @property
    def missed(self) -> int:
        return len(self.dark) + len(self.failed)

    @property
    def seconds(self) -> float | None:
        if self.sick_wire_ms is None or self.well_wire_ms is None:
            return None
        return (self.well_wire_ms - self.sick_wire_ms) / 1000


def config_of(fleet: Fleet) -> FleetConfig:
    return msgspec.json.decode(fleet.storage.read(CONFIG_FILE), type=FleetConfig)


def is_good(row: JournalRow) -> bool:
    reason = row.reason or ""
    return row.snapshot is not None and not reason.startswith((STRATEGY_ERROR, LATE))


def account(fleet: Fleet, began_ms: float, ended_ms: float) -> Account:
    """Look at every point that every configured slot owed between two wire times."""
    config = config_of(fleet)
    offsets, clock = config.timing.decision_offsets_ms, config.clock
    valid = read_journal(fleet.state.storage).decisions
    keys = {(row.slot, row.sequence, row.fence) for row in valid}
    dark, failed, sick, well = [], [], [], []
    due_count = 0
    for entry in config.slots:
        rows = [r for r in fleet.decisions(entry.slot) if (r.slot, r.sequence, r.fence) in keys]
        bad_points = []
        span = (clock.market_ms(began_ms), clock.market_ms(ended_ms))
        for due, limit in _points(entry.slot, offsets, *span):
            due_count += 1
            in_time = [r for r in rows if r.due_ms == due and r.market_ms < limit]
            if any(is_good(row) for row in in_time):
                continue
            (failed if in_time else dark).append(f"{entry.slot}@{due}")
            bad_points.append(due)
        if bad_points:
            sick.append(clock.wire_ms(bad_points[0]))
            later = [r.wire_ms for r in rows if (r.due_ms or 0) > bad_points[-1] and is_good(r)]
            well += later[:1]
    return Account(
        due=due_count,
        dark=tuple(dark),
        failed=tuple(failed),
        sick_wire_ms=min(sick, default=None),
        well_wire_ms=max(well, default=None),
    )


def _points(
    slot: str, offsets: tuple[int, ...], began_ms: int, ended_ms: int
) -> Iterator[tuple[int, int]]:
    points = decision_points(Slot.parse(slot).timeframe, offsets, began_ms)
    point = next(points)
    for following in points:
        limit = deadline_ms(point, following)
        if limit > ended_ms:
            return
        yield point.due_ms, limit
        point = following


class Tail:
    """The latest decisions of each slot, without reading the whole journal at each look."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._last: dict[str, int] = {}

    def decisions(self, slot: str) -> list[JournalRow]:
        """Return them as they were made."""
        after = max(0, self._last.get(slot, 0) - TAIL_ROWS)
        rows = rows_after(self._fleet.storage, slot, after).rows
        self._last[slot] = max((row.sequence for row in rows), default=after)
        made = [row for row in rows if row.kind is RowKind.DECISION]
        return sorted(made, key=lambda row: (row.fence, row.sequence))

    def all_well(self, release: str, since_ms: float) -> bool:
        """Tell whether the last decision of every slot is new, good, and of this release."""
        return all(self._is_well(slot, release, since_ms) for slot in self._fleet.slots)

    def _is_well(self, slot: str, release: str, since_ms: float) -> bool:
        made = self.decisions(slot)
        return bool(
            made
            and made[-1].release == release
            and made[-1].wire_ms > since_ms
            and is_good(made[-1])
        )

    def count_since(self, slot: str, release: str, since_ms: float) -> int:
        rows = self.decisions(slot)
        return sum(row.release == release and row.wire_ms > since_ms for row in rows)


def claims(fleet: Fleet, slot: str) -> list[FenceRecord]:
    """Return who owned a slot, by its journal, by fence."""
    rows = Journal(fleet.storage, slot).rows_after(0).rows
    facts = [entry_of(row).fact for row in rows if row.kind is RowKind.CLAIM]
    records = [fact.record for fact in facts if isinstance(fact, ClaimFact)]
    return sorted(records, key=lambda record: record.fence)


def who_took_back(fleet: Fleet, slots: tuple[str, ...], bad: str, old: str, rollout: str) -> str:
    """Say who brought the old release back, by the claims of the slots."""
    said = set()
    for slot in slots:
        records = claims(fleet, slot)
        served = [record.fence for record in records if record.release == bad]
        back = [r for r in records if r.release == old and served and r.fence > served[0]]
        if back:
            said.add(_way_of(back[0], rollout))
    return ", ".join(sorted(said)) or "nobody"


def _way_of(record: FenceRecord, rollout: str) -> str:
    if record.handoff is None:
        return "supervisor"
    if rollout and record.handoff.startswith(rollout):
        return "the roll"
    return f"rollback {record.handoff.rpartition('-')[0][:12]}"
