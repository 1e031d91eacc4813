"""Bodies and frames of Bybit, as it writes them. Fields that are not read are not listed."""

from typing import Any

import msgspec

from actors.market_data.sources.reading import Number


class Result(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str | None = None
    rows: list[Any] = msgspec.field(name="list", default_factory=list)


class Envelope(msgspec.Struct, rename="camel", kw_only=True):
    ret_code: int
    ret_msg: str = ""
    result: Result
    time: int


class Error(msgspec.Struct, rename="camel", kw_only=True):
    ret_code: int
    ret_msg: str = ""


class Funding(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str
    funding_rate: Number
    funding_rate_timestamp: Number


class Ticker(msgspec.Struct, rename="camel", kw_only=True):
    """Of REST, or of the socket, where an absent field is unchanged."""

    symbol: str
    funding_rate: Number | None = None
    next_funding_time: Number | None = None
    funding_interval_hour: Number | None = None
    mark_price: Number | None = None


class Interest(msgspec.Struct, rename="camel", kw_only=True):
    open_interest: Number
    """Both sides of every contract are one here; `singleOpenInterest` is half of it."""
    timestamp: Number


class Instrument(msgspec.Struct, kw_only=True):
    symbol: str
    status: str = "Trading"


class Kline(msgspec.Struct, kw_only=True):
    start: int
    end: int
    interval: str
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    turnover: Number | None = None
    confirm: bool
    timestamp: int


class Trade(msgspec.Struct, kw_only=True):
    T: int
    s: str
    S: str
    v: Number
    p: Number


class Frame(msgspec.Struct, kw_only=True):
    topic: str = ""
    ts: int | None = None
    data: Any = None
    success: bool = True
    ret_msg: str = ""
    op: str = ""


ENVELOPE = msgspec.json.Decoder(Envelope)
ERROR = msgspec.json.Decoder(Error)
FRAME = msgspec.json.Decoder(Frame)
