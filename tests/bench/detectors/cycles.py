"""Whole cycles of sixteen slots: wins under a one-factor Gaussian copula of given correlation."""

import numpy as np
from scipy.stats import norm

SLOTS = 16
RHOS = (0.0, 0.3, 0.6, 0.8)


def wins(
    rng: np.random.Generator, probability: float, rho: float, cycles: int, slots: int = SLOTS
) -> np.ndarray:
    """Return a (cycles, slots) array of booleans; each slot wins with `probability`."""
    shared = rng.standard_normal((cycles, 1))
    own = rng.standard_normal((cycles, slots))
    latent = np.sqrt(rho) * shared + np.sqrt(1 - rho) * own
    return np.asarray(latent < norm.ppf(probability))


def counts(rng: np.random.Generator, probability: float, rho: float, cycles: int) -> list[int]:
    """Return how many of the sixteen win, cycle by cycle."""
    return [int(count) for count in wins(rng, probability, rho, cycles).sum(axis=1)]
