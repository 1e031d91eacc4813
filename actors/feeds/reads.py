"""Perform market data's fetches: every one is answered by exactly one event."""

from typing import TYPE_CHECKING, assert_never

from actors.feeds.answered import answered
from actors.feeds.binance import fetch_funding, fetch_klines, fetch_open_interest
from actors.feeds.http import Unreachable, feed_client
from actors.feeds.kept_stream import keep_nothing
from actors.market_data.events import (
    Event,
    Fetch,
    FetchBooks,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
)
from actors.market_data.state import MarketDataState
from actors.market_data.venue_feed import Keep, VenueFeed

if TYPE_CHECKING:
    from actors.market_data.sources.feeds import SourceFeeds

Candles = FetchKlines | FetchFunding | FetchOpenInterest


class FeedReads:
    """The REST side of all feeds: markets and books from the venue, the rest from exchanges."""

    def __init__(
        self,
        candles_url: str,
        venue: VenueFeed,
        sources: "SourceFeeds | None" = None,
        keep: Keep = keep_nothing,
    ) -> None:
        self._venue = venue
        self._sources = sources
        self._candles = feed_client(candles_url, "candles", keep)

    async def perform(self, ask: Fetch, now_ms: int) -> Event:
        """Fetch; `now_ms` (market) tells closed candles from the open one."""
        if isinstance(ask, FetchMarket | FetchBooks):
            return await self._venue.read(ask, now_ms)
        if self._sources is not None:
            return await answered(ask.job, self._sources.perform(ask))
        return await answered(ask.job, self._fetch(ask, now_ms))

    async def _fetch(self, ask: Candles, now_ms: int) -> Event | Unreachable:
        match ask:
            case FetchKlines():
                return await fetch_klines(self._candles, ask, now_ms)
            case FetchFunding():
                return await fetch_funding(self._candles, ask)
            case FetchOpenInterest():
                return await fetch_open_interest(self._candles, ask)
            case _:
                assert_never(ask)

    def adopt(self, state: MarketDataState) -> None:
        """Go on with the sources whose history is in these buffers."""
        if self._sources is not None:
            self._sources.adopt(state)

    async def close(self) -> None:
        if self._sources is not None:
            await self._sources.close()
        await self._candles.aclose()
