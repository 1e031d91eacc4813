"""Deliberate faults of the protocol: each takes one rule away, and some seed must notice."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actors import (
    gateway_duties,
    gateway_news,
    gateway_orders,
    gateway_posts,
    gateway_seats,
    gateway_trades,
    risk,
    slot_books,
    slot_deciding,
    slot_owning,
    slot_recovery,
    slot_step,
    slot_writer,
)
from actors.gateway_desk import Desk
from actors.gateway_events import Append, Event, Sign, SignDone
from actors.gateway_step import step as gateway_step
from actors.slot_events import AnyEffect, SendIntent
from actors.slot_handoff import SlotHandoff
from actors.slot_seat import Phase, Seat
from actors.slot_successor import Base, Prover
from actors.venue.port import SignedOrder, Unknown
from checkpoints.record_set import RecordSet
from checkpoints.records import records_of
from cluster import handoff_step, rollout_step
from cluster.handoff_state import Step
from cluster.rolling_update import perform
from cluster.rolling_update.driver import Driver
from tests.simulation.faults import Fault
from tests.simulation.patches import Patch
from tests.simulation.run import Wish
from tests.simulation.strategies import Kind

replace = msgspec.structs.replace


class Mutation(msgspec.Struct, frozen=True):
    name: str
    patches: Callable[[], list[Patch]]
    wish: Wish = Wish()
    """What makes the rule matter often; the seeds themselves stay random."""
    seeds: Sequence[int] = range(40)
    """Some seed of these notices it."""


# ---- the gateway ------------------------------------------------------------------------------


def _no_fence_check() -> list[Patch]:
    return [(gateway_orders, "_fenced", lambda _draft, _intent: None)]


def _fence_for_anyone() -> list[Patch]:
    return [(gateway_seats, "_unfit_successor", lambda _draft, _seat, _request: None)]


def _claim_for_anyone() -> list[Patch]:
    def claim(draft: Any, seat: Any, asked: Any) -> Any:
        return gateway_seats._grant_claim(draft, seat, asked, "")

    def not_owner(_seat: Any, _claim: Any) -> Any:
        return None

    original = gateway_seats._claim

    def mutated(draft: Any, asked: Any) -> Any:
        answer = original(draft, asked)
        seat = draft.ledger.seats.get(asked.slot)
        return claim(draft, seat, asked) if answer is None and seat is not None else answer

    return [(gateway_seats, "_not_owner", not_owner), (gateway_seats, "_claim", mutated)]


def _any_life_is_known() -> list[Patch]:
    return [(gateway_seats, "_already_granted", lambda _owner, _claim: True)]


def _nothing_attested() -> list[Patch]:
    original = handoff_step._warmed

    def warmed(handoff: Any, answer: Any, now: Any) -> Any:
        honest = replace(answer.attestation, release=handoff.new_release)
        moved, effects = original(handoff, replace(answer, attestation=honest), now)
        return replace(moved, warmed=answer) if moved.warmed is not None else moved, effects

    return [
        (gateway_seats, "_unfit", lambda _draft, _attestation, _release: None),
        (handoff_step, "_warmed", warmed),
        *_no_outside_hash(),
    ]


def _no_outside_hash() -> list[Patch]:
    async def warm(calls: Any, handoff: Any, effect: Any) -> Any:
        ask = perform.said.Warm(
            handoff=handoff.handoff, base=effect.base, base_sequence=effect.base_sequence
        )
        return await perform._new(calls, handoff, effect.incarnation, ask, perform.said.WarmAnswer)

    return [(perform, "_warm", warm)]


def _answers_before_fsync() -> list[Patch]:
    async def serve(desk: Any, batch: Sequence[Event]) -> None:
        records: list[Any] = []
        events = list(batch)
        while events:
            signs: list[Sign] = []
            for event in events:
                desk._state, asked = gateway_step(desk._state, event, desk._rules)
                for effect in asked:
                    if isinstance(effect, Append):
                        records += effect.records
                    elif isinstance(effect, Sign):
                        signs.append(effect)
                    else:
                        desk._perform(effect)
            events = await desk._sign(signs)
        if records:
            await desk._append(records)

    return [(Desk, "_serve", serve)]


def _signed_again_on_unknown() -> list[Patch]:
    original = gateway_posts._posted
    write = gateway_orders._write_ahead

    def posted(draft: Any, order_id: str, outcome: Any) -> None:
        order = draft.ledger.orders.get(order_id)
        if not isinstance(outcome, Unknown) or order is None:
            original(draft, order_id, outcome)
            return
        intent = draft.ledger.intents[order.intent_id].intent
        draft.ask(Sign(approved=risk.Approved(intent, risk._SEAL)))

    def signed(draft: Any, event: SignDone) -> None:
        kept = draft.ledger.intents.get(event.intent_id)
        if kept is not None and isinstance(event.outcome, SignedOrder):
            draft.ledger.undecided.setdefault(event.intent_id, kept.intent)
            write(draft, kept.intent, event.outcome)

    return [(gateway_posts, "_posted", posted), (gateway_orders, "_signed", signed)]


def _left_over_intents_forgotten() -> list[Patch]:
    return [(gateway_news, "_judge_left_over", lambda _draft: None)]


def _absence_believed_at_once() -> list[Patch]:
    return [
        (gateway_news, "ABSENCE_GRACE_MS", 0),
        (gateway_news, "LOST_POST_GRACE_MS", 0),
        (gateway_news, "may_post", lambda _draft, _order: False),
    ]


def _a_former_post_is_not_doubted() -> list[Patch]:
    """After a restart nothing is marked unknown and nothing is looked for."""
    return [
        (gateway_duties, "mark_unknown", lambda _draft, _order, _reason: None),
        (gateway_duties, "_look", lambda _draft: None),
    ]


def _a_trade_heard_twice_counts_twice() -> list[Patch]:
    original = gateway_trades.take_trade

    def take(draft: Any, trade: Any) -> None:
        draft.ledger.fills.pop(trade.fill_id, None)
        original(draft, trade)

    return [(gateway_news, "take_trade", take)]


# ---- the slot ---------------------------------------------------------------------------------


def _acknowledged_before_durable() -> list[Patch]:
    original = slot_books.poll

    def poll(seat: Seat, delay_ms: int = 0) -> Any:
        applied = replace(seat, checkpoint_outbox_sequence=seat.state.outbox_sequence)
        moved, effects = original(applied, delay_ms)
        kept = seat.checkpoint_outbox_sequence
        return replace(moved, checkpoint_outbox_sequence=kept), effects

    return [(slot_books, "poll", poll), (slot_owning, "poll", poll)]


def _events_applied_twice() -> list[Patch]:
    original = slot_books._apply
    return [(slot_books, "_apply", lambda seat, event, facts: original(seat, event, facts * 2))]


def _intents_before_rows() -> list[Patch]:
    original = slot_deciding._journal

    def journal(seat: Seat, event: Any, fact: Any) -> Any:
        moved, effects = original(seat, event, fact)
        sends: tuple[AnyEffect, ...] = tuple(
            SendIntent(intent=slot_books.under_fence(seat, intent)) for intent in fact.intents
        )
        return moved, (*sends, *effects)

    return [(slot_deciding, "_journal", journal)]


def _resumed_without_a_claim() -> list[Patch]:
    original = slot_owning.keep_lease

    def keep_lease(seat: Seat, event: Any) -> Any:
        lease = seat.lease
        if lease is None or seat.phase is not Phase.QUIESCED:
            return original(seat, event)
        if event.wire_ms < lease.ends_wire_ms:
            return seat, ()
        return replace(seat, phase=Phase.ACTIVE, lease=None), ()

    return [(slot_step, "keep_lease", keep_lease)]


def _lease_without_an_end() -> list[Patch]:
    return [(slot_step, "keep_lease", lambda seat, _event: (seat, ()))]


def _any_life_adopts() -> list[Patch]:
    original = slot_owning.hear_adopt

    def adopt(seat: Seat, event: Any) -> Any:
        mine = replace(event.record, life=seat.who.life)
        moved, effects = original(seat, replace(event, record=mine))
        return replace(moved, record=event.record), effects

    return [(slot_step, "hear_adopt", adopt)]


def _void_rows_count() -> list[Patch]:
    return [(slot_recovery, "valid_rows", lambda rows, _bounds: list(rows))]


def _rows_durable_before_they_are_written() -> list[Patch]:
    original = slot_writer.RowWriter._write

    async def write(writer: Any) -> None:
        for row in writer._rows:
            writer._on_durable(row.sequence)
        await original(writer)

    return [(slot_writer.RowWriter, "_write", write)]


def _adopted_without_the_hash() -> list[Patch]:
    async def adopted(handoff: Any, ask: Any) -> Any:
        found = slot_recovery.recover(
            handoff._requests.storage,
            handoff._loop.seat.who.slot,
            handoff._requests.memory,
            ask.record,
        )
        return found.state, found.memory, ask.record.logical_hash or ""

    return [
        (SlotHandoff, "_adopted_state", adopted),
        (slot_recovery, "_last_strategy", lambda _found, _folded: "another"),
        *_no_round_trip(),
    ]


def _no_round_trip() -> list[Patch]:
    def restore(prover: Any, digest: str) -> Base:
        checkpoint = prover._store.restore(prover._slot, digest)
        state, memory = prover._state_of(checkpoint)
        records = {**records_of(state), **records_of(memory, slot_recovery.MEMORY_PREFIX)}
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


def _a_failing_decision_confirms() -> list[Patch]:
    original = Driver._seen
    return [(Driver, "_seen", lambda d, slot, row: replace(original(d, slot, row), failure=None))]


def _the_roll_goes_on() -> list[Patch]:
    return [(rollout_step, "_notice_failure", lambda rollout, _now: (rollout, ()))]


MUTATIONS = (
    Mutation(
        "the gateway takes intents of any fence", _no_fence_check, Wish(early=Fault.ZOMBIE_SLOT)
    ),
    Mutation(
        "the gateway fences whoever asks",
        _fence_for_anyone,
        Wish(kinds=(Kind.GOOD,), always={Step.QUIESCING: Fault.PAUSE_DRIVER}),
    ),
    Mutation("the gateway grants any claim", _claim_for_anyone),
    Mutation("the gateway takes any life for the owner's", _any_life_is_known),
    Mutation("nobody compares the digest", _nothing_attested, Wish(kinds=(Kind.OTHER_DIGEST,))),
    Mutation("nobody hashes the files from outside", _no_outside_hash, Wish(kinds=(Kind.LIES,))),
    Mutation("answers and posts leave before the log is durable", _answers_before_fsync),
    Mutation("an unknown order is signed again", _signed_again_on_unknown),
    Mutation("intents left over by a crash are forgotten", _left_over_intents_forgotten),
    Mutation("an order absent from one list has ended", _absence_believed_at_once),
    Mutation("the venue is not looked at", _a_former_post_is_not_doubted),
    Mutation("a trade heard twice counts twice", _a_trade_heard_twice_counts_twice),
    Mutation(
        "the outbox is acknowledged before its rows are durable", _acknowledged_before_durable
    ),
    Mutation("an event is applied twice", _events_applied_twice),
    Mutation("intents leave before their row is durable", _intents_before_rows),
    Mutation(
        "rows count as durable before they are written", _rows_durable_before_they_are_written
    ),
    Mutation(
        "a quiesced owner resumes without a claim",
        _resumed_without_a_claim,
        Wish(kinds=(Kind.GOOD,), always={Step.QUIESCING: Fault.CRASH_DRIVER}),
    ),
    Mutation(
        "a lease never ends",
        _lease_without_an_end,
        Wish(kinds=(Kind.GOOD,), always={Step.QUIESCING: Fault.CRASH_DRIVER}),
    ),
    Mutation(
        "a later life adopts by its predecessor's record",
        _any_life_adopts,
        Wish(
            kinds=(Kind.GOOD,),
            always={Step.QUIESCING: Fault.CRASH_SLOT, Step.FENCING: Fault.PAUSE_GATEWAY},
        ),
    ),
    Mutation("void rows count", _void_rows_count, Wish(kinds=(Kind.RAISES_LATER,))),
    Mutation(
        "a state is adopted without its hash",
        _adopted_without_the_hash,
        Wish(kinds=(Kind.ALTERS_STATE,)),
    ),
    Mutation(
        "a failing decision confirms",
        _a_failing_decision_confirms,
        Wish(kinds=(Kind.RAISES_LATER,)),
    ),
    Mutation("a roll goes on after a failure", _the_roll_goes_on, Wish(kinds=(Kind.RAISES,))),
)
