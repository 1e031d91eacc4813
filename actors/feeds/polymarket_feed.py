"""Polymarket's public side for market data: discovery, books and settlement averages."""

from collections.abc import Sequence

from actors.config import FleetConfig
from actors.feeds.answered import answered
from actors.feeds.book_stream import BookStream
from actors.feeds.books import fetch_books
from actors.feeds.gamma import OtherMarket, fetch_market
from actors.feeds.http import Unreachable, feed_client
from actors.feeds.price_credential import PriceLogin, credential_file
from actors.feeds.price_stream import PriceStream
from actors.market_data.events import Event, FetchBooks, FetchMarket, MarketRefused
from actors.market_data.venue_feed import Deliver, Keep
from signals.market import Asset


class PolymarketFeed:
    def __init__(self, config: FleetConfig, deliver: Deliver, keep: Keep) -> None:
        venue = config.venue
        self._gamma = feed_client(venue.gamma_url, "discovery", keep)
        self._clob = feed_client(venue.clob_url, "clob", keep)
        login = PriceLogin(credential_file(config.storage))
        self._prices = PriceStream(venue, deliver, login, keep)
        self._books = BookStream(venue, deliver, keep)

    async def read(self, ask: FetchMarket | FetchBooks, now_ms: int) -> Event:
        return await answered(ask.job, self._read(ask, now_ms))

    async def _read(self, ask: FetchMarket | FetchBooks, now_ms: int) -> Event | Unreachable:
        if isinstance(ask, FetchBooks):
            return await fetch_books(self._clob, ask)
        try:
            return await fetch_market(self._gamma, ask, now_ms)
        except OtherMarket as error:
            return MarketRefused(slug=ask.slug, asset=ask.asset, reason=str(error))

    def follow_prices(self, assets: tuple[Asset, ...]) -> None:
        self._prices.follow(assets)

    def follow_books(self, token_ids: Sequence[str], *, anew: bool) -> None:
        self._books.follow(token_ids, anew=anew)

    async def close(self) -> None:
        await self._prices.close()
        await self._books.close()
        for client in (self._gamma, self._clob):
            await client.aclose()
