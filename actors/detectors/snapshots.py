"""The snapshots that the slots decided on, by cycle, read back for the input detectors."""

from typing import Final

from actors.runtime import log_event
from checkpoints.errors import CheckpointsError
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.snapshots import SnapshotStore, decode_snapshot
from checkpoints.storage import Storage
from signals.market import CYCLE_MS, Slot, day_of
from signals.snapshot import Snapshot

WAIT_MS: Final = CYCLE_MS
"""Market ms after a decision point: by then every slot has decided, or has missed it."""
OPEN_MAX: Final = 64
"""Cycles that wait; beyond it the oldest is let go."""


class Cycles:
    """Remembers which snapshots belong together. Used by one thread at a time."""

    def __init__(self, storage: Storage) -> None:
        self._store = SnapshotStore(storage)
        self._open: dict[int, dict[str, str]] = {}

    def apply(self, row: JournalRow) -> None:
        """Take a decision's snapshot: one of each asset and decision point."""
        if row.kind is not RowKind.DECISION or row.due_ms is None or row.snapshot is None:
            return
        cycle = self._open.setdefault(row.due_ms, {})
        cycle[str(Slot.parse(row.slot).asset)] = row.snapshot
        if len(self._open) > OPEN_MAX:
            del self._open[min(self._open)]

    def closed(self, market_ms: int) -> list[tuple[Snapshot, ...]]:
        """Return the cycles that are long enough past, oldest first, each once."""
        ready = sorted(due_ms for due_ms in self._open if due_ms + WAIT_MS <= market_ms)
        return [self._read(due_ms, self._open.pop(due_ms)) for due_ms in ready]

    def _read(self, due_ms: int, digests: dict[str, str]) -> tuple[Snapshot, ...]:
        found: list[Snapshot] = []
        for digest in digests.values():
            try:
                found.append(decode_snapshot(self._store.get(digest, day_of(due_ms))))
            except CheckpointsError as error:  # replay and audit name it; here one is left out
                log_event("snapshot_not_read", digest=digest, reason=str(error))
        return tuple(found)
