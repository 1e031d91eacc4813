"""Candlestick patterns, the bullish form only: the bearish form is the same shape upside down.

Definitions follow Nison, "Japanese Candlestick Charting Techniques" (1991), with bodies measured in
average true ranges. Strengths are round opinions between 0 and 1, not measured ones.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from signals.snapshot import Candles

LOOK_BACK: Final = 5
RECENCY: Final = (1.0, 0.6, 0.3)
"""Weight of a pattern that ended with the last candle, the one before, the one before that."""
WICK_TO_BODY_MIN: Final = 2.0
FULL_BODY_SHARE: Final = 0.9
"""Body over range from which a candle counts as without wicks."""


class Bar(msgspec.Struct, frozen=True):
    """One candle in average true ranges, relative to any fixed price."""

    open: float
    high: float
    low: float
    close: float

    @property
    def body(self) -> float:
        return self.close - self.open

    @property
    def range(self) -> float:
        return self.high - self.low


Bars = tuple[Bar, ...]


def to_bars(candles: Candles, average_range: float) -> Bars:
    """Return the last `LOOK_BACK` candles in units of `average_range` around the last close."""
    zero = candles.close[-1]
    first = max(0, len(candles) - LOOK_BACK)
    return tuple(
        Bar(
            (candles.open[place] - zero) / average_range,
            (candles.high[place] - zero) / average_range,
            (candles.low[place] - zero) / average_range,
            (candles.close[place] - zero) / average_range,
        )
        for place in range(first, len(candles))
    )


def upside_down(bars: Bars) -> Bars:
    return tuple(Bar(-bar.open, -bar.low, -bar.high, -bar.close) for bar in bars)


def _engulfing(bars: Bars, strong: float) -> bool:
    before, last = bars[-2:]
    return (
        before.body < 0
        and last.body >= strong
        and last.open <= before.close
        and last.close >= before.open
        and last.body > -before.body
    )


def _hammer(bars: Bars, _strong: float) -> bool:
    earliest, before, last = bars[-3:]
    body = abs(last.body)
    lower = min(last.open, last.close) - last.low
    upper = last.high - max(last.open, last.close)
    falling = before.close < earliest.close
    return falling and body > 0 and lower >= WICK_TO_BODY_MIN * body and upper <= body


def _morning_star(bars: Bars, strong: float) -> bool:
    first, star, last = bars[-3:]
    return (
        first.body <= -strong
        and abs(star.body) < -first.body / 3
        and last.body >= strong
        and last.close > (first.open + first.close) / 2
    )


def _three_soldiers(bars: Bars, strong: float) -> bool:
    first, second, last = bars[-3:]
    return (
        min(first.body, second.body, last.body) >= strong
        and first.close < second.close < last.close
    )


def _piercing(bars: Bars, strong: float) -> bool:
    before, last = bars[-2:]
    middle = (before.open + before.close) / 2
    return (
        before.body <= -strong and last.open <= before.close and middle < last.close < before.open
    )


def _full_body(bars: Bars, strong: float) -> bool:
    last = bars[-1]
    return last.body >= strong and last.body >= FULL_BODY_SHARE * last.range


def _inside_breakout(bars: Bars, _strong: float) -> bool:
    mother, inside, last = bars[-3:]
    return inside.high < mother.high and inside.low > mother.low and last.close > mother.high


Shape = Callable[[Bars, float], bool]
SHAPES: Final[tuple[tuple[tuple[str, str], float, Shape], ...]] = (
    (("engulfing", "engulfing"), 0.6, _engulfing),
    (("hammer", "shooting star"), 0.4, _hammer),
    (("morning star", "evening star"), 0.8, _morning_star),
    (("three soldiers", "three crows"), 0.8, _three_soldiers),
    (("piercing", "dark cloud"), 0.5, _piercing),
    (("full body", "full body"), 0.3, _full_body),
    (("inside breakout", "inside breakdown"), 0.5, _inside_breakout),
)
"""Names of the bullish and the bearish form, strength, definition."""


def bullish(bars: Bars, strong: float, name_at: int = 0) -> tuple[float, tuple[str, ...]]:
    """Return the bull case, 0 .. 1, and the names found.

    Evidence adds as 1 - product(1 - strength x recency): more of it never weakens the case.
    For the bear case pass `upside_down(bars)` and ``name_at=1``.
    """
    doubt = 1.0
    found = []
    for age, recency in enumerate(RECENCY):
        part = bars[: len(bars) - age]
        for shape in SHAPES:
            if len(part) > 2 and shape[2](part, strong):  # noqa: PLR2004 three bars at most
                doubt *= 1 - shape[1] * recency
                found.append(shape[0][name_at])
    return 1 - doubt, tuple(found)
