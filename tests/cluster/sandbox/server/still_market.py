"""A market that stands still: one book, and the same candles, funding and prices."""

# ruff: noqa: ARG002 -- it answers with constants, in the signature of the real one

from cluster.sandbox.exchange import Exchange
from cluster.sandbox.model import (
    MICRO,
    BookView,
    FundingRate,
    Kline,
    Level,
    Market,
    Now,
    OpenInterest,
    Premium,
    PriceTick,
    Provenance,
)
from tests.cluster.sandbox.server.examples import MARKET, OPEN_MS, tick


class StillMarket(Exchange):
    market_now: Market

    def market_by_slug(self, slug: str, now: Now) -> Market | None:
        return self.market_now if slug == MARKET.slug else None

    def market(self, condition_id: str, now: Now) -> Market | None:
        return self.market_now if condition_id == MARKET.condition_id else None

    def market_of_token(self, token_id: str, now: Now) -> Market | None:
        return self.market_now if MARKET.outcome_of(token_id) is not None else None

    def book(self, token_id: str, now: Now) -> BookView | None:
        if MARKET.outcome_of(token_id) is None:
            return None
        return BookView(
            condition_id=MARKET.condition_id,
            token_id=token_id,
            bids=(Level(540_000, 100 * MICRO), Level(530_000, 10 * MICRO)),
            asks=(Level(560_000, 70_500_000),),
            tick_micro_usd=10_000,
            min_order_shares=5 * MICRO,
            last_trade_price=550_000,
            wire_ms=now.wire_ms,
            market_ms=now.market_ms,
            hash="b00c",
        )

    def klines(
        self,
        asset: str,
        interval: str,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> tuple[Kline, ...]:
        rows = [
            Kline(
                open_market_ms=OPEN_MS + 300_000 * number,
                close_market_ms=OPEN_MS + 300_000 * (number + 1) - 1,
                open=95_000.0,
                high=95_100.5,
                low=94_900.25,
                close=95_050.0,
                volume=12.5,
                taker_buy=None if number == 0 else 6.25,
                trades=42,
            )
            for number in range(10)
        ]
        return tuple(rows[-limit:])

    def funding(
        self,
        asset: str,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> tuple[FundingRate, ...]:
        return (FundingRate(OPEN_MS - 28_800_000, 0.0001), FundingRate(OPEN_MS, -0.000025))

    def premium(self, asset: str, now: Now) -> Premium:
        return Premium(
            market_ms=now.market_ms,
            mark_price=95_001.0,
            index_price=95_000.0,
            last_funding_rate=0.0001,
            next_funding_market_ms=OPEN_MS + 28_800_000,
        )

    def open_interest(self, asset: str, now: Now) -> OpenInterest:
        return OpenInterest(now.market_ms, 109_026.205)

    def open_interest_history(
        self,
        asset: str,
        period_ms: int,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 30,
    ) -> tuple[OpenInterest, ...]:
        return (OpenInterest(OPEN_MS, 109_000.0), OpenInterest(OPEN_MS + period_ms, 109_100.0))

    def ticks(self, asset: str, now: Now, *, since_market_ms: int) -> tuple[PriceTick, ...]:
        return (tick(OPEN_MS - 2_000), tick(OPEN_MS - 1_000))

    def provenance(self) -> tuple[Provenance, ...]:
        return (
            Provenance(
                asset="btc",
                series="klines",
                source="generated",
                from_market_ms=0,
                until_market_ms=None,
            ),
        )
