"""Bodies and frames of Hyperliquid, as it writes them. Fields that are not read are not listed."""

from typing import Any

import msgspec

from actors.market_data.sources.reading import Number


class Kline(msgspec.Struct, kw_only=True):
    t: int
    T: int
    s: str
    i: str
    o: Number
    h: Number
    l: Number  # noqa: E741 the service's field name
    c: Number
    v: Number


class Funding(msgspec.Struct, rename="camel", kw_only=True):
    coin: str
    funding_rate: Number
    time: int


class Coin(msgspec.Struct, rename="camel", kw_only=True):
    name: str
    is_delisted: bool = False


class Meta(msgspec.Struct, kw_only=True):
    universe: list[Coin]


class Context(msgspec.Struct, rename="camel", kw_only=True):
    funding: Number | None = None
    open_interest: Number
    mark_px: Number | None = None


class Predicted(msgspec.Struct, rename="camel", kw_only=True):
    funding_rate: Number | None = None
    next_funding_time: int | None = None
    funding_interval_hours: Number | None = None


class Book(msgspec.Struct, kw_only=True):
    time: int


class Trade(msgspec.Struct, kw_only=True):
    """Trades carry the addresses of both users: they are not read."""

    coin: str
    side: str
    px: Number
    sz: Number
    time: int


class Frame(msgspec.Struct, kw_only=True):
    channel: str
    data: Any = None


KLINES = msgspec.json.Decoder(list[Kline])
FUNDING = msgspec.json.Decoder(list[Funding])
META = msgspec.json.Decoder(Meta)
CONTEXTS = msgspec.json.Decoder(tuple[Meta, list[Context]])
PREDICTED = msgspec.json.Decoder(list[tuple[str, list[tuple[str, Predicted | None]]]])
BOOK = msgspec.json.Decoder(Book)
FRAME = msgspec.json.Decoder(Frame)
