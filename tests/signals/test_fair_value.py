"""Fair value: hand-computed cases, an independent variance, properties, what is missing."""

import math
from statistics import NormalDist

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.fair_value import (
    NoData,
    Settlement,
    closing_moments,
    probability_up,
    read_settlement,
    variance_per_second,
)
from signals.market import Timeframe
from signals.param_sections import FairParams
from signals.snapshot import Feed, MarketView, Snapshot, Ticks
from tests.signals.altered import mirrored, without
from tests.signals.builders import DUE_MS, make_candles, make_snapshot

UNHURRIED = settings(deadline=None)
"""Machines that run the tests are busy; a slow example is no failure."""

KNOWN = Settlement(
    opening=100.0, price=101.0, closing_mean=None, sigma=0.1, tau=280.0, look_back=60.0
)
PARAMS = FairParams()


def market_of(snapshot: Snapshot, timeframe: Timeframe = Timeframe.M5) -> MarketView:
    market = snapshot.market(timeframe)
    assert market is not None
    return market


def test_before_the_closing_look_back_the_average_is_still_ahead() -> None:
    mean, variance = closing_moments(KNOWN)
    assert mean == 101.0
    assert variance == pytest.approx(0.01 * (280 - 40))
    assert probability_up(KNOWN) == pytest.approx(NormalDist().cdf(1 / math.sqrt(2.4)))


def test_inside_the_closing_look_back_a_part_of_the_average_is_known() -> None:
    late = msgspec.structs.replace(KNOWN, closing_mean=99.5, tau=20.0)
    mean, variance = closing_moments(late)
    assert mean == pytest.approx((40 * 99.5 + 20 * 101) / 60) == pytest.approx(100.0)
    assert variance == pytest.approx(0.01 * 8000 / (3 * 3600))
    assert probability_up(late) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("tau", "share"), [(280.0, 1.0), (40.0, 1.0), (20.0, 4 / 9), (3.0, 0.01), (0.0, 0.0)]
)
def test_an_estimated_price_adds_its_variance_less_so_near_the_close(
    tau: float, share: float
) -> None:
    sure = msgspec.structs.replace(KNOWN, tau=tau, closing_mean=100.0)
    unsure = msgspec.structs.replace(sure, price_variance=2.0)
    added = closing_moments(unsure)[1] - closing_moments(sure)[1]
    assert added == pytest.approx(2.0 * share)
    assert closing_moments(unsure)[0] == closing_moments(sure)[0]


@pytest.mark.parametrize(("tau", "look_back"), [(280, 60), (60, 60), (45, 60), (20, 60), (5, 30)])
def test_the_variance_is_that_of_a_summed_brownian_motion(tau: int, look_back: int) -> None:
    # Var of the mean of W at times t_i: the double sum of min(t_i, t_j); known times count zero.
    fine = 10
    times = [max(0.0, tau - look_back + (index + 0.5) / fine) for index in range(look_back * fine)]
    double_sum = sum(2 * (len(times) - 1 - i) * t + t for i, t in enumerate(times))
    expected = 0.01 * double_sum / len(times) ** 2
    known = msgspec.structs.replace(
        KNOWN, tau=float(tau), look_back=float(look_back), closing_mean=100.0
    )
    assert closing_moments(known)[1] == pytest.approx(expected, rel=0.01)


@UNHURRIED
@given(st.floats(1, 300), st.floats(0.001, 50), st.floats(10, 1e5), st.floats(10, 1e5))
def test_the_two_branches_meet_where_the_look_back_begins(
    look_back: float, sigma: float, price: float, seen: float
) -> None:
    ahead = msgspec.structs.replace(
        KNOWN, price=price, sigma=sigma, tau=look_back, look_back=look_back
    )
    inside = msgspec.structs.replace(ahead, tau=look_back * (1 - 1e-9), closing_mean=seen)
    assert closing_moments(inside)[0] == pytest.approx(closing_moments(ahead)[0], rel=1e-4)
    assert closing_moments(inside)[1] == pytest.approx(closing_moments(ahead)[1], rel=1e-6)


def test_a_tie_without_variance_is_up_and_less_is_down() -> None:
    settled = msgspec.structs.replace(KNOWN, closing_mean=100.0, tau=0.0)
    assert probability_up(settled) == 1.0
    below = msgspec.structs.replace(settled, closing_mean=math.nextafter(100.0, 0))
    assert probability_up(below) == 0.0


