"""From intent to order: received once, written ahead, posted as the same bytes, then known."""

import pytest

from actors.gateway.events import (
    Answer,
    Append,
    Cancel,
    CancelDone,
    IntentArrived,
    PollVenue,
    Post,
    PostHeld,
    Sign,
    SignDone,
    Started,
)
from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger
from actors.gateway.market_events import AskBook, AskMarket
from actors.gateway.order_life import OrderState
from actors.gateway.records import GenerationTaken, OrderWritten
from actors.messages import IntentFenced, IntentReceived, OrderEnd, Refusal
from actors.venue.port import (
    Cancelled,
    Duplicated,
    Rejected,
    Unavailable,
    UnavailableKind,
    Unknown,
    Unsignable,
)
from signals.decision import Style
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, Machine, intent, signed
from tests.actors.gateway.venue_answers import LIVE, end_of, listed, posted, trade


def test_an_approved_intent_is_signed_then_written_ahead_then_posted() -> None:
    machine = Machine().start()
    sent = machine.send(intent())
    assert isinstance(sent[0], Append)
    answer = next(effect for effect in sent if isinstance(effect, Answer))
    assert answer.message == IntentReceived(intent_id=intent().intent_id, known=False)
    asked = [type(effect) for effect in sent if isinstance(effect, AskMarket | AskBook | Sign)]
    assert asked == [AskMarket, AskBook, Sign]
    outcome = signed("one")
    effects = machine.apply(SignDone(intent_id=intent().intent_id, outcome=outcome, **machine.at))
    append, post = effects
    assert isinstance(append, Append)
    written = append.records[0]
    assert isinstance(written, OrderWritten)
    assert written.body == outcome.body
    assert post == Post(signed=outcome)


def test_each_event_of_an_order_says_which_release_of_the_gateway_said_it() -> None:
    machine = Machine()
    machine.apply(Started(generation=1, name="gateway/1", life="1-1", release="old", **machine.at))
    machine.poll()
    machine.own("btc-5m")
    order_id = machine.order()
    machine.send(intent(shares=MicroShares(10**12), due_ms=intent().due_ms + 1))
    machine.apply(Started(generation=2, name="gateway/2", life="2-1", release="new", **machine.at))
    posted(machine, order_id, LIVE)
    said = [
        (type(event).__name__, event.gateway_release)
        for event in machine.state.ledger.outbox["btc-5m"].events
    ]
    assert said == [
        ("OrderSigned", "old"),
        ("IntentRefused", "old"),
        ("OrderUnknown", "new"),
        ("OrderOpened", "new"),
    ]
    assert [one.release for one in machine.records if isinstance(one, GenerationTaken)] == [
        "old",
        "new",
    ]
    assert fold(Ledger(), machine.records) == machine.state.ledger


def test_the_first_content_of_an_intent_id_counts_and_is_never_signed_again() -> None:
    machine = Machine().start()
    machine.order()
    other = intent(price=PriceMicroUsd(400_000))
    effects = machine.send(other)
    assert effects == (
        Answer(reply_to=3, message=IntentReceived(intent_id=other.intent_id, known=True)),
    )


@pytest.mark.parametrize(
    "changes", [{"fence": 0}, {"fence": 2}, {"incarnation": 2}, {"slot": "eth-5m"}]
)
def test_an_intent_of_another_than_the_owner_leaves_no_trace(changes: dict[str, object]) -> None:
    machine = Machine().start()
    before = machine.state.ledger
    (answer,) = machine.send(intent(**changes))
    assert isinstance(answer, Answer)
    assert isinstance(answer.message, IntentFenced)
    assert machine.state.ledger == before


def test_an_intent_id_that_does_not_name_its_point_is_not_understood() -> None:
    machine = Machine().start()
    (answer,) = machine.send(intent(intent_id="btc-5m/1/2/0"))
    assert isinstance(answer, Answer)
    assert isinstance(answer.message, Refusal)
    assert not machine.state.ledger.intents


def test_what_cannot_be_signed_is_refused_once() -> None:
    machine = Machine().start()
    machine.send(intent())
    outcome = Unsignable(code="input", reason="off tick")
    machine.apply(SignDone(intent_id=intent().intent_id, outcome=outcome, **machine.at))
    assert machine.outbox() == ["IntentRefused"]
    assert machine.state.ledger.intents[intent().intent_id].refusal == "unsignable_input"


def test_an_accepted_order_is_open_until_its_fills_complete_it() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    machine.poll(orders=(listed(order_id),), trades=(trade(order_id, 4_000_000),))
    assert machine.state.ledger.orders[order_id].remaining_shares == 6_000_000
    machine.poll(trades=(trade(order_id, 4_000_000), trade(order_id, 6_000_000, name="t2")))
    assert end_of(machine, order_id) is OrderEnd.FILLED
    assert machine.outbox() == ["OrderSigned", "OrderOpened", "Filled", "Filled", "OrderEnded"]


def test_a_lost_answer_is_looked_up_and_the_same_bytes_are_posted_again() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, Unknown(reason="timeout"))
    assert machine.state.ledger.orders[order_id].state is OrderState.UNKNOWN
    machine.tick(wire_ms=5_000)
    assert machine.asked(PollVenue)
    machine.poll()
    assert machine.asked(Post) == [Post(signed=signed("one"))]
    posted(machine, order_id, Duplicated())
    assert machine.state.ledger.orders[order_id].state is OrderState.OPEN


