"""Hyperliquid perpetuals: everything is a POST to `/info`."""

from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec

from actors.market_data.sources import hyperliquid_bodies as wire
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
    funding_interval_ms,
    interest,
    joined,
    maybe_rate,
    maybe_stamp,
    number,
    price,
    quantity,
    rate,
    stamp_ms,
)
from actors.market_data.state import INTERVAL_MS
from signals.market import Asset
from signals.snapshot import Interval

HOUR_MS: Final = 3_600_000
WEEK_DAYS: Final = 7
INFO_WEIGHT: Final = 20
CLOCK_WEIGHT: Final = 2
ROWS_PER_WEIGHT: Final = 60
VENUES: Final = {
    "BinPerp": SourceName.BINANCE_USDM,
    "BybitPerp": SourceName.BYBIT,
    "HlPerp": SourceName.HYPERLIQUID,
}


def _info(body: dict[str, object], weight: int = INFO_WEIGHT) -> Request:
    return Request(path="/info", body=body, group="weight", weight=weight)


class Hyperliquid(Exchange):
    name = SourceName.HYPERLIQUID
    kind = Kind.PERPETUAL
    suffix = ""
    rates: ClassVar = {"weight": Rate(weight=1_200, per_ms=60_000)}

    def requests(self, ask: Ask, clock_ms: int) -> tuple[Request, ...]:
        coin = self.symbol(ask.asset)
        match ask:
            case CandlesAsk():
                return (self._candles(ask, coin, clock_ms),)
            case FundingAsk(count=count):
                start_ms = clock_ms - (count + 1) * HOUR_MS
                history = _info({"type": "fundingHistory", "coin": coin, "startTime": start_ms})
                return (history, _info({"type": "metaAndAssetCtxs"}))
            case InterestAsk():
                return (_info({"type": "metaAndAssetCtxs"}),)
            case _:
                return (_info({"type": "predictedFundings"}),)

    def _candles(self, ask: CandlesAsk, coin: str, clock_ms: int) -> Request:
        interval, count = parts_of(ask)
        length_ms = INTERVAL_MS[interval]
        asked = {
            "coin": coin,
            "interval": str(interval),
            "startTime": clock_ms - (count + 1) * length_ms,
            "endTime": clock_ms + length_ms,
        }
        weight = INFO_WEIGHT + count // ROWS_PER_WEIGHT
        return _info({"type": "candleSnapshot", "req": asked}, weight)

    def read(self, ask: Ask, answered: Answered) -> tuple[Value, ...]:
        body = answered.bodies[0]
        match ask:
            case CandlesAsk():
                return self._read_candles(ask, answered)
            case FundingAsk():
                return self._read_funding(ask, answered)
            case InterestAsk():
                context = self._context(body, ask.asset)
                return (
                    OpenInterest(
                        source=self.name,
                        asset=ask.asset,
                        time_ms=stamp_ms(answered.clock_ms),
                        base_units=interest(context.open_interest),
                    ),
                )
            case _:
                return self._read_predicted(ask.asset, body)

    def _read_candles(self, ask: CandlesAsk, answered: Answered) -> tuple[Value, ...]:
        interval, _ = parts_of(ask)
        rows = decode(wire.KLINES, answered.bodies[0])
        for row in rows:
            self.check_symbol(row.s, ask.asset)
        series = Series(self.name, ask.asset, interval, answered.clock_ms)
        found = candles([_row(row, interval) for row in rows], series)
        return found if interval is ask.interval else joined(found, ask.interval)

    def _context(self, body: bytes, asset: Asset) -> wire.Context:
        meta, contexts = decode(wire.CONTEXTS, body)
        names = [coin.name for coin in meta.universe]
        if len(names) != len(contexts):
            raise Unreadable(f"{len(names)} coins and {len(contexts)} contexts")
        if self.symbol(asset) not in names:
            raise SourceFault(Cause.ABSENT, f"{self.name} lists no {self.symbol(asset)}")
        found: wire.Context = contexts[names.index(self.symbol(asset))]
        return found

    def _read_funding(self, ask: FundingAsk, answered: Answered) -> tuple[Value, ...]:
        rows = decode(wire.FUNDING, answered.bodies[0])
        for row in rows:
            self.check_symbol(row.coin, ask.asset)
        charged = [
            Funding(
                source=self.name,
                asset=ask.asset,
                time_ms=stamp_ms(row.time),
                rate=rate(row.funding_rate),
                interval_ms=HOUR_MS,
            )
            for row in rows
        ]
        context = self._context(answered.bodies[1], ask.asset)
        following = NextFunding(
            source=self.name,
            asset=ask.asset,
            rate=maybe_rate(context.funding),
            # the service's own "next" lies in the past
            due_ms=answered.clock_ms - answered.clock_ms % HOUR_MS + HOUR_MS,
            interval_ms=HOUR_MS,
        )
        newest = sorted(charged, key=lambda one: one.time_ms)[-ask.count :]
        return (*newest, following)

    def _read_predicted(self, asset: Asset, body: bytes) -> tuple[Value, ...]:
        found = []
        for coin, venues in decode(wire.PREDICTED, body):
            if coin != self.symbol(asset):
                continue
            for venue, row in venues:
                if row is None or venue not in VENUES:
                    continue
                hours = row.funding_interval_hours
                found.append(
                    NextFunding(
                        source=VENUES[venue],
                        asset=asset,
                        rate=maybe_rate(row.funding_rate),
                        due_ms=maybe_stamp(row.next_funding_time),
                        interval_ms=None
                        if hours is None
                        else funding_interval_ms(number(hours) * HOUR_MS),
                    )
                )
        return tuple(found)

    def clock_request(self) -> Request:
        return _info({"type": "l2Book", "coin": "BTC"}, CLOCK_WEIGHT)

    def read_clock(self, body: bytes) -> int:
        return stamp_ms(decode(wire.BOOK, body).time)

    def instrument_requests(self) -> tuple[Request, ...]:
        return (_info({"type": "meta"}),)

    def symbols(self, bodies: Sequence[bytes]) -> dict[str, float]:
        coins = decode(wire.META, bodies[0]).universe
        return {coin.name: 1.0 for coin in coins if not coin.is_delisted}

    def subscription(self, assets: tuple[Asset, ...]) -> Subscription:
        topics = [
            {"type": "candle", "coin": self.symbol(asset), "interval": "5m"} for asset in assets
        ]
        frames = tuple(
            msgspec.json.encode({"method": "subscribe", "subscription": topic}).decode()
            for topic in topics
        )
        return Subscription(path="/ws", frames=frames, ping='{"method":"ping"}')

    def read_frame(self, frame: bytes) -> tuple[Value, ...]:
        read = decode(wire.FRAME, frame)
        match read.channel:
            case "candle":
                return self._frame_candle(converted(read.data, wire.Kline))
            case "trades":
                return self._trades(converted(read.data, list[wire.Trade]))
            case "error":
                raise SourceFault(Cause.REFUSED, str(read.data))
            case _:
                return ()

    def _frame_candle(self, row: wire.Kline) -> tuple[Value, ...]:
        """Read a candle; the socket has no closed flag: it may always be forming."""
        asset = self.asset_of(row.s)
        if asset is None or row.i not in INTERVAL_MS:
            return ()
        interval = Interval(row.i)
        series = Series(self.name, asset, interval, 0)
        return (candle(_row(row, interval), series, closed=False),)

    def _trades(self, rows: list[wire.Trade]) -> tuple[Value, ...]:
        found = []
        for row in rows:
            asset = self.asset_of(row.coin)
            if row.side not in ("A", "B"):
                raise Unreadable(f"a trade of side {row.side!r:.20}")
            if asset is not None:
                found.append(
                    Trade(
                        source=self.name,
                        asset=asset,
                        time_ms=stamp_ms(row.time),
                        price=price(row.px),
                        base_units=quantity(row.sz),
                        taker_buys=row.side == "B",
                    )
                )
        return tuple(found)


def parts_of(ask: CandlesAsk) -> tuple[Interval, int]:
    """Return what is asked for; weeks are made of days, for they must open on a Monday."""
    if ask.interval is Interval.W1:
        return Interval.D1, (ask.count + 1) * WEEK_DAYS
    return ask.interval, ask.count


def _row(row: wire.Kline, interval: Interval) -> Row:
    if row.T - row.t + 1 != INTERVAL_MS[interval] or row.i != interval:
        raise Unreadable(f"a candle of {row.T - row.t + 1} ms ({row.i}) among those of {interval}")
    return Row(stamp_ms(row.t), row.o, row.h, row.l, row.c, row.v)
