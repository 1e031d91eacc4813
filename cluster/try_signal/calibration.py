"""Log-loss, Brier score and reliability of probabilities against what happened."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from cluster.try_signal.result import Bin, Calibration, TriedDecision
from signals.market import Outcome

BINS: Final = 10
CLIP: Final = 1e-6
"""A forecast of 0 or 1 that is wrong costs -log(CLIP), about 13.8, instead of infinity."""


class Forecast(msgspec.Struct, frozen=True):
    probability: float
    up: bool


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
        )
        for place, group in sorted(groups.items())
    )


def calibrate(name: str, field: str, decisions: Sequence[TriedDecision]) -> Calibration | None:
    """Judge one probability of the decisions whose window settled; None without any.

    Only decisions on which all of ours, and the market's, are known enter, so that the rows of a
    report compare the same forecasts.
    """
    known = [one for one in decisions if one.winner is not None and _comparable(one, field)]
    if not known:
        return None
    forecasts = [Forecast(getattr(one, field), one.winner is Outcome.UP) for one in known]
    return Calibration(
        name=name,
        forecasts=len(known),
        windows=len({(one.slot, one.window_open_ms) for one in known}),
        settlement_times=len({(one.slot[-3:], one.window_open_ms) for one in known}),
        log_loss=log_loss(forecasts),
        brier=brier(forecasts),
        reliability=reliability(forecasts),
    )


def _comparable(decision: TriedDecision, field: str) -> bool:
    own, mid = decision.probability_up, decision.market_mid_up
    return own is not None and mid is not None and getattr(decision, field) is not None
