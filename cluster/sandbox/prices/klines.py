"""Candles of every interval: recorded, else made from the 5-minute candles and seconds."""

from collections import OrderedDict
from typing import Final

import numpy as np

from cluster.sandbox.model import Kline
from cluster.sandbox.prices.path import PRICE_SCALE
from cluster.sandbox.prices.shapes import (
    CANDLE_MS,
    INTERVALS_MS,
    MONDAY_MS,
    candle_index,
    candle_open_ms,
)
from cluster.sandbox.prices.source import Floats, Prices

ROWS_MAX: Final = 1_500
"""The venue of the candles serves no more in one answer."""
CACHED: Final = 20_000
MADE_DIGITS: Final = 3
RECORDED_DIGITS: Final = 8
MEAN_TRADE_SHARE: Final = 2_000
"""Trades of a 5-minute candle of mean volume: only the field's order of magnitude."""


class Klines:
    """Closed candles are cached; the unfinished one is made from its seconds."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._closed: OrderedDict[tuple[str, int, int], Kline] = OrderedDict()

    def between(
        self,
        asset: str,
        interval: str,
        market_ms: int,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> tuple[Kline, ...]:
        """Return candles with open time in [start, end], oldest first.

        With a start the first `limit` are kept, without one the last. An unknown interval has none.
        """
        length_ms = INTERVALS_MS.get(interval)
        if length_ms is None:
            return ()
        count = max(1, min(limit, ROWS_MAX))
        last = _number(min(market_ms, end_ms if end_ms is not None else market_ms), length_ms)
        first = last - count + 1
        if start_ms is not None:
            first = -_number(-start_ms + 2 * MONDAY_MS, length_ms)
            last = min(last, first + count - 1)
        return tuple(
            self._one(asset, length_ms, number, market_ms) for number in range(first, last + 1)
        )

    def _one(self, asset: str, length_ms: int, number: int, market_ms: int) -> Kline:
        open_ms = MONDAY_MS + number * length_ms
        if market_ms < open_ms + length_ms:
            return self._unfinished(asset, open_ms, length_ms, market_ms)
        key = (asset, length_ms, number)
        found = self._closed.get(key)
        if found is None:
            rows = self._prices.longer(asset, length_ms, open_ms)
            if rows is None:
                first = candle_index(open_ms)
                rows = self._prices.rows(asset, first, first + length_ms // CANDLE_MS)
            found = self._closed[key] = _join(
                open_ms, length_ms, rows, self._digits(asset, open_ms)
            )
            if len(self._closed) > CACHED:
                self._closed.popitem(last=False)
        return found

    def _digits(self, asset: str, open_ms: int) -> int:
        """Return how many decimals a volume has; a recorded one is served as it was recorded."""
        span = self._prices.recorded(asset)
        return RECORDED_DIGITS if span and open_ms < span[1] else MADE_DIGITS

    def _unfinished(self, asset: str, open_ms: int, length_ms: int, market_ms: int) -> Kline:
        """Join the closed 5-minute candles with the seconds seen of the running one."""
        running = candle_index(market_ms)
        elapsed_ms = market_ms - candle_open_ms(running)
        seen = self._prices.spots(asset, running)[: elapsed_ms // 1000 + 1] / PRICE_SCALE
        whole = self._prices.rows(asset, running, running + 1)[0]
        share = elapsed_ms / CANDLE_MS
        part = np.array(
            [[seen[0], seen.max(), seen.min(), seen[-1], whole[4] * share, whole[5] * share]]
        )
        first = candle_index(open_ms)
        if running > first:
            part = np.concatenate((self._prices.rows(asset, first, running), part))
        return _join(open_ms, length_ms, part)


def _number(market_ms: int, length_ms: int) -> int:
    return (market_ms - MONDAY_MS) // length_ms


def _join(open_ms: int, length_ms: int, rows: Floats, digits: int = MADE_DIGITS) -> Kline:
    taker = float(rows[:, 5].sum())
    return Kline(
        open_market_ms=open_ms,
        close_market_ms=open_ms + length_ms - 1,
        open=float(rows[0, 0]),
        high=float(rows[:, 1].max()),
        low=float(rows[:, 2].min()),
        close=float(rows[-1, 3]),
        volume=round(float(rows[:, 4].sum()), digits),
        taker_buy=None if np.isnan(taker) else round(taker, digits),
        trades=MEAN_TRADE_SHARE * len(rows),
    )
