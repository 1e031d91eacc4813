"""Bodies and frames of Binance, as it writes them. Fields that are not read are not listed."""

from typing import Any

import msgspec

from actors.market_data.sources.reading import Number


class Error(msgspec.Struct, kw_only=True):
    code: int | str
    msg: str = ""


class Funding(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str | None = None
    funding_time: int
    funding_rate: Number


class Premium(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str | None = None
    last_funding_rate: Number | None = None
    next_funding_time: int


class Info(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str
    funding_interval_hours: float


class Interest(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str | None = None
    open_interest: Number
    time: int


class InterestRow(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str | None = None
    sum_open_interest: Number
    sum_open_interest_value: Number | None = None
    timestamp: int


class Time(msgspec.Struct, rename="camel", kw_only=True):
    server_time: int


class Symbol(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str
    status: str = "TRADING"
    contract_type: str = "PERPETUAL"


class Symbols(msgspec.Struct, kw_only=True):
    symbols: list[Symbol]


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
    q: Number | None = None
    V: Number | None = None
    x: bool


class Data(msgspec.Struct, kw_only=True):
    """Any event: which fields are there is told by `e`."""

    e: str = ""
    s: str = ""
    E: int | None = None
    T: int | None = None
    p: Number | None = None
    q: Number | None = None
    r: Number | None = None
    m: bool | None = None
    k: Kline | None = None


class Frame(msgspec.Struct, kw_only=True):
    stream: str = ""
    data: Data | None = None
    result: Any = None
    error: Error | None = None


ERROR = msgspec.json.Decoder(Error)
ROWS = msgspec.json.Decoder(list[list[Any]])
FUNDING = msgspec.json.Decoder(list[Funding])
PREMIUM = msgspec.json.Decoder(Premium)
INFO = msgspec.json.Decoder(list[Info])
INTEREST = msgspec.json.Decoder(Interest)
INTEREST_ROWS = msgspec.json.Decoder(list[InterestRow])
TIME = msgspec.json.Decoder(Time)
SYMBOLS = msgspec.json.Decoder(Symbols)
FRAME = msgspec.json.Decoder(Frame)
