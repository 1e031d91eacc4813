"""Alignment: agreement of trend direction over five timeframes, 15 minutes to one week.

Trend is the gap between a fast and a slow exponential average in average true ranges. Each
timeframe has an equal share; the missing ones are named and leave the maximum.
"""

from signals.factors.case import Part, lean, no_data
from signals.factors.measures import average_range, exponential_average, usable
from signals.param_sections import AlignmentParams
from signals.snapshot import Interval, Snapshot

FRAMES = (Interval.M15, Interval.H1, Interval.H4, Interval.D1, Interval.W1)


def parts(snapshot: Snapshot, params: AlignmentParams) -> tuple[Part, ...]:
    return tuple(_trend(snapshot, interval, params) for interval in FRAMES)


def _trend(snapshot: Snapshot, interval: Interval, params: AlignmentParams) -> Part:
    share = 1 / len(FRAMES)
    candles = usable(snapshot, interval, params.slow_candles)
    if candles is None:
        return no_data(share, f"{interval}")
    scale = average_range(candles, params.slow_candles)
    if scale <= 0:
        return lean(share, 0.0, f"{interval} flat")
    fast = exponential_average(candles.close, params.fast_candles)
    slow = exponential_average(candles.close, params.slow_candles)
    gap = (fast - slow) / scale
    return lean(share, gap / params.gap_full_atr, f"{interval} {gap:+.2f}")
