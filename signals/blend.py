"""The probability: a logistic blend of market mid, fair value and factor spread.

The default coefficients are the market's own price and nothing else: on 757 recorded BTC 5m quotes
its mid had a log-loss of 0.309, a constant-volatility diffusion on exchange spot 0.416. Any other
set must be fitted, carries a `version` and is judged by the calibration that is published with it.
"""

import math

from signals.fair_value import NoData
from signals.param_sections import Blend

CLIP = 1e-6
"""Keeps the logit of a certain input finite; far outside any price the venue can quote."""


def logit(probability: float) -> float:
    """Return log(p / (1 - p)), with p kept inside [CLIP, 1 - CLIP]."""
    inside = min(max(probability, CLIP), 1 - CLIP)
    return math.log(inside / (1 - inside))


def logistic(value: float) -> float:
    """Invert `logit`; symmetric, without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    small = math.exp(value)
    return small / (1 + small)


def blend(
    mid: float, fair: float | NoData, spread_points: float | None, params: Blend
) -> float | NoData:
    """Return P(Up) strictly inside (0, 1), or which input with a coefficient is missing."""
    total = params.intercept + params.mid * logit(mid)
    if params.fair:
        if isinstance(fair, NoData):
            return fair
        total += params.fair * logit(fair)
    if params.factors:
        if spread_points is None:
            return NoData("no factor spread")
        total += params.factors * spread_points / 100
    return min(max(logistic(total), params.probability_min), 1 - params.probability_min)
