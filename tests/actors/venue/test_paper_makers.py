"""Resting paper orders: the queue before them, and what fills them."""

import pytest

from actors.venue.paper.records import (
    OrderKind,
)
from actors.venue.port import Rejected
from signals.market import Outcome
from tests.actors.venue.paper_market import (
    NOW_MS,
    SHARE,
    ended_as,
    exchange,
    fills,
    level,
    order,
    place,
    show,
    trade,
)


def test_a_resting_order_waits_for_everything_before_it() -> None:
    made = exchange()
    place(made, order())
    trade(made, 40, 100)
    assert fills(made) == []
    trade(made, 40, 4)
    assert fills(made) == [("a", 40, 4)]
    trade(made, 40, 50)
    assert fills(made) == [("a", 40, 4), ("a", 40, 6)]
    assert ended_as(made, "a") is not None


def test_trades_of_our_own_side_shorten_no_queue() -> None:
    made = exchange()
    place(made, order())
    trade(made, 42, 500, buys_up=True)
    trade(made, 40, 500, buys_up=True)
    assert fills(made) == []


def test_a_level_that_shrinks_shortens_the_queue_only_to_its_size() -> None:
    made = exchange()
    place(made, order())
    level(made, 40, 30, at=10)
    assert made.state.orders["a"].ahead_shares == 30 * SHARE
    level(made, 40, 90, at=20)
    assert made.state.orders["a"].ahead_shares == 30 * SHARE
    assert fills(made) == []


@pytest.mark.parametrize("trade_first", [True, False])
def test_a_trade_and_its_level_count_once_in_either_order(trade_first: bool) -> None:  # noqa: FBT001
    made = exchange()
    place(made, order())
    if trade_first:
        trade(made, 40, 60, at=10)
        level(made, 40, 40, at=11)
    else:
        level(made, 40, 40, at=10)
        trade(made, 40, 60, at=11)
    assert made.state.orders["a"].ahead_shares == 40 * SHARE
    assert fills(made) == []


def test_a_trade_beyond_the_price_fills_whole() -> None:
    made = exchange({39: 100, 40: 100}, {42: 100})
    place(made, order())
    trade(made, 39, 1)
    assert fills(made) == [("a", 40, 10)]


def test_an_offer_that_would_have_met_the_order_fills_it_and_is_used_once() -> None:
    made = exchange()
    place(made, order("a"))
    place(made, order("b"))
    show(made, {39: 100}, {40: 12}, at=50)
    assert fills(made) == [("a", 40, 10), ("b", 40, 2)]
    show(made, {39: 100}, {40: 12}, at=60)
    assert len(made.state.fills) == 2


def test_two_own_orders_at_one_price_share_one_queue() -> None:
    made = exchange()
    place(made, order("a"))
    place(made, order("b"))
    trade(made, 40, 110)
    assert fills(made) == [("a", 40, 10)]
    trade(made, 40, 3)
    assert fills(made) == [("a", 40, 10), ("b", 40, 3)]


def test_up_bid_and_down_ask_are_one_liquidity() -> None:
    """A Down bid at 60 cents stands where an Up ask at 40 would: trades on either token count."""
    made = exchange({38: 100}, {40: 100})
    place(made, order("down", outcome=Outcome.DOWN, cents=60))
    entry = made.state.orders["down"]
    assert entry.ahead_shares == 100 * SHARE
    trade(made, 40, 103, buys_up=True)
    assert fills(made) == [("down", 60, 3)]
    place(made, order("take", kind=OrderKind.FAK, cents=40, shares=100), at=1)
    made.tick(NOW_MS + 1_000, NOW_MS + 1_000)
    assert sum(fill.shares for fill in made.state.fills if fill.order_id == "take") <= 100 * SHARE


def test_a_post_only_order_that_would_cross_is_refused() -> None:
    made = exchange()
    refused = place(made, order(cents=42))
    assert isinstance(refused, Rejected)
    assert refused.code == "post_only_would_cross"
    down = place(made, order(outcome=Outcome.DOWN, cents=60))
    assert isinstance(down, Rejected)
