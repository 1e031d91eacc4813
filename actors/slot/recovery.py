"""From disk to a slot's state: the latest checkpoint and the journal rows after it, one path.

Rows that a later claim made void are left out. Where a row is missing (a damaged flush) reading
stops: what follows cannot be applied, and the outbox brings every order event again from there.

A release that takes over from a bad one reads what that one wrote. A state that it cannot read is
passed over like a damaged file; a memory that it cannot read is left: the strategy begins with an
empty one, and the slot decides.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from actors.messages import FenceRecord
from actors.slot.facts import DecisionFact, Entry, RecordChange, apply_entry
from actors.slot.rows import entry_of
from actors.slot.state import SlotState
from actors.slot.versions import Schemas
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.codec import Checkpoint
from checkpoints.errors import Damage, UpgradePathError
from checkpoints.journal import JOURNAL, Journal, parse_flush_name
from checkpoints.journal_rows import FenceBound, JournalRow, valid_rows
from checkpoints.record_set import logical_hash_of
from checkpoints.records import Records, records_of, struct_from_records
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
    own_memory: bool = True
    """False: the memory on disk is another strategy's or of another layout; this one is empty."""
    words: Schemas = Schemas()

    def logical_hash(self) -> str:
        """Hash state and memory, as an owner of this release does that hands them over."""
        return logical_hash_of(self._records())

    def reads_as(self, logical_hash: str) -> bool:
        """Tell whether this is what was handed over, in this release's words or in older ones."""
        return logical_hash in self.words.hashes(self._records())

    def _records(self) -> Records:
        return {**records_of(self.state), **records_of(self.memory, MEMORY_PREFIX)}


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    state: SlotState
    changes: tuple[RecordChange, ...]
    """Of the last strategy's memory, in order."""
    changed_under: tuple[int, ...]
    """Version of the memory that each change is of."""
    strategy: str | None
    """The last that decided in these rows."""
    changed_strategy: bool
    """More than one decided in these rows."""
    gap: str | None = None


class MemoryKind(msgspec.Struct, frozen=True, kw_only=True):
    """Whose memory is wanted: another strategy's is not read."""

    strategy: str
    kind: type[msgspec.Struct]
    words: Schemas = Schemas()
    """What this release reads: older checkpoints and rows are converted."""


def recover(
    storage: Storage, slot: str, wanted: MemoryKind, up_to: FenceRecord | None = None
) -> Recovery:
    """Read a slot's state; with a fence record, exactly as far as its sequence."""
    bounds: tuple[FenceBound, ...] = (*flush_bounds(storage, slot), *((up_to,) if up_to else ()))
    words = wanted.words
    begin = _begin(CheckpointStore(storage, words.state.newest), slot, bounds, words)
    found = begin.checkpoint
    stored = words.own if found is None else words.of(found.meta, wanted.strategy)
    read = Journal(storage, slot).rows_after(begin.state.journal_sequence)
    folded = fold_rows(begin.state, valid_rows(read.rows, bounds))
    own = found is not None and found.meta.strategy == wanted.strategy
    memory, damage = _readable_memory(wanted, begin.records if own else {}, stored.memory, folded)
    return Recovery(
        state=folded.state,
        memory=memory,
        checkpoint_sequence=0 if found is None else found.meta.sequence,
        checkpoint_outbox_sequence=0 if found is None else found.meta.outbox_sequence,
        damaged=(*begin.damaged, *read.damaged, *damage),
        gap=folded.gap,
        own_memory=_last_strategy(found, folded) in (None, wanted.strategy) and not damage,
        words=words,
    )


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """Where reading begins: a checkpoint, or nothing."""

    state: SlotState
    records: Records
    checkpoint: Checkpoint | None
    damaged: tuple[Damage, ...]


def _begin(
    store: CheckpointStore, slot: str, bounds: tuple[FenceBound, ...], words: Schemas
) -> Begin:
    """Read the newest checkpoint whose state this release can read."""
    damaged: list[Damage] = []
    before: int | None = None
    while True:
        latest = store.latest(slot, bounds, before)
        damaged += latest.damaged
        found = latest.checkpoint
        if found is None:
            state = SlotState(slot=slot)
            return Begin(state=state, records={}, checkpoint=None, damaged=tuple(damaged))
        try:
            records = words.state.convert(found.upserts, found.meta.schema_version, words.own.state)
            state = struct_from_records(SlotState, records)
        except (msgspec.ValidationError, UpgradePathError) as error:
            damaged.append(
                Damage(name=latest.name or slot, kind="UnreadableState", reason=str(error))
            )
            before = found.meta.sequence
            continue
        return Begin(state=state, records=records, checkpoint=found, damaged=tuple(damaged))


