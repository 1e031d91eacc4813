"""Rules of the slot and of the rollout that a mutation takes away."""

from typing import Any

from msgspec.structs import replace

from actors.rollout import rollout_step
from actors.rollout.driver import Driver
from actors.slot import (
    books,
    deciding,
    owning,
    recovery,
    step,
    writer,
)
from actors.slot.events import AnyEffect, SendIntent
from actors.slot.handoff import SlotHandoff
from actors.slot.seat import Phase, Seat
from actors.slot.successor import Base, Prover
from checkpoints.record_set import RecordSet
from checkpoints.records import records_of
from tests.simulation.patches import Patch


def acknowledged_before_durable() -> list[Patch]:
    original = books.poll

    def poll(seat: Seat, delay_ms: int = 0) -> Any:
        applied = replace(seat, checkpoint_outbox_sequence=seat.state.outbox_sequence)
        moved, effects = original(applied, delay_ms)
        kept = seat.checkpoint_outbox_sequence
        return replace(moved, checkpoint_outbox_sequence=kept), effects

    return [(books, "poll", poll), (owning, "poll", poll)]


def events_applied_twice() -> list[Patch]:
    original = books._apply
    return [(books, "_apply", lambda seat, event, facts: original(seat, event, facts * 2))]


def intents_before_rows() -> list[Patch]:
    original = deciding._journal

    def journal(seat: Seat, event: Any, fact: Any) -> Any:
        moved, effects = original(seat, event, fact)
        sends: tuple[AnyEffect, ...] = tuple(
            SendIntent(intent=books.under_fence(seat, intent)) for intent in fact.intents
        )
        return moved, (*sends, *effects)

    return [(deciding, "_journal", journal)]


def resumed_without_a_claim() -> list[Patch]:
    original = owning.keep_lease

    def keep_lease(seat: Seat, event: Any) -> Any:
        lease = seat.lease
        if lease is None or seat.phase is not Phase.QUIESCED:
            return original(seat, event)
        if event.wire_ms < lease.ends_wire_ms:
            return seat, ()
        return replace(seat, phase=Phase.ACTIVE, lease=None), ()

    return [(step, "keep_lease", keep_lease)]


def lease_without_an_end() -> list[Patch]:
    return [(step, "keep_lease", lambda seat, _event: (seat, ()))]


def any_life_adopts() -> list[Patch]:
    original = owning.apply_adopt

    def adopt(seat: Seat, event: Any) -> Any:
        mine = replace(event.record, life=seat.who.life)
        moved, effects = original(seat, replace(event, record=mine))
        return replace(moved, record=event.record), effects

    return [(step, "apply_adopt", adopt)]


def void_rows_count() -> list[Patch]:
    return [(recovery, "valid_rows", lambda rows, _bounds: list(rows))]


def rows_durable_before_they_are_written() -> list[Patch]:
    original = writer.RowWriter._write

    async def write(writer: Any) -> None:
        for row in writer._rows:
            writer._on_durable(row.sequence)
        await original(writer)

    return [(writer.RowWriter, "_write", write)]


def adopted_without_the_hash() -> list[Patch]:
    async def adopted(handoff: Any, ask: Any) -> Any:
        found = recovery.recover(
            handoff._requests.storage,
            handoff._loop.seat.who.slot,
            handoff._requests.memory,
            ask.record,
        )
        return found.state, found.memory, ask.record.logical_hash or ""

    return [
        (SlotHandoff, "_adopted_state", adopted),
        (recovery, "_last_strategy", lambda _found, _folded: "another"),
        *no_round_trip(),
    ]


def no_round_trip() -> list[Patch]:
    def restore(prover: Any, digest: str) -> Base:
        checkpoint = prover._store.restore(prover._slot, digest)
        state, memory = prover._state_of(checkpoint)
        records = {**records_of(state), **records_of(memory, recovery.MEMORY_PREFIX)}
        return Base(
            digest=digest,
            sequence=checkpoint.meta.sequence,
            state=state,
            memory=memory,
            sent=RecordSet(checkpoint.upserts),
            own=RecordSet(records),
        )

    return [(Prover, "restore", restore)]


# ---- the rollout ------------------------------------------------------------------------------


def a_failing_decision_confirms() -> list[Patch]:
    original = Driver._seen
    return [(Driver, "_seen", lambda d, slot, row: replace(original(d, slot, row), failure=None))]


def the_roll_goes_on() -> list[Patch]:
    return [(rollout_step, "_notice_failure", lambda rollout, _now: (rollout, ()))]
