"""Blend, Kelly, book prices: hand-computed cases and properties."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.blend import blend, logistic, logit
from signals.book_price import fee_per_share, market_mid_up, walk
from signals.fair_value import NoData
from signals.market import Timeframe, Window
from signals.param_sections import Blend, SizingParams
from signals.sizing import kelly, target_shares, to_step
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES, MicroUsd
from tests.signals.builders import DUE_MS, make_book, make_market

UNHURRIED = settings(deadline=None)
"""Machines that run the tests are busy; a slow example is no failure."""

PROBABILITY = st.floats(0.001, 0.999)
SIZING = SizingParams()
USD_100 = MicroUsd(100 * MICRO)


@UNHURRIED
@given(PROBABILITY)
def test_logistic_undoes_logit_and_is_symmetric(p: float) -> None:
    assert logistic(logit(p)) == pytest.approx(p)
    assert logistic(logit(p)) + logistic(-logit(p)) == pytest.approx(1)


@UNHURRIED
@given(st.floats(0.01, 0.99))
def test_the_default_blend_is_the_markets_own_price_and_claims_nothing(mid: float) -> None:
    assert blend(mid, NoData("none"), None, Blend()) == pytest.approx(mid)
    assert blend(mid, 0.9, 80.0, Blend()) == pytest.approx(mid)


def test_a_blend_adds_logits() -> None:
    fitted = Blend(intercept=0.1, mid=0.5, fair=0.4, factors=2.0)
    total = 0.1 + 0.5 * math.log(3) + 0.4 * math.log(4) + 2 * 0.25
    assert blend(0.75, 0.8, 25.0, fitted) == pytest.approx(1 / (1 + math.exp(-total)))


def test_a_missing_input_with_a_coefficient_is_no_data() -> None:
    assert blend(0.5, NoData("no tick"), 1.0, Blend(fair=0.5)) == NoData("no tick")
    assert blend(0.5, 0.5, None, Blend(factors=0.5)) == NoData("no factor spread")


@UNHURRIED
@given(st.floats(0, 1), st.floats(0, 1), st.floats(-100, 100))
def test_a_blend_is_strictly_inside_0_and_1(mid: float, fair: float, spread: float) -> None:
    p = blend(mid, fair, spread, Blend(mid=1.0, fair=5.0, factors=5.0))
    assert isinstance(p, float)
    assert 0 < p < 1


def test_no_blend_is_surer_than_the_limit_on_either_side() -> None:
    sure = Blend(mid=1.0, fair=9.0, probability_min=0.02)
    assert blend(0.99, 0.99, None, sure) == 0.98
    assert blend(0.01, 0.01, None, sure) == 0.02


def test_kelly_by_hand() -> None:
    assert kelly(0.60, 0.50) == pytest.approx(0.2)
    assert kelly(0.50, 0.60) == 0
    assert kelly(0.9, 1.0) == 0
    # quarter Kelly of 100 USD at 0.50: 5 USD, 10 shares
    assert target_shares(0.60, 0.50, USD_100, SIZING) == pytest.approx(10)
    # the cap: 20 % of 100 USD at 0.10 is 200 shares, quarter Kelly of 0.99 would be more
    assert target_shares(0.99, 0.10, USD_100, SIZING) == pytest.approx(200)
    for cost, money in ((0.0, USD_100), (1.0, USD_100), (0.5, MicroUsd(0)), (0.5, MicroUsd(-1))):
        assert target_shares(0.60, cost, money, SIZING) == 0.0


@UNHURRIED
@given(PROBABILITY, PROBABILITY, PROBABILITY, st.integers(0, 10**10))
def test_size_grows_with_chance_and_allocation_and_falls_with_cost(
    p: float, other: float, cost: float, allocation: int
) -> None:
    low, high = sorted((p, other))
    money = MicroUsd(allocation)
    assert target_shares(low, cost, money, SIZING) <= target_shares(high, cost, money, SIZING)
    assert target_shares(cost, high, money, SIZING) <= target_shares(cost, low, money, SIZING)
    more = MicroUsd(allocation * 2)
    assert target_shares(p, cost, money, SIZING) <= target_shares(p, cost, more, SIZING)


@UNHURRIED
@given(PROBABILITY, PROBABILITY, st.integers(0, 10**10))
def test_no_target_costs_more_than_its_caps(p: float, cost: float, allocation: int) -> None:
    spent = target_shares(p, cost, MicroUsd(allocation), SIZING) * cost
    assert spent <= SIZING.market_usd_max + 1e-9
    assert spent <= SIZING.allocation_share_max * allocation / MICRO + 1e-9


@UNHURRIED
@given(st.floats(-10, 1e6))
def test_a_size_is_rounded_down_to_the_step(shares: float) -> None:
    size = to_step(shares)
    assert size % SIZE_STEP_MICRO_SHARES == 0
    assert 0 <= size <= max(0.0, shares) * MICRO + 1
    assert size > shares * MICRO - SIZE_STEP_MICRO_SHARES - 1


def test_walking_a_book_averages_what_it_takes() -> None:
    book = make_book(0.50, shares=10.0)
    found = walk(book.asks, 15.0)
    assert found is not None
    assert found.shares == 15
    assert found.average == pytest.approx((10 * 0.51 + 5 * 0.52) / 15)
    assert found.worst_micro_usd == 520_000
    everything = walk(book.asks, math.inf)
    assert everything is not None
    assert everything.shares == 50
    assert walk((), 5.0) is None
    assert walk(book.asks, 0.0) is None


def test_the_mid_of_a_market_joins_both_books() -> None:
    market = make_market(Window.at(DUE_MS, Timeframe.M5), mid_up=0.6)
    assert market_mid_up(market) == pytest.approx(0.6)


@pytest.mark.parametrize(("price", "worth"), [(0.54, 0.557), (0.80, 0.811), (0.90, 0.906)])
def test_break_even_after_the_takers_fee(price: float, worth: float) -> None:
    assert price + fee_per_share(price, 0.07) == pytest.approx(worth, abs=0.0005)
