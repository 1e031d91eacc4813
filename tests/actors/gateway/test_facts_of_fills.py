"""A fill is checked against the venue's table of its market before it is booked."""

from msgspec.structs import replace

from actors.gateway.events import Post
from actors.messages import Filled, Intent
from actors.venue.port import TradeStatus
from signals.decision import Style
from signals.market import Outcome
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.builders import Machine, intent
from tests.actors.gateway.venue_answers import LIVE, alarm_of, posted, stream, trade


def with_order(an_intent: Intent) -> tuple[Machine, str]:
    machine = Machine().start()
    order_id = machine.order(an_intent)
    posted(machine, order_id, LIVE)
    return machine, order_id


def fills(machine: Machine) -> list[Filled]:
    events = machine.state.ledger.outbox["btc-5m"].events
    return [event for event in events if isinstance(event, Filled)]


def test_a_fill_is_booked_by_its_trades_token_not_by_its_orders_outcome() -> None:
    machine, order_id = with_order(intent())
    wrong = replace(trade(order_id), token_id="down-btc-5m")
    stream(machine, wrong)
    assert [fill.outcome for fill in fills(machine)] == [Outcome.DOWN]
    alarm = alarm_of(machine, "books_differ")
    assert "Down" in alarm.evidence
    (holding,) = machine.state.ledger.holdings.values()
    assert holding.outcome is Outcome.DOWN


def test_a_fill_of_a_token_that_is_in_no_table_is_not_the_orders_outcome() -> None:
    machine, order_id = with_order(intent())
    machine.state.flight.listed.clear()
    stream(machine, replace(trade(order_id), token_id="elsewhere"))
    assert [fill.outcome for fill in fills(machine)] == [Outcome.DOWN]


def test_a_trade_in_another_market_is_not_booked_and_ends_nothing() -> None:
    machine, order_id = with_order(intent())
    stream(machine, replace(trade(order_id), condition_id="condition-eth-5m"))
    assert not machine.state.ledger.fills
    assert alarm_of(machine, "books_differ").subject.startswith("fill/")
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED, name="t2"))
    assert len(machine.state.ledger.fills) == 1


def test_a_fill_larger_than_its_order_is_booked_whole() -> None:
    """A taker's buy spends dollars: 5 shares at 0.99 become 5.051019 where the ask is 0.98."""
    machine, order_id = with_order(
        intent(style=Style.TAKE, price=PriceMicroUsd(600_000), shares=MicroShares(5_000_000))
    )
    odd = replace(trade(order_id, shares=5_051_019), price=PriceMicroUsd(594_000))
    stream(machine, odd)
    assert sum(h.held_shares for h in machine.state.ledger.holdings.values()) == 5_051_019
    ended = machine.state.ledger.ended[order_id]
    assert ended.filled_shares == 5_051_019
    assert not machine.asked(Post)
