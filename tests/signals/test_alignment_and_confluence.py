"""Alignment and confluence by hand."""

import msgspec
import pytest

from signals.factors import alignment, confluence, levels
from signals.factors.confluence import density
from signals.factors.measures import average_range, exponential_average, same_time_of_day
from signals.param_sections import AlignmentParams, ConfluenceParams
from signals.snapshot import Candles, Feed, Interval, Snapshot
from tests.signals.altered import without
from tests.signals.builders import DUE_MS, make_candles, make_snapshot

ALIGNMENT = AlignmentParams()
CONFLUENCE = ConfluenceParams()


def only(*candles: Candles) -> Snapshot:
    return msgspec.structs.replace(make_snapshot(), candles=candles)


def test_exponential_average_by_hand() -> None:
    assert exponential_average([1.0, 2.0, 4.0], 3) == pytest.approx(2.75)  # 1 -> 1.5 -> 2.75


def test_average_true_range_counts_gaps() -> None:
    candles = make_candles(
        closes=[10.0, 15.0, 14.0], opens=[10.0, 14.0, 15.0], highs=[11.0, 16.0, 15.0],
        lows=[9.0, 14.0, 13.0],
    )  # fmt: skip
    # true ranges: 16 - 10 (the close before) = 6, 15 - 13 = 2
    assert average_range(candles, 14) == pytest.approx(4)


def test_the_same_time_of_day_is_found_newest_first() -> None:
    candles = make_candles(Interval.M30, closes=[1.0] * 100, end_ms=DUE_MS)
    places = same_time_of_day(candles, DUE_MS - 30_000, 1_800_000)  # 23:59:50, half hour 23:30
    assert places == [99, 51, 3]
    assert same_time_of_day(candles, DUE_MS, 1_800_000) == [52, 4]


def test_a_trend_up_on_all_five_timeframes_is_the_full_bull_case() -> None:
    rise = [100.0 + step for step in range(20)]
    snapshot = only(*(make_candles(interval, closes=rise) for interval in alignment.FRAMES))
    parts = alignment.parts(snapshot, ALIGNMENT)
    assert [part.bull for part in parts] == [1.0] * 5
    assert [part.bear for part in parts] == [0.0] * 5


def test_a_trend_is_measured_in_average_ranges() -> None:
    closes = [100.0] * 19 + [101.0]
    candles = make_candles(
        Interval.H1, closes=closes, highs=[102.0] * 20, lows=[98.0] * 20, opens=[100.0] * 20
    )
    part = alignment.parts(only(candles), ALIGNMENT)[1]
    gap = (1 / 3 - 1 / 7) / 4  # weights 2 / (5 + 1) and 2 / (13 + 1) of the one step, range 4
    assert part.bull == pytest.approx(gap / 0.5)
    assert part.bear == 0


def test_missing_timeframes_are_named() -> None:
    snapshot = only(make_candles(Interval.H1, closes=[100.0 + step for step in range(20)]))
    parts = alignment.parts(snapshot, ALIGNMENT)
    missing = [part.why for part in parts if part.bull is None]
    assert missing == ["no data: 15m", "no data: 4h", "no data: 1d", "no data: 1w"]


def test_levels_below_support_and_levels_above_resist() -> None:
    # reach 2: 99 weighs 1/2, 98 nothing, 101.5 weighs 1/4, the price itself counts for both
    assert density([99.0, 98.0, 101.5, 90.0], 100.0, 2.0) == pytest.approx((0.5, 0.25))
    assert density([100.0], 100.0, 2.0) == (1.0, 1.0)


def test_levels_by_hand() -> None:
    candles = make_candles(
        closes=[10.0, 12.0, 14.0, 12.0, 10.0],
        highs=[11.0, 13.0, 15.0, 13.0, 11.0],
        lows=[9.0, 11.0, 13.0, 11.0, 9.0],
        volumes=[1.0, 0.0, 2.0, 0.0, 1.0],
    )
    assert levels.volume_weighted_price(candles) == pytest.approx((10 + 2 * 14 + 10) / 4)
    assert levels.swings(candles, 2) == (15.0,)
    low, mean, high = levels.bollinger(candles, 4, 2.0)  # 12 14 12 10: mean 12, deviation sqrt 2
    assert (low, mean, high) == pytest.approx((12 - 2 * 2**0.5, 12, 12 + 2 * 2**0.5))
    assert levels.retracements(candles) == pytest.approx(
        (9 + 6 * 0.236, 9 + 6 * 0.382, 12, 9 + 6 * 0.618, 9 + 6 * 0.764)
    )
    flat = make_candles(closes=[10.0] * 5, volumes=[0.0] * 5)
    assert levels.volume_weighted_price(flat) is None
    assert levels.retracements(flat) == ()


def test_a_price_above_its_levels_has_support_and_no_resistance() -> None:
    closes = [100.0, 100.4] * 15 + [101.2]
    part = confluence.parts(only(make_candles(closes=closes)), CONFLUENCE)[0]
    assert part.bull is not None
    assert part.bear is not None
    assert part.bull > part.bear
    assert "no hourly retracements" in part.why


def test_the_levels_of_the_last_hours_count_too() -> None:
    closes = [100.0, 100.4] * 15 + [101.2]
    fives = make_candles(closes=closes)
    alone = confluence.parts(only(fives), CONFLUENCE)[0]
    # a range of 100.8 to 102.0 has its retracements just above the price
    hours = make_candles(
        Interval.H1, closes=[101.0] * 12, highs=[102.0] * 12, lows=[100.8] * 12, end_ms=DUE_MS
    )
    both = confluence.parts(only(fives, hours), CONFLUENCE)[0]
    assert alone.bear is not None
    assert both.bear is not None
    assert both.bear > alone.bear
    assert "no hourly retracements" not in both.why


@pytest.mark.parametrize("feed", [Feed.CANDLES])
def test_without_candles_there_is_no_case(feed: Feed) -> None:
    bare = without(make_snapshot(), feed)
    assert [part.bull for part in confluence.parts(bare, CONFLUENCE)] == [None]
    assert [part.bull for part in alignment.parts(bare, ALIGNMENT)] == [None] * 5
