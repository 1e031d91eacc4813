"""Shadow: a standby decides what the owner decided, from the owner's own state, and compares.

It follows the owner's journal rows exactly: snapshot, applied sequence, state and memory before
each decision. Its answers go nowhere.
"""

from typing import Final

import msgspec

from actors.rollout.handoff_messages import SHADOW_DIFFERENCES_KEPT, ShadowDifference
from actors.slot.facts import DecisionFact, Entry, apply_entry
from actors.slot.recovery import MEMORY_PREFIX
from actors.slot.state import SlotState
from actors.slot.versions import Schemas, Versions
from checkpoints.record_set import Delta, RecordSet, logical_hash_of
from checkpoints.records import Records, records_of, struct_from_records
from signals.decision import Decision

HASHES_KEPT: Final = 64
"""A decision names the state it was made from; order events may be journaled while it is made."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    field: str
    owner: str
    shadow: str


def first_difference(owner: Decision, shadow: Decision) -> Difference | None:
    """Compare canonical bytes; name the first field that differs."""
    for name in owner.__struct_fields__:
        left = msgspec.json.encode(getattr(owner, name), order="sorted")
        right = msgspec.json.encode(getattr(shadow, name), order="sorted")
        if left != right:
            return Difference(field=name, owner=left.decode(), shadow=right.decode())
    return None


class Follower:
    """The owner's state and memory, row by row: read in this release's words, hashed in its own."""

    def __init__(
        self,
        state: SlotState,
        memory: msgspec.Struct,
        words: Schemas | None = None,
        owner: Versions | None = None,
        foreign: Records | None = None,
    ) -> None:
        """Begin at a state of the owner.

        `foreign`: memory of the owner's strategy where that is another one; then `memory` is a
        beginner's, and these records only make the owner's hashes.
        """
        self.state = state
        self._kind = type(memory)
        self._words = words or Schemas()
        self._owner = owner or self._words.own
        self._beginner = None if foreign is None else memory
        self._memory_records = self._words.memory.convert(
            records_of(memory, MEMORY_PREFIX), self._words.own.memory, self._owner.memory
        )
        if foreign is not None:
            self._memory_records = dict(foreign)
        self._set = RecordSet()
        self._hashes: list[str] = []
        self._remember()

    @property
    def memory(self) -> msgspec.Struct:
        if self._beginner is not None:
            return self._beginner
        own = self._words.memory.convert(
            self._memory_records, self._owner.memory, self._words.own.memory
        )
        return struct_from_records(self._kind, own, MEMORY_PREFIX)

    def knows_state(self, pre_state_hash: str | None) -> bool:
        """Tell whether a decision's pre-state is one of the latest states followed."""
        return pre_state_hash is None or pre_state_hash in self._hashes

    def follow(self, entry: Entry) -> None:
        self.state = apply_entry(self.state, entry)
        if isinstance(entry.fact, DecisionFact):
            for change in entry.fact.memory_changes:
                if change.value is None:
                    self._memory_records.pop((change.segment, change.key), None)
                else:
                    self._memory_records[(change.segment, change.key)] = change.value
        self._remember()

    def _remember(self) -> None:
        self._set.apply_struct(self.state)
        memory = {key: value for key, value in self._set.records().items() if _is_memory(key)}
        gone = tuple(key for key in memory if key not in self._memory_records)
        self._set.apply(Delta(upserts=self._memory_records, deletes=gone))
        self._hashes = [*self._hashes[-HASHES_KEPT:], self._hash()]

    def _hash(self) -> str:
        """Hash in the owner's words: its memory is kept in them, its state is converted."""
        own, owner = self._words.own.state, self._owner.state
        if own == owner:
            return self._set.logical_hash()
        return logical_hash_of(self._words.state.convert(self._set.records(), own, owner))


def _is_memory(key: tuple[str, str]) -> bool:
    return key[0].startswith(MEMORY_PREFIX)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How the shadow's decisions compare so far."""

    compared: int = 0
    differing: int = 0
    differences: tuple[ShadowDifference, ...] = ()
    failure: str | None = None

    def failed(self, failure: str) -> "Comparison":
        return msgspec.structs.replace(self, failure=self.failure or failure)

    def with_decision(self, fact: DecisionFact, shadow: Decision) -> "Comparison":
        found = first_difference(fact.decision, shadow)
        if found is None:
            return msgspec.structs.replace(self, compared=self.compared + 1)
        named = ShadowDifference(
            due_ms=fact.due_ms, field=found.field, owner=found.owner, shadow=found.shadow
        )
        kept = (*self.differences, named)[:SHADOW_DIFFERENCES_KEPT]
        return msgspec.structs.replace(
            self, compared=self.compared + 1, differing=self.differing + 1, differences=kept
        )
