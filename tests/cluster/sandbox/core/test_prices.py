"""Invented prices: consistent from seconds to weeks, the same however they are asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.sandbox.model import ASSETS, Kline
from cluster.sandbox.prices.klines import Klines
from cluster.sandbox.prices.path import PRICE_SCALE, second_spots
from cluster.sandbox.prices.provenance import provenance
from cluster.sandbox.prices.shapes import INTERVALS_MS, candle_index
from cluster.sandbox.prices.source import GENERATED_START_MS, Prices, tick_step_ms

START = GENERATED_START_MS
WEEK_MS = INTERVALS_MS["1w"]


def candles(klines: Klines, asset: str, interval: str, now: int, limit: int) -> tuple[Kline, ...]:
    return klines.between(asset, interval, now, start_ms=None, end_ms=None, limit=limit)


OHLC = st.tuples(*[st.integers(9_000, 11_000)] * 4).map(
    lambda p: np.array([p[0], max(p), min(p), p[3]], dtype=np.float64) / 100
)


@given(OHLC, st.integers(0, 10_000))
def test_the_seconds_of_a_candle_touch_its_four_prices(candle: np.ndarray, index: int) -> None:
    spots = second_spots(1, "btc", index, candle)
    opened, high, low, closed = (round(price * PRICE_SCALE) for price in candle)
    assert len(spots) == 300
    assert (spots[0], spots[-1]) == (opened, closed)
    assert abs(int(spots.max()) - high) <= 1
    assert abs(int(spots.min()) - low) <= 1


def test_seconds_move_like_the_volatility_of_their_candles() -> None:
    prices = Prices(1, None)
    index = candle_index(START)
    steps = np.concatenate(
        [np.diff(np.log(prices.spots("btc", index + n).astype(float))) for n in range(40)]
    )
    per_candle = float(np.std(steps)) * 300**0.5
    assert (
        0.4
        < per_candle / prices.sigma_per_root_second("btc", START + 40 * 300_000, 40) / 300**0.5
        < 2
    )


def test_there_are_more_than_twenty_weeks_of_history_before_the_start() -> None:
    weeks = candles(Klines(Prices(1, None)), "zec", "1w", START, 22)
    assert len(weeks) == 22
    assert all(week.low > 0 for week in weeks)


@pytest.mark.parametrize("interval", list(INTERVALS_MS))
def test_every_interval_is_the_sum_of_its_five_minute_candles(interval: str) -> None:
    klines, now = Klines(Prices(2, None)), START + 1_234_567
    length = INTERVALS_MS[interval]
    closed = candles(klines, "eth", interval, now, 2)[0]
    parts = klines.between(
        "eth", "5m", now, start_ms=closed.open_market_ms, end_ms=None, limit=length // 300_000
    )[: length // 300_000]
    if length <= 1_500 * 300_000:
        assert closed.open == parts[0].open
        assert closed.close == parts[-1].close
        assert closed.high == max(p.high for p in parts)
        assert closed.low == min(p.low for p in parts)
        assert closed.volume == pytest.approx(sum(p.volume for p in parts), rel=1e-6)
    assert (closed.open_market_ms - 345_600_000) % length == 0


def test_an_unfinished_candle_knows_only_what_has_happened() -> None:
    prices = Prices(3, None)
    klines = Klines(prices)
    now = START + 100_000
    running = candles(klines, "sol", "5m", now, 1)[0]
    seen = prices.spots("sol", candle_index(now))[:101] / PRICE_SCALE
    assert running.close == pytest.approx(seen[-1])
    assert running.high == pytest.approx(seen.max())
    assert running.low == pytest.approx(seen.min())
    final = candles(klines, "sol", "5m", START + 300_000, 2)[0]
    assert final.open == running.open
    assert final.high >= running.high
    assert final.volume > running.volume


def test_a_start_keeps_the_oldest_and_no_start_the_newest() -> None:
    klines, now = Klines(Prices(1, None)), START + 50 * 300_000
    first = klines.between("btc", "5m", now, start_ms=START, end_ms=None, limit=3)
    assert [k.open_market_ms for k in first] == [START + n * 300_000 for n in range(3)]
    last = candles(klines, "btc", "5m", now, 3)
    assert [k.open_market_ms for k in last] == [now - n * 300_000 for n in (2, 1, 0)]
    odd = klines.between("btc", "5m", now, start_ms=START + 1, end_ms=START + 600_000, limit=9)
    assert [k.open_market_ms for k in odd] == [START + 300_000, START + 600_000]
    assert klines.between("btc", "3m", now, start_ms=None, end_ms=None, limit=3) == ()


def test_nobody_sees_the_future() -> None:
    klines, now = Klines(Prices(1, None)), START + 50_000
    found = klines.between("btc", "5m", now, start_ms=START, end_ms=START + 10**9, limit=99)
    assert [k.open_market_ms for k in found] == [START]


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(-5, 6)), st.sampled_from(ASSETS))
def test_the_order_of_questions_changes_no_answer(weeks: list[int], asset: str) -> None:
    asked = Prices(7, None)
    for week in weeks:
        asked.spot(asset, START + week * WEEK_MS)
    fresh = Prices(7, None)
    at = START + weeks[0] * WEEK_MS
    assert asked.twap_sum(asset, at) == fresh.twap_sum(asset, at)


def test_candles_join_without_a_gap_over_the_start_and_over_weeks() -> None:
    prices = Prices(5, None)
    first = candle_index(START) - 3_000
    rows = prices.rows("doge", first, first + 6_000)
    assert np.array_equal(rows[1:, 0], rows[:-1, 3])
    assert (rows[:, 1] >= rows[:, [0, 3]].max(axis=1)).all()
    assert (rows[:, 2] <= rows[:, [0, 3]].min(axis=1)).all()


def test_assets_move_together_as_recorded_ones_do() -> None:
    prices = Prices(1, None)
    last = candle_index(START)
    ups = [
        np.sign(np.diff(np.log(prices.rows(asset, last - 8_000, last)[:, 3])))
        for asset in ("btc", "eth")
    ]
    assert 0.38 < float(np.mean(ups[0] * ups[1])) < 0.54


def test_another_seed_is_another_market() -> None:
    assert Prices(1, None).spot("btc", START + 60_000) != Prices(2, None).spot(
        "btc", START + 60_000
    )


@pytest.mark.parametrize("speed", [1, 2, 7, 30, 60, 300, 1_500])
def test_the_tick_grid_holds_every_boundary_and_at_most_five_ticks_a_second(speed: int) -> None:
    step_ms = tick_step_ms(speed)
    assert 300_000 % step_ms == 0
    assert step_ms % 1_000 == 0
    assert speed * 1_000 / step_ms <= 5


def test_funding_comes_at_the_assets_own_hours_and_changes_sign_sometimes() -> None:
    prices = Prices(1, None)
    rates = prices.funding["hype"].rates(START - 60 * 86_400_000, START)
    assert {rate.market_ms % (4 * 3_600_000) for rate in rates} == {0}
    assert min(r.rate for r in rates) < 0 < max(r.rate for r in rates)


def test_open_interest_has_a_point_for_every_minute() -> None:
    series = Prices(1, None).open_interest["zec"]
    for at in range(START, START + 3_600_000, 61_000):
        point = series.at(at)
        assert 0 <= at - point.market_ms < 60_000
        assert point.base_units > 0


def test_provenance_says_that_all_of_it_is_generated() -> None:
    found = provenance(Prices(1, None))
    assert {p.source for p in found} == {"generated"}
    assert {p.asset for p in found} == set(ASSETS)
