"""The climb's orders: far from any book, above the venue's least, below the order limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.config import RiskLimits
from actors.live.climb_orders import (
    BUY_MICRO_USD,
    FAR_MICRO_USD_MIN,
    LEAST_MICRO_USD,
    SALE_MICRO_USD_MIN,
    climb_limit,
    far_order,
    purchase,
    sale,
)
from actors.venue.answers import ListedMarket, TokenBook
from signals.units import MicroShares, MicroUsd, PriceMicroUsd, notional_micro_usd

MARKET = ListedMarket(
    slug="btc-updown-5m-0",
    condition_id="c",
    up_token_id="u",
    down_token_id="d",
    min_order_shares=MicroShares(5_000_000),
)
LIMIT = MicroUsd(5_000_000)


@st.composite
def books(draw: st.DrawFn) -> TokenBook:
    tick = draw(st.sampled_from([1_000, 10_000]))
    prices = st.integers(1, 1_000_000 // tick - 1).map(lambda ticks: PriceMicroUsd(ticks * tick))
    bid, ask = sorted((draw(prices), draw(prices)))
    sides = draw(st.sampled_from(["both", "bid", "ask", "none"]))
    return TokenBook(
        token_id="u",
        condition_id="c",
        tick_micro_usd=tick,
        bid=bid if sides in ("both", "bid") else None,
        ask=ask if sides in ("both", "ask") else None,
    )


@given(books())
def test_the_far_order_is_far_and_costs_cents(book: TokenBook) -> None:
    order = far_order(MARKET, book)
    best = book.bid if book.bid is not None else book.ask
    if order is None:
        assert best is None or best - book.tick_micro_usd < FAR_MICRO_USD_MIN
        return
    assert best is not None
    assert best - order.price >= FAR_MICRO_USD_MIN
    assert order.shares == MARKET.min_order_shares
    assert notional_micro_usd(order.price, order.shares) <= 50_000


@given(books(), st.integers(0, 10_000_000))
def test_a_purchase_can_be_sold_again_and_is_within_the_limit(book: TokenBook, limit: int) -> None:
    order = purchase(MARKET, book, MicroUsd(limit))
    if order is None:
        return
    cost = notional_micro_usd(order.price, order.shares)
    assert cost <= min(limit, BUY_MICRO_USD)
    assert cost % 10_000 == 0, "whole cents"
    sold = sale("c", book, order.shares)
    assert sold is None or notional_micro_usd(sold.price, sold.shares) >= SALE_MICRO_USD_MIN
    assert sold is None or sold.shares <= order.shares


@given(books(), st.integers(0, 20_000_000))
def test_a_sale_never_offers_more_than_is_held(book: TokenBook, held: int) -> None:
    order = sale("c", book, MicroShares(held))
    assert order is None or 0 < order.shares <= held


@pytest.mark.parametrize(
    "field", ["order_micro_usd", "slot_exposure_micro_usd", "fleet_exposure_micro_usd"]
)
def test_the_purchase_is_within_every_limit_of_one_buy(field: str) -> None:
    limits = RiskLimits(**{field: MicroUsd(1_000_000)})
    assert climb_limit(limits) == 1_000_000
    assert climb_limit(limits) < LEAST_MICRO_USD, "a start says so before anything is placed"


def test_an_order_limit_below_the_venues_least_allows_no_climb() -> None:
    book = TokenBook(
        token_id="u",
        condition_id="c",
        tick_micro_usd=10_000,
        bid=PriceMicroUsd(490_000),
        ask=PriceMicroUsd(500_000),
    )
    assert purchase(MARKET, book, MicroUsd(900_000)) is None
    assert purchase(MARKET, book, LIMIT) is not None
