"""Small values for the tests of market data."""

from actors.market_data.events import BookLevels
from actors.market_data.state import (
    INTERVAL_MS,
    KnownMarket,
    MarketDataState,
    Now,
    Settings,
    initial_state,
)
from signals.market import Asset, Slot, Timeframe, Window, market_slug
from signals.snapshot import Candles, Feed, Interval, Ticks
from signals.units import MicroShares

T0 = 1_767_225_600_000
"""2026-01-01 00:00:00 UTC, a boundary of every interval but the week."""
BTC_5M = Slot(Asset.BTC, Timeframe.M5)
BTC_15M = Slot(Asset.BTC, Timeframe.M15)
LIMITS = {
    Feed.CANDLES: 330_000,
    Feed.TICKS: 5_000,
    Feed.FUNDING: 32_400_000,
    Feed.OPEN_INTEREST: 600_000,
    Feed.BOOKS: 30_000,
    Feed.MARKETS: 600_000,
}


def settings(*slots: Slot) -> Settings:
    return Settings(
        slots=slots or (BTC_5M, BTC_15M), offsets_ms=(20_000,), speed=1, limits_ms=LIMITS
    )


def at(ms: int, wire_ms: int | None = None) -> Now:
    return Now(T0 + ms, T0 + ms if wire_ms is None else wire_ms)


def fresh_state(*slots: Slot, ms: int = 0) -> MarketDataState:
    return initial_state(settings(*slots), at(ms))


def candles(interval: Interval, first_ms: int, count: int, price: float = 100.0) -> Candles:
    """Make `count` candles from `first_ms` on (relative to T0)."""
    length = INTERVAL_MS[interval]
    return Candles(
        interval=interval,
        open_time_ms=tuple(T0 + first_ms + length * n for n in range(count)),
        open=(price,) * count,
        high=(price + 1,) * count,
        low=(price - 1,) * count,
        close=(price,) * count,
        volume=(5.0,) * count,
        taker_buy=(None,) * count,
    )


def ticks(*pairs: tuple[int, float]) -> Ticks:
    """Make ticks of (ms relative to T0, value)."""
    return Ticks(
        observed_ms=tuple(T0 + ms for ms, _ in pairs),
        twap=tuple(value for _, value in pairs),
        spot=(),
    )


def market(
    slot: Slot = BTC_5M, open_ms: int = 0, checked_ms: int = 0, price_to_beat: float | None = None
) -> KnownMarket:
    name = f"{slot.timeframe}{open_ms}"
    return KnownMarket(
        asset=slot.asset,
        window=Window(T0 + open_ms, slot.timeframe),
        condition_id=f"0x{name}",
        up_token_id=f"up{name}",
        down_token_id=f"down{name}",
        accepting_orders=True,
        fee_rate="0.07",
        min_order_shares=MicroShares(5_000_000),
        tick_micro_usd=10_000,
        twap_lookback_seconds=60,
        price_to_beat=price_to_beat,
        version="v1",
        checked_ms=T0 + checked_ms,
    )


def slug(found: KnownMarket) -> str:
    return market_slug(found.asset, found.window)


def levels(
    token_id: str,
    bid: int = 440_000,
    ask: int = 460_000,
    stamp_ms: int = 0,
    shares: int = 7_000_000,
) -> BookLevels:
    """Make a whole book; that of a Down token mirrors the one of Up."""
    if token_id.startswith("down"):
        bid, ask = 1_000_000 - ask, 1_000_000 - bid
    return BookLevels(
        token_id=token_id,
        bids={bid: shares, bid - 10_000: shares},
        asks={ask: shares, ask + 10_000: shares},
        tick_micro_usd=None,
        stamp_wire_ms=T0 + stamp_ms,
    )
