"""Small valid values for the tests of this package."""

from typing import Any

from checkpoints.codec import CheckpointMeta
from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import Asset, Timeframe, Window
from signals.snapshot import (
    Book,
    BookLevel,
    Candles,
    Feed,
    FundingPoint,
    InputAge,
    Interval,
    MarketView,
    Snapshot,
    Ticks,
)
from signals.units import MicroShares, PriceMicroUsd

NOON_MS = 1_767_268_800_000
"""2026-01-01 12:00 UTC."""
DAY = "2026-01-01"
RELEASE = "ab" * 32


def meta(**changes: Any) -> CheckpointMeta:
    values: dict[str, Any] = {
        "schema_version": 1,
        "slot": "btc-5m",
        "release": RELEASE,
        "commit": "c0ffee",
        "params": "p1",
        "incarnation": 2,
        "fence": 3,
        "sequence": 10,
        "outbox_sequence": 4,
        "time_ms": NOON_MS,
        "logical_hash": "",
    }
    return CheckpointMeta(**{**values, **changes})


def row(sequence: int, fence: int = 1, **changes: Any) -> JournalRow:
    values: dict[str, Any] = {
        "kind": RowKind.DECISION,
        "slot": "btc-5m",
        "incarnation": 1,
        "life": "42-1",
        "release": RELEASE,
        "commit": "c0ffee",
        "params": "p1",
        "market_ms": NOON_MS + sequence,
        "wire_ms": 1_000 + sequence,
    }
    return JournalRow(**{**values, "sequence": sequence, "fence": fence, **changes})


def candles(interval: Interval, count: int, *, taker: bool = True) -> Candles:
    prices = tuple(100.0 + place / 7 for place in range(count))
    return Candles(
        interval=interval,
        open_time_ms=tuple(NOON_MS + 300_000 * place for place in range(count)),
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=prices,
        taker_buy=prices if taker else tuple([1.5, *[None] * (count - 1)][:count]),
    )


def book() -> Book:
    level = BookLevel(PriceMicroUsd(510_000), MicroShares(7_000_000))
    return Book(bids=(level, level), asks=(), tick_micro_usd=10_000, received_ms=NOON_MS)


def snapshot(**changes: Any) -> Snapshot:
    market = MarketView(
        window=Window.at(NOON_MS, Timeframe.M5),
        condition_id="0xabc",
        up_token_id="1",
        down_token_id="2",
        up_book=book(),
        down_book=None,
        accepting_orders=True,
        fee_rate="0.07",
        min_order_shares=MicroShares(5_000_000),
        twap_lookback_seconds=60,
        price_to_beat=None,
    )
    values: dict[str, Any] = {
        "asset": Asset.BTC,
        "due_ms": NOON_MS,
        "taken_ms": NOON_MS + 3,
        "candles": (candles(Interval.M5, 60), candles(Interval.H1, 3, taker=False)),
        "ticks": Ticks(observed_ms=(NOON_MS - 1,), twap=(1.25,), spot=()),
        "funding": (FundingPoint(time_ms=NOON_MS, rate=-0.0),),
        "next_funding_ms": None,
        "open_interest": (),
        "markets": (market,),
        "ages": (InputAge(feed=Feed.TICKS, age_ms=7, limit_ms=5_000),),
    }
    return Snapshot(**{**values, **changes})
