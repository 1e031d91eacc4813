"""Price levels that traders watch: VWAP, Bollinger bands, swings, Fibonacci retracements."""

import math
from typing import Final

from signals.snapshot import Candles

FIBONACCI: Final = (0.236, 0.382, 0.5, 0.618, 0.764)
"""Retracement ratios; 0.764 = 1 - 0.236 keeps the set the same from either end."""


def volume_weighted_price(candles: Candles) -> float | None:
    """Return the VWAP of typical prices (high + low + close) / 3; None without volume."""
    volume = math.fsum(candles.volume)
    if volume <= 0:
        return None
    columns = zip(candles.high, candles.low, candles.close, candles.volume, strict=True)
    return math.fsum((high + low + close) / 3 * size for high, low, close, size in columns) / volume


def bollinger(candles: Candles, count: int, deviations: float) -> tuple[float, float, float]:
    """Return lower band, mean and upper band of the last `count` closes (Bollinger 2001)."""
    closes = candles.close[-count:]
    mean = math.fsum(closes) / len(closes)
    spread = math.sqrt(math.fsum((close - mean) ** 2 for close in closes) / len(closes))
    return mean - deviations * spread, mean, mean + deviations * spread


def swings(candles: Candles, side: int) -> tuple[float, ...]:
    """Return highs above, and lows below, all of their `side` neighbours on both sides."""
    found = []
    for place in range(side, len(candles) - side):
        around = (*range(place - side, place), *range(place + 1, place + side + 1))
        high, low = candles.high[place], candles.low[place]
        if all(high > candles.high[other] for other in around):
            found.append(high)
        if all(low < candles.low[other] for other in around):
            found.append(low)
    return tuple(found)


def retracements(candles: Candles) -> tuple[float, ...]:
    """Return the Fibonacci levels of the whole range; none for flat prices."""
    low, high = min(candles.low), max(candles.high)
    if high <= low:
        return ()
    return tuple(low + ratio * (high - low) for ratio in FIBONACCI)
