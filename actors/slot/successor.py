"""What a successor proves before it owns anything: no loss in the base, and that it can decide."""

import asyncio
from typing import Final

import msgspec

from actors.slot.answer import fault_of
from actors.slot.events import RunStrategy
from actors.slot.facts import DecisionFact
from actors.slot.recovery import MEMORY_PREFIX, entries_after
from actors.slot.requests import Requests
from actors.slot.seat import STRATEGY_TIMEOUT_MS
from actors.slot.shadow import Comparison, Follower
from actors.slot.state import SlotState
from actors.slot.strategy import Answer, StrategyRunner
from actors.slot.versions import Schemas, Versions
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.codec import Checkpoint
from checkpoints.errors import CheckpointsError
from checkpoints.record_set import Delta, RecordSet
from checkpoints.records import Records, records_of, struct_from_records, struct_with
from checkpoints.snapshots import SnapshotStore, decode_snapshot
from signals.market import day_of
from signals.params import Params
from signals.snapshot import Snapshot

PROOF_ROWS: Final = 400
"""Journal rows looked through for a recorded snapshot: more than an hour of a busy slot."""
HELD: Final = "held:"
"""Decisions that the slot, not the strategy, turned down are not compared."""


class WarmError(Exception):
    """Not fit to take the slot over; the release's author must mend what is named."""


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A restored state: as it was sent, and as this release holds it."""

    digest: str
    sequence: int
    state: SlotState
    memory: msgspec.Struct
    sent: RecordSet
    """In the sender's words."""
    own: RecordSet
    """In this release's words, without another strategy's memory."""
    words: Schemas = Schemas()
    versions: Versions = Versions()
    """The sender's."""
    foreign: Records | None = None
    """The sender's memory where its strategy is another one."""

    @property
    def logical_hash(self) -> str:
        """Of the whole state as it was sent."""
        return self.sent.logical_hash()

    def own_hash(self) -> str:
        return self.own.logical_hash()

    def with_delta(self, delta: Delta) -> "Base":
        """Apply what changed since; costs what changed. Uses up this base's record sets.

        Raises `WarmError` unless the change, brought to this release's words and back, is what was
        sent: with the base's own round trip this proves the whole.
        """
        own = self._in_own_schema(delta)
        self.sent.apply(delta)
        self.own.apply(own)
        return msgspec.structs.replace(
            self,
            state=struct_with(self.state, own.upserts, own.deletes),
            memory=struct_with(self.memory, own.upserts, own.deletes, MEMORY_PREFIX),
        )

    def _in_own_schema(self, delta: Delta) -> Delta:
        source, target = self.versions, self.words.own
        if source == target:
            return delta
        before = _touched(self.sent, delta)
        own = self.words.convert_delta(before, delta, source, target)
        back = self.words.convert(own.upserts, target, source)
        if any(back.get(key) != value for key, value in delta.upserts.items()):
            raise WarmError("hash: the change does not read back as it was sent")
        return own


def _touched(records: RecordSet, delta: Delta) -> Records:
    """Return what the set holds of the keys that a delta touches."""
    keys = [*delta.upserts, *delta.deletes]
    return {key: value for key in keys if (value := records.get(*key)) is not None}