def test_a_lost_answer_whose_order_is_listed_needs_no_second_post() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, Unknown(reason="timeout"))
    machine.wire_ms += 5_000
    machine.poll(orders=(listed(order_id),))
    assert not machine.asked(Post)
    assert machine.state.ledger.orders[order_id].state is OrderState.OPEN


def test_a_fill_proves_that_a_lost_post_landed() -> None:
    machine = Machine().start()
    order_id = machine.order(intent(style=Style.TAKE))
    posted(machine, order_id, Unknown(reason="timeout"))
    machine.wire_ms += 60_000
    machine.poll(trades=(trade(order_id, 3_000_000),))
    assert not machine.asked(Post)
    assert end_of(machine, order_id) is OrderEnd.KILLED
    machine.poll(trades=(trade(order_id, 3_000_000),))
    assert machine.outbox().count("Filled") == 1


def test_a_refusal_after_a_lost_answer_proves_nothing_and_is_looked_up() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, Unknown(reason="timeout"))
    machine.wire_ms += 5_000
    machine.poll()
    posted(machine, order_id, Rejected(code="not_enough_balance", message="balance"))
    assert machine.state.ledger.orders[order_id].state is OrderState.UNKNOWN
    machine.wire_ms += 1_000
    machine.poll(orders=(listed(order_id),))
    assert machine.state.ledger.orders[order_id].state is OrderState.OPEN


def test_a_refused_first_post_ends_the_order() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, Rejected(code="post_only_would_cross", message="crosses"))
    assert end_of(machine, order_id) is OrderEnd.REJECTED
    assert machine.state.ledger.ended[order_id].body == b""


def test_a_taking_order_that_found_nothing_is_killed() -> None:
    machine = Machine().start()
    order_id = machine.order(intent(style=Style.TAKE))
    posted(machine, order_id, Rejected(code="fak_not_filled", message="no orders found"))
    assert end_of(machine, order_id) is OrderEnd.KILLED


def test_an_unavailable_venue_gets_the_same_bytes_later_while_the_window_lasts() -> None:
    machine = Machine().start()
    order_id = machine.order()
    restarting = Unavailable(kind=UnavailableKind.RESTARTING, retry_after_ms=2_000)
    posted(machine, order_id, restarting)
    assert machine.state.ledger.orders[order_id].state is OrderState.WRITTEN
    machine.tick(wire_ms=1_999)
    assert not machine.asked(Post)
    machine.tick(wire_ms=1)
    assert machine.asked(Post) == [Post(signed=signed("one"))]


def test_an_order_that_was_never_taken_ends_as_never_sent_after_a_look_shows_it_absent() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, Unavailable(kind=UnavailableKind.RESTARTING, retry_after_ms=2_000))
    machine.market_ms = CLOSE_MS
    machine.tick(wire_ms=3_000)
    assert not machine.asked(Post)
    machine.poll()
    assert end_of(machine, order_id) is None, "too soon after the last answer"
    machine.wire_ms += 10_000
    machine.poll()
    assert end_of(machine, order_id) is OrderEnd.NEVER_SENT


def test_a_post_that_the_last_look_forbade_is_tried_later() -> None:
    machine = Machine().start()
    order_id = machine.order()
    machine.apply(PostHeld(order_id=order_id, reason="HALT", **machine.at))
    machine.tick(wire_ms=5_000)
    assert machine.asked(Post) == [Post(signed=signed("one"))]


def test_resting_orders_are_cancelled_before_the_close_and_end_when_gone() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    machine.market_ms = CLOSE_MS - 20_001
    assert not [e for e in machine.tick(wire_ms=5_000) if isinstance(e, Cancel)]
    machine.tick(market_ms=1)
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id,))]
    machine.tick(wire_ms=500)
    assert not machine.asked(Cancel), "not again at once"
    machine.apply(
        CancelDone(order_ids=(order_id,), outcome=Cancelled(cancelled=(order_id,)), **machine.at)
    )
    assert end_of(machine, order_id) is None, "its last fills are not known yet"
    machine.wire_ms += 200
    machine.poll(trades=(trade(order_id, 2_000_000),))
    assert end_of(machine, order_id) is OrderEnd.CANCELLED
    assert machine.state.ledger.ended[order_id].filled_shares == 2_000_000


def test_an_open_order_that_vanished_was_cancelled_by_the_venue() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    machine.wire_ms += 1_000
    machine.poll()
    assert end_of(machine, order_id) is None, "lists may lag"
    machine.wire_ms += 1_500
    machine.poll()
    assert end_of(machine, order_id) is OrderEnd.CANCELLED
    assert "venue" in machine.state.ledger.ended[order_id].reason


def test_recovery_doubts_what_was_written_and_judges_what_was_left_over() -> None:
    first = Machine().start()
    first.order()
    first.own("eth-5m")
    left = intent(slot="eth-5m")
    first.apply(IntentArrived(reply_to=3, intent=left, **first.at))
    second = Machine(ledger=fold(Ledger(), first.records))
    second.apply(Started(generation=2, name="gateway/1", life="2-1", **second.at))
    assert second.state.ledger.orders["0xone"].state is OrderState.UNKNOWN
    second.poll()
    second.answer_facts(second.effects)
    assert [e.approved.intent for e in second.asked(Sign) if isinstance(e, Sign)] == [left]
    assert second.asked(Post) == [Post(signed=signed("one"))]