def _readable_memory(
    wanted: MemoryKind, records: Records, version: int, folded: Folded
) -> tuple[msgspec.Struct, tuple[Damage, ...]]:
    """Rebuild the memory; begin with an empty one where this release cannot read what is there."""
    try:
        return _memory(wanted, records, version, folded), ()
    except (msgspec.ValidationError, UpgradePathError) as error:
        reason = f"{error}; {wanted.strategy} begins with an empty memory"
        damage = Damage(name=f"memory of {wanted.strategy}", kind="UnreadableMemory", reason=reason)
        return wanted.kind(), (damage,)


def _last_strategy(found: Checkpoint | None, folded: Folded) -> str | None:
    return folded.strategy or (None if found is None else found.meta.strategy)


def entries_after(storage: Storage, slot: str, sequence: int) -> tuple[Entry, ...]:
    """Return the valid entries after a sequence, up to the first that is missing or unreadable."""
    read = Journal(storage, slot).rows_after(sequence)
    by_sequence = {row.sequence: row for row in valid_rows(read.rows, flush_bounds(storage, slot))}
    entries: list[Entry] = []
    expected = min(by_sequence, default=0)
    while (row := by_sequence.get(expected)) is not None:
        entry = _entry(row)
        if isinstance(entry, str):
            break
        entries.append(entry)
        expected += 1
    return tuple(entries)


class FlushBound(msgspec.Struct, frozen=True, kw_only=True):
    """What a flush's name tells: a fence's first row is its claim, all older ones end before."""

    slot: str
    fence: int
    journal_sequence: int


def flush_bounds(storage: Storage, slot: str) -> tuple[FlushBound, ...]:
    """Return where each fence began, from the names of the journal's files alone."""
    first: dict[int, int] = {}
    for day in storage.folders(JOURNAL):
        for name in storage.names(f"{JOURNAL}/{day}/{slot}/"):
            flush = parse_flush_name(name)
            if flush is not None:
                first[flush.fence] = min(flush.first, first.get(flush.fence, flush.first))
    return tuple(
        FlushBound(slot=slot, fence=fence, journal_sequence=sequence - 1)
        for fence, sequence in sorted(first.items())
    )


def fold_rows(state: SlotState, rows: Iterable[JournalRow]) -> Folded:
    """Apply valid rows in sequence; stop at the first one that is missing or unreadable."""
    rows = [row for row in rows if row.fence >= state.fence]
    entries = {row.sequence: row for row in sorted(rows, key=lambda row: row.fence)}
    decisions: list[DecisionFact] = []
    gap: str | None = None
    last = max(entries, default=0)
    while state.journal_sequence < last and gap is None:
        entry = _entry(entries.get(state.journal_sequence + 1))
        if isinstance(entry, str):
            gap = f"row {state.journal_sequence + 1} {entry}"
            continue
        state = apply_entry(state, entry)
        if isinstance(entry.fact, DecisionFact):
            decisions.append(entry.fact)
    strategies = [fact.strategy for fact in decisions]
    last_strategy = strategies[-1] if strategies else None
    changes = [
        (change, fact.memory_version)
        for fact in decisions
        if fact.strategy == last_strategy
        for change in fact.memory_changes
    ]
    return Folded(
        state=state,
        changes=tuple(change for change, _ in changes),
        changed_under=tuple(version for _, version in changes),
        strategy=last_strategy,
        changed_strategy=len(set(strategies)) > 1,
        gap=gap,
    )


def _entry(row: JournalRow | None) -> Entry | str:
    if row is None:
        return "is missing"
    try:
        return entry_of(row)
    except msgspec.DecodeError as error:
        return f"is unreadable: {error}"


def _memory(wanted: MemoryKind, records: Records, version: int, folded: Folded) -> msgspec.Struct:
    """Rebuild the strategy's memory from checkpointed records and journaled changes.

    A change is of the version that its row names: what it changes is brought there first, and at
    the end all of it to this release's.
    """
    if folded.strategy not in (None, wanted.strategy):
        return wanted.kind()
    chain = wanted.words.memory
    stored = {key: value for key, value in records.items() if key[0].startswith(MEMORY_PREFIX)}
    if not stored or folded.changed_strategy:
        stored, version = records_of(wanted.kind(), MEMORY_PREFIX), chain.newest
    for change, under in zip(folded.changes, folded.changed_under, strict=True):
        if under != version:
            stored, version = chain.convert(stored, version, under), under
        if change.value is None:
            stored.pop((change.segment, change.key), None)
        else:
            stored[(change.segment, change.key)] = change.value
    stored = chain.convert(stored, version, chain.newest)
    return struct_from_records(wanted.kind, stored, MEMORY_PREFIX)
