"""Use the adapter against the sandbox exchange, one connection a test."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from actors.feeds.gamma import fetch_market
from actors.market_data.events import FetchMarket, MarketFound
from actors.market_data.state import KnownMarket
from actors.venue.polymarket.opening import Absent, connect
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import (
    SignedOrder,
    UnsignedOrder,
)
from signals.decision import Style
from signals.market import Asset, Side, Timeframe, Window, market_slug
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.sandbox import Sandbox

TIMEOUT_S = 90.0
LIMIT_S = 240.0
LEFT_MS = 300_000
"""Market ms, 10 s of wire time: no machine is too slow to post in it."""
_Value = TypeVar("_Value")


def run(exchange: Sandbox, use: Callable[[PolymarketVenue], Awaitable[_Value]]) -> _Value:
    async def inner() -> _Value:
        venue = await connect(exchange.venue(), TIMEOUT_S, Absent.MAKE)
        assert isinstance(venue, PolymarketVenue), venue
        try:
            async with asyncio.timeout(LIMIT_S):
                return await use(venue)
        finally:
            await venue.close()

    return asyncio.run(inner())


async def current_market(exchange: Sandbox, least_left_ms: int = LEFT_MS) -> KnownMarket:
    """Return a 15m market with time left, waiting for the next one if need be."""
    async with httpx.AsyncClient(base_url=exchange.urls["gamma_url"]) as client:
        while True:
            now_ms = exchange.clock.market_ms(time.time() * 1000)
            window = Window.at(now_ms, Timeframe.M15)
            if window.close_ms - now_ms > least_left_ms:
                ask = FetchMarket(
                    job="", slug=market_slug(Asset.BTC, window), asset=Asset.BTC, window=window
                )
                found = await fetch_market(client, ask, now_ms)
                if isinstance(found, MarketFound) and found.market.accepting_orders:
                    return found.market
            await asyncio.sleep(0.2)


async def signed(
    venue: PolymarketVenue, market: KnownMarket, style: Style, price: int, shares: int = 10_000_000
) -> SignedOrder:
    order = UnsignedOrder(
        condition_id=market.condition_id,
        token_id=market.up_token_id,
        side=Side.BUY,
        style=style,
        price=PriceMicroUsd(price),
        shares=MicroShares(shares),
    )
    assert await venue.warm(market.condition_id, market.up_token_id) is None
    one = await venue.sign(order)
    assert isinstance(one, SignedOrder), one
    return one


async def until(poll: Callable[[], Awaitable[_Value | None]]) -> _Value:
    while True:
        found = await poll()
        if found:
            return found
        await asyncio.sleep(0.1)
