"""A path of one price a second through recorded candles, and its averages.

The candle fixes where the path starts, ends, and how far it reaches; in between it is a Brownian
bridge with the candle's own volatility (Parkinson 1980: range^2 / 4 ln 2). What happened inside a
recorded candle is not known: this is a model of it.
"""

import math
import random
from functools import lru_cache
from typing import Final

from cluster.try_signal.tape import AssetTape
from signals.market import CYCLE_MS

SECONDS: Final = CYCLE_MS // 1000
TRIES: Final = 8
STRETCH_MAX: Final = 3.0
"""A walk that would have to be stretched more is drawn again, at most `TRIES` times."""
CACHED_CANDLES: Final = 16
"""A window of fifteen minutes, its look-back and one hour's remainder; older ones come again."""


class PricePath:
    """Spot prices at whole seconds, made when they are asked for; the same seed, the same path."""

    def __init__(self, tape: AssetTape, seed: int) -> None:
        self._tape = tape
        self._seed = seed
        self._place = {open_ms: place for place, open_ms in enumerate(tape.candles.open_time_ms)}
        self._candle = lru_cache(maxsize=CACHED_CANDLES)(self._make_candle)

    def spot(self, time_ms: int) -> float | None:
        """Return the price at a whole second; None where the tape has a gap."""
        candle = self._candle(time_ms - time_ms % CYCLE_MS)
        return candle[time_ms % CYCLE_MS // 1000] if candle else None

    def average(self, time_ms: int, look_back_seconds: int) -> float | None:
        """Return the mean of the last `look_back_seconds` observations up to `time_ms`."""
        prices = [self.spot(time_ms - 1000 * back) for back in range(look_back_seconds)]
        known = [price for price in prices if price is not None]
        return math.fsum(known) / len(known) if len(known) == len(prices) else None

    def series(self, first_ms: int, last_ms: int) -> list[float | None]:
        return [self.spot(time_ms) for time_ms in range(first_ms, last_ms + 1, 1000)]

    def _make_candle(self, open_ms: int) -> tuple[float, ...]:
        place = self._place.get(open_ms)
        if place is None:
            return ()
        candles = self._tape.candles
        rng = random.Random(f"{self._seed}/{self._tape.asset}/{open_ms}")  # noqa: S311 no secret
        return _bridge(
            candles.open[place],
            candles.high[place],
            candles.low[place],
            candles.close[place],
            rng,
        )


def _bridge(
    first: float, high: float, low: float, last: float, rng: random.Random
) -> tuple[float, ...]:
    """Walk from open to close; what leaves their span is stretched to reach high and low.

    A bridge keeps the order of the two extremes as open as it was; visiting them in a set order
    would make the first seconds tell the close.
    """
    sigma = (high - low) / math.sqrt(4 * math.log(2) * SECONDS)
    top, bottom = max(first, last), min(first, last)
    prices: list[float] = []
    up = down = 0.0
    for _ in range(TRIES):
        prices = _walk(first, last, sigma, rng)
        up = _stretch(max(prices) - top, high - top)
        down = _stretch(bottom - min(prices), bottom - low)
        if max(up, down) <= STRETCH_MAX:
            break
    return tuple(
        top + (price - top) * up
        if price > top
        else bottom - (bottom - price) * down
        if price < bottom
        else price
        for price in prices
    )


def _walk(first: float, last: float, sigma: float, rng: random.Random) -> list[float]:
    walk = [0.0]
    for _ in range(SECONDS):
        walk.append(walk[-1] + rng.gauss(0, sigma))
    drift = (last - first - walk[-1]) / SECONDS
    return [first + step + drift * second for second, step in enumerate(walk[:-1])]


def _stretch(reached: float, wanted: float) -> float:
    if wanted <= 0:
        return 0.0
    return wanted / reached if reached > 0 else math.inf
