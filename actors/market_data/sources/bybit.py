"""Bybit linear perpetuals, v5."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from actors.market_data.sources import bybit_bodies as wire
from actors.market_data.sources.exchange import Answered, Exchange, Request, Subscription
from actors.market_data.sources.limiter import Rate, Usage
from actors.market_data.sources.port import (
    Ask,
    CandlesAsk,
    Cause,
    Funding,
    FundingAsk,
    InterestAsk,
    Kind,
    Mark,
    NextFunding,
    OpenInterest,
    SourceName,
    Trade,
    Value,
)
from actors.market_data.sources.reading import (
    Row,
    Series,
    SourceFault,
    Unreadable,
    candle,
    candles,
    converted,
    decode,
    decoded_or_none,
    funding_interval_ms,
    interest,
    maybe_rate,
    maybe_stamp,
    number,
    price,
    quantity,
    rate,
    stamp_ms,
    stamp_of_either,
)
from signals.market import Asset
from signals.snapshot import Interval

HOUR_MS: Final = 3_600_000
IP_WEIGHT: Final = 600
ROWS_MAX: Final = 1_000
CODES: Final = {
    Interval.M5: "5",
    Interval.M15: "15",
    Interval.M30: "30",
    Interval.H1: "60",
    Interval.H4: "240",
    Interval.D1: "D",
    Interval.W1: "W",
}
COLUMNS: Final = 7
CAUSES: Final = {10006: Cause.LIMITED, 10018: Cause.LIMITED, 10016: Cause.UNREACHABLE}
NO_SYMBOL: Final = 10001
"""Also said of other wrong parameters: the text decides."""


class Bybit(Exchange):
    name = SourceName.BYBIT
    kind = Kind.PERPETUAL
    suffix = "USDT"
    rates: ClassVar = {"ip": Rate(weight=IP_WEIGHT, per_ms=5_000)}

    def usage(self, headers: Mapping[str, str]) -> tuple[Usage, ...]:
        """Carry the share that is used of the answer's own limit over to that of the address."""
        texts = headers.get("x-bapi-limit", ""), headers.get("x-bapi-limit-status", "")
        if not all(text.isascii() and text.isdigit() for text in texts):
            return ()
        limit, left = (int(text[:9]) for text in texts)
        if not 0 <= left <= limit or not limit:
            return ()
        return (Usage(group="ip", used=(limit - left) * IP_WEIGHT // limit),)

    def refusal(self, body: bytes) -> SourceFault | None:
        """Read the code; the service sends errors with HTTP 200."""
        error = decoded_or_none(wire.ERROR, body)
        if error is None:
            return None
        if not error.ret_code:
            return None
        cause = CAUSES.get(error.ret_code, Cause.REFUSED)
        if error.ret_code == NO_SYMBOL and "symbol" in error.ret_msg.lower():
            cause = Cause.ABSENT
        return SourceFault(cause, f"{error.ret_code} {error.ret_msg}")

    def requests(self, ask: Ask, clock_ms: int) -> tuple[Request, ...]:  # noqa: ARG002 of the port
        of = f"category=linear&symbol={self.symbol(ask.asset)}"
        match ask:
            case CandlesAsk(count=count, interval=interval):
                query = f"interval={CODES[interval]}&limit={min(count + 1, ROWS_MAX)}"
                return (Request(path=f"/v5/market/kline?{of}&{query}", group="ip"),)
            case FundingAsk(count=count):
                return (
                    Request(path=f"/v5/market/funding/history?{of}&limit={count}", group="ip"),
                    Request(path=f"/v5/market/tickers?{of}", group="ip"),
                )
            case InterestAsk(history=history):
                query = f"intervalTime=5min&limit={min(max(history, 1), 200)}"
                return (Request(path=f"/v5/market/open-interest?{of}&{query}", group="ip"),)
            case _:
                raise SourceFault(Cause.ABSENT, f"{self.name} predicts its own funding only")

    def read(self, ask: Ask, answered: Answered) -> tuple[Value, ...]:
        found = decode(wire.ENVELOPE, answered.bodies[0])
        self.check_symbol(found.result.symbol, ask.asset)
        rows = found.result.rows
        match ask:
            case CandlesAsk():
                series = Series(self.name, ask.asset, ask.interval, stamp_ms(found.time))
                return candles([_row(row) for row in rows], series)
            case FundingAsk():
                tickers = decode(wire.ENVELOPE, answered.bodies[1]).result.rows
                return self._read_funding(ask.asset, converted(rows, list[wire.Funding]), tickers)
            case _:
                points = [
                    OpenInterest(
                        source=self.name,
                        asset=ask.asset,
                        # the oldest row of a page can be in seconds
                        time_ms=stamp_of_either(row.timestamp),
                        base_units=interest(row.open_interest),
                    )
                    for row in converted(rows, list[wire.Interest])
                ]
                return tuple(sorted(points, key=lambda point: point.time_ms))

    def _read_funding(
        self, asset: Asset, rows: list[wire.Funding], tickers: list[Any]
    ) -> tuple[Value, ...]:
        coming = converted(tickers, list[wire.Ticker])
        if len(coming) != 1:
            raise Unreadable(f"{len(coming)} tickers of one instrument")
        following = self._next(coming[0], asset)
        for name in (*(row.symbol for row in rows), *(row.symbol for row in coming)):
            self.check_symbol(name, asset)
        charged = [
            Funding(
                source=self.name,
                asset=asset,
                time_ms=stamp_ms(row.funding_rate_timestamp),
                rate=rate(row.funding_rate),
                interval_ms=following.interval_ms,
            )
            for row in rows
        ]
        return (*sorted(charged, key=lambda one: one.time_ms), following)

    def _next(self, row: wire.Ticker, asset: Asset) -> NextFunding:
        hours = row.funding_interval_hour
        return NextFunding(
            source=self.name,
            asset=asset,
            rate=maybe_rate(row.funding_rate),
            due_ms=maybe_stamp(row.next_funding_time),
            interval_ms=None
            if hours in (None, "")
            else funding_interval_ms(number(hours) * HOUR_MS),
        )

    def clock_request(self) -> Request:
        return Request(path="/v5/market/time", group="ip")

    def read_clock(self, body: bytes) -> int:
        return stamp_ms(decode(wire.ENVELOPE, body).time)

    def instrument_requests(self) -> tuple[Request, ...]:
        path = f"/v5/market/instruments-info?category=linear&limit={ROWS_MAX}"
        return (Request(path=path, group="ip"),)

    def symbols(self, bodies: Sequence[bytes]) -> dict[str, float]:
        rows = converted(decode(wire.ENVELOPE, bodies[0]).result.rows, list[wire.Instrument])
        return {row.symbol: 1.0 for row in rows if row.status == "Trading"}

    def subscription(self, assets: tuple[Asset, ...]) -> Subscription:
        names = [self.symbol(asset) for asset in assets]
        topics = [f"{topic}.{name}" for name in names for topic in ("kline.5", "tickers")]
        frame = msgspec.json.encode({"op": "subscribe", "args": topics}).decode()
        return Subscription(path="/v5/public/linear", frames=(frame,), ping='{"op":"ping"}')

    def read_frame(self, frame: bytes) -> tuple[Value, ...]:
        read = decode(wire.FRAME, frame)
        if not read.success:
            raise SourceFault(Cause.REFUSED, f"{read.op}: {read.ret_msg}")
        topic, _, rest = read.topic.partition(".")
        asset = self.asset_of(rest.rpartition(".")[2])
        if asset is None:
            return ()
        if topic == "kline":
            rows = converted(read.data, list[wire.Kline])
            return tuple(value for row in rows for value in self._kline(row, asset))
        if topic == "tickers":
            return self._ticker(converted(read.data, wire.Ticker), asset, stamp_ms(read.ts))
        if topic == "publicTrade":
            return tuple(self._trade(row, asset) for row in converted(read.data, list[wire.Trade]))
        return ()

    def _kline(self, row: wire.Kline, asset: Asset) -> tuple[Value, ...]:
        seen_ms = stamp_ms(row.timestamp)
        mark = Mark(source=self.name, asset=asset, time_ms=seen_ms, price=price(row.close))
        interval = next((one for one, code in CODES.items() if code == row.interval), None)
        if interval is None:
            return (mark,)
        columns = Row(
            stamp_ms(row.start), row.open, row.high, row.low, row.close, row.volume, row.turnover
        )
        series = Series(self.name, asset, interval, seen_ms)
        return (candle(columns, series, closed=row.confirm), mark)

    def _ticker(self, row: wire.Ticker, asset: Asset, seen_ms: int) -> tuple[Value, ...]:
        self.check_symbol(row.symbol, asset)
        found: list[Value] = []
        if row.mark_price is not None:
            found.append(
                Mark(source=self.name, asset=asset, time_ms=seen_ms, price=price(row.mark_price))
            )
        if row.funding_rate is not None:
            found.append(self._next(row, asset))
        return tuple(found)

    def _trade(self, row: wire.Trade, asset: Asset) -> Value:
        if row.S not in ("Buy", "Sell"):
            raise Unreadable(f"a trade of side {row.S!r:.20}")
        return Trade(
            source=self.name,
            asset=asset,
            time_ms=stamp_ms(row.T),
            price=price(row.p),
            base_units=quantity(row.v),
            taker_buys=row.S == "Buy",
        )


def _row(columns: Any) -> Row:
    if not isinstance(columns, list) or len(columns) != COLUMNS:
        raise Unreadable(f"a candle of {columns!r:.80}")
    if any(not isinstance(one, str | int | float) for one in columns):
        raise Unreadable(f"a candle of {columns!r:.80}")
    return Row(stamp_ms(columns[0]), *columns[1:])
