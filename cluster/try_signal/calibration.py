"""Log-loss, Brier score and reliability of probabilities against what happened."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from cluster.audit.statistics import brier, log_loss, log_losses
from cluster.try_signal.result import Bin, Calibration, TriedDecision
from signals.market import Outcome

BINS: Final = 10
MARKET: Final = "market_mid_up"
CLUSTERS_MIN: Final = 10
"""Settlement times below which no interval is given."""
DRAWS: Final = 1_000
SEED: Final = 1


class Forecast(msgspec.Struct, frozen=True):
    probability: float
    up: bool
    settlement: str = ""
    """Windows with the same one settle together: nearly one observation."""


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
    ours = np.array([one.probability for one in forecasts])
    market = np.array([one.market_mid_up for one in known])
    up = np.array([one.up for one in forecasts])
    gains = (log_losses(market, up) - log_losses(ours, up)).tolist()
    beats = [(one.settlement, gain) for one, gain in zip(forecasts, gains, strict=True)]
    low, high = (None, None) if field == MARKET else _interval(beats)
    loss, score = log_loss(ours, up), brier(ours, up)
    assert loss is not None, "there is a decision"
    assert score is not None
    return Calibration(
        name=name,
        forecasts=len(known),
        windows=len({(one.slot, one.window_open_ms) for one in known}),
        settlement_times=len({_settlement(one) for one in known}),
        log_loss=loss,
        brier=score,
        reliability=reliability(forecasts),
        beats_market=None if field == MARKET else math.fsum(gain for _, gain in beats) / len(beats),
        beats_market_low=low,
        beats_market_high=high,
    )


def _settlement(one: TriedDecision) -> str:
    """Name what settles together: all assets' windows of one timeframe and opening."""
    return f"{one.slot.rpartition('-')[2]}/{one.window_open_ms}"


def _comparable(decision: TriedDecision, field: str) -> bool:
    own, mid = decision.probability_up, decision.market_mid_up
    return own is not None and mid is not None and getattr(decision, field) is not None
