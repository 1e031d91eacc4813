"""Where each source is reached: the real hosts, which are defaults of the paper configuration."""

from typing import Final

import msgspec

from actors.market_data.sources.port import SourceName


class SourceAddress(msgspec.Struct, frozen=True, kw_only=True):
    name: SourceName
    rest_url: str
    socket_url: str
    """What a subscription's path is added to."""


REAL: Final = (
    SourceAddress(
        name=SourceName.BINANCE_USDM,
        rest_url="https://fapi.binance.com",
        socket_url="wss://fstream.binance.com",
    ),
    SourceAddress(
        name=SourceName.OKX,
        rest_url="https://openapi.okx.com",
        socket_url="wss://ws.okx.com:8443",
    ),
    SourceAddress(
        name=SourceName.BYBIT,
        rest_url="https://api.bybit.com",
        socket_url="wss://stream.bybit.com",
    ),
    SourceAddress(
        name=SourceName.HYPERLIQUID,
        rest_url="https://api.hyperliquid.xyz",
        socket_url="wss://api.hyperliquid.xyz",
    ),
    SourceAddress(
        name=SourceName.BINANCE_SPOT,
        rest_url="https://data-api.binance.vision",
        socket_url="wss://data-stream.binance.vision",
    ),
    SourceAddress(
        name=SourceName.COINBASE,
        rest_url="https://api.exchange.coinbase.com",
        socket_url="wss://ws-feed.exchange.coinbase.com",
    ),
)
"""In the order in which an asset's source is chosen: taker volume first, then depth; spot last, for
its price lies apart from the perpetual's."""
