"""The slot machine, one rule a test: the gateway's outbox and who acknowledges what."""

from actors.messages import (
    IntentFenced,
)
from actors.slot.events import (
    CheckpointDurable,
    IntentAnswered,
    Leave,
    OutboxArrived,
    PollOutbox,
    SendIntent,
)
from actors.slot.facts import DecisionFact, NoteFact
from actors.slot.seat import Phase
from tests.actors.slot.builders import (
    DUE_MS,
    trade,
)
from tests.actors.slot.stepped import Slot, facts, only, page


def test_outbox_repeats_are_skipped_and_order_is_restored() -> None:
    slot = Slot().start()
    slot.apply(OutboxArrived, page=page(2, 1, 1))
    slot.apply(OutboxArrived, page=page(1, 2, 3))
    assert slot.seat.state.outbox_sequence == 3


def test_gap_is_refused_and_asked_again_and_at_last_noted() -> None:
    slot = Slot().start()
    for _ in range(3):
        effects = slot.apply(OutboxArrived, page=page(1, 3))
        assert slot.seat.state.outbox_sequence == 1
        assert only(effects, PollOutbox).after_sequence == 1
    assert facts(slot.effects, NoteFact)[0].code == "outbox_gap"
    effects = slot.decide(trade())
    assert facts(effects, DecisionFact)[0].decision.reason.startswith("held: ")
    slot.apply(OutboxArrived, page=page(2, 3))
    assert slot.seat.outbox_gaps == 0


def test_acknowledged_sequence_is_that_of_the_last_durable_checkpoint() -> None:
    slot = Slot().start()
    effects = slot.apply(OutboxArrived, page=page(1))
    assert only(effects, PollOutbox).acknowledged_sequence == 0
    slot.apply(CheckpointDurable, sequence=2, outbox_sequence=1, digest="x")
    assert only(slot.apply(OutboxArrived, page=page(2)), PollOutbox).acknowledged_sequence == 1


def test_higher_fence_in_the_outbox_or_a_refused_intent_ends_the_life() -> None:
    slot = Slot().start()
    only(slot.apply(OutboxArrived, page=page(1, fence=2)), Leave)
    slot = Slot().start()
    slot.decide(trade())
    sent = only(slot.durable(), SendIntent).intent
    fenced = IntentFenced(intent_id=sent.intent_id, reason="fence 2")
    only(slot.apply(IntentAnswered, intent_id=sent.intent_id, answer=fenced), Leave)
    assert slot.seat.phase is Phase.RETIRED


def test_new_owner_sends_unanswered_intents_under_its_own_fence_and_their_own_tags() -> None:
    slot = Slot().start()
    slot.decide(trade())
    state = slot.seat.state
    again = Slot(now_ms=DUE_MS + 1_000, state=state).start(fence=5)
    sent = only(again.effects, SendIntent).intent
    assert (sent.fence, sent.due_ms, sent.release) == (5, DUE_MS, "ab" * 32)
