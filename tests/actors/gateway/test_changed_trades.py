"""A trade that is told again in another form, or that its order cannot have had."""

import pytest
from msgspec.structs import replace

from actors.gateway.records import encode_record
from actors.messages import OrderEnd
from actors.venue.polymarket.fills import own_fills
from actors.venue.port import TradeStatus, VenueTrade
from signals.decision import Style
from signals.market import Outcome
from tests.actors.gateway.builders import CLOSE_MS, Machine
from tests.actors.gateway.venue_answers import (
    CONDITION,
    alarms,
    end_of,
    held,
    resolve,
    stream,
    trade,
    with_open_order,
)
from tests.actors.venue.test_fills import RATE, US, Leg, Trade, dec

TOKEN = "up-btc-5m"
MAKERS = (
    Leg("m1", dec("0.49"), dec("4"), asset_id=TOKEN),
    Leg("m2", dec("0.48"), dec("6"), asset_id=TOKEN),
)


def told(order_id: str, makers: tuple[Leg, ...], status: str = "MATCHED") -> tuple[VenueTrade, ...]:
    wire = Trade(
        taker_order_id=order_id,
        condition_id=CONDITION,
        asset_id=TOKEN,
        maker_orders=makers,
        status=status,
    )
    return own_fills(wire, US, RATE)


def heard(machine: Machine, fills: tuple[VenueTrade, ...]) -> list[str]:
    raised: list[str] = []
    for fill in fills:
        stream(machine, fill)
        raised += alarms(machine)
    return raised


def taking() -> tuple[Machine, str]:
    return with_open_order(style=Style.TAKE)


def look_again(machine: Machine) -> None:
    """See no order at the venue any more: a buy that takes may have had dollars left to spend."""
    machine.wire_ms += 5_000
    machine.poll()


@pytest.mark.parametrize(
    ("first", "then"), [((), MAKERS), (MAKERS, ()), (MAKERS[:1], MAKERS), (MAKERS, MAKERS[1:])]
)
def test_a_trade_whose_makers_are_listed_otherwise_later_is_booked_once(
    first: tuple[Leg, ...], then: tuple[Leg, ...]
) -> None:
    machine, order_id = taking()
    assert heard(machine, told(order_id, first)) == []
    assert heard(machine, told(order_id, then, "CONFIRMED")) == [], "as many shares"
    assert held(machine) == 10_000_000
    assert all(kept.final for kept in machine.state.ledger.fills.values())
    look_again(machine)
    machine.market_ms = CLOSE_MS + 1
    resolve(machine)
    assert "Settled" in machine.outbox(), "nothing of it is provisional for ever"


@pytest.mark.parametrize(("first", "then"), [((), MAKERS), (MAKERS, ())])
def test_a_trade_that_fails_in_another_form_is_taken_back_whole(
    first: tuple[Leg, ...], then: tuple[Leg, ...]
) -> None:
    machine, order_id = taking()
    heard(machine, told(order_id, first))
    heard(machine, told(order_id, then, "FAILED"))
    assert held(machine) == 0
    assert machine.state.ledger.cash_micro_usd == 0


def test_two_prices_of_one_trade_are_no_difference() -> None:
    machine, order_id = taking()
    for status in ("MATCHED", "MINED", "CONFIRMED", "CONFIRMED"):
        assert heard(machine, told(order_id, MAKERS, status)) == []
    assert held(machine) == 10_000_000
    look_again(machine)
    assert end_of(machine, order_id) is OrderEnd.FILLED


def test_a_trade_that_shrinks_is_told_and_not_booked_twice() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id))
    stream(machine, trade(order_id, 4_000_000, TradeStatus.CONFIRMED))
    assert alarms(machine) == ["books_differ"]
    assert held(machine) == 10_000_000


def test_rounding_of_a_trade_is_no_change() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, 5_050_000))
    stream(machine, trade(order_id, 5_051_019, TradeStatus.CONFIRMED))
    assert alarms(machine) == []


def test_a_trade_under_another_id_that_overfills_its_order_is_told_at_once() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id))
    stream(machine, trade(order_id, name="t2"))
    assert alarms(machine) == ["books_differ"]
    assert held(machine) == 20_000_000, "the venue's word counts; a person looks"


def test_a_trade_that_comes_again_under_a_new_id_after_it_failed_is_none() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, status=TradeStatus.FAILED))
    stream(machine, trade(order_id, name="t2"))
    assert alarms(machine) == []
    assert held(machine) == 10_000_000


def test_a_takers_buy_may_have_more_shares_for_its_dollars_but_not_for_more() -> None:
    machine, order_id = taking()
    cheap = replace(trade(order_id, 12_500_000), price=400_000)
    stream(machine, cheap)
    assert alarms(machine) == []
    stream(machine, replace(trade(order_id, 2_500_000, name="t2"), price=400_000))
    assert alarms(machine) == ["books_differ"]


def test_a_price_beyond_the_limit_is_told() -> None:
    machine, order_id = with_open_order()
    stream(machine, replace(trade(order_id), price=990_000))
    assert alarms(machine) == ["books_differ"]


def test_a_fill_that_is_confirmed_after_it_failed_is_told() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, status=TradeStatus.FAILED))
    stream(machine, trade(order_id, status=TradeStatus.MINED))
    assert alarms(machine) == [], "an older word that came late"
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    assert alarms(machine) == ["books_differ"]
    assert held(machine) == 0


def test_what_is_heard_can_always_be_written() -> None:
    machine, order_id = taking()
    heard(machine, told(order_id, MAKERS))
    assert all(encode_record(record) for record in machine.records)
    assert {kept.fill.outcome for kept in machine.state.ledger.fills.values()} == {Outcome.UP}
