"""A whole slot in one thread: durable journal, honest gateway, a seat that may die at any effect.

Effects wait in a list until the test performs one, loses its answer, or kills the life that asked.
"""

from typing import Any

import msgspec

from actors.messages import (
    FenceRecord,
    Intent,
    OutboxPage,
)
from actors.slot.events import (
    AnyEffect,
    AppendEntries,
    AskSnapshot,
    CheckpointDurable,
    ClaimAnswered,
    ClaimFailed,
    IntentAnswered,
    Leave,
    OutboxArrived,
    OutboxFailed,
    PollOutbox,
    Recover,
    Recovered,
    RowsDurable,
    RunStrategy,
    SendClaim,
    SendFailed,
    SendIntent,
    SnapshotArrived,
    SnapshotMissing,
    StrategyAnswered,
    TakeCheckpoint,
    Ticked,
    WakeAt,
)
from actors.slot.facts import DecisionFact, RecordChange
from actors.slot.recovery import MEMORY_PREFIX, FlushBound, fold_rows
from actors.slot.rows import entry_of, row_of
from actors.slot.seat import Seat
from actors.slot.state import SlotState
from actors.slot.step import step
from checkpoints.journal_rows import JournalRow, valid_rows
from checkpoints.records import records_of, struct_from_records
from signals.decision import Decision
from tests.actors.slot.builders import OPEN_MS, SLOT, Memory, identity, seat
from tests.actors.slot.honest_gateway import Gateway
from tests.signals.builders import make_snapshot

NETWORK = (SendClaim, SendIntent, PollOutbox, AskSnapshot)


class Checkpoint(msgspec.Struct, frozen=True):
    state: SlotState
    memory: Memory
    fence: int


