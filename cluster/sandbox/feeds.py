"""The public price feeds: settlement ticks on their grid, candles, funding, open interest."""

from typing import Final

from cluster.sandbox.events import Ticked
from cluster.sandbox.floor import Floor
from cluster.sandbox.model import (
    FundingRate,
    Kline,
    Now,
    OpenInterest,
    Premium,
    PriceTick,
)
from cluster.sandbox.prices.klines import Klines
from cluster.sandbox.prices.path import PRICE_SCALE
from cluster.sandbox.prices.provenance import tape_end_ms
from cluster.sandbox.prices.source import tick_step_ms
from cluster.sandbox.records import TapeEnded

HISTORY_MS: Final = 120_000
"""A subscriber gets the ticks of the last two market minutes; no more are caught up either."""
FUNDING_BACK_MS: Final = 45 * 86_400_000
"""Rates older than this are not served when no start is named."""
ROWS_MAX: Final = 1_000
INDEX_BASIS: Final = 4e-4
"""The index stands this share above the mark: only the field's order of magnitude."""


class Feeds:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._prices = floor.prices
        self._klines = Klines(floor.prices)
        self._step_ms = tick_step_ms(floor.config.speed)
        self._told_market_ms: int | None = None
        self._tape_end_ms = tape_end_ms(floor.prices)

    def publish(self, now: Now) -> None:
        """Emit the ticks that became due."""
        since = self._told_market_ms
        self._told_market_ms = now.market_ms
        if since is None:
            since = now.market_ms - self._step_ms
        for observed_ms in self._grid(max(since, now.market_ms - HISTORY_MS), now.market_ms):
            for asset in self._prices.assets:
                self._floor.emit(
                    Ticked(tick=self._prices.tick(asset, observed_ms), wire_ms=now.wire_ms)
                )
        ended = self._tape_end_ms is not None and now.market_ms >= self._tape_end_ms
        if ended and not self._floor.state.tape_ended:
            self._floor.record(TapeEnded(at_market_ms=self._tape_end_ms or 0), now)

    def ticks(self, asset: str, now: Now, *, since_market_ms: int) -> tuple[PriceTick, ...]:
        """Ticks on the feed's grid after `since_market_ms`, at most those of two market minutes."""
        since = max(since_market_ms, now.market_ms - HISTORY_MS)
        return tuple(self._prices.tick(asset, at) for at in self._grid(since, now.market_ms))

    def klines(
        self,
        asset: str,
        interval: str,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> tuple[Kline, ...]:
        """Candles of ``5m 15m 30m 1h 4h 1d 1w``, oldest first, the unfinished one included.

        With a start the first `limit` are kept, without one the newest.
        """
        return self._klines.between(
            asset, interval, now.market_ms, start_ms=start_ms, end_ms=end_ms, limit=limit
        )

    def funding(
        self,
        asset: str,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> tuple[FundingRate, ...]:
        end = min(now.market_ms, end_ms) if end_ms is not None else now.market_ms
        start = start_ms if start_ms is not None else end - FUNDING_BACK_MS
        start = max(start, end - ROWS_MAX * self._prices.funding[asset].period_ms)
        rates = self._prices.funding[asset].rates(start, end)
        return _page(rates, limit, first=start_ms is not None)

    def premium(self, asset: str, now: Now) -> Premium:
        series = self._prices.funding[asset]
        last = series.rates(now.market_ms - series.period_ms, now.market_ms)[-1]
        mark = self._prices.spot(asset, now.market_ms) / PRICE_SCALE
        return Premium(
            market_ms=now.market_ms,
            mark_price=mark,
            index_price=mark * (1 + INDEX_BASIS),
            last_funding_rate=last.rate,
            next_funding_market_ms=last.market_ms + series.period_ms,
        )

    def open_interest(self, asset: str, now: Now) -> OpenInterest:
        return self._prices.open_interest[asset].at(now.market_ms)

    def open_interest_history(
        self,
        asset: str,
        period_ms: int,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 30,
    ) -> tuple[OpenInterest, ...]:
        end = min(now.market_ms, end_ms) if end_ms is not None else now.market_ms
        last = end - end % period_ms
        count = max(1, min(limit, ROWS_MAX))
        first = last - (count - 1) * period_ms
        if start_ms is not None:
            first = -(-start_ms // period_ms) * period_ms
            last = min(last, first + (count - 1) * period_ms)
        series = self._prices.open_interest[asset]
        return tuple(
            OpenInterest(at, series.at(at).base_units) for at in range(first, last + 1, period_ms)
        )

    def _grid(self, after_ms: int, until_ms: int) -> range:
        first = (after_ms // self._step_ms + 1) * self._step_ms
        return range(first, until_ms + 1, self._step_ms)


def _page(rates: tuple[FundingRate, ...], limit: int, *, first: bool) -> tuple[FundingRate, ...]:
    count = max(1, min(limit, ROWS_MAX))
    return rates[:count] if first else rates[-count:]
