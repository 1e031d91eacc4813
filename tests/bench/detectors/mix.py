"""How often a changed mix of decisions is cried for nothing, and how soon it is true."""

import math
import statistics

import msgspec
import numpy as np
from scipy.stats import norm

from actors.detectors.decision_mix import (
    PERIOD_CYCLES,
    MixWatch,
    Reference,
    advance,
    findings,
    watch,
)
from tests.bench.detectors.cycles import SLOTS

BEFORE = {"trade Up": 0.15, "trade Down": 0.15, "edge": 0.5, "stale": 0.05, "gate": 0.15}
REFERENCE = Reference(
    release="before", counts={name: round(2_000 * share) for name, share in BEFORE.items()}
)
CHANGES = {
    "trades stop": {"edge": 0.80, "stale": 0.05, "gate": 0.15},
    "trades double": {**BEFORE, "trade Up": 0.30, "trade Down": 0.30, "edge": 0.20},
    "only Up is bought": {**BEFORE, "trade Up": 0.30, "trade Down": 0.0},
    "stale from 5 % to 50 %": {**BEFORE, "stale": 0.5, "edge": 0.05},
}


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    rho: float
    memory: float
    periods: float
    alarms: int


def cycles_of(
    rng: np.random.Generator, shares: dict[str, float], rho: float, memory: float, count: int
) -> list[list[str]]:
    """Draw cycles of sixteen: one shared mood, which remembers itself, orders the categories."""
    names = list(shares)
    edges = norm.ppf(np.cumsum(list(shares.values()))[:-1])
    mood, drawn = float(rng.standard_normal()), []
    for _ in range(count):
        mood = memory * mood + math.sqrt(1 - memory * memory) * float(rng.standard_normal())
        latent = math.sqrt(rho) * mood + math.sqrt(1 - rho) * rng.standard_normal(SLOTS)
        drawn.append([names[place] for place in np.searchsorted(edges, latent)])
    return drawn


def holds(state: MixWatch) -> bool:
    return findings(state)[0].holds


def false_alarms(seed: int, rho: float, memory: float, cycles: int) -> Mix:
    rng = np.random.default_rng(seed)
    state, alarms = watch("after", REFERENCE), 0
    for cycle in cycles_of(rng, BEFORE, rho, memory, cycles):
        state = advance(state, cycle)
        if holds(state):
            alarms, state = alarms + 1, watch("after", REFERENCE)
    return Mix(rho=rho, memory=memory, periods=cycles / PERIOD_CYCLES, alarms=alarms)


def delay(seed: int, shares: dict[str, float], rho: float, runs: int, limit: int = 500) -> float:
    """Return the median of cycles from the change to the alarm."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(runs):
        state, number = watch("after", REFERENCE), 0
        for cycle in cycles_of(rng, shares, rho, 0.0, limit):
            state, number = advance(state, cycle), number + 1
            if holds(state):
                break
        found.append(number)
    return statistics.median(found)
