"""Coinbase spot: candles over REST, trades over the socket."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec

from actors.market_data.sources.exchange import Answered, Exchange, Request, Subscription
from actors.market_data.sources.limiter import Rate
from actors.market_data.sources.port import (
    Ask,
    CandlesAsk,
    Cause,
    Kind,
    Mark,
    SourceName,
    Trade,
    Value,
)
from actors.market_data.sources.reading import (
    STAMP_MS_MAX,
    Number,
    Row,
    Series,
    SourceFault,
    Unreadable,
    candles,
    decode,
    decoded_or_none,
    joined,
    number,
    price,
    quantity,
    stamp_ms,
    stamp_of_seconds,
)
from actors.market_data.state import INTERVAL_MS
from signals.market import Asset
from signals.snapshot import Interval

PAGE: Final = 300
"""Candles of one answer at most; a longer range is refused."""
OVERLAP: Final = 4
"""Candles that two pages share: the clock that cuts them is ours."""
PARTS: Final = {Interval.M30: Interval.M15, Interval.H4: Interval.H1, Interval.W1: Interval.D1}
"""What it does not have is joined from what it has."""
COLUMNS: Final = 6


class _Error(msgspec.Struct, kw_only=True):
    message: str


class _Time(msgspec.Struct, kw_only=True):
    epoch: float


class _Product(msgspec.Struct, kw_only=True):
    id: str
    status: str = "online"


class _Frame(msgspec.Struct, kw_only=True):
    type: str
    product_id: str = ""
    side: str = ""
    size: Number | None = None
    price: Number | None = None
    time: str | None = None
    message: str = ""
    reason: str = ""


_error = msgspec.json.Decoder(_Error)
_rows = msgspec.json.Decoder(list[list[Number]])
_time = msgspec.json.Decoder(_Time)
_products = msgspec.json.Decoder(list[_Product])
_frame = msgspec.json.Decoder(_Frame)


class Coinbase(Exchange):
    name = SourceName.COINBASE
    kind = Kind.SPOT
    suffix = "-USD"
    rates: ClassVar = {"address": Rate(weight=10, per_ms=1_000)}

    def refusal(self, body: bytes) -> SourceFault | None:
        error = decoded_or_none(_error, body)
        if error is None:
            return None
        cause = Cause.ABSENT if error.message == "NotFound" else Cause.REFUSED
        return SourceFault(cause, error.message)

    def requests(self, ask: Ask, clock_ms: int) -> tuple[Request, ...]:
        if not isinstance(ask, CandlesAsk):
            raise SourceFault(Cause.ABSENT, f"{self.name} has neither funding nor open interest")
        part = PARTS.get(ask.interval, ask.interval)
        length_ms = INTERVAL_MS[part]
        wanted = (ask.count + 2) * (INTERVAL_MS[ask.interval] // length_ms)
        end_ms = clock_ms + length_ms
        pages = []
        while wanted > 0:
            rows = min(wanted, PAGE - 1)
            query = f"start={_iso(end_ms - rows * length_ms)}&end={_iso(end_ms)}"
            path = f"/products/{self.symbol(ask.asset)}/candles"
            seconds = length_ms // 1_000
            pages.append(Request(path=f"{path}?granularity={seconds}&{query}", group="address"))
            wanted -= rows - OVERLAP if wanted > rows else wanted
            end_ms -= (rows - OVERLAP) * length_ms
        return tuple(pages)

    def read(self, ask: Ask, answered: Answered) -> tuple[Value, ...]:
        if not isinstance(ask, CandlesAsk):
            raise SourceFault(Cause.ABSENT, f"{self.name} has neither funding nor open interest")
        part = PARTS.get(ask.interval, ask.interval)
        rows = {}
        for body in reversed(answered.bodies):
            for columns in decode(_rows, body):
                row = _row(columns)
                rows[row.open_ms] = row
        series = Series(self.name, ask.asset, part, answered.clock_ms)
        found = candles(rows.values(), series)
        return found if part is ask.interval else joined(found, ask.interval)

    def clock_request(self) -> Request:
        return Request(path="/time", group="address")

    def read_clock(self, body: bytes) -> int:
        return stamp_ms(int(number(decode(_time, body).epoch) * 1_000))

    def instrument_requests(self) -> tuple[Request, ...]:
        return (Request(path="/products", group="address"),)

    def symbols(self, bodies: Sequence[bytes]) -> dict[str, float]:
        rows = decode(_products, bodies[0])
        return {row.id: 1.0 for row in rows if row.status == "online"}

    def subscription(self, assets: tuple[Asset, ...]) -> Subscription:
        names = [self.symbol(asset) for asset in assets]
        frame = {"type": "subscribe", "product_ids": names, "channels": ["matches", "heartbeat"]}
        return Subscription(path="/", frames=(msgspec.json.encode(frame).decode(),))

    def read_frame(self, frame: bytes) -> tuple[Value, ...]:
        read = decode(_frame, frame)
        if read.type == "error":
            raise SourceFault(Cause.REFUSED, f"{read.message} {read.reason}".strip())
        asset = self.asset_of(read.product_id)
        if asset is None:
            return ()
        if read.type in ("match", "last_match"):
            return (self._trade(read, asset),)
        if read.type == "ticker":
            seen_ms = _stamp_of_iso(read.time)
            return (Mark(source=self.name, asset=asset, time_ms=seen_ms, price=price(read.price)),)
        return ()

    def _trade(self, read: _Frame, asset: Asset) -> Value:
        if read.side not in ("buy", "sell"):
            raise Unreadable(f"a trade of side {read.side!r:.20}")
        return Trade(
            source=self.name,
            asset=asset,
            time_ms=_stamp_of_iso(read.time),
            price=price(read.price),
            base_units=quantity(read.size),
            taker_buys=read.side == "sell",  # the side is the maker's
        )


def _iso(time_ms: int) -> str:
    return dt.datetime.fromtimestamp(time_ms // 1_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stamp_of_iso(text: str | None) -> int:
    try:
        found = dt.datetime.fromisoformat(text or "")
        return stamp_ms(min(int(found.timestamp() * 1_000), STAMP_MS_MAX + 1))
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"{text!r:.40} is no time") from error


def _row(columns: list[Any]) -> Row:
    """Read `[seconds, low, high, open, close, volume]`."""
    if len(columns) != COLUMNS:
        raise Unreadable(f"a candle of {columns!r:.80}")
    seconds, low, high, opened, close, volume = columns
    return Row(stamp_of_seconds(seconds), opened, high, low, close, volume)
