"""Confluence: density of levels near the price. Below it they support, above it they resist."""

from signals.factors import levels
from signals.factors.case import Part, no_data
from signals.factors.measures import average_range, usable
from signals.param_sections import ConfluenceParams
from signals.snapshot import Interval, Snapshot

RANGE_CANDLES = 14
LONG_CANDLES_MIN = 12


def parts(snapshot: Snapshot, params: ConfluenceParams) -> tuple[Part, ...]:
    candles = usable(snapshot, Interval.M5, max(params.band_candles, RANGE_CANDLES) + 1)
    if candles is None:
        return (no_data(1.0, "5m candles"),)
    price, scale = candles.close[-1], average_range(candles, RANGE_CANDLES)
    if scale <= 0:
        return (Part(share=1.0, bull=0.0, bear=0.0, why="prices without any range"),)
    found = [*levels.bollinger(candles, params.band_candles, params.band_deviations)]
    found += levels.swings(candles, params.swing_side)
    vwap = levels.volume_weighted_price(candles)
    found += [] if vwap is None else [vwap]
    hours = usable(snapshot, Interval.H1, LONG_CANDLES_MIN)
    found += [] if hours is None else levels.retracements(hours)
    support, resistance = density(found, price, scale * params.reach_atr)
    return (
        Part(
            share=1.0,
            bull=min(1.0, support / params.levels_full),
            bear=min(1.0, resistance / params.levels_full),
            why=f"of {len(found)} levels support {support:.2f}, resistance {resistance:.2f}"
            + ("" if hours else ", no hourly retracements"),
        ),
    )


def density(found: list[float], price: float, reach: float) -> tuple[float, float]:
    """Weigh levels within `reach`, from 1 at the price to 0; one at the price counts for both."""
    support = resistance = 0.0
    for level in found:
        distance = (level - price) / reach
        weight = max(0.0, 1 - abs(distance))
        if distance <= 0:
            support += weight
        if distance >= 0:
            resistance += weight
    return support, resistance
