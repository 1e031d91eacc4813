"""The statistics of the release report: pure functions on numpy arrays, each with its source.

Observations are one per settlement time: slots that settle together are nearly one bet, so their
results are averaged before anything here sees them.
"""

from statistics import NormalDist
from typing import Any, Final

import msgspec
import numpy as np

ALPHA: Final = 0.05
"""All intervals are 95 %."""
NORMAL: Final = NormalDist().inv_cdf(1 - ALPHA / 2)
"""Normal quantile. Importing `scipy` would take as long as half the report; the tests hold these
formulas against it."""
LAMBDA_MAX: Final = 0.75
"""Upper limit of the betting fraction in the confidence sequence (1/2 or 3/4 in its source)."""
PROBABILITY_MIN: Final = 1e-6
"""Log-loss of a certain miss is infinite; nobody in this market is surer than that."""
YEAR_MS: Final = 31_557_600_000
SHARPE_MIN: Final = 3
"""Observations below which a Sharpe ratio has no spread to speak of."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate with its 95 % bounds."""

    estimate: float
    low: float
    high: float
    n: int


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall of cumulative P&L below an earlier height (its start counts as one)."""

    depth_micro_usd: int
    peak_ms: int | None
    trough_ms: int | None
    recovered_ms: int | None
    """When the earlier height was reached again; None: not yet."""
    recovery_ms: int | None = None
    """From the height to its recovery; None: not yet."""


def wilson(wins: int, n: int) -> Interval | None:
    """Return the win rate with its score interval.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
    """
    if n == 0:
        return None
    rate, z2 = wins / n, NORMAL**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    reach = NORMAL / (1 + z2 / n) * (rate * (1 - rate) / n + z2 / (4 * n * n)) ** 0.5
    return Interval(estimate=rate, low=max(0.0, centre - reach), high=min(1.0, centre + reach), n=n)


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """A confidence sequence: after each value the mean so far and its bounds."""

    mean: Floats
    low: Floats
    high: Floats


def confidence_bounds(values: Floats, low: float, high: float) -> Bounds:
    """Return the mean of bounded values with bounds that hold at every sample size at once.

    They may be looked at after each settlement without raising the error above `ALPHA`.
    Predictable plug-in empirical Bernstein: Waudby-Smith and Ramdas (2024), "Estimating means of
    bounded random variables by betting", JRSS B 86, theorem 2, without the
    running intersection, which is empty where the mean has moved.
    """
    n = len(values)
    x = (values - low) / (high - low)
    count = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(x)) / (count + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (count + 1)
    mean_before = np.concatenate(([0.5], means[:-1]))
    variance_before = np.concatenate(([0.25], variances[:-1]))
    bet = np.sqrt(2 * np.log(2 / ALPHA) / (variance_before * count * np.log(count + 1)))
    bet = np.minimum(bet, LAMBDA_MAX)
    psi = (-np.log1p(-bet) - bet) / 4
    spread = 4 * (x - mean_before) ** 2
    weight = np.cumsum(bet)
    centre = np.cumsum(bet * x) / weight
    radius = (np.log(2 / ALPHA) + np.cumsum(spread * psi)) / weight
    width = high - low
    return Bounds(
        mean=np.cumsum(values) / count,
        low=low + width * np.maximum(0.0, centre - radius),
        high=low + width * np.minimum(1.0, centre + radius),
    )


def confidence_sequence(values: Floats, low: float, high: float) -> Interval | None:
    """Return the mean with its bounds after the last value; None without any."""
    n = len(values)
    if n == 0:
        return None
    bounds = confidence_bounds(values, low, high)
    return Interval(
        estimate=float(values.mean()),
        low=float(bounds.low[-1]),
        high=float(bounds.high[-1]),
        n=n,
    )


def sharpe(values: Floats) -> Interval | None:
    """Return mean over standard deviation per observation; None where nothing varies.

    Standard error with skewness and kurtosis: Mertens (2002), as in Opdyke (2007), "Comparing
    Sharpe ratios: so where are the p-values?", J. Asset Management 8. Assumes that observations
    do not depend on each other.
    """
    n = len(values)
    if n < SHARPE_MIN:
        return None
    deviation = float(values.std(ddof=1))
    if deviation == 0:
        return None
    ratio = float(values.mean()) / deviation
    scaled = (values - values.mean()) / values.std()
    skew, kurtosis = float((scaled**3).mean()), float((scaled**4).mean())
    variance = (1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2) / n
    reach = NORMAL * max(variance, 0.0) ** 0.5
    return Interval(estimate=ratio, low=ratio - reach, high=ratio + reach, n=n)


def annual(ratio: Interval, span_ms: int) -> Interval | None:
    """Scale a Sharpe ratio to a year by the pace of its own observations.

    Square root of time, for independent observations: Lo (2002), "The statistics of Sharpe
    ratios", Financial Analysts Journal 58.
    """
    if span_ms <= 0:
        return None
    factor = (ratio.n * YEAR_MS / span_ms) ** 0.5
    return Interval(
        estimate=ratio.estimate * factor,
        low=ratio.low * factor,
        high=ratio.high * factor,
        n=ratio.n,
    )


def drawdown(time_ms: Any, pnl_micro_usd: Any) -> Drawdown:
    """Return the deepest drawdown of cumulative P&L; both arrays integers, in time order."""
    if len(pnl_micro_usd) == 0:
        return Drawdown(depth_micro_usd=0, peak_ms=None, trough_ms=None, recovered_ms=None)
    total = np.concatenate(([0], np.cumsum(pnl_micro_usd)))
    when = np.concatenate(([time_ms[0]], time_ms))
    heights = np.maximum.accumulate(total)
    falls = heights - total
    trough = int(np.argmax(falls))
    if falls[trough] == 0:
        return Drawdown(depth_micro_usd=0, peak_ms=None, trough_ms=None, recovered_ms=None)
    peak = int(np.argmax(total[: trough + 1]))
    after = np.flatnonzero(total[trough:] >= total[peak])
    recovered = trough + after[0] if len(after) else None
    return Drawdown(
        depth_micro_usd=int(falls[trough]),
        peak_ms=int(when[peak]),
        trough_ms=int(when[trough]),
        recovered_ms=None if recovered is None else int(when[recovered]),
        recovery_ms=None if recovered is None else int(when[recovered] - when[peak]),
    )


def log_losses(probability: Floats, happened: Any) -> Floats:
    """Return of each forecast -ln of the probability given to what happened (Good, 1952)."""
    given = np.where(happened, probability, 1 - probability)
    losses: Floats = -np.log(np.clip(given, PROBABILITY_MIN, 1))
    return losses


def log_loss(probability: Floats, happened: Any) -> float | None:
    """Return the mean of the forecasts' losses; None without any."""
    return float(log_losses(probability, happened).mean()) if len(probability) else None


def brier(probability: Floats, happened: Any) -> float | None:
    """Return the mean squared error of the probability (Brier, 1950)."""
    if len(probability) == 0:
        return None
    return float(((probability - np.asarray(happened, dtype=float)) ** 2).mean())


def pooled(group: Any, values: Floats, weights: Floats) -> tuple[Any, Floats]:
    """Return the groups, sorted, and the weighted mean of each: one observation per settlement."""
    groups, place = np.unique(group, return_inverse=True)
    total = np.bincount(place, weights=values * weights, minlength=len(groups))
    weight = np.bincount(place, weights=weights, minlength=len(groups))
    return groups, total / weight
