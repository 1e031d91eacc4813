"""Bodies and frames of OKX, as it writes them. Fields that are not read are not listed."""

from typing import Any, Final

import msgspec

from actors.market_data.sources.reading import Number

OK: Final = "0"


class Envelope(msgspec.Struct, kw_only=True):
    code: str = OK
    msg: str = ""
    data: list[Any]


class Error(msgspec.Struct, kw_only=True):
    code: str
    msg: str = ""


class Funding(msgspec.Struct, rename="camel", kw_only=True):
    inst_id: str | None = None
    funding_rate: Number
    realized_rate: Number | None = None
    funding_time: Number


class Next(msgspec.Struct, rename="camel", kw_only=True):
    inst_id: str | None = None
    funding_rate: Number | None = None
    funding_time: Number | None = None
    next_funding_time: Number | None = None


class Interest(msgspec.Struct, rename="camel", kw_only=True):
    inst_id: str | None = None
    oi_ccy: Number
    oi_usd: Number | None = None
    ts: Number


class Instrument(msgspec.Struct, rename="camel", kw_only=True):
    inst_id: str
    ct_val: Number = "1"
    state: str = "live"


class Stamp(msgspec.Struct, kw_only=True):
    ts: Number


class Trade(msgspec.Struct, rename="camel", kw_only=True):
    px: Number
    sz: Number
    side: str
    ts: Number


class Mark(msgspec.Struct, rename="camel", kw_only=True):
    mark_px: Number
    ts: Number


class Argument(msgspec.Struct, rename="camel", kw_only=True):
    channel: str = ""
    inst_id: str = ""


class Frame(msgspec.Struct, kw_only=True):
    event: str = ""
    code: str = OK
    msg: str = ""
    arg: Argument = msgspec.field(default_factory=Argument)
    data: list[Any] = []


ENVELOPE = msgspec.json.Decoder(Envelope)
ERROR = msgspec.json.Decoder(Error)
FRAME = msgspec.json.Decoder(Frame)
