"""How often the outcome detector cries for nothing, and how soon it finds a fall. Its own code."""

import statistics
from collections.abc import Iterator

import msgspec
import numpy as np
from scipy.stats import chi2

from actors.detectors.outcome import EDGE_LOG_WEALTH, FALL_LEVEL, Scores, advance
from tests.bench.detectors.cycles import SLOTS, counts

PERIOD = 3_600
"""Cycles of 12.5 days."""
GOOD = 0.913
PRICE = 0.90
WARM = 50
"""Good cycles before the fall, so that the statistic is where it usually is."""


class FalseAlarms(msgspec.Struct, frozen=True, kw_only=True):
    price: float
    probability: float
    rho: float
    periods: float
    fell: int
    without_edge: int

    @property
    def alarms(self) -> int:
        return self.fell + self.without_edge

    @property
    def per_period(self) -> float:
        return self.alarms / self.periods

    @property
    def per_period_upper(self) -> float:
        """Return the upper end of the 95 % one-sided Poisson interval."""
        return float(chi2.ppf(0.95, 2 * (self.alarms + 1))) / 2 / self.periods


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    to: float
    rho: float
    runs: int
    median: float
    p90: float
    unfound: int


def bets(count: int, price: float) -> tuple[tuple[float, bool], ...]:
    return tuple((price, slot < count) for slot in range(SLOTS))


def false_alarms(
    seed: int, rho: float, cycles: int, probability: float = GOOD, price: float = PRICE
) -> FalseAlarms:
    """Watch one long good time; after an alarm a person clears it and it starts anew."""
    rng = np.random.default_rng(seed)
    scores, fell, without_edge = Scores(), 0, 0
    for count in counts(rng, probability, rho, cycles):
        scores = advance(scores, bets(count, price))
        if scores.fall >= FALL_LEVEL:
            fell, scores = fell + 1, Scores()
        elif scores.edge.log >= EDGE_LOG_WEALTH:
            without_edge, scores = without_edge + 1, Scores()
    return FalseAlarms(
        price=price,
        probability=probability,
        rho=rho,
        periods=cycles / PERIOD,
        fell=fell,
        without_edge=without_edge,
    )


def delay(seed: int, rho: float, to: float, runs: int, limit: int = 600) -> Delay:
    """Let wins fall from `GOOD` to `to` and count cycles until the alarm."""
    rng = np.random.default_rng(seed)
    found = [_one_delay(rng, rho, to, limit) for _ in range(runs)]
    return Delay(
        to=to,
        rho=rho,
        runs=runs,
        median=statistics.median(found),
        p90=statistics.quantiles(found, n=10)[-1],
        unfound=sum(cycles > limit for cycles in found),
    )


def _one_delay(rng: np.random.Generator, rho: float, to: float, limit: int) -> int:
    scores = Scores()
    for count in counts(rng, GOOD, rho, WARM):
        scores = advance(scores, bets(count, PRICE))
        if scores.fall >= FALL_LEVEL:
            scores = Scores()
    for number, count in enumerate(_fallen(rng, rho, to, limit), start=1):
        scores = advance(scores, bets(count, PRICE))
        if scores.fall >= FALL_LEVEL or scores.edge.log >= EDGE_LOG_WEALTH:
            return number
    return limit + 1


def _fallen(rng: np.random.Generator, rho: float, to: float, limit: int) -> Iterator[int]:
    """Draw in pieces: most runs end early."""
    for _ in range(limit // 20):
        yield from counts(rng, to, rho, 20)
