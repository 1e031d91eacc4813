"""Binance USD-M futures: candles with taker volume, funding, open interest."""

from collections.abc import Sequence
from typing import ClassVar, Final

from actors.market_data.sources import binance_bodies as wire
from actors.market_data.sources.binance import MINUTE_MS, Binance
from actors.market_data.sources.exchange import Answered, Request, Subscription
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
    Value,
)
from actors.market_data.sources.reading import (
    SourceFault,
    decode,
    funding_interval_ms,
    interest,
    maybe_rate,
    maybe_stamp,
    number,
    quantity,
    rate,
    stamp_ms,
)
from signals.market import Asset

USUAL_FUNDING_HOURS: Final = 8
"""Unless `/fundingInfo` lists the symbol."""
HOUR_MS: Final = 3_600_000


class BinanceUsdm(Binance):
    name = SourceName.BINANCE_USDM
    kind = Kind.PERPETUAL
    prefix = "/fapi/v1"
    rows_max = 1_500
    rates: ClassVar = {
        "weight": Rate(weight=2_400, per_ms=MINUTE_MS),
        "funding": Rate(weight=500, per_ms=5 * MINUTE_MS),
        "statistics": Rate(weight=1_000, per_ms=5 * MINUTE_MS),
    }

    def requests(self, ask: Ask, _clock_ms: int) -> tuple[Request, ...]:
        symbol = self.symbol(ask.asset)
        match ask:
            case CandlesAsk():
                return (self.candles_request(ask),)
            case FundingAsk(count=count):
                query = f"symbol={symbol}"
                return (
                    Request(path=f"/fapi/v1/fundingRate?{query}&limit={count}", group="funding"),
                    Request(path=f"/fapi/v1/premiumIndex?{query}", group="weight"),
                    Request(path="/fapi/v1/fundingInfo", group="funding"),
                )
            case InterestAsk(history=history):
                now = Request(path=f"/fapi/v1/openInterest?symbol={symbol}", group="weight")
                path = f"/futures/data/openInterestHist?symbol={symbol}&period=5m&limit={history}"
                return (now, Request(path=path, group="statistics")) if history else (now,)
            case _:
                raise SourceFault(Cause.ABSENT, f"{self.name} predicts its own funding only")

    def read(self, ask: Ask, answered: Answered) -> tuple[Value, ...]:
        match ask:
            case CandlesAsk():
                return self.read_candles(ask, answered)
            case FundingAsk():
                return self._read_funding(ask.asset, answered.bodies)
            case _:
                return self._read_interest(ask.asset, answered.bodies)

    def _read_funding(self, asset: Asset, bodies: Sequence[bytes]) -> tuple[Value, ...]:
        rows, premium = decode(wire.FUNDING, bodies[0]), decode(wire.PREMIUM, bodies[1])
        listed = {row.symbol: row.funding_interval_hours for row in decode(wire.INFO, bodies[2])}
        hours = listed.get(self.symbol(asset), USUAL_FUNDING_HOURS)
        interval_ms = funding_interval_ms(number(hours) * HOUR_MS)
        self.check_symbol(premium.symbol, asset)
        for row in rows:
            self.check_symbol(row.symbol, asset)
        return (
            *(
                Funding(
                    source=self.name,
                    asset=asset,
                    time_ms=stamp_ms(row.funding_time),
                    rate=rate(row.funding_rate),
                    interval_ms=interval_ms,
                )
                for row in rows
            ),
            NextFunding(
                source=self.name,
                asset=asset,
                rate=maybe_rate(premium.last_funding_rate),
                due_ms=maybe_stamp(premium.next_funding_time),
                interval_ms=interval_ms,
            ),
        )

    def _read_interest(self, asset: Asset, bodies: Sequence[bytes]) -> tuple[Value, ...]:
        now = decode(wire.INTEREST, bodies[0])
        rows = decode(wire.INTEREST_ROWS, bodies[1]) if len(bodies) > 1 else []
        for row in (now, *rows):
            self.check_symbol(row.symbol, asset)
        found = [
            OpenInterest(
                source=self.name,
                asset=asset,
                time_ms=stamp_ms(row.timestamp),
                base_units=interest(row.sum_open_interest),
                usd=None
                if row.sum_open_interest_value is None
                else quantity(row.sum_open_interest_value),
            )
            for row in rows
        ]
        found.append(
            OpenInterest(
                source=self.name,
                asset=asset,
                time_ms=stamp_ms(now.time),
                base_units=interest(now.open_interest),
            )
        )
        return tuple(found)

    def subscription(self, assets: tuple[Asset, ...]) -> Subscription:
        """Klines and mark prices are on the socket of `/market`, books are not."""
        names = [self.symbol(asset).lower() for asset in assets]
        topics = "/".join(f"{name}@kline_5m/{name}@markPrice@1s" for name in names)
        return Subscription(path=f"/market/stream?streams={topics}")
