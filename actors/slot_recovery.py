"""From disk to a slot's state: the latest checkpoint and the journal rows after it, one path.

Rows that a later claim made void are left out. Where a row is missing (a damaged flush) reading
stops: what follows cannot be applied, and the outbox brings every order event again from there.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from actors.messages import FenceRecord
from actors.slot_facts import ClaimFact, DecisionFact, Entry, RecordChange, apply_entry
from actors.slot_rows import entry_of
from actors.slot_state import SlotState
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.errors import Damage
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, valid_rows
from checkpoints.record_set import Delta, RecordSet
from checkpoints.records import Records, struct_from_records
from checkpoints.storage import Storage

MEMORY_PREFIX: Final = "memory."


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    state: SlotState
    memory: msgspec.Struct
    checkpoint_sequence: int
    checkpoint_outbox_sequence: int
    damaged: tuple[Damage, ...]
    gap: str | None
    """What stopped the reading of the journal, if anything did."""


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    state: SlotState
    changes: tuple[RecordChange, ...]
    """Of the strategy's memory, in order."""
    gap: str | None = None


def recover(
    storage: Storage, slot: str, memory_kind: type[msgspec.Struct], up_to: FenceRecord | None = None
) -> Recovery:
    """Read a slot's state; with a fence record, exactly as far as its sequence."""
    latest = CheckpointStore(storage).latest(slot)
    found = latest.checkpoint
    records: Records = {} if found is None else dict(found.records)
    state = SlotState(slot=slot) if found is None else struct_from_records(SlotState, records)
    if up_to is not None and state.journal_sequence > up_to.journal_sequence:
        records, state, found = {}, SlotState(slot=slot), None
    read = Journal(storage, slot).rows_after(state.journal_sequence)
    folded = fold_rows(state, read.rows, up_to)
    return Recovery(
        state=folded.state,
        memory=_memory(memory_kind, records, folded.changes),
        checkpoint_sequence=0 if found is None else found.meta.sequence,
        checkpoint_outbox_sequence=0 if found is None else found.meta.outbox_sequence,
        damaged=(*latest.damaged, *read.damaged),
        gap=folded.gap,
    )


def fold_rows(
    state: SlotState, rows: Iterable[JournalRow], up_to: FenceRecord | None = None
) -> Folded:
    """Apply rows in sequence to a state; stop at the first one that is missing or unreadable."""
    rows = list(rows)
    entries = {row.sequence: row for row in _ruling(state, rows, up_to)}
    changes: list[RecordChange] = []
    last = max(entries, default=0)
    while state.journal_sequence < last:
        row = entries.get(state.journal_sequence + 1)
        if row is None:
            return _stopped(state, changes, f"row {state.journal_sequence + 1} is missing")
        try:
            entry = entry_of(row)
        except msgspec.DecodeError as error:
            return _stopped(state, changes, f"row {row.sequence} is unreadable: {error}")
        state = apply_entry(state, entry)
        if isinstance(entry.fact, DecisionFact):
            changes += entry.fact.memory_changes
    return Folded(state=state, changes=tuple(changes))


def _stopped(state: SlotState, changes: list[RecordChange], gap: str) -> Folded:
    return Folded(state=state, changes=tuple(changes), gap=gap)


def _ruling(
    state: SlotState, rows: list[JournalRow], up_to: FenceRecord | None
) -> list[JournalRow]:
    """Leave out rows that a later fence made void; later fences win a sequence."""
    rows = [row for row in rows if row.fence >= state.fence]
    fences = [record for row in rows if (record := _claimed(row)) is not None]
    if up_to is not None:
        fences.append(up_to)
    return sorted(valid_rows(rows, fences), key=lambda row: (row.sequence, row.fence))


def _claimed(row: JournalRow) -> FenceRecord | None:
    if row.kind != "claim":
        return None
    try:
        entry: Entry = entry_of(row)
    except msgspec.DecodeError:
        return None
    return entry.fact.record if isinstance(entry.fact, ClaimFact) else None


def _memory(
    kind: type[msgspec.Struct], records: Records, changes: tuple[RecordChange, ...]
) -> msgspec.Struct:
    """Rebuild the strategy's memory from checkpointed records and journaled changes."""
    memory = RecordSet({key: v for key, v in records.items() if key[0].startswith(MEMORY_PREFIX)})
    for change in changes:
        key = (change.segment, change.key)
        if change.value is None:
            memory.apply(Delta(upserts={}, deletes=(key,)))
        else:
            memory.apply(Delta(upserts={key: change.value}))
    if not len(memory):
        return kind()
    return struct_from_records(kind, memory.records(), MEMORY_PREFIX)
