"""Seconds inside a candle: a seeded path that opens, touches its high and low, and closes there."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cluster.sandbox.prices.shapes import asset_number

SECONDS: Final = 300
PRICE_SCALE: Final = 10**10
"""Spots are integers of 1e-10 USD: exact sums, and digits enough for the cheapest coin."""
ROUGHNESS: Final = 0.5
"""Standard deviation of the path between its knots, against the candle's range."""

Spots = NDArray[np.int64]


def second_spots(seed: int, asset: str, index: int, candle: NDArray[np.float64]) -> Spots:
    """Return the spot of each second of the candle, in units of 1 / PRICE_SCALE USD.

    The first is the open, the last the close, the largest the high, the smallest the low.
    """
    opened, high, low, closed = (float(value) for value in candle[:4])
    if high <= low:
        return np.full(SECONDS, round(opened * PRICE_SCALE), dtype=np.int64)
    rng = np.random.default_rng((seed, index, 200 + asset_number(asset)))
    knots = _knots(rng, opened, high, low, closed)
    path = np.interp(np.arange(SECONDS), list(knots), list(knots.values()))
    path += _wobble(rng, list(knots), (high - low) * ROUGHNESS)
    return np.round(_fold(path, low, high) * PRICE_SCALE).astype(np.int64)


def _knots(
    rng: np.random.Generator, opened: float, high: float, low: float, closed: float
) -> dict[int, float]:
    """Choose the seconds of the extremes; one that equals the open or close needs no other."""
    knots = {0: opened, SECONDS - 1: closed}
    free = [int(s) for s in rng.choice(np.arange(1, SECONDS - 1), 2, replace=False)]
    for price in (high, low):
        if price not in (opened, closed):
            knots[free.pop()] = price
    return dict(sorted(knots.items()))


def _wobble(rng: np.random.Generator, knots: list[int], spread: float) -> NDArray[np.float64]:
    """Return a random walk that is zero at every knot."""
    walk = np.cumsum(rng.standard_normal(SECONDS)) * (spread / SECONDS**0.5)
    bridged: NDArray[np.float64] = walk - np.interp(np.arange(SECONDS), knots, walk[knots])
    return bridged


def _fold(path: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Reflect what leaves [low, high] back into it."""
    width = high - low
    phase = np.mod(path - low, 2 * width)
    folded: NDArray[np.float64] = low + np.minimum(phase, 2 * width - phase)
    return folded
