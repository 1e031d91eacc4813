"""Measures of a candle series, additive in price: a mirrored market mirrors them."""

from collections.abc import Sequence

from signals.fair_value import PRICE_MAX
from signals.snapshot import Candles, Feed, Interval, Snapshot

VOLUME_MAX = 1e15
"""Base units; anything above is not a volume."""
DAY_MS = 86_400_000


def usable(snapshot: Snapshot, interval: Interval, count_min: int) -> Candles | None:
    """Return a fresh series of at least `count_min` candles whose numbers are numbers, or None."""
    candles = snapshot.series(interval)
    if candles is None or len(candles) < count_min or not snapshot.age(Feed.CANDLES).fresh:
        return None
    if not 0 < min(candles.low) <= max(candles.high) < PRICE_MAX:
        return None
    total = sum(candles.open) + sum(candles.close) + sum(candles.high) + sum(candles.low)
    if not 0 < total < PRICE_MAX * 4 * len(candles):
        return None
    if not 0 <= min(candles.volume) <= sum(candles.volume) < VOLUME_MAX:
        return None
    return candles


def average_range(candles: Candles, count: int) -> float:
    """Average true range of the last `count` candles, USD (Wilder 1978, plain mean)."""
    last = len(candles)
    first = max(1, last - count)
    if first >= last:
        return candles.high[-1] - candles.low[-1]
    total = 0.0
    for place in range(first, last):
        before = candles.close[place - 1]
        total += max(candles.high[place], before) - min(candles.low[place], before)
    return total / (last - first)


def exponential_average(values: Sequence[float], span: int) -> float:
    """Exponential moving average with factor 2 / (span + 1), started at the first value."""
    weight = 2 / (span + 1)
    average = values[0]
    for value in values[1:]:
        average += weight * (value - average)
    return average


def same_time_of_day(candles: Candles, time_ms: int, length_ms: int) -> list[int]:
    """Return the places of the candles whose span covers this time of day, newest first."""
    bucket_ms = (time_ms - time_ms % length_ms) % DAY_MS
    newest_ms = candles.open_time_ms[-1]
    back = ((newest_ms - bucket_ms) % DAY_MS) // length_ms
    place = len(candles) - 1 - back
    step = DAY_MS // length_ms
    places = []
    while place >= 0:
        if candles.open_time_ms[place] % DAY_MS == bucket_ms:
            places.append(place)
        place -= step
    return places