class Prover:
    """Restores, decides and compares beside the live loop, with a runner of its own."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._slot = requests.who.slot
        self._words = requests.memory.words
        self._store = CheckpointStore(requests.storage, self._words.state.newest)
        self._snapshots = SnapshotStore(requests.storage)
        strategy = requests.runner.strategy
        self._runner = StrategyRunner(strategy, requests.who.seat.timeframe, RecordSet())
        self._follower: Follower | None = None
        self._comparison = Comparison()
        self._following = asyncio.Lock()
        """One question at a time: a driver that lost an answer asks again while the first runs."""
        self._example: DecisionFact | None = None
        """The latest decision that was seen, with its snapshot: read ahead of the switch."""
        self._example_snapshot: Snapshot | None = None

    def restore(self, digest: str) -> Base:
        """Read the base and prove that nothing is lost on the way in and out again."""
        checkpoint = self._store.restore(self._slot, digest)
        versions = self._words.of(checkpoint.meta, self._requests.memory.strategy)
        if versions != self._words.own:
            self._words.prove(self._provable(checkpoint), versions, self._words.own)
        state, memory = self._state_of(checkpoint)
        records = {**records_of(state), **records_of(memory, MEMORY_PREFIX)}
        wanted = self._own_part(checkpoint)
        if records != wanted:
            changed = min(set(records.items()) ^ set(wanted.items()))
            raise WarmError(f"round_trip: the base does not read back as it was, first {changed}")
        return Base(
            digest=digest,
            sequence=checkpoint.meta.sequence,
            state=state,
            memory=memory,
            sent=RecordSet(checkpoint.upserts),
            own=RecordSet(records),
            words=self._words,
            versions=versions,
            foreign=self._foreign(checkpoint),
        )

    def _is_own(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.meta.strategy == self._requests.memory.strategy

    def _foreign(self, checkpoint: Checkpoint) -> Records | None:
        """Return the memory of another strategy; None where it is this one's."""
        if self._is_own(checkpoint):
            return None
        found = checkpoint.upserts.items()
        return {key: value for key, value in found if key[0].startswith(MEMORY_PREFIX)}

    def _provable(self, checkpoint: Checkpoint) -> Records:
        """Leave out another strategy's memory: nobody here knows its versions."""
        if self._is_own(checkpoint):
            return checkpoint.upserts
        return {k: v for k, v in checkpoint.upserts.items() if not k[0].startswith(MEMORY_PREFIX)}

    def _own_part(self, checkpoint: Checkpoint) -> Records:
        """Return the checkpoint in this release's words, an empty memory for another one's."""
        versions = self._words.of(checkpoint.meta, self._requests.memory.strategy)
        records = self._words.convert(self._provable(checkpoint), versions, self._words.own)
        if self._is_own(checkpoint):
            return records
        return {**records, **records_of(self._requests.memory.kind(), MEMORY_PREFIX)}

    def _state_of(self, checkpoint: Checkpoint) -> tuple[SlotState, msgspec.Struct]:
        records = self._own_part(checkpoint)
        kind = self._requests.memory.kind
        return (
            struct_from_records(SlotState, records),
            struct_from_records(kind, records, MEMORY_PREFIX),
        )

    async def prove(self, state: SlotState, memory: msgspec.Struct, params: Params) -> str:
        """Decide once on the latest recorded snapshot; raise `WarmError` if that fails."""
        fact = await asyncio.to_thread(self._latest_decision, state.journal_sequence)
        if fact is None:
            return "no recorded snapshot to decide on"
        try:
            self._keep(fact, await asyncio.to_thread(self._snapshot, fact))
        except CheckpointsError as error:
            raise WarmError(f"snapshot {fact.snapshot}: {error}") from error
        return await self.verify(state, memory, params)

    async def verify(self, state: SlotState, memory: msgspec.Struct, params: Params) -> str:
        """Decide once more on what is at hand: inside a switch no file is looked for."""
        fact, snapshot = self._example, self._example_snapshot
        if fact is None or snapshot is None:
            return "no recorded snapshot to decide on"
        answer = await self._decide_on(fact, snapshot, state, memory, params)
        if isinstance(answer, str):
            raise WarmError(f"decide: {answer}")
        return f"{answer.decision.action} on {fact.due_ms}: {answer.decision.reason}"

    def _keep(self, fact: DecisionFact, snapshot: Snapshot) -> None:
        self._example, self._example_snapshot = fact, snapshot

    def _latest_decision(self, sequence: int) -> DecisionFact | None:
        after = max(0, sequence - PROOF_ROWS)
        entries = entries_after(self._requests.storage, self._slot, after)
        facts = [entry.fact for entry in entries if isinstance(entry.fact, DecisionFact)]
        return next((fact for fact in reversed(facts) if fact.snapshot is not None), None)

    async def _decide(
        self, fact: DecisionFact, state: SlotState, memory: msgspec.Struct, params: Params
    ) -> Answer | str:
        """Make a recorded decision again; what goes wrong comes back as text."""
        try:
            snapshot = await asyncio.to_thread(self._snapshot, fact)
        except CheckpointsError as error:
            return f"snapshot {fact.snapshot}: {error}"
        self._keep(fact, snapshot)
        return await self._decide_on(fact, snapshot, state, memory, params)

    async def _decide_on(
        self,
        fact: DecisionFact,
        snapshot: Snapshot,
        state: SlotState,
        memory: msgspec.Struct,
        params: Params,
    ) -> Answer | str:
        run = RunStrategy(
            due_ms=fact.due_ms,
            snapshot=snapshot,
            position=fact.position,
            state=state,
            memory=memory,
            params=params,
            timeout_ms=STRATEGY_TIMEOUT_MS,
        )
        answer = await self._runner.run(run)
        if answer.failed:
            return answer.decision.reason
        return fault_of(answer.decision, snapshot.market(fact.timeframe)) or answer

    def _snapshot(self, fact: DecisionFact) -> Snapshot:
        assert fact.snapshot is not None
        return decode_snapshot(self._snapshots.get(fact.snapshot, day_of(fact.due_ms)))

    async def shadow(self, base: Base, recorded: int, params: Params) -> Comparison:
        """Follow the owner's rows as far as they are durable and compare each decision."""
        async with self._following:
            return await self._follow(base, recorded, params)

    async def _follow(self, base: Base, recorded: int, params: Params) -> Comparison:
        follower = self._follower
        if follower is None:
            follower = await asyncio.to_thread(self._follow_from, base, recorded)
            self._follower = follower
        after = follower.state.journal_sequence
        entries = await asyncio.to_thread(entries_after, self._requests.storage, self._slot, after)
        for entry in entries:
            if isinstance(entry.fact, DecisionFact):
                await self._compare(follower, entry.fact, params)
            follower.follow(entry)
        return self._comparison

    def _follow_from(self, base: Base, recorded: int) -> Follower:
        """Begin at the base, or far enough before it for the asked number of decisions."""
        older = [s for s in self._store.sequences(self._slot) if s < base.sequence]
        if not recorded or not older:
            return Follower(base.state, base.memory, self._words, base.versions, base.foreign)
        begin = older[max(0, len(older) - recorded - 1)]
        older_one = self._store.load(self._slot, begin)
        state, memory = self._state_of(older_one)
        owner = self._words.of(older_one.meta, self._requests.memory.strategy)
        return Follower(state, memory, self._words, owner, self._foreign(older_one))

    async def _compare(self, follower: Follower, fact: DecisionFact, params: Params) -> None:
        if fact.snapshot is None or fact.strategy_failed or fact.decision.reason.startswith(HELD):
            return
        if not follower.knows_state(fact.pre_state_hash):
            self._comparison = self._comparison.failed(f"pre_state: differs before {fact.due_ms}")
            return
        answer = await self._decide(fact, follower.state, follower.memory, params)
        if isinstance(answer, str):
            self._comparison = self._comparison.failed(f"{fact.due_ms}: {answer}")
            return
        self._comparison = self._comparison.with_decision(fact, answer.decision)