@UNHURRIED
@given(
    st.floats(1, 1e6),
    st.floats(1, 1e6),
    st.floats(1, 1e6),
    st.floats(0, 1e4),
    st.floats(0, 900),
)
def test_a_probability_is_between_0_and_1_and_mirrors(
    opening: float, price: float, seen: float, sigma: float, tau: float
) -> None:
    known = Settlement(
        opening=opening, price=price, closing_mean=seen, sigma=sigma, tau=tau, look_back=60.0
    )
    upside_down = msgspec.structs.replace(known, opening=-opening, price=-price, closing_mean=-seen)
    up, down = probability_up(known), probability_up(upside_down)
    assert 0 <= up <= 1
    if closing_moments(known)[1] > 0:
        assert up + down == pytest.approx(1)


@UNHURRIED
@given(st.floats(50, 150), st.floats(0, 5))
def test_a_higher_price_never_lowers_the_chance_of_up(price: float, more: float) -> None:
    low = msgspec.structs.replace(KNOWN, price=price)
    high = msgspec.structs.replace(KNOWN, price=price + more)
    assert probability_up(high) >= probability_up(low)


def test_the_opening_is_the_published_price_or_the_average_observed_at_the_open() -> None:
    published = make_snapshot(price_to_beat=59_000.0)
    known = read_settlement(published, market_of(published), PARAMS)
    assert isinstance(known, Settlement)
    assert known.opening == 59_000.0
    silent = make_snapshot()
    known = read_settlement(silent, market_of(silent), PARAMS)
    assert isinstance(known, Settlement)
    place = silent.ticks.observed_ms.index(market_of(silent).window.open_ms)
    assert known.opening == silent.ticks.twap[place]
    assert known.tau == pytest.approx((300_000 - 20_000 + 1000) / 1000)


def test_without_a_tick_exactly_at_the_open_there_is_no_opening() -> None:
    snapshot = make_snapshot()
    open_ms = market_of(snapshot).window.open_ms
    keep = [place for place, at in enumerate(snapshot.ticks.observed_ms) if at != open_ms]
    holed = msgspec.structs.replace(
        snapshot,
        ticks=Ticks(
            observed_ms=tuple(snapshot.ticks.observed_ms[place] for place in keep),
            twap=tuple(snapshot.ticks.twap[place] for place in keep),
            spot=tuple(snapshot.ticks.spot[place] for place in keep),
        ),
    )
    missing = read_settlement(holed, market_of(holed), PARAMS)
    assert missing == NoData("strike unknown: no price to beat and no average observed at the open")
    tolerant = msgspec.structs.replace(PARAMS, opening_tolerance_ms=1_000)
    assert isinstance(read_settlement(holed, market_of(holed), tolerant), Settlement)


def closing_snapshot(*, seconds_left: int) -> Snapshot:
    return make_snapshot(due_ms=DUE_MS - 20_000 + 300_000 - 1000 * seconds_left)


def test_the_closing_mean_is_the_mean_of_the_spot_ticks_seen_so_far() -> None:
    snapshot = closing_snapshot(seconds_left=20)
    known = read_settlement(snapshot, market_of(snapshot), PARAMS)
    assert isinstance(known, Settlement)
    # the newest tick is one second old: 60 - 21 = 39 ticks of the look-back are known
    assert known.tau == 21
    assert known.closing_mean == pytest.approx(math.fsum(snapshot.ticks.spot[-39:]) / 39)


def test_a_gap_in_the_closing_ticks_is_said() -> None:
    snapshot = closing_snapshot(seconds_left=20)
    ticks = snapshot.ticks
    holed = msgspec.structs.replace(
        snapshot,
        ticks=Ticks(
            observed_ms=ticks.observed_ms[:-20] + ticks.observed_ms[-5:],
            twap=ticks.twap[:-20] + ticks.twap[-5:],
            spot=ticks.spot[:-20] + ticks.spot[-5:],
        ),
    )
    missing = read_settlement(holed, market_of(holed), PARAMS)
    assert missing == NoData("gap of 16000 ms in the closing ticks")


def blind(snapshot: Snapshot, *, kept: int) -> Snapshot:
    """Leave the last `kept` averages and no spot."""
    ticks = Ticks(
        observed_ms=snapshot.ticks.observed_ms[-kept:], twap=snapshot.ticks.twap[-kept:], spot=()
    )
    return msgspec.structs.replace(snapshot, ticks=ticks)


