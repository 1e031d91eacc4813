"""The seeded generator: correlated 5-minute candles with regimes and jumps, one week at a time.

A week is a pure function of (seed, asset, week number, price at its anchor), so any moment can be
looked up in any order, and a restarted sandbox finds the same prices.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cluster.sandbox.prices.shapes import CANDLES_PER_WEEK, asset_number, shape_of

Floats = NDArray[np.float64]

COLUMNS: Final = 6
"""Of a block of candles: open, high, low, close, volume, taker buy (NaN: not recorded)."""
COMMON_SHARE: Final = 0.66
"""Latent correlation of the assets; sin(pi/2 x 0.46), where 0.46 is that of recorded directions."""
REGIMES: Final = ((0.6, 0.0), (1.0, 0.0), (1.7, 0.04), (1.7, -0.04))
"""(volatility factor, drift per candle in sigmas): calm, usual, rally, slide."""
REGIME_CANDLES: Final = 24
"""A regime lasts two hours, then the next is drawn."""
REGIME_WEIGHTS: Final = (0.35, 0.45, 0.1, 0.1)
JUMPS_PER_WEEK: Final = 6.0
JUMP_SIGMAS: Final = 5.0
WEEKS_MAX: Final = 600
"""Farther than this from the anchor nothing is generated: a bound, not a wish."""


class _Climate:
    """What all assets share in one week."""

    def __init__(self, seed: int, week: int) -> None:
        rng = np.random.default_rng((seed, week, 1))
        n = CANDLES_PER_WEEK
        drawn = rng.choice(len(REGIMES), size=n // REGIME_CANDLES, p=REGIME_WEIGHTS)
        table = np.array(REGIMES)[np.repeat(drawn, REGIME_CANDLES)]
        day = np.arange(n) % 288
        self.day_shape: Floats = 1.0 + 0.35 * np.cos((day - 180) * 2 * math.pi / 288)
        """Busiest at 15:00 UTC."""
        self.volatility: Floats = table[:, 0] * np.sqrt(self.day_shape)
        self.drift: Floats = table[:, 1]
        self.common: Floats = rng.standard_normal(n)
        jumps = rng.random(n) < JUMPS_PER_WEEK / n
        self.jump: Floats = np.where(jumps, rng.standard_normal(n) * JUMP_SIGMAS, 0.0)


class _Draws:
    """Log returns and extremes of one asset in one week, before any price is known."""

    def __init__(self, seed: int, asset: str, week: int) -> None:
        climate = _Climate(seed, week)
        shape = shape_of(asset)
        rng = np.random.default_rng((seed, week, 100 + asset_number(asset)))
        n = CANDLES_PER_WEEK
        own = rng.standard_normal(n)
        mixed = math.sqrt(COMMON_SHARE) * climate.common + math.sqrt(1 - COMMON_SHARE) * own
        sigma = shape.sigma_5m * climate.volatility
        self.returns: Floats = sigma * (mixed + climate.drift + climate.jump)
        ratio = self.returns / sigma
        variance = sigma**2
        # Extremes of a Brownian bridge: (c +- sqrt(c^2 - 2 v ln U)) / 2, the exact distribution.
        up = np.sqrt(self.returns**2 - 2 * variance * np.log(rng.uniform(1e-9, 1, n)))
        down = np.sqrt(self.returns**2 - 2 * variance * np.log(rng.uniform(1e-9, 1, n)))
        self.high: Floats = (self.returns + up) / 2
        self.low: Floats = (self.returns - down) / 2
        noise = np.exp(0.5 * rng.standard_normal(n) - 0.125)
        size = 0.6 + 0.5 * np.minimum(np.abs(ratio), 6.0)
        self.volume: Floats = shape.volume * climate.day_shape * noise * size
        share = 0.5 + 0.08 * ratio + 0.05 * rng.standard_normal(n)
        self.taker: Floats = self.volume * np.clip(share, 0.1, 0.9)


class Walk:
    """One asset's generated candles, hung on a known price at a known candle's open."""

    def __init__(self, seed: int, asset: str, anchor_index: int, anchor_price: float) -> None:
        self._seed = seed
        self._asset = asset
        self._anchor_week, self._anchor_row = divmod(anchor_index, CANDLES_PER_WEEK)
        self._anchor_log = math.log(anchor_price)
        self._edges: dict[int, tuple[float, float]] = {}
        """Week -> log price at its start and at its end."""

    def block(self, week: int) -> Floats:
        """Return the week's candles as rows of `COLUMNS`."""
        draws = _Draws(self._seed, self._asset, week)
        start, _ = self._edge(week)
        log_open = start + np.concatenate(([0.0], np.cumsum(draws.returns)))
        opens = log_open[:-1]
        decimals = shape_of(self._asset).decimals
        prices = np.exp(np.stack([opens, opens + draws.high, opens + draws.low, log_open[1:]], 1))
        prices = np.maximum(np.round(prices, decimals), 10.0**-decimals)
        prices[:, 1] = prices.max(axis=1)
        prices[:, 2] = prices.min(axis=1)
        return np.column_stack([prices, draws.volume, draws.taker])

    def _edge(self, week: int) -> tuple[float, float]:
        assert abs(week - self._anchor_week) <= WEEKS_MAX, "too far from the anchor"
        if week not in self._edges:
            self._extend(week)
        return self._edges[week]

    def _extend(self, week: int) -> None:
        step = 1 if week >= self._anchor_week else -1
        for number in range(self._anchor_week, week + step, step):
            if number in self._edges:
                continue
            returns = _Draws(self._seed, self._asset, number).returns
            total = float(returns.sum())
            if number == self._anchor_week:
                start = self._anchor_log - float(returns[: self._anchor_row].sum())
            elif step > 0:
                start = self._edges[number - 1][1]
            else:
                start = self._edges[number + 1][0] - total
            self._edges[number] = (start, start + total)
