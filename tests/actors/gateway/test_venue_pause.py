"""The venue restarts, takes resting orders or cancels only, or nothing: no new risk meanwhile."""

import pytest

from actors.gateway.events import (
    BeatDone,
    Cancel,
    CancelDone,
    Post,
    PostDone,
    TradingAsked,
    VenuePolled,
)
from actors.gateway.order_life import OrderState
from actors.gateway.venue_pause import LONG_MS, PURCHASE_FRESH_MS, why_paused
from actors.messages import IntentRefused, OrderEnd, SetTrading, TradingState
from actors.venue.port import (
    Rejected,
    TradeStatus,
    Unavailable,
    UnavailableKind,
    Unknown,
)
from signals.decision import Style
from signals.market import Side
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import Machine, intent
from tests.actors.gateway.venue_answers import LIVE, alarms, end_of, posted, trade

PAUSES = [
    UnavailableKind.RESTARTING,
    UnavailableKind.POST_ONLY,
    UnavailableKind.CANCEL_ONLY,
    UnavailableKind.DISABLED,
]


def unavailable(kind: UnavailableKind, retry_after_ms: int = 5_000) -> Unavailable:
    return Unavailable(kind=kind, retry_after_ms=retry_after_ms)


def refusals(machine: Machine) -> list[str]:
    box = machine.state.ledger.outbox.get("btc-5m")
    told = box.events if box else ()
    return [event.code for event in told if isinstance(event, IntentRefused)]


def hold(machine: Machine) -> None:
    """Buy ten shares, confirmed."""
    order_id = machine.order(intent(leg=9, price=PriceMicroUsd(500_000)), name="held")
    posted(machine, order_id, LIVE)
    machine.poll(trades=(trade(order_id, status=TradeStatus.CONFIRMED),))


def ask(machine: Machine, leg: int, **changes: object) -> None:
    """Send an intent of other content than those before."""
    price = PriceMicroUsd(400_000 + 10_000 * leg)
    machine.send(intent(leg=leg, price=price, **changes))


@pytest.mark.parametrize("kind", PAUSES)
def test_nothing_is_bought_until_the_time_that_the_venue_named_and_then_it_is_asked_again(
    kind: UnavailableKind,
) -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, unavailable(kind))
    ask(machine, 1)
    ask(machine, 2, style=Style.TAKE)
    assert refusals(machine) == ["venue_paused", "venue_paused"]
    assert kind in why_paused(machine.state.flight.pause, machine.wire_ms)
    machine.wire_ms += 5_000
    ask(machine, 3)
    assert refusals(machine) == ["venue_paused", "venue_paused"], "asked again by itself"
    machine.tick()
    posted(machine, order_id, LIVE)
    assert machine.state.flight.pause is None


@pytest.mark.parametrize("kind", PAUSES)
def test_a_cancel_or_a_heartbeat_tells_of_a_pause_too(kind: UnavailableKind) -> None:
    for told in (
        lambda m: CancelDone(order_ids=("0xone",), outcome=unavailable(kind), **m.at),
        lambda m: BeatDone(outcome=unavailable(kind), **m.at),
    ):
        machine = Machine().start()
        machine.apply(told(machine))
        ask(machine, 1)
        assert refusals(machine) == ["venue_paused"]


def test_what_is_held_may_be_sold_while_nothing_is_bought() -> None:
    machine = Machine().start()
    hold(machine)
    machine.apply(BeatDone(outcome=unavailable(UnavailableKind.RESTARTING), **machine.at))
    ask(machine, 1, side=Side.SELL, style=Style.TAKE)
    assert refusals(machine) == []


def test_a_rate_limit_is_no_pause() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, unavailable(UnavailableKind.RATE_LIMITED))
    ask(machine, 1)
    assert refusals(machine) == []


def test_a_purchase_that_waited_out_a_restart_is_not_posted_at_its_old_price() -> None:
    machine = Machine().start()
    order_id = machine.order()
    restarting = unavailable(UnavailableKind.RESTARTING, 2_000)
    posted(machine, order_id, restarting)
    posts = 0
    for _ in range(30):
        machine.tick(wire_ms=2_000)
        if machine.asked(Post):
            posts += 1
            posted(machine, order_id, restarting)
    assert 0 < posts <= PURCHASE_FRESH_MS // 2_000
    assert machine.state.ledger.orders[order_id].state is OrderState.UNKNOWN
    machine.wire_ms += 10_000
    machine.poll()
    assert end_of(machine, order_id) is OrderEnd.NEVER_SENT


def test_a_sale_waits_out_a_restart() -> None:
    machine = Machine().start()
    hold(machine)
    order_id = machine.order(intent(leg=5, side=Side.SELL, price=PriceMicroUsd(450_000)))
    restarting = unavailable(UnavailableKind.RESTARTING, 2_000)
    posted(machine, order_id, restarting)
    for _ in range(30):
        machine.tick(wire_ms=2_000)
        if machine.asked(Post):
            posted(machine, order_id, restarting)
    machine.tick(wire_ms=4_000)
    assert machine.asked(Post), "it takes risk away"


def test_cancels_are_tried_again_every_second_while_nothing_is_taken() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    halted = SetTrading(state=TradingState.HALTED, reason="a person", who="t")
    machine.apply(TradingAsked(reply_to=1, request=halted, **machine.at))
    tried = 0
    for _ in range(20):
        machine.tick(wire_ms=500)
        if machine.asked(Cancel):
            tried += 1
            machine.apply(
                CancelDone(
                    order_ids=(order_id,),
                    outcome=unavailable(UnavailableKind.DISABLED),
                    **machine.at,
                )
            )
    assert tried == 10


def test_a_pause_of_ten_minutes_is_one_alarm_and_the_first_purchase_ends_it() -> None:
    machine = Machine().start()
    raised = []
    for _ in range(2 * LONG_MS // 4_000):
        machine.wire_ms += 4_000
        machine.apply(BeatDone(outcome=unavailable(UnavailableKind.CANCEL_ONLY), **machine.at))
        raised += alarms(machine)
    assert raised == ["venue_paused"]
    machine.wire_ms += 5_000
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    assert machine.state.flight.pause is None
    assert "venue_paused/venue" not in machine.state.flight.alarmed


@pytest.mark.parametrize(
    "outcome", [Unknown(reason="timeout"), Rejected(code="off_tick", message="tick")]
)
def test_other_answers_are_no_pause(outcome: Unknown | Rejected) -> None:
    machine = Machine().start()
    order_id = machine.order()
    machine.apply(PostDone(order_id=order_id, outcome=outcome, **machine.at))
    assert machine.state.flight.pause is None


def test_a_lifted_halt_waits_for_a_listing_that_was_begun_after_it() -> None:
    machine = Machine().start()
    for state in (TradingState.HALTED, TradingState.ACTIVE):
        request = SetTrading(state=state, reason="a person", who="t")
        machine.apply(TradingAsked(reply_to=1, request=request, **machine.at))
    ask(machine, 1)
    assert refusals(machine) == ["barred"]
    machine.apply(
        VenuePolled(orders=(), trades=(), started_wire_ms=machine.wire_ms - 1, **machine.at)
    )
    ask(machine, 2)
    assert refusals(machine) == ["barred", "barred"], "it was begun before the halt was lifted"
    machine.wire_ms += 200
    machine.poll()
    ask(machine, 3)
    assert refusals(machine) == ["barred", "barred"]
