"""Binance: what futures and spot share, and spot by its hosts for market data alone."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from actors.market_data.sources import binance_bodies as wire
from actors.market_data.sources.exchange import Answered, Exchange, Request, Subscription
from actors.market_data.sources.limiter import Rate, Usage
from actors.market_data.sources.port import (
    Ask,
    CandlesAsk,
    Cause,
    Kind,
    Mark,
    NextFunding,
    SourceName,
    Trade,
    Value,
)
from actors.market_data.sources.reading import (
    Number,
    Row,
    Series,
    SourceFault,
    Unreadable,
    candle,
    candles,
    decode,
    decoded_or_none,
    maybe_rate,
    maybe_stamp,
    price,
    quantity,
    stamp_ms,
)
from actors.market_data.state import INTERVAL_MS
from signals.market import Asset
from signals.snapshot import Interval

MINUTE_MS: Final = 60_000
USED: Final = "x-mbx-used-weight-1m"
NO_SYMBOL: Final = -1121
TOO_MANY: Final = -1003

_Row = tuple[int, Number, Number, Number, Number, Number, int, Number | None, Any, Number | None]


def kline_weight(count: int) -> int:
    """Return what the futures service charges for so many klines."""
    return next((weight for limit, weight in ((99, 1), (499, 2), (1_000, 5)) if count <= limit), 10)


class Binance(Exchange):
    """What both services share."""

    suffix = "USDT"
    prefix: ClassVar[str]
    rows_max: ClassVar[int]

    def clock_request(self) -> Request:
        return Request(path=f"{self.prefix}/time", group="weight")

    def read_clock(self, body: bytes) -> int:
        return stamp_ms(decode(wire.TIME, body).server_time)

    def instrument_requests(self) -> tuple[Request, ...]:
        return (Request(path=f"{self.prefix}/exchangeInfo", group="weight", weight=20),)

    def symbols(self, bodies: Sequence[bytes]) -> dict[str, float]:
        return {
            row.symbol: 1.0
            for row in decode(wire.SYMBOLS, bodies[0]).symbols
            if row.status == "TRADING" and row.contract_type == "PERPETUAL"
        }

    def usage(self, headers: Mapping[str, str]) -> tuple[Usage, ...]:
        text = headers.get(USED, "")
        known = text.isascii() and text.isdigit()
        return (Usage(group="weight", used=int(text[:9])),) if known else ()

    def refusal(self, body: bytes) -> SourceFault | None:
        """Read the error object; the service sends one with HTTP 200 where a list belongs, too."""
        if not body.lstrip().startswith(b"{"):
            return None
        error = decoded_or_none(wire.ERROR, body)
        if error is None:
            return None
        if error.code in (200, "200", 0):
            return None
        cause = {NO_SYMBOL: Cause.ABSENT, TOO_MANY: Cause.LIMITED}
        code = error.code if isinstance(error.code, int) else 0
        return SourceFault(cause.get(code, Cause.REFUSED), f"{error.code} {error.msg}")

    def candles_request(self, ask: CandlesAsk) -> Request:
        # one more than is wanted: the newest may still be forming
        count = min(ask.count + 1, self.rows_max)
        return Request(
            path=f"{self.prefix}/klines?symbol={self.symbol(ask.asset)}"
            f"&interval={ask.interval}&limit={count}",
            group="weight",
            weight=kline_weight(count),
        )

    def read_candles(self, ask: CandlesAsk, answered: Answered) -> tuple[Value, ...]:
        rows = [_row(row, ask.interval) for row in decode(wire.ROWS, answered.bodies[0])]
        series = Series(self.name, ask.asset, ask.interval, answered.clock_ms)
        return candles(rows, series)

    def read_frame(self, frame: bytes) -> tuple[Value, ...]:
        read = decode(wire.FRAME, frame)
        if read.error is not None:
            raise SourceFault(Cause.REFUSED, f"{read.error.code} {read.error.msg}")
        data = read.data
        if data is None:
            return ()
        asset = self.asset_of(data.s)
        return () if asset is None else self._event(data, asset)

    def _event(self, data: wire.Data, asset: Asset) -> tuple[Value, ...]:
        match data.e:
            case "kline":
                return self._kline(data, asset)
            case "aggTrade" | "trade":
                return (
                    Trade(
                        source=self.name,
                        asset=asset,
                        time_ms=stamp_ms(data.T),
                        price=price(data.p),
                        base_units=quantity(data.q),
                        taker_buys=not _flag(data.m),
                    ),
                )
            case "markPriceUpdate":
                return self._mark(data, asset)
            case _:
                return ()

    def _kline(self, data: wire.Data, asset: Asset) -> tuple[Value, ...]:
        kline = data.k
        if kline is None:
            raise Unreadable("a kline event without its kline")
        seen_ms = stamp_ms(data.E)
        mark = Mark(source=self.name, asset=asset, time_ms=seen_ms, price=price(kline.c))
        if kline.i not in INTERVAL_MS:
            return (mark,)
        interval = Interval(kline.i)
        row = Row(
            open_ms=_opened(kline.t, kline.T, interval),
            open=kline.o,
            high=kline.h,
            low=kline.l,
            close=kline.c,
            base=kline.v,
            quote=kline.q,
            taker_buy=kline.V,
        )
        series = Series(self.name, asset, interval, seen_ms)
        return (candle(row, series, closed=kline.x), mark)

    def _mark(self, data: wire.Data, asset: Asset) -> tuple[Value, ...]:
        return (
            Mark(source=self.name, asset=asset, time_ms=stamp_ms(data.E), price=price(data.p)),
            NextFunding(
                source=self.name,
                asset=asset,
                rate=maybe_rate(data.r),
                due_ms=maybe_stamp(data.T),
                interval_ms=None,
            ),
        )


def _flag(value: bool | None) -> bool:  # noqa: FBT001 the service's own flag
    if value is None:
        raise Unreadable("a trade that does not say who took")
    return value


def _row(row: list[Any], interval: Interval) -> Row:
    try:
        read: _Row = msgspec.convert(row[:10], _Row)
    except msgspec.ValidationError as error:
        raise Unreadable(f"a candle's row: {error}") from error
    return Row(
        open_ms=_opened(read[0], read[6], interval),
        open=read[1],
        high=read[2],
        low=read[3],
        close=read[4],
        base=read[5],
        quote=read[7],
        taker_buy=read[9],
    )


def _opened(open_ms: int, close_ms: int, interval: Interval) -> int:
    """Return a candle's open time, which its close time must agree with."""
    if close_ms - open_ms + 1 != INTERVAL_MS[interval]:
        raise Unreadable(f"a candle of {close_ms - open_ms + 1} ms among those of {interval}")
    return stamp_ms(open_ms)


class BinanceSpot(Binance):
    name = SourceName.BINANCE_SPOT
    kind = Kind.SPOT
    prefix = "/api/v3"
    rows_max = 1_000
    rates: ClassVar = {"weight": Rate(weight=6_000, per_ms=MINUTE_MS)}

    def requests(self, ask: Ask, _clock_ms: int) -> tuple[Request, ...]:
        if not isinstance(ask, CandlesAsk):
            raise SourceFault(Cause.ABSENT, f"{self.name} has neither funding nor open interest")
        return (msgspec.structs.replace(self.candles_request(ask), weight=2),)

    def read(self, ask: Ask, answered: Answered) -> tuple[Value, ...]:
        if not isinstance(ask, CandlesAsk):
            raise SourceFault(Cause.ABSENT, f"{self.name} has neither funding nor open interest")
        return self.read_candles(ask, answered)

    def subscription(self, assets: tuple[Asset, ...]) -> Subscription:
        names = [self.symbol(asset).lower() for asset in assets]
        topics = "/".join(f"{name}@kline_5m/{name}@aggTrade" for name in names)
        return Subscription(path=f"/stream?streams={topics}")
