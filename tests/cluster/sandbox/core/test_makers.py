"""The house: fair value, planted edge, books that thin out as recorded ones do."""

import math
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist, fmean

import pytest

from cluster.sandbox.events import TickSizeChanged
from cluster.sandbox.fair import fair_up
from cluster.sandbox.fees import taker_fee_micro_usd
from cluster.sandbox.makers import LAG_MS, ONE_SIDED_SHARE, makers_view, quotes
from cluster.sandbox.model import ASSETS, MICRO, Market, OrderState, Timeframe
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.settlement import verdict
from tests.cluster.sandbox.core.small_exchange import ALICE, CENT, START_MARKET_MS, SmallExchange


def market_at(desk: SmallExchange, open_ms: int) -> Market:
    found = desk.exchange.market_by_slug(f"btc-updown-5m-{open_ms // 1000}", desk.now)
    assert found is not None
    return found


@pytest.fixture
def desk(tmp_path: Path) -> SmallExchange:
    return SmallExchange(tmp_path, house_at_work=True)


def test_before_the_open_both_outcomes_are_equally_likely(desk: SmallExchange) -> None:
    market = desk.market()
    assert fair_up(Prices(1, None), market, market.open_market_ms - 1) == 0.5


def test_at_the_close_the_fair_value_knows_the_winner(desk: SmallExchange) -> None:
    prices = Prices(1, None)
    for window in range(-50, 0):
        market = market_at(desk, START_MARKET_MS + window * 300_000)
        known = fair_up(prices, market, market.close_market_ms)
        assert (known > 0.5) is (verdict(prices, market).winner.value == "Up")


def test_the_fair_value_is_calibrated_and_sharper_near_the_close(desk: SmallExchange) -> None:
    prices = Prices(1, None)
    losses: dict[int, list[float]] = defaultdict(list)
    for window in range(-400, 0):
        market = market_at(desk, START_MARKET_MS + window * 300_000)
        up = verdict(prices, market).winner.value == "Up"
        for left_s in (240, 120, 60, 20):
            p = fair_up(prices, market, market.close_market_ms - left_s * 1_000)
            losses[left_s].append(-math.log(p if up else 1 - p))
    found = [fmean(losses[left_s]) for left_s in (240, 120, 60, 20)]
    assert found == sorted(found, reverse=True)
    assert found[0] < math.log(2)
    assert found[-1] < 0.12


@pytest.mark.parametrize(
    ("left_s", "seconds_of_variance"), [(240, 200.0), (60, 20.0), (30, 2.5), (10, 1_000 / 10_800)]
)
def test_the_fair_value_is_the_worked_example(
    desk: SmallExchange, left_s: int, seconds_of_variance: float
) -> None:
    prices = Prices(1, None)
    for window in range(-20, 0):
        market = market_at(desk, START_MARKET_MS + window * 300_000)
        at = market.close_market_ms - left_s * 1_000
        spots = [prices.spot("btc", at - n * 1_000) / 1e10 for n in range(60)]
        known = max(0, 60 - left_s)
        mean = (sum(spots[:known]) + (60 - known) * spots[0]) / 60
        strike = prices.twap_sum("btc", market.open_market_ms) / 60e10
        sigma = prices.sigma_per_root_second("btc", at) * spots[0]
        expected = NormalDist(0, sigma * seconds_of_variance**0.5).cdf(mean - strike)
        assert fair_up(prices, market, at) == pytest.approx(
            min(max(expected, 1e-4), 1 - 1e-4), abs=1e-9
        )


def test_makers_err_and_lean_as_documented(desk: SmallExchange) -> None:
    market = desk.market()
    at = market.open_market_ms
    errors = [
        math.log(v / (1 - v))
        for v in (makers_view(seed, market, 0.5, at + seed * 977) for seed in range(800))
    ]
    assert abs(fmean(errors)) < 0.03
    assert 0.19 < fmean(e * e for e in errors) ** 0.5 < 0.25
    leaned = fmean(makers_view(seed, market, 0.9, at) for seed in range(800))
    assert 0.86 < leaned < 0.89


def test_quotes_never_cross_and_stay_on_the_tick(desk: SmallExchange) -> None:
    for number, (market, at) in enumerate(_moments(desk)):
        view = 0.001 + 0.998 * (number * 37 % 101) / 100
        found = quotes(number, market, view, at)
        prices = [x.price for x in (*found.bids, *found.asks)]
        assert all(p % market.tick_micro_usd == 0 and 0 < p < MICRO for p in prices)
        if found.bids and found.asks:
            assert found.bids[0].price < found.asks[0].price
        assert all(x.shares >= 5 * MICRO for x in (*found.bids, *found.asks))