@pytest.mark.parametrize("seconds_left", [280, 20])
def test_from_averages_alone_the_fair_value_is_nearly_that_from_spot(seconds_left: int) -> None:
    for seed in range(10):
        due_ms = DUE_MS - 20_000 + 300_000 - 1000 * seconds_left
        snapshot = make_snapshot(seed=seed, due_ms=due_ms)
        seen = read_settlement(snapshot, market_of(snapshot), PARAMS)
        averages = blind(snapshot, kept=960)
        rebuilt = read_settlement(averages, market_of(averages), PARAMS)
        assert isinstance(seen, Settlement)
        assert isinstance(rebuilt, Settlement)
        assert rebuilt.price == pytest.approx(seen.price, abs=3 * seen.sigma)
        assert rebuilt.price_variance == pytest.approx(rebuilt.sigma**2 * 60 / (12 * 16))
        assert rebuilt.sigma == pytest.approx(seen.sigma, rel=0.25)
        assert probability_up(rebuilt) == pytest.approx(probability_up(seen), abs=0.12)


def test_a_minute_and_a_half_of_averages_give_an_estimate_by_slope() -> None:
    early = make_snapshot(price_to_beat=60_000.0)
    known = read_settlement(blind(early, kept=90), market_of(early), PARAMS)
    assert isinstance(known, Settlement)
    now, before = early.ticks.twap[-1], early.ticks.twap[-61]
    assert known.price == pytest.approx(now + (now - before) / 4)
    assert known.price_variance == pytest.approx(known.sigma**2 * 60 * 7 / 24)


def test_inside_the_look_back_a_slope_is_not_enough() -> None:
    late = make_snapshot(due_ms=DUE_MS + 260_000, price_to_beat=60_000.0)
    missing = read_settlement(blind(late, kept=90), market_of(late), PARAMS)
    assert isinstance(missing, NoData)
    assert "closing average needs spot" in missing.reason


def test_a_market_without_a_look_back_has_no_fair_value() -> None:
    snapshot = make_snapshot()
    market = msgspec.structs.replace(market_of(snapshot), twap_lookback_seconds=0)
    assert isinstance(read_settlement(snapshot, market, PARAMS), NoData)


def test_ticks_observed_after_the_snapshot_are_not_seen() -> None:
    snapshot = make_snapshot()
    earlier = msgspec.structs.replace(snapshot, taken_ms=snapshot.taken_ms - 10_000)
    known = read_settlement(earlier, market_of(earlier), PARAMS)
    assert isinstance(known, Settlement)
    assert known.price == snapshot.ticks.spot[-10]


@pytest.mark.parametrize("feed", [Feed.TICKS])
def test_without_ticks_there_is_no_fair_value(feed: Feed) -> None:
    snapshot = without(make_snapshot(), feed)
    assert read_settlement(snapshot, market_of(snapshot), PARAMS) == NoData("no settlement tick")


def test_candle_volatility_is_the_weighted_square_of_close_to_close_changes() -> None:
    candles = make_candles(closes=[100.0, 103.0] * 6 + [100.0])
    none = Ticks(observed_ms=(), twap=(), spot=())
    assert variance_per_second(candles, none, PARAMS) == pytest.approx(9 / 300)
    jump = make_candles(closes=[100.0] * 12 + [103.0])
    halved = msgspec.structs.replace(PARAMS, candle_half_life=1.0)
    # weights 1, 1/2, 1/4 ...: the last change has half of nearly all
    assert variance_per_second(jump, none, halved) == pytest.approx(9 / 300 / 2, rel=1e-3)


def test_tick_volatility_is_the_realised_variance_of_its_steps() -> None:
    spot = [100.0 + (second // 5) % 2 for second in range(301)]
    times = tuple(DUE_MS + 1000 * second for second in range(301))
    ticks = Ticks(observed_ms=times, twap=tuple(spot), spot=tuple(spot))
    assert variance_per_second(None, ticks, PARAMS) == pytest.approx(1 / 5)
    calm = make_candles(closes=[100.0] * 20)
    # 60 steps weigh as much as the candles
    assert variance_per_second(calm, ticks, PARAMS) == pytest.approx(1 / 10)


def test_ticks_that_are_all_of_one_moment_say_nothing_of_volatility() -> None:
    spot = (100.0, 101.0) * 151
    ticks = Ticks(observed_ms=(DUE_MS,) * 302, twap=spot, spot=spot)
    assert variance_per_second(None, ticks, PARAMS) is None
    candles = make_candles(closes=[100.0, 103.0] * 6 + [100.0])
    assert variance_per_second(candles, ticks, PARAMS) == pytest.approx(9 / 300)


def test_a_mirrored_market_mirrors_the_fair_value() -> None:
    snapshot = make_snapshot(price_to_beat=60_020.0)
    up = read_settlement(snapshot, market_of(snapshot), PARAMS)
    image = mirrored(snapshot, 60_000.0)
    down = read_settlement(image, market_of(image), PARAMS)
    assert isinstance(up, Settlement)
    assert isinstance(down, Settlement)
    assert probability_up(up) + probability_up(down) == pytest.approx(1)
