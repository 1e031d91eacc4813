"""A model of the venue: books around fair value, fills, settlement. Labelled so in every report.

The mid is the fair value of the path with the volatility of the candles before, off by a noise in
logit that changes every `NOISE_MS`. The spread is two ticks, each level holds the same size. What a
strategy earns here comes from that noise alone and means nothing; what it does is what counts.
"""

import math
import random
from itertools import pairwise
from typing import Final

from cluster.try_signal.price_path import PricePath
from cluster.try_signal.tape import AssetTape
from signals.blend import logistic, logit
from signals.fair_value import Settlement, probability_up
from signals.market import Outcome, Window, market_slug
from signals.snapshot import Book, BookLevel, MarketView
from signals.units import MICRO, MicroShares, PriceMicroUsd

LABEL: Final = (
    "MODEL books: fair value of the modelled path with logit noise 0.15, spread 2 ticks, "
    "200 shares a level. Profit or loss here means nothing."
)
LOOK_BACK_SECONDS: Final = 60
TICK_MICRO_USD: Final = 10_000
LEVEL_SHARES: Final = 200
LEVELS: Final = 5
NOISE_LOGIT: Final = 0.15
NOISE_MS: Final = 30_000
VOLATILITY_CANDLES: Final = 36
FEE_RATE: Final = "0.07"
MIN_ORDER_SHARES: Final = 5
PUBLISHED_AFTER_MS: Final = 15_000
"""The venue publishes the price to beat 5-30 s after the open."""


class ModelMarket:
    """One asset's markets at any second of the tape."""

    def __init__(self, tape: AssetTape, path: PricePath, seed: int) -> None:
        self._tape = tape
        self._path = path
        self._seed = seed
        self._place = {open_ms: place for place, open_ms in enumerate(tape.candles.open_time_ms)}
        self._openings: dict[int, float | None] = {}

    def opening(self, window: Window) -> float | None:
        """Return K of a window; None where the tape has a gap."""
        if window.open_ms not in self._openings:
            self._openings[window.open_ms] = self._path.average(window.open_ms, LOOK_BACK_SECONDS)
        return self._openings[window.open_ms]

    def winner(self, window: Window) -> Outcome | None:
        """Settle by average; a tie is Up."""
        opening = self.opening(window)
        closing = self._path.average(window.close_ms, LOOK_BACK_SECONDS)
        if opening is None or closing is None:
            return None
        return Outcome.UP if closing >= opening else Outcome.DOWN

    def mid_up(self, window: Window, time_ms: int) -> float | None:
        """Return the modelled probability of Up at a whole second."""
        opening, price = self.opening(window), self._path.spot(time_ms)
        sigma = self._sigma(window.open_ms)
        if opening is None or price is None or sigma is None:
            return None
        left_ms = window.close_ms - time_ms
        seen = LOOK_BACK_SECONDS - left_ms // 1000
        fair = probability_up(
            Settlement(
                opening=opening,
                price=price,
                closing_mean=self._path.average(time_ms, seen) if seen > 0 else None,
                sigma=sigma,
                tau=left_ms / 1000,
                look_back=LOOK_BACK_SECONDS,
            )
        )
        block = time_ms // NOISE_MS
        key = f"{self._seed}/{market_slug(self._tape.asset, window)}/{block}"
        rng = random.Random(key)  # noqa: S311 a model's noise, not a secret
        return min(max(logistic(logit(fair) + rng.gauss(0, NOISE_LOGIT)), 0.01), 0.99)

    def view(self, window: Window, time_ms: int) -> MarketView | None:
        """Return the market as a snapshot carries it."""
        mid = self.mid_up(window, time_ms)
        if mid is None:
            return None
        slug = market_slug(self._tape.asset, window)
        published = time_ms >= window.open_ms + PUBLISHED_AFTER_MS
        return MarketView(
            window=window,
            condition_id=slug,
            up_token_id=f"{slug}/up",
            down_token_id=f"{slug}/down",
            up_book=book_around(mid, time_ms),
            down_book=book_around(1 - mid, time_ms),
            accepting_orders=True,
            fee_rate=FEE_RATE,
            min_order_shares=MicroShares(MIN_ORDER_SHARES * MICRO),
            twap_lookback_seconds=LOOK_BACK_SECONDS,
            price_to_beat=self.opening(window) if published else None,
        )

    def _sigma(self, open_ms: int) -> float | None:
        place = self._place.get(open_ms)
        if place is None or place < VOLATILITY_CANDLES + 1:
            return None
        closes = self._tape.candles.close[place - VOLATILITY_CANDLES - 1 : place]
        squares = math.fsum((b - a) ** 2 for a, b in pairwise(closes))
        return max(math.sqrt(squares / VOLATILITY_CANDLES / 300), closes[-1] * 1e-6)


def book_around(mid: float, time_ms: int) -> Book:
    """Quote one tick to each side of the mid, levels inside (0, 1) only."""
    middle = round(mid * MICRO / TICK_MICRO_USD) * TICK_MICRO_USD
    return Book(
        bids=_side(middle - TICK_MICRO_USD, -TICK_MICRO_USD),
        asks=_side(middle + TICK_MICRO_USD, TICK_MICRO_USD),
        tick_micro_usd=TICK_MICRO_USD,
        received_ms=time_ms,
    )


def _side(best: int, step: int) -> tuple[BookLevel, ...]:
    prices = (best + step * index for index in range(LEVELS))
    return tuple(
        BookLevel(price=PriceMicroUsd(price), shares=MicroShares(LEVEL_SHARES * MICRO))
        for price in prices
        if 0 < price < MICRO
    )
