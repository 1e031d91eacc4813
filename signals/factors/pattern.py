"""Pattern: candlestick patterns of the last five closed candles, and the recurring intraday shape.

The shape is the mean move of this half hour of the day over the last days, as a t statistic
(intraday returns repeat at half-hour lags of whole days: Heston, Korajczyk, Sadka 2010).
"""

import math

from signals.factors import candle_patterns as shapes
from signals.factors.case import Part, lean, no_data
from signals.factors.measures import average_range, same_time_of_day, usable
from signals.market import Timeframe
from signals.param_sections import PatternParams
from signals.snapshot import Interval, Snapshot

HALF_HOUR_MS = 1_800_000


def parts(snapshot: Snapshot, timeframe: Timeframe, params: PatternParams) -> tuple[Part, ...]:
    return (
        _candle_patterns(snapshot, timeframe, params),
        _intraday_shape(snapshot, params),
    )


def _candle_patterns(snapshot: Snapshot, timeframe: Timeframe, params: PatternParams) -> Part:
    share = 1 - params.shape_share
    interval = Interval(timeframe.value)
    candles = usable(snapshot, interval, max(shapes.LOOK_BACK, params.atr_candles))
    if candles is None:
        return no_data(share, f"{interval} candles")
    scale = average_range(candles, params.atr_candles)
    if scale <= 0:
        return lean(share, 0.0, f"{interval} candles without any range")
    bars = shapes.to_bars(candles, scale)
    bull, rising = shapes.bullish(bars, params.strong_body_atr)
    bear, falling = shapes.bullish(shapes.upside_down(bars), params.strong_body_atr, name_at=1)
    why = f"bullish {', '.join(rising) or 'none'}, bearish {', '.join(falling) or 'none'}"
    return Part(share=share, bull=bull, bear=bear, why=why)


def _intraday_shape(snapshot: Snapshot, params: PatternParams) -> Part:
    share = params.shape_share
    candles = usable(snapshot, Interval.M30, params.shape_days_min)
    if candles is None:
        return no_data(share, "30m candles")
    places = same_time_of_day(candles, snapshot.taken_ms, HALF_HOUR_MS)
    moves = [candles.close[place] - candles.open[place] for place in places]
    count = len(moves)
    if count < max(2, params.shape_days_min):
        return no_data(share, f"{count} of {params.shape_days_min} days of this half hour")
    mean = math.fsum(moves) / count
    variance = math.fsum((move - mean) ** 2 for move in moves) / (count - 1)
    if variance <= 0:
        return lean(share, 0.0, f"this half hour never differed in {count} days")
    statistic = mean / math.sqrt(variance / count)
    return lean(share, statistic / params.shape_t_full, f"this half hour t {statistic:.2f}")
