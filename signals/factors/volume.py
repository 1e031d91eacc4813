"""Volume: against its own average for the time of day; takers' pressure; divergence from price.

Divergence compares price with on-balance volume (Granville 1963): volume of rising candles minus
volume of falling ones. Price that moves without it is not believed.
"""

from signals.factors.case import Part, clip, lean, no_data
from signals.factors.measures import average_range, same_time_of_day, usable
from signals.param_sections import VolumeParams
from signals.snapshot import Candles, Interval, Snapshot

HALF_HOUR_MS = 1_800_000
CANDLES_PER_HALF_HOUR = 6
RANGE_CANDLES = 14


def parts(snapshot: Snapshot, params: VolumeParams) -> tuple[Part, ...]:
    pressure_share = params.taker_share
    divergence_share = max(0.0, 1 - params.ratio_share - pressure_share)
    count_min = max(params.recent_candles, params.divergence_candles, RANGE_CANDLES) + 1
    candles = usable(snapshot, Interval.M5, count_min)
    if candles is None:
        shares = (params.ratio_share, pressure_share, divergence_share)
        return tuple(no_data(share, "5m candles") for share in shares)
    scale = average_range(candles, RANGE_CANDLES)
    return (
        _against_time_of_day(snapshot, candles, scale, params),
        _pressure(candles, params),
        _divergence(candles, scale, divergence_share, params),
    )


def _against_time_of_day(
    snapshot: Snapshot, candles: Candles, scale: float, params: VolumeParams
) -> Part:
    share, count = params.ratio_share, params.recent_candles
    halves = usable(snapshot, Interval.M30, params.days_min)
    if halves is None:
        return no_data(share, "30m candles for the time-of-day average")
    places = same_time_of_day(halves, candles.open_time_ms[-1], HALF_HOUR_MS)
    if len(places) < params.days_min:
        return no_data(share, f"{len(places)} of {params.days_min} days of this half hour")
    usual = sum(halves.volume[place] for place in places) / len(places)
    usual *= count / CANDLES_PER_HALF_HOUR
    if usual <= 0:
        return no_data(share, "no volume at this time of day")
    ratio = sum(candles.volume[-count:]) / usual
    strength = clip((ratio - 1) / (params.ratio_full - 1), 0.0)
    moved = _move(candles, count, scale)
    why = f"volume {ratio:.2f} of its time of day, price {moved:+.2f} ATR"
    return lean(share, strength * clip(moved / params.move_full_atr), why)


def _pressure(candles: Candles, params: VolumeParams) -> Part:
    share, count = params.taker_share, params.recent_candles
    bought = [value for value in candles.taker_buy[-count:] if value is not None]
    volume = sum(candles.volume[-count:])
    if len(bought) < count:
        return no_data(share, "taker-buy volume")
    if volume <= 0 or not 0 <= sum(bought) <= volume:
        return no_data(share, "taker-buy volume that fits the volume")
    excess = sum(bought) / volume - 0.5
    return lean(share, excess / params.pressure_full, f"takers bought {0.5 + excess:.3f}")


def _divergence(candles: Candles, scale: float, share: float, params: VolumeParams) -> Part:
    count = params.divergence_candles
    balance = total = 0.0
    for place in range(len(candles) - count, len(candles)):
        change = candles.close[place] - candles.close[place - 1]
        total += candles.volume[place]
        balance += candles.volume[place] * ((change > 0) - (change < 0))
    if total <= 0:
        return no_data(share, "no volume to compare with price")
    moved = clip(
        (candles.close[-1] - candles.close[-1 - count]) / scale / params.move_full_atr
        if scale > 0
        else 0.0
    )
    flow = balance / total
    why = f"price {moved:+.2f}, on-balance volume {flow:+.2f}"
    if moved * flow >= 0:
        return lean(share, 0.0, f"{why}: no divergence")
    return lean(share, flow * abs(moved), f"{why}: they diverge")


def _move(candles: Candles, count: int, scale: float) -> float:
    """Return the move over the last `count` candles in average ranges; 0 for flat prices."""
    return (candles.close[-1] - candles.open[-count]) / scale if scale > 0 else 0.0
