"""Funding and open interest: recorded where the tape has them, generated elsewhere."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np

from cluster.sandbox.model import FundingRate, OpenInterest
from cluster.sandbox.prices.recorded import RecordedSeries
from cluster.sandbox.prices.shapes import asset_number, shape_of

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
GAP_MS: Final = 600_000
"""A recorded point older than this is a gap: the generator bridges it and says so."""
FUNDING_USUAL: Final = 4e-5
FUNDING_SPREAD: Final = 6e-5
OI_HOUR_SIGMA: Final = 0.004
OI_DAY_SIGMA: Final = 0.02


def _normal(seed: int, stream: int, asset: str, number: int) -> float:
    rng = np.random.default_rng((seed, stream, asset_number(asset), number))
    return float(rng.standard_normal())


class Funding:
    """Rates at the asset's funding hours."""

    def __init__(self, seed: int, asset: str, recorded: RecordedSeries | None) -> None:
        self._seed = seed
        self._asset = asset
        self.period_ms = shape_of(asset).funding_hours * HOUR_MS
        self._recorded: dict[int, float] = {}
        self.recorded_range: tuple[int, int] | None = None
        if recorded is not None:
            # some exchanges stamp a rate milliseconds after its hour
            times = [int(t) - int(t) % MINUTE_MS for t in recorded.market_ms]
            self._recorded = dict(zip(times, map(float, recorded.values), strict=True))
            self.recorded_range = (times[0], times[-1])

    def rates(self, start_ms: int, end_ms: int) -> tuple[FundingRate, ...]:
        """Return the rates at funding times in [start, end], oldest first."""
        first = -(-start_ms // self.period_ms) * self.period_ms
        return tuple(
            FundingRate(time_ms, self._rate(time_ms))
            for time_ms in range(first, end_ms + 1, self.period_ms)
        )

    def _rate(self, time_ms: int) -> float:
        recorded = self._recorded.get(time_ms)
        if recorded is not None:
            return recorded
        slow = _normal(self._seed, 3, self._asset, time_ms // (5 * 24 * HOUR_MS))
        fast = _normal(self._seed, 4, self._asset, time_ms // self.period_ms)
        return round(FUNDING_USUAL + FUNDING_SPREAD * (0.7 * slow + 0.5 * fast), 8)


class OpenInterestSeries:
    """Open interest of one asset, about once a minute."""

    def __init__(self, seed: int, asset: str, recorded: RecordedSeries | None) -> None:
        self._seed = seed
        self._asset = asset
        self._times: Sequence[int] = []
        self._values: Sequence[float] = []
        if recorded is not None:
            self._times = [int(t) for t in recorded.market_ms]
            self._values = [float(v) for v in recorded.values]

    @property
    def recorded_range(self) -> tuple[int, int] | None:
        return (self._times[0], self._times[-1]) if self._times else None

    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Return the recorded range's gaps that are bridged."""
        return tuple(
            (a, b) for a, b in zip(self._times, self._times[1:], strict=False) if b - a > GAP_MS
        )

    def at(self, market_ms: int) -> OpenInterest:
        """Return the newest point at or before `market_ms`."""
        place = bisect_right(self._times, market_ms)
        if place and market_ms - self._times[place - 1] <= GAP_MS:
            return OpenInterest(self._times[place - 1], self._values[place - 1])
        minute_ms = market_ms - market_ms % MINUTE_MS
        place = bisect_right(self._times, minute_ms)
        return OpenInterest(minute_ms, round(self._generated(minute_ms, place), 2))

    def _generated(self, time_ms: int, place: int) -> float:
        noise = self._noise(time_ms)
        if not self._times:
            return shape_of(self._asset).open_interest * math.exp(noise)
        ends = [
            math.log(self._values[at]) + noise - self._noise(self._times[at])
            for at in (place - 1, place)
            if 0 <= at < len(self._times)
        ]
        if len(ends) == 1:
            return math.exp(ends[0])
        before, after = self._times[place - 1], self._times[place]
        share = (time_ms - before) / (after - before)
        return math.exp(ends[0] * (1 - share) + ends[1] * share)

    def _noise(self, time_ms: int) -> float:
        total = 0.0
        for stream, length_ms, sigma in (
            (5, HOUR_MS, OI_HOUR_SIGMA),
            (6, 24 * HOUR_MS, OI_DAY_SIGMA),
        ):
            number, rest = divmod(time_ms, length_ms)
            share = rest / length_ms
            here = _normal(self._seed, stream, self._asset, number)
            then = _normal(self._seed, stream, self._asset, number + 1)
            total += sigma * (here * (1 - share) + then * share)
        return total
