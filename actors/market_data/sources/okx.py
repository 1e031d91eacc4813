"""OKX perpetual swaps, v5. Amounts come in contracts; the columns in base units are read."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from actors.market_data.sources import okx_bodies as wire
from actors.market_data.sources.exchange import Answered, Exchange, Request, Subscription
from actors.market_data.sources.limiter import Rate
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
    converted,
    decode,
    decoded_or_none,
    funding_interval_ms,
    interest,
    maybe_rate,
    maybe_stamp,
    price,
    quantity,
    rate,
    stamp_ms,
)
from actors.market_data.state import INTERVAL_MS
from signals.market import Asset
from signals.snapshot import Interval

PAGE: Final = 300
"""Candles of one answer at most."""
OVERLAP: Final = 4
"""Candles that two pages share: the clock that cuts them may be ours."""
TWO_SECONDS_MS: Final = 2_000
BARS: Final = {
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "1H",
    Interval.H4: "4H",
    Interval.D1: "1Dutc",
    Interval.W1: "1Wutc",
}
"""Plain days and weeks begin at UTC+8."""
COLUMNS: Final = 9
_T = TypeVar("_T")
CAUSES: Final = {
    "50011": Cause.LIMITED,
    "50061": Cause.LIMITED,
    "51001": Cause.ABSENT,
    "50001": Cause.UNREACHABLE,
    "50013": Cause.UNREACHABLE,
    "50026": Cause.UNREACHABLE,
}


def _rows(body: bytes, kind: type[_T]) -> list[_T]:
    return [converted(row, kind) for row in decode(wire.ENVELOPE, body).data]


class Okx(Exchange):
    name = SourceName.OKX
    kind = Kind.PERPETUAL
    suffix = "-USDT-SWAP"
    rates: ClassVar = {
        "candles": Rate(weight=40, per_ms=TWO_SECONDS_MS),
        "funding": Rate(weight=10, per_ms=TWO_SECONDS_MS),
        "statistics": Rate(weight=5, per_ms=TWO_SECONDS_MS),
        "other": Rate(weight=20, per_ms=TWO_SECONDS_MS),
    }

    def refusal(self, body: bytes) -> SourceFault | None:
        """Read the code; the service sends errors with HTTP 200."""
        error = decoded_or_none(wire.ERROR, body)
        if error is None:
            return None
        if error.code == wire.OK:
            return None
        return SourceFault(CAUSES.get(error.code, Cause.REFUSED), f"{error.code} {error.msg}")

    def requests(self, ask: Ask, clock_ms: int) -> tuple[Request, ...]:
        of = f"instId={self.symbol(ask.asset)}"
        public = "/api/v5/public"
        match ask:
            case CandlesAsk():
                return self._pages(ask, clock_ms)
            case FundingAsk(count=count):
                history = f"{public}/funding-rate-history?{of}&limit={count}"
                return (
                    Request(path=history, group="funding"),
                    Request(path=f"{public}/funding-rate?{of}", group="other"),
                )
            case InterestAsk(history=history_count):
                now = Request(path=f"{public}/open-interest?instType=SWAP&{of}", group="other")
                if not history_count:
                    return (now,)
                rubik = "/api/v5/rubik/stat/contracts/open-interest-history"
                path = f"{rubik}?{of}&period=5m&limit={min(history_count, 100)}"
                return (now, Request(path=path, group="statistics"))
            case _:
                raise SourceFault(Cause.ABSENT, f"{self.name} predicts its own funding only")

    def _pages(self, ask: CandlesAsk, clock_ms: int) -> tuple[Request, ...]:
        bar, length_ms = BARS[ask.interval], INTERVAL_MS[ask.interval]
        base = f"/api/v5/market/candles?instId={self.symbol(ask.asset)}&bar={bar}"
        wanted, pages, before_ms = ask.count + 1, [], ""
        while wanted > 0:
            rows = min(wanted, PAGE)
            path = f"{base}&limit={rows}{before_ms}"
            pages.append(Request(path=path, group="candles"))
            wanted -= PAGE - OVERLAP
            end_ms = clock_ms - len(pages) * (PAGE - OVERLAP) * length_ms
            before_ms = f"&after={end_ms}"
        return tuple(pages)

    def read(self, ask: Ask, answered: Answered) -> tuple[Value, ...]:
        match ask:
            case CandlesAsk():
                rows = [row for body in answered.bodies for row in decode(wire.ENVELOPE, body).data]
                series = Series(self.name, ask.asset, ask.interval, answered.clock_ms)
                newest_first = {_open_ms(row): row for row in reversed(rows)}
                return candles((_row(row) for row in newest_first.values()), series)
            case FundingAsk():
                return self._read_funding(ask.asset, answered.bodies)
            case _:
                return self._read_interest(ask.asset, answered.bodies)

    def _read_funding(self, asset: Asset, bodies: Sequence[bytes]) -> tuple[Value, ...]:
        rows, coming = _rows(bodies[0], wire.Funding), _rows(bodies[1], wire.Next)
        for name in (*(row.inst_id for row in rows), *(row.inst_id for row in coming)):
            self.check_symbol(name, asset)
        if len(coming) != 1:
            raise Unreadable(f"{len(coming)} funding rates of one instrument")
        following = self._next(coming[0], asset)
        charged = tuple(
            Funding(
                source=self.name,
                asset=asset,
                time_ms=stamp_ms(row.funding_time),
                # what was charged may differ from what was announced
                rate=rate(
                    row.funding_rate if row.realized_rate in (None, "") else row.realized_rate
                ),
                interval_ms=following.interval_ms,
            )
            for row in rows
        )
        return (*sorted(charged, key=lambda one: one.time_ms), following)

    def _next(self, row: wire.Next, asset: Asset) -> NextFunding:
        due_ms, after_ms = maybe_stamp(row.funding_time), maybe_stamp(row.next_funding_time)
        interval_ms = None
        if due_ms is not None and after_ms is not None:
            interval_ms = funding_interval_ms(after_ms - due_ms)
        return NextFunding(
            source=self.name,
            asset=asset,
            rate=maybe_rate(row.funding_rate),
            due_ms=due_ms,
            interval_ms=interval_ms,
        )

    def _read_interest(self, asset: Asset, bodies: Sequence[bytes]) -> tuple[Value, ...]:
        found = []
        for row in _rows(bodies[0], wire.Interest):
            self.check_symbol(row.inst_id, asset)
            found.append(self._interest(asset, row.ts, row.oi_ccy, row.oi_usd))
        for columns in decode(wire.ENVELOPE, bodies[1]).data if len(bodies) > 1 else ():
            if not isinstance(columns, list) or len(columns) < 4:  # noqa: PLR2004 its columns
                raise Unreadable(f"a row of open interest: {columns!r:.80}")
            found.append(self._interest(asset, columns[0], columns[2], columns[3]))
        return tuple(sorted(found, key=lambda one: one.time_ms))

    def _interest(self, asset: Asset, ts: Number, base: Number, usd: Number | None) -> OpenInterest:
        return OpenInterest(
            source=self.name,
            asset=asset,
            time_ms=stamp_ms(ts),
            base_units=interest(base),
            usd=None if usd in (None, "") else quantity(usd),
        )

    def clock_request(self) -> Request:
        return Request(path="/api/v5/public/time", group="other")

    def read_clock(self, body: bytes) -> int:
        rows = _rows(body, wire.Stamp)
        if len(rows) != 1:
            raise Unreadable(f"{len(rows)} times")
        return stamp_ms(rows[0].ts)

    def instrument_requests(self) -> tuple[Request, ...]:
        return (Request(path="/api/v5/public/instruments?instType=SWAP", group="other"),)

    def symbols(self, bodies: Sequence[bytes]) -> dict[str, float]:
        rows = _rows(bodies[0], wire.Instrument)
        return {row.inst_id: quantity(row.ct_val or "1") for row in rows if row.state == "live"}

    def subscription(self, assets: tuple[Asset, ...]) -> Subscription:
        """Candles are on the business socket; it counts text pings, not the protocol's."""
        topics = [{"channel": "candle5m", "instId": self.symbol(asset)} for asset in assets]
        frame = msgspec.json.encode({"op": "subscribe", "args": topics}).decode()
        return Subscription(path="/ws/v5/business", frames=(frame,), ping="ping")

    def read_frame(self, frame: bytes) -> tuple[Value, ...]:
        if frame == b"pong":
            return ()
        read = decode(wire.FRAME, frame)
        if read.event == "error":
            raise SourceFault(CAUSES.get(read.code, Cause.REFUSED), f"{read.code} {read.msg}")
        asset = self.asset_of(read.arg.inst_id)
        if asset is None or not read.data:
            return ()
        channel = read.arg.channel
        if channel == "candle5m":
            return tuple(self._candle(row, asset, Interval.M5) for row in read.data)
        if channel.startswith("mark-price"):
            return tuple(
                Mark(
                    source=self.name,
                    asset=asset,
                    time_ms=stamp_ms(row.ts),
                    price=price(row.mark_px),
                )
                for row in converted(read.data, list[wire.Mark])
            )
        if channel == "funding-rate":
            return tuple(self._next(row, asset) for row in converted(read.data, list[wire.Next]))
        return ()

    def _candle(self, columns: Any, asset: Asset, interval: Interval) -> Value:
        row = _row(columns)
        series = Series(self.name, asset, interval, 0)
        return candle(row, series, closed=bool(row.closed))


def _open_ms(columns: Any) -> int:
    if not isinstance(columns, list) or len(columns) != COLUMNS:
        raise Unreadable(f"a candle of {columns!r:.80}")
    return stamp_ms(columns[0])


def _row(columns: Any) -> Row:
    """Read nine columns; the ninth says whether the candle is closed."""
    open_ms = _open_ms(columns)
    if any(not isinstance(one, str | int | float) for one in columns):
        raise Unreadable(f"a candle of {columns!r:.80}")
    if columns[-1] not in ("0", "1"):
        raise Unreadable(f"a candle that is closed by {columns[-1]!r}")
    opened, high, low, close, _contracts, base, quote, closed = columns[1:]
    return Row(open_ms, opened, high, low, close, base, quote, None, closed == "1")
