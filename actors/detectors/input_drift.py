"""Are the inputs still what they were: frozen, contradicting each other, or on another scale? Pure.

Markets drift by themselves; a wrong unit, a dead feed that looks fresh or a swapped field does not
look like a market. So: one exact check of two independent feeds against each other, one for values
that stand still, and a CUSUM per feature on how far it lies from its own last day, the assets of a
cycle pooled to one observation. Its false alarms are counted on recorded and generated series.
"""

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from actors.detectors.finding import Finding
from signals.snapshot import Candles, Interval, MarketView, Snapshot

MEMORY_CYCLES: Final = 288
"""A day: the time over which a feature's usual level is forgotten."""
WARM_CYCLES: Final = 72
"""Six hours before the first judgement."""
CLIP: Final = 8.0
"""In usual deviations: one wild candle is no drift."""
SLACK: Final = 1.5
"""Usual deviations that the pooled feature may lie off: half a shift of three is found."""
LEVEL: Final = 18.0
"""Of the CUSUM; with `SLACK` chosen on recorded candles and by Monte Carlo."""
DEVIATION_MIN: Final = 0.05
"""Of features in logs or basis points: a calm series is no ruler."""
GAP_MAX: Final = 0.1
"""Log distance of settlement price and last candle close, in two cycles running: a market may leap
so far, and then the next candle has followed it."""
STILL_MAX: Final = 6
"""New candles in a row with the very same close, high, low and volume."""
ASSETS_MIN: Final = 3
"""With fewer assets the pooled feature is one asset's news."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """Where a feature usually lies."""

    mean: float = 0.0
    variance: float = 1.0
    seen: int = 0


class DriftWatch(msgspec.Struct, frozen=True, kw_only=True):
    levels: dict[str, Level] = {}
    """``asset/feature``."""
    up: dict[str, float] = {}
    down: dict[str, float] = {}
    """CUSUM per feature."""
    last: dict[str, tuple[float, ...]] = {}
    """Per asset: newest candle's open time, then its values."""
    still: dict[str, int] = {}
    gaps: dict[str, tuple[float, float]] = {}
    """Per asset: of the cycle before and of the newest."""


def features(snapshot: Snapshot) -> dict[str, float]:
    """Return the features that the snapshot has inputs for, in logs or basis points."""
    found: dict[str, float] = {}
    candles = snapshot.series(Interval.M5)
    if candles is not None:
        found |= _of_candle(candles)
    if snapshot.funding:
        found["funding"] = 1e4 * snapshot.funding[-1].rate
    if snapshot.open_interest and snapshot.open_interest[-1].base_units > 0:
        found["open_interest"] = math.log(snapshot.open_interest[-1].base_units)
    spread = _spread(_shortest(snapshot))
    if spread is not None:
        found["book_spread"] = spread
    return found


def _shortest(snapshot: Snapshot) -> MarketView | None:
    return min(snapshot.markets, key=lambda one: one.window.timeframe.length_ms, default=None)


def _of_candle(candles: Candles) -> dict[str, float]:
    close, extent = candles.close[-1], candles.high[-1] - candles.low[-1]
    found = {}
    if close > 0 and extent > 0:
        found["candle_range"] = math.log(extent / close)
    if candles.volume[-1] > 0:
        found["volume"] = math.log(candles.volume[-1])
    return found


def _spread(market: MarketView | None) -> float | None:
    book = None if market is None else market.up_book
    if book is None or not book.bids or not book.asks:
        return None
    return math.log(max(1, book.asks[0].price - book.bids[0].price))


