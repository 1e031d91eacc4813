"""The pattern factor: each shape by hand, its mirror, the recurring half hour."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.factors import pattern
from signals.factors.candle_patterns import RECENCY, SHAPES, Bar, bullish, upside_down
from signals.factors.case import Part
from signals.market import Timeframe
from signals.param_sections import PatternParams
from signals.snapshot import Candles, Feed, Interval, Snapshot
from tests.signals.altered import without
from tests.signals.builders import DUE_MS, make_candles, make_snapshot

UNHURRIED = settings(deadline=None)
"""Machines that run the tests are busy; a slow example is no failure."""

PARAMS = PatternParams()
FLAT = Bar(0.0, 0.4, -0.4, 0.0)
"""No body, some range, fits no shape by itself."""


def only(*candles: Candles) -> Snapshot:
    return msgspec.structs.replace(make_snapshot(), candles=candles)


@pytest.mark.parametrize(
    ("bars", "name"),
    [
        ((FLAT, Bar(0.5, 0.6, -0.3, -0.2), Bar(-0.3, 0.9, -0.4, 0.8)), "engulfing"),
        ((Bar(2, 2.1, 1, 1.2), Bar(1, 1.1, 0.2, 0.3), Bar(0.3, 0.5, -0.7, 0.45)), "hammer"),
        (
            (Bar(1.5, 1.6, 0.4, 0.5), Bar(0.5, 0.6, 0.2, 0.45), Bar(0.4, 1.4, 0.3, 1.3)),
            "morning star",
        ),
        (
            (Bar(0, 0.9, -0.2, 0.7), Bar(0.7, 1.6, 0.5, 1.4), Bar(1.4, 2.3, 1.2, 2.1)),
            "three soldiers",
        ),
        ((FLAT, Bar(1, 1.1, -0.1, 0), Bar(-0.1, 0.9, -0.2, 0.7)), "piercing"),
        ((FLAT, FLAT, Bar(0, 1.0, 0, 0.95)), "full body"),
        ((Bar(0, 1, -1, 0.1), Bar(0, 0.5, -0.5, 0), Bar(0.9, 1.5, 0.2, 1.1)), "inside breakout"),
    ],
)
def test_each_bullish_shape_is_found_and_its_mirror_is_not(
    bars: tuple[Bar, ...], name: str
) -> None:
    case, found = bullish(bars, 0.6)
    strength = {names[0]: value for names, value, _ in SHAPES}
    assert name in found
    assert case >= strength[name] - 1e-12
    assert name not in bullish(upside_down(bars), 0.6)[1]


def test_a_hammer_ends_a_fall_and_no_pause() -> None:
    hammer = Bar(0.3, 0.5, -0.7, 0.45)
    pause = (Bar(0.2, 0.4, 0.1, 0.3), Bar(0.3, 0.4, 0.2, 0.3), hammer)
    assert "hammer" not in bullish(pause, 0.6)[1]


def test_evidence_fades_with_age_and_adds_without_passing_one() -> None:
    strong = Bar(0, 1.0, 0, 1.0)
    case, found = bullish((FLAT, FLAT, FLAT, FLAT, strong), 0.6)
    assert found == ("full body",)
    assert case == pytest.approx(0.3)
    case, _ = bullish((FLAT, FLAT, FLAT, strong, FLAT), 0.6)
    assert case == pytest.approx(0.3 * RECENCY[1])


@UNHURRIED
@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 4), min_size=5, max_size=5))
def test_a_case_is_between_0_and_1(rows: list[tuple[float, ...]]) -> None:
    bars = tuple(Bar(row[0], max(row), min(row), row[3]) for row in rows)
    assert 0 <= bullish(bars, 0.6)[0] <= 1


def candles_part(snapshot: Snapshot, timeframe: Timeframe = Timeframe.M5) -> Part:
    return pattern.parts(snapshot, timeframe, PARAMS)[0]


def test_an_engulfing_candle_speaks_for_the_bulls_of_its_own_timeframe() -> None:
    # thirteen candles of range 2 (ATR 2), then 101 -> 99.9 and 99.9 -> 101.5: bodies 0.55, 0.8 ATR
    opens = [*[100.0, 101.0] * 7, 101.0, 99.9]
    closes = [*[101.0, 100.0] * 7, 99.9, 101.5]
    highs = [*[101.5] * 14, 101.2, 102.0]
    lows = [*[99.5] * 14, 99.5, 99.8]
    candles = make_candles(closes=closes, opens=opens, highs=highs, lows=lows)
    part = candles_part(only(candles))
    assert part.bull is not None
    assert part.bear is not None
    assert part.bull >= 0.6
    assert "engulfing" in part.why
    assert part.bear < part.bull
    assert candles_part(only(candles), Timeframe.M15).bull is None


def test_flat_candles_have_no_pattern_and_say_why() -> None:
    part = candles_part(only(make_candles(closes=[100.0] * 20)))
    assert (part.bull, part.bear) == (0.0, 0.0)
    assert "without any range" in part.why


@pytest.mark.parametrize("feed", [Feed.CANDLES])
def test_without_candles_both_parts_have_no_data(feed: Feed) -> None:
    for part in pattern.parts(without(make_snapshot(), feed), Timeframe.M5, PARAMS):
        assert part.bull is None
        assert "no data" in part.why


def half_hours(moves: list[float]) -> Candles:
    """Seven days of flat half hours, but for the one of DUE_MS, oldest day first."""
    opens = [100.0] * 336
    closes = [100.0] * 336
    for day, move in enumerate(moves):
        # DUE_MS is 20 s after midnight: its half hour is the first of each of the seven days
        closes[day * 48] = 100.0 + move
    return make_candles(Interval.M30, closes=closes, opens=opens, end_ms=DUE_MS)


def test_the_recurring_half_hour_is_a_t_statistic() -> None:
    moves = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 2.0]
    part = pattern.parts(only(half_hours(moves)), Timeframe.M5, PARAMS)[1]
    mean = 2.0
    deviation = math.sqrt(sum((move - mean) ** 2 for move in moves) / 6)
    statistic = mean / (deviation / math.sqrt(7))
    assert statistic > PARAMS.shape_t_full
    assert (part.bull, part.bear) == (1.0, 0.0)
    assert f"t {statistic:.2f}" in part.why
    mild = msgspec.structs.replace(PARAMS, shape_t_full=20.0)
    part = pattern.parts(only(half_hours([-move for move in moves])), Timeframe.M5, mild)[1]
    assert part.bear == pytest.approx(statistic / 20)
    assert part.bull == 0


def test_too_few_days_of_a_half_hour_are_no_data() -> None:
    candles = make_candles(Interval.M30, closes=[100.0, 101.0] * 60, end_ms=DUE_MS)
    part = pattern.parts(only(candles), Timeframe.M5, PARAMS)[1]
    assert part.bull is None
    assert "2 of 4 days" in part.why
