"""Perform market data's fetches: every one is answered by exactly one event."""

from typing import TYPE_CHECKING, assert_never

from actors.config import Venue
from actors.feeds.binance import fetch_funding, fetch_klines, fetch_open_interest
from actors.feeds.books import fetch_books
from actors.feeds.gamma import OtherMarket, fetch_market
from actors.feeds.http import Malformed, Unreachable, feed_client
from actors.feeds.kept_stream import Keep, keep_nothing
from actors.market_data.events import (
    Event,
    Fetch,
    FetchBooks,
    FetchFailed,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
    MarketRefused,
)
from actors.market_data.state import MarketDataState

if TYPE_CHECKING:
    from actors.market_data.sources.feeds import SourceFeeds


class FeedReads:
    """The REST side of all feeds."""

    def __init__(
        self, venue: Venue, sources: "SourceFeeds | None" = None, keep: Keep = keep_nothing
    ) -> None:
        self._sources = sources
        self._binance = feed_client(venue.binance_url, "candles", keep)
        self._gamma = feed_client(venue.gamma_url, "discovery", keep)
        self._clob = feed_client(venue.clob_url, "clob", keep)

    async def perform(self, ask: Fetch, now_ms: int) -> Event:
        """Fetch; `now_ms` (market) tells closed candles from the open one."""
        try:
            if self._sources is not None and not isinstance(ask, FetchMarket | FetchBooks):
                return await self._sources.perform(ask)
            answer = await self._fetch(ask, now_ms)
        except OtherMarket as error:
            assert isinstance(ask, FetchMarket), "only markets are another one"
            return MarketRefused(slug=ask.slug, asset=ask.asset, reason=str(error))
        except Malformed as error:
            return FetchFailed(job=ask.job, reason=str(error), malformed=True)
        except Exception as error:  # noqa: BLE001 a body of strangers must not end its job for ever
            return FetchFailed(job=ask.job, reason=f"unreadable: {error!r}"[:200], malformed=True)
        if isinstance(answer, Unreachable):
            return FetchFailed(job=ask.job, reason=answer.reason, malformed=False)
        return answer

    async def _fetch(self, ask: Fetch, now_ms: int) -> Event | Unreachable:
        match ask:
            case FetchKlines():
                return await fetch_klines(self._binance, ask, now_ms)
            case FetchFunding():
                return await fetch_funding(self._binance, ask)
            case FetchOpenInterest():
                return await fetch_open_interest(self._binance, ask)
            case FetchMarket():
                return await fetch_market(self._gamma, ask, now_ms)
            case FetchBooks():
                return await fetch_books(self._clob, ask)
            case _:
                assert_never(ask)

    def adopt(self, state: MarketDataState) -> None:
        """Go on with the sources whose history is in these buffers."""
        if self._sources is not None:
            self._sources.adopt(state)

    async def close(self) -> None:
        if self._sources is not None:
            await self._sources.close()
        for client in (self._binance, self._gamma, self._clob):
            await client.aclose()