def advance(state: DriftWatch, cycle: tuple[Snapshot, ...]) -> DriftWatch:
    """Add the snapshots of one cycle, one per asset."""
    by_asset = {str(snapshot.asset): features(snapshot) for snapshot in cycle}
    state = score(state, by_asset)
    last, still, gaps = dict(state.last), dict(state.still), dict(state.gaps)
    for snapshot in cycle:
        asset = str(snapshot.asset)
        newest = _newest(snapshot)
        if newest is not None and newest[0] != last.get(asset, (0.0,))[0]:
            same = newest[1:] == last.get(asset, (0.0,))[1:]
            still[asset] = still.get(asset, 0) + 1 if same else 0
            last[asset] = newest
        gaps[asset] = (gaps.get(asset, (0.0, 0.0))[1], _gap(snapshot))
    return msgspec.structs.replace(state, last=last, still=still, gaps=gaps)


def _newest(snapshot: Snapshot) -> tuple[float, ...] | None:
    candles = snapshot.series(Interval.M5)
    if candles is None:
        return None
    values = (candles.close[-1], candles.high[-1], candles.low[-1], candles.volume[-1])
    return (float(candles.open_time_ms[-1]), *values)


def _gap(snapshot: Snapshot) -> float:
    candles = snapshot.series(Interval.M5)
    prices = snapshot.ticks.twap
    if candles is None or not prices or min(prices[-1], candles.close[-1]) <= 0:
        return 0.0
    return abs(math.log(prices[-1] / candles.close[-1]))


def score(state: DriftWatch, by_asset: Mapping[str, Mapping[str, float]]) -> DriftWatch:
    """Score one cycle of features: asset -> feature -> value."""
    levels, pooled = dict(state.levels), dict[str, list[float]]()
    for asset, values in by_asset.items():
        for feature, value in values.items():
            key = f"{asset}/{feature}"
            level = levels.get(key, Level())
            z = _deviation(level, value)
            levels[key] = _learn(level, value, z)
            if level.seen >= WARM_CYCLES:
                pooled.setdefault(feature, []).append(z)
    means = {f: math.fsum(zs) / len(zs) for f, zs in pooled.items() if len(zs) >= ASSETS_MIN}
    up = {f: max(0.0, state.up.get(f, 0.0) + z - SLACK) for f, z in means.items()}
    down = {f: max(0.0, state.down.get(f, 0.0) - z - SLACK) for f, z in means.items()}
    return msgspec.structs.replace(
        state, levels=levels, up={**state.up, **up}, down={**state.down, **down}
    )


def _deviation(level: Level, value: float) -> float:
    if not level.seen:
        return 0.0
    z = (value - level.mean) / max(DEVIATION_MIN, math.sqrt(level.variance))
    return min(max(z, -CLIP), CLIP)


def _learn(level: Level, value: float, z: float) -> Level:
    """Follow slowly: quickly at first, then as an average over `MEMORY_CYCLES`."""
    if not level.seen:
        return Level(mean=value, variance=level.variance, seen=1)
    rate = 1 / min(level.seen + 1, MEMORY_CYCLES)
    step = z * max(DEVIATION_MIN, math.sqrt(level.variance))  # clipped: one error teaches little
    return Level(
        mean=level.mean + rate * step,
        variance=(1 - rate) * (level.variance + rate * step * step),
        seen=level.seen + 1,
    )


def findings(state: DriftWatch) -> tuple[Finding, ...]:
    drifted = {
        feature: f"{'above' if name == 'up' else 'below'} its last day, {level:.1f} of {LEVEL}"
        for name, levels in (("up", state.up), ("down", state.down))
        for feature, level in levels.items()
        if level >= LEVEL
    }
    apart = {asset: f"{gap[1]:.3f}" for asset, gap in state.gaps.items() if min(gap) > GAP_MAX}
    still = {asset: str(n) for asset, n in state.still.items() if n >= STILL_MAX}
    return (
        Finding(
            kind="input_drift",
            subject="inputs",
            holds=bool(drifted),
            evidence=drifted,
        ),
        Finding(
            kind="inputs_disagree",
            subject="inputs",
            holds=bool(apart),
            evidence=apart,
        ),
        Finding(
            kind="input_frozen",
            subject="inputs",
            holds=bool(still),
            evidence=still,
        ),
    )
