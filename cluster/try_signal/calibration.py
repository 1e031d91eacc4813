"""Log-loss, Brier score and reliability of probabilities against what happened."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from cluster.try_signal.result import Bin, Calibration, TriedDecision
from signals.market import Outcome

BINS: Final = 10
MARKET: Final = "market_mid_up"
CLUSTERS_MIN: Final = 10
"""Settlement times below which no interval is given."""
DRAWS: Final = 1_000
SEED: Final = 1
CLIP: Final = 1e-6
"""A forecast of 0 or 1 that is wrong costs -log(CLIP), about 13.8, instead of infinity."""


class Forecast(msgspec.Struct, frozen=True):
    probability: float
    up: bool
    settlement: str = ""
    """Windows with the same one settle together: nearly one observation."""


def log_loss(forecasts: Sequence[Forecast]) -> float:
    """Return the mean of -log of the probability given to what happened."""
    losses = (
        -math.log(max(CLIP, one.probability if one.up else 1 - one.probability))
        for one in forecasts
    )
    return math.fsum(losses) / len(forecasts)


def brier(forecasts: Sequence[Forecast]) -> float:
    """Return the mean squared difference to what happened (Brier 1950, two outcomes, one term)."""
    return math.fsum((one.probability - one.up) ** 2 for one in forecasts) / len(forecasts)


def reliability(forecasts: Iterable[Forecast]) -> tuple[Bin, ...]:
    """Group forecasts into tenths; empty ones are left out."""
    groups: dict[int, list[Forecast]] = {}
    for one in forecasts:
        groups.setdefault(min(BINS - 1, int(one.probability * BINS)), []).append(one)
    return tuple(
        Bin(
            low=place / BINS,
            high=(place + 1) / BINS,
            forecasts=len(group),
            mean_forecast=math.fsum(one.probability for one in group) / len(group),
            share_up=sum(one.up for one in group) / len(group),
            share_up_low=low,
            share_up_high=high,
        )
        for place, group in sorted(groups.items())
        for low, high in (_interval([(one.settlement, float(one.up)) for one in group]),)
    )


def _interval(values: Sequence[tuple[str, float]]) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the mean by drawing whole settlement times again.

    Cluster bootstrap, percentile form (Efron 1979; Field and Welsh 2007); ``None, None`` below
    `CLUSTERS_MIN` settlement times. The same values give the same interval.
    """
    clusters: dict[str, list[float]] = {}
    for settlement, value in values:
        clusters.setdefault(settlement, []).append(value)
    if len(clusters) < CLUSTERS_MIN:
        return None, None
    sums = np.array([math.fsum(group) for group in clusters.values()])
    counts = np.array([len(group) for group in clusters.values()])
    drawn = np.random.default_rng(SEED).integers(0, len(sums), (DRAWS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def calibrate(name: str, field: str, decisions: Sequence[TriedDecision]) -> Calibration | None:
    """Judge one probability of the decisions whose window settled; None without any.

    Only decisions on which all of ours, and the market's, are known enter, so that the rows of a
    report compare the same forecasts.
    """
    known = [one for one in decisions if one.winner is not None and _comparable(one, field)]
    if not known:
        return None
    forecasts = [
        Forecast(getattr(one, field), one.winner is Outcome.UP, _settlement(one)) for one in known
    ]
    beats = [(_settlement(one), _gain(one, field)) for one in known]
    low, high = (None, None) if field == MARKET else _interval(beats)
    return Calibration(
        name=name,
        forecasts=len(known),
        windows=len({(one.slot, one.window_open_ms) for one in known}),
        settlement_times=len({_settlement(one) for one in known}),
        log_loss=log_loss(forecasts),
        brier=brier(forecasts),
        reliability=reliability(forecasts),
        beats_market=None if field == MARKET else math.fsum(gain for _, gain in beats) / len(beats),
        beats_market_low=low,
        beats_market_high=high,
    )


def _settlement(one: TriedDecision) -> str:
    """Name what settles together: all assets' windows of one timeframe and opening."""
    return f"{one.slot.rpartition('-')[2]}/{one.window_open_ms}"


def _gain(one: TriedDecision, field: str) -> float:
    """Return by how much a forecast's log-loss is below the market's, on one decision."""
    up = one.winner is Outcome.UP
    own = Forecast(getattr(one, field), up)
    market = Forecast(one.market_mid_up or 0.0, up)
    return log_loss([market]) - log_loss([own])


def _comparable(decision: TriedDecision, field: str) -> bool:
    own, mid = decision.probability_up, decision.market_mid_up
    return own is not None and mid is not None and getattr(decision, field) is not None
