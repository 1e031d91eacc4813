"""The decisions that a fleet has stored, each with the snapshot that it was made from."""

from collections.abc import Iterator

from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.snapshots import SnapshotStore, decode_snapshot
from checkpoints.storage import Storage
from signals.snapshot import Snapshot


def stored_decisions(
    storage: Storage, slots: tuple[str, ...]
) -> Iterator[tuple[int, JournalRow, Snapshot]]:
    """Yield due point, row and snapshot of each, slot by slot.

    Left out are those without a snapshot, and those of days that are closed.
    """
    store = SnapshotStore(storage)
    for slot in slots:
        for row in Journal(storage, slot).rows_after(0).rows:
            if row.kind is not RowKind.DECISION or row.snapshot is None or row.due_ms is None:
                continue
            yield row.due_ms, row, decode_snapshot(store.get(row.snapshot))