class Life:
    """One process start: a seat and the effects that it still waits for."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        restored = world.recover()
        self.seat: Seat = seat(
            state=restored.state, memory=restored.memory, who=identity(life=f"{number}-1")
        )
        self.pending: list[AnyEffect] = []
        self.left = False
        self.apply(Ticked)

    def apply(self, kind: type[Any], **fields: Any) -> None:
        if self.left:
            return
        now_ms = self.world.now_ms
        self.seat, effects = step(self.seat, kind(market_ms=now_ms, wire_ms=now_ms, **fields))
        for effect in effects:
            if isinstance(effect, Leave):
                self.left = True
            if isinstance(effect, AppendEntries):
                for entry, state in zip(effect.entries, effect.states, strict=True):
                    self.world.made[(entry.sequence, entry.fence)] = state
            if not isinstance(effect, WakeAt):
                self.pending.append(effect)

    def perform(self, index: int, *, lost: bool, decision: Decision | None, page: str) -> None:
        effect = self.pending[index]
        if isinstance(effect, AppendEntries):  # one writer, in order
            index = next(i for i, e in enumerate(self.pending) if isinstance(e, AppendEntries))
            effect = self.pending[index]
        del self.pending[index]
        self.world.perform(self, effect, lost=lost, decision=decision, page=page)


class World:
    def __init__(self) -> None:
        self.now_ms = OPEN_MS
        self.gateway = Gateway()
        self.rows: list[JournalRow] = []
        self.checkpoint: Checkpoint | None = None
        self.made: dict[tuple[int, int], SlotState] = {}
        """State after each row, as the life that made it saw it."""
        self.lives = 0

    def open(self) -> Life:
        self.lives += 1
        return Life(self, self.lives)

    # ---- durable things -----------------------------------------------------------------------

    def bounds(self) -> list[FlushBound]:
        first: dict[int, int] = {}
        for row in self.rows:
            first[row.fence] = min(row.sequence, first.get(row.fence, row.sequence))
        return [
            FlushBound(slot=SLOT, fence=fence, journal_sequence=sequence - 1)
            for fence, sequence in first.items()
        ]

    def valid(self) -> list[JournalRow]:
        return valid_rows(self.rows, self.bounds())

    def recover(self, up_to: FenceRecord | None = None) -> Checkpoint:
        """Restore as `slot_recovery.recover` does, without the files."""
        bounds: list[Any] = self.bounds() + ([up_to] if up_to is not None else [])
        kept = self.checkpoint
        if kept is not None and any(
            kept.fence < b.fence and kept.state.journal_sequence > b.journal_sequence
            for b in bounds
        ):
            kept = None
        state = SlotState(slot=SLOT) if kept is None else kept.state
        memory = Memory() if kept is None else kept.memory
        after = [row for row in self.rows if row.sequence > state.journal_sequence]
        folded = fold_rows(state, valid_rows(after, bounds))
        shown = [(row.sequence, row.fence, row.event) for row in self.rows]
        assert folded.gap is None, (folded.gap, state.journal_sequence, state.fence, shown, bounds)
        records = records_of(memory, MEMORY_PREFIX)
        for change in folded.changes:
            assert change.value is not None
            records[(change.segment, change.key)] = change.value
        restored = struct_from_records(Memory, records, MEMORY_PREFIX)
        last = [row for row in self.rows if row.sequence == folded.state.journal_sequence]
        ruling = valid_rows(last, bounds)
        if ruling:
            made = self.made[(ruling[-1].sequence, max(row.fence for row in ruling))]
            assert folded.state == made, "the fold of the journal is the live state"
        fence = 0 if kept is None else kept.fence
        return Checkpoint(folded.state, restored, fence)

    # ---- effects ------------------------------------------------------------------------------

    def perform(
        self, life: Life, effect: AnyEffect, *, lost: bool, decision: Decision | None, page: str
    ) -> None:
        match effect:
            case SendClaim():
                answer = self.gateway.claim(life.seat, effect)
                if lost:
                    life.apply(ClaimFailed, reason="lost")
                else:
                    life.apply(ClaimAnswered, answer=answer)
            case AskSnapshot(due_ms=due_ms):
                self._snapshot(life, due_ms, lost=lost)
            case SendIntent(intent=intent):
                self._send(life, intent, lost=lost)
            case PollOutbox():
                self._poll(life, effect, page, lost=lost)
            case RunStrategy():
                self._decide(life, effect, decision)
            case _:
                self._store(life, effect)

    def _store(self, life: Life, effect: AnyEffect) -> None:
        match effect:
            case AppendEntries():
                self._append(life, effect)
            case TakeCheckpoint():
                self._take(life, effect)
            case Recover(record=record):
                restored = self.recover(record)
                life.apply(Recovered, state=restored.state, memory=restored.memory)
            case _:
                pass

    def _snapshot(self, life: Life, due_ms: int, *, lost: bool) -> None:
        if lost:
            life.apply(SnapshotMissing, due_ms=due_ms, cause="lost")
        else:
            snapshot = make_snapshot(due_ms=due_ms)
            life.apply(SnapshotArrived, due_ms=due_ms, digest=f"d{due_ms}", snapshot=snapshot)

    def _decide(self, life: Life, effect: RunStrategy, decision: Decision | None) -> None:
        memory = effect.memory
        assert isinstance(memory, Memory)
        seen = {**memory.seen, str(effect.due_ms): effect.position.up_shares}
        after = Memory(calls=memory.calls + 1, seen=seen)
        old, new = records_of(memory, MEMORY_PREFIX), records_of(after, MEMORY_PREFIX)
        changes = tuple(
            RecordChange(segment=segment, key=key, value=value)
            for (segment, key), value in new.items()
            if old.get((segment, key)) != value
        )
        life.apply(
            StrategyAnswered,
            due_ms=effect.due_ms,
            decision=decision,
            failed=False,
            memory=after,
            memory_changes=changes,
            pre_state_hash="",
            memory_hash=str(after.calls),
        )

    def _append(self, life: Life, effect: AppendEntries) -> None:
        rows = [
            row_of(life.seat.who, effect.params, entry, state)
            for entry, state in zip(effect.entries, effect.states, strict=True)
        ]
        names = {(row.sequence, row.fence) for row in self.rows}
        assert not names & {(row.sequence, row.fence) for row in rows}, "one writer per fence"
        self.rows += rows
        life.apply(RowsDurable, sequence=rows[-1].sequence)

    def _send(self, life: Life, intent: Intent, *, lost: bool) -> None:
        journaled = {
            known.intent_id
            for row in self.rows
            if isinstance(fact := entry_of(row).fact, DecisionFact)
            for known in fact.intents
        }
        assert intent.intent_id in journaled, "an intent left before its decision row was durable"
        answer = self.gateway.send(intent)
        if lost:
            life.apply(SendFailed, intent_id=intent.intent_id, reason="lost")
        else:
            life.apply(IntentAnswered, intent_id=intent.intent_id, answer=answer)

    def _poll(self, life: Life, effect: PollOutbox, page: str, *, lost: bool) -> None:
        self.gateway.acknowledged = max(self.gateway.acknowledged, effect.acknowledged_sequence)
        kept = 0 if self.checkpoint is None else self.checkpoint.state.outbox_sequence
        assert effect.acknowledged_sequence <= kept, "acknowledged beyond the durable checkpoint"
        if lost or self.gateway.record is None:
            life.apply(OutboxFailed, reason="lost")
            return
        events = self.gateway.outbox[effect.after_sequence :][:4]
        match page:
            case "repeats":
                events = self.gateway.outbox[max(0, effect.after_sequence - 2) :][:4] + events
            case "reversed":
                events = events[::-1]
            case "gap":
                events = events[1:]
        life.apply(
            OutboxArrived,
            page=OutboxPage(
                slot=SLOT,
                fence=self.gateway.record.fence,
                last_sequence=len(self.gateway.outbox),
                events=tuple(events),
            ),
        )

    def _take(self, life: Life, effect: TakeCheckpoint) -> None:
        durable = max((row.sequence for row in self.rows if row.fence == effect.fence), default=0)
        assert effect.state.journal_sequence <= max(durable, life.seat.durable_sequence)
        assert isinstance(effect.memory, Memory)
        present = self.checkpoint
        if present is None or present.fence <= effect.fence:
            self.checkpoint = Checkpoint(effect.state, effect.memory, effect.fence)
        life.apply(
            CheckpointDurable,
            sequence=effect.state.journal_sequence,
            outbox_sequence=effect.state.outbox_sequence,
            digest="",
        )
