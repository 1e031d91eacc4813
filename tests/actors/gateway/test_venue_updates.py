"""What the venue says, once, twice, late or not at all: fills, ends, winners, heartbeats."""

from itertools import permutations

import pytest

from actors.gateway.events import (
    Cancel,
    PollVenue,
    TradingAsked,
    VenuePolled,
)
from actors.gateway.order_life import OrderState
from actors.gateway.trades import REPEATED_WITHIN_MS
from actors.messages import FillFailed, OrderEnd, SetTrading, TradingState
from actors.venue.port import (
    OrderChange,
    OrderEvent,
    StreamLost,
    TradeStatus,
    Unknown,
)
from signals.units import MicroShares
from tests.actors.gateway.builders import CLOSE_MS, RULES, Machine
from tests.actors.gateway.venue_answers import (
    CONDITION,
    LIVE,
    alarms,
    end_of,
    held,
    listed,
    posted,
    stream,
    trade,
    with_open_order,
)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_fill_news_in_any_order_and_twice_gives_one_fill(order: tuple[int, ...]) -> None:
    machine, order_id = with_open_order()
    statuses = [
        TradeStatus.MATCHED,
        TradeStatus.MINED,
        TradeStatus.CONFIRMED,
        TradeStatus.MATCHED,
    ]
    for place in order:
        stream(machine, trade(order_id, status=statuses[place]))
    machine.poll(trades=(trade(order_id, status=TradeStatus.CONFIRMED),))
    assert machine.outbox().count("Filled") == 1
    assert machine.outbox().count("FillConfirmed") == 1
    assert held(machine) == 10_000_000


def test_a_failed_fill_is_taken_back_to_the_last_micro_usd() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, 4_000_000))
    stream(machine, trade(order_id, 6_000_000, name="t2"))
    stream(machine, trade(order_id, 4_000_000, TradeStatus.FAILED))
    assert held(machine) == 6_000_000
    (holding,) = machine.state.ledger.holdings.values()
    assert holding.bought_micro_usd == 3_000_000
    assert isinstance(machine.state.ledger.outbox["btc-5m"].events[-1], FillFailed)
    assert end_of(machine, order_id) is OrderEnd.FILLED


def test_a_fill_of_an_ended_order_still_counts() -> None:
    machine, order_id = with_open_order()
    machine.wire_ms += 5_000
    machine.poll()
    assert end_of(machine, order_id) is OrderEnd.CANCELLED
    stream(machine, trade(order_id, 1_000_000))
    assert held(machine) == 1_000_000


def test_the_throttle_latches_before_the_last_fill_and_only_a_person_releases_it() -> None:
    machine, order_id = with_open_order()
    for number in range(RULES.limits.repeated_executions):
        stream(machine, trade(order_id, 500_000, name=f"t{number}"))
    assert alarms(machine) == ["throttle"]
    assert "btc-5m" in machine.state.ledger.latched
    resume = SetTrading(state=TradingState.ACTIVE, reason="looked", who="me")
    machine.apply(TradingAsked(reply_to=1, request=resume, **machine.at))
    assert not machine.state.ledger.latched


def test_fills_of_a_long_market_that_come_one_by_one_latch_nothing_and_a_burst_does() -> None:
    machine, order_id = with_open_order()
    limit = RULES.limits.repeated_executions
    for number in range(2 * limit):
        machine.market_ms += REPEATED_WITHIN_MS // (limit - 1) + 1
        stream(machine, trade(order_id, 10_000, name=f"slow{number}"))
    assert not machine.state.ledger.latched
    for number in range(limit - 2):
        stream(machine, trade(order_id, 10_000, name=f"burst{number}"))
    assert "btc-5m" in machine.state.ledger.latched


def test_an_open_order_that_nobody_wrote_is_cancelled_with_an_alarm() -> None:
    machine = Machine().start()
    machine.poll(orders=(listed("0xstranger"),))
    assert machine.asked(Cancel) == [Cancel(order_ids=("0xstranger",))]
    assert alarms(machine) == ["orphan_order"]
    machine.poll(orders=(listed("0xstranger"),))
    assert alarms(machine) == [], "said once"


def test_an_order_that_comes_back_after_its_end_is_cancelled() -> None:
    machine, order_id = with_open_order()
    machine.wire_ms += 5_000
    machine.poll()
    machine.poll(orders=(listed(order_id),))
    assert not machine.asked(Cancel), "the list may lag the end"
    machine.wire_ms += 2_000
    machine.poll(orders=(listed(order_id),))
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id,))]
    assert alarms(machine) == ["order_open_after_end"]


def test_a_zombie_post_of_our_own_bytes_is_adopted() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, Unknown(reason="lost"))
    machine.wire_ms += 1
    machine.poll(orders=(listed(order_id),))
    assert machine.state.ledger.orders[order_id].state is OrderState.OPEN
    assert not alarms(machine)


def test_a_trade_of_a_stranger_is_an_alarm_and_no_position() -> None:
    machine = Machine().start()
    machine.poll(trades=(trade("0xstranger"),))
    assert alarms(machine) == ["orphan_fill"]
    assert held(machine) == 0


def test_a_list_that_lags_does_not_end_an_order_whose_fill_overtook_its_answer() -> None:
    machine = Machine().start()
    machine.wire_ms += 60_000
    order_id = machine.order()
    stream(machine, trade(order_id, 1_000_000))
    machine.wire_ms += 500
    machine.poll()
    assert end_of(machine, order_id) is None, "the venue's list may not have it yet"
    machine.wire_ms += 2_000
    machine.poll()
    assert end_of(machine, order_id) is OrderEnd.CANCELLED


def test_a_look_without_an_answer_changes_nothing() -> None:
    machine, order_id = with_open_order()
    machine.wire_ms += 60_000
    before = machine.state.ledger
    lost = Unknown(reason="timeout")
    machine.apply(
        VenuePolled(orders=(), trades=lost, started_wire_ms=machine.wire_ms, **machine.at)
    )
    assert machine.state.ledger == before
    assert order_id in machine.state.ledger.orders


def test_a_look_that_began_before_the_post_was_answered_says_nothing_about_it() -> None:
    machine = Machine().start()
    order_id = machine.order()
    started_ms = machine.wire_ms
    machine.wire_ms += 60_000
    posted(machine, order_id, LIVE)
    machine.apply(VenuePolled(orders=(), trades=(), started_wire_ms=started_ms, **machine.at))
    assert order_id in machine.state.ledger.orders


def test_news_of_an_order_makes_the_next_look_come_soon() -> None:
    machine, order_id = with_open_order()
    machine.tick()
    machine.apply(
        VenuePolled(
            orders=(listed(order_id),), trades=(), started_wire_ms=machine.wire_ms, **machine.at
        )
    )
    cancelled = OrderEvent(
        order_id=order_id,
        condition_id=CONDITION,
        change=OrderChange.CANCELLATION,
        filled_shares=MicroShares(0),
    )
    for event in (cancelled, StreamLost(reason="silent")):
        stream(machine, event)
        machine.tick(wire_ms=200)
        assert machine.asked(PollVenue)
        machine.poll(orders=(listed(order_id),))


def test_an_order_whose_post_is_still_running_is_not_judged_by_a_look() -> None:
    machine = Machine().start()
    order_id = machine.order()
    machine.market_ms = CLOSE_MS
    machine.wire_ms += 60_000
    machine.poll()
    assert order_id in machine.state.ledger.orders
    posted(machine, order_id, LIVE)
    assert machine.state.ledger.orders[order_id].state is OrderState.OPEN
