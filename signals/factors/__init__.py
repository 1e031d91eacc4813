"""The five factors: each adds points to a bull case and to a bear case, spread = bull - bear.

One file a factor; `score_factors` puts them together with their weights.
"""

import msgspec

from signals.decision import FactorScore
from signals.factors import alignment, confluence, pattern, positioning, volume
from signals.factors.case import compose
from signals.market import Timeframe
from signals.params import Params
from signals.regime import FundingHistory, Regime
from signals.snapshot import Feed, Snapshot


class Spread(msgspec.Struct, frozen=True):
    """The two cases together."""

    points: float | None
    """100 (bull - bear) / available maximum, -100 .. 100; None with nothing available."""
    available: float
    """Sum of the maxima of all that has data."""


def score_factors(
    snapshot: Snapshot,
    timeframe: Timeframe,
    history: FundingHistory,
    regime: Regime | None,
    params: Params,
) -> tuple[FactorScore, ...]:
    """Score all five; what lacks its input says so."""
    weights = params.regime_weights if regime is Regime.REGIME_SHIFT else params.weights
    candles_ms = snapshot.age(Feed.CANDLES).age_ms
    oldest_ms = _older(snapshot.age(Feed.FUNDING).age_ms, snapshot.age(Feed.OPEN_INTEREST).age_ms)
    return (
        compose(
            "pattern",
            weights.pattern,
            pattern.parts(snapshot, timeframe, params.pattern),
            candles_ms,
        ),
        compose("volume", weights.volume, volume.parts(snapshot, params.volume), candles_ms),
        compose(
            "alignment", weights.alignment, alignment.parts(snapshot, params.alignment), candles_ms
        ),
        compose(
            "confluence",
            weights.confluence,
            confluence.parts(snapshot, params.confluence),
            candles_ms,
        ),
        compose(
            "positioning",
            weights.positioning,
            positioning.parts(snapshot, history, params.positioning),
            oldest_ms,
        ),
    )


def spread(scores: tuple[FactorScore, ...]) -> Spread:
    """Add the cases over what is available."""
    available = difference = 0.0
    for score in scores:
        if score.bull is not None and score.bear is not None:
            available += score.maximum
            difference += score.bull - score.bear
    if available <= 0:
        return Spread(None, 0.0)
    return Spread(100 * difference / available, available)


def _older(one_ms: int | None, other_ms: int | None) -> int | None:
    if one_ms is None or other_ms is None:
        return one_ms if other_ms is None else other_ms
    return max(one_ms, other_ms)