def _moments(desk: SmallExchange) -> list[tuple[Market, int]]:
    market = desk.market()
    return [(market, market.open_market_ms + n * 3_000) for n in range(100)]


def test_books_are_one_sided_as_often_as_recorded_ones(desk: SmallExchange) -> None:
    market = desk.market()
    for (limit_s, share), from_s in zip(ONE_SIDED_SHARE[:4], (0, 10, 30, 60), strict=True):
        left_ms = (from_s + limit_s) * 500
        found = [
            quotes(seed, market, 0.7, market.close_market_ms - left_ms) for seed in range(2_000)
        ]
        one_sided = fmean(not q.bids or not q.asks for q in found)
        assert abs(one_sided - share) < 0.04
        assert all(q.bids for q in found), "nobody sells the likely winner, buyers stay"


def test_books_thin_out_near_the_close(desk: SmallExchange) -> None:
    market = desk.market()
    sizes = []
    for left_s in (200, 45, 20, 5):
        found = [
            quotes(seed, market, 0.5, market.close_market_ms - left_s * 1_000)
            for seed in range(200)
        ]
        sizes.append(fmean(q.bids[0].shares for q in found if q.bids))
    assert sizes == sorted(sizes, reverse=True)


def test_both_tokens_mirror_each_other(desk: SmallExchange) -> None:
    desk.step(3_000)
    for market in desk.exchange.markets_listed(desk.now):
        up = desk.exchange.book(market.up_token_id, desk.now)
        down = desk.exchange.book(market.down_token_id, desk.now)
        assert up is not None
        assert down is not None
        assert [(MICRO - x.price, x.shares) for x in up.bids] == [
            (x.price, x.shares) for x in down.asks
        ]


def test_a_resting_bid_at_the_best_price_is_filled_sooner_or_later(desk: SmallExchange) -> None:
    results = []
    for _ in range(6):
        desk.step(1_500)
        book = desk.exchange.book(desk.market().up_token_id, desk.now)
        if book is not None and book.bids:
            results.append(desk.buy(ALICE, book.bids[0].price // CENT, 5, post_only=True))
    desk.step(3_000)
    states = [desk.order(r).state for r in results if r.accepted]
    assert OrderState.MATCHED in states


def test_the_tick_becomes_fine_at_an_extreme_and_only_once(desk: SmallExchange) -> None:
    for _ in range(80):
        desk.step(500)
    changes = [e for e in desk.events if isinstance(e, TickSizeChanged)]
    assert changes
    names = [e.market.slug for e in changes]
    assert len(names) == len(set(names))
    assert {(e.old_tick_micro_usd, e.new_tick_micro_usd) for e in changes} == {(10_000, 1_000)}


def test_makers_requote_at_most_twice_a_wire_second(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, house_at_work=True)
    slug = desk.market().slug
    books = []
    for _ in range(100):
        desk.step(50)
        book = desk.exchange.book(desk.market().up_token_id, desk.now)
        assert book is not None
        books.append((book.bids, book.asks))
    assert desk.market().slug == slug
    assert sum(a != b for a, b in pairwise(books)) <= 10


def test_the_edge_is_said_in_words(desk: SmallExchange) -> None:
    assert desk.exchange.planted_edge.startswith("PLANTED EDGE")
    assert desk.market("btc", Timeframe.M15).timeframe is Timeframe.M15


def test_the_planted_edge_pays_who_knows_the_fair_value_and_takes(desk: SmallExchange) -> None:
    prices = Prices(1, None)
    profits = []
    for asset in ASSETS:
        for window in range(-120, 0):
            slug = f"{asset}-updown-5m-{(START_MARKET_MS + window * 300_000) // 1000}"
            market = desk.exchange.market_by_slug(slug, desk.now)
            assert market is not None
            at = market.open_market_ms + 120_000
            view = makers_view(1, market, fair_up(prices, market, at - LAG_MS), at)
            asks = quotes(1, market, view, at).asks
            if not asks:
                continue
            cost = asks[0].price + taker_fee_micro_usd(asks[0].price, MICRO)
            if fair_up(prices, market, at) * MICRO - cost > 30_000:
                won = verdict(prices, market).winner.value == "Up"
                profits.append((MICRO if won else 0) - cost)
    assert len(profits) > 200
    assert fmean(profits) > 20_000, "two cents a share, after fees"
