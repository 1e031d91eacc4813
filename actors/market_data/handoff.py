"""What a successor of market data takes over: candles, ticks, books and markets, as bytes.

Two of them may serve at once: the first durable snapshot of a decision point counts, whoever made
it. So there is no fence here. The successor starts from its predecessor's buffers, follows the
feeds itself, and becomes the one that callers find when all its feeds are fresh.
"""

from typing import Final

import msgspec

from actors.market_data.snapshot import newest_ms
from actors.market_data.state import (
    AssetFeeds,
    BookBuffer,
    KnownMarket,
    MarketDataState,
    Now,
    Settings,
    initial_state,
)
from actors.messages import decode, encode
from signals.market import Asset

BUFFERS_VERSION: Final = 1


class Buffers(msgspec.Struct, frozen=True, kw_only=True, tag="market_data_buffers"):
    version: int = BUFFERS_VERSION
    taken_ms: int
    """Market time."""
    feeds: dict[Asset, AssetFeeds]
    markets: dict[str, KnownMarket]
    books: dict[str, BookBuffer]


class BuffersError(ValueError):
    """The bytes are no buffers that this code reads: start with empty ones, REST fills them."""


def encode_buffers(state: MarketDataState, now: Now) -> bytes:
    return encode(
        Buffers(taken_ms=now.market_ms, feeds=state.feeds, markets=state.markets, books=state.books)
    )


def restored_state(settings: Settings, now: Now, data: bytes) -> MarketDataState:
    """Start from a predecessor's buffers; raise `BuffersError`.

    Books are kept but suspect: what happened since they were taken is not in them. Every job is due
    at once, so that the little that is missing is fetched.
    """
    try:
        buffers = decode(data, Buffers)
    except msgspec.DecodeError as error:
        raise BuffersError(f"buffers: {error}") from error
    if buffers.version != BUFFERS_VERSION:
        raise BuffersError(f"buffers of version {buffers.version}, not {BUFFERS_VERSION}")
    state = initial_state(settings, now)
    feeds = {
        asset: _completed(buffers.feeds.get(asset), state.feeds[asset]) for asset in state.feeds
    }
    markets = {
        slug: market
        for slug, market in buffers.markets.items()
        if market.asset in feeds and market.window.close_ms > now.market_ms
    }
    tokens = {token for market in markets.values() for token in market.token_ids}
    books = {
        token: msgspec.structs.replace(book, suspect=True)
        for token, book in buffers.books.items()
        if token in tokens
    }
    return msgspec.structs.replace(state, feeds=feeds, markets=markets, books=books)


def _completed(known: AssetFeeds | None, empty: AssetFeeds) -> AssetFeeds:
    """Add the intervals that the predecessor did not know."""
    if known is None:
        return empty
    return msgspec.structs.replace(known, candles=empty.candles | known.candles)


def is_warm(state: MarketDataState, now: Now) -> bool:
    """Tell whether every feed of every asset is fresh: time to serve."""
    for asset, feeds in state.feeds.items():
        markets = tuple(
            market
            for market in state.markets.values()
            if market.asset is asset and market.window.open_ms <= now.market_ms
        )
        for feed, newest in newest_ms(feeds, markets, state.books).items():
            if newest is None or now.market_ms - newest > state.settings.limits_ms[feed]:
                return False
    return True
