"""What market data knows: buffers of every feed, markets, and the jobs that keep them fresh.

All of it is msgspec structs, so that a handoff can carry it as bytes; after a crash it is filled
again from REST, and from the price socket's own two-minute history.
"""

from typing import Final

import msgspec

from actors.config import FleetConfig
from signals.market import (
    Asset,
    DecisionPoint,
    Slot,
    Timeframe,
    Window,
    asset_place,
    decision_points,
)
from signals.snapshot import (
    Candles,
    Feed,
    FundingPoint,
    Interval,
    OpenInterestPoint,
    Ticks,
)
from signals.units import MicroShares

INTERVAL_MS: Final = {
    Interval.M5: 300_000,
    Interval.M15: 900_000,
    Interval.M30: 1_800_000,
    Interval.H1: 3_600_000,
    Interval.H4: 14_400_000,
    Interval.D1: 86_400_000,
    Interval.W1: 604_800_000,
}
CANDLES_KEPT: Final = {
    Interval.M5: 60,
    Interval.M15: 40,
    Interval.M30: 336,
    Interval.H1: 40,
    Interval.H4: 40,
    Interval.D1: 40,
    Interval.W1: 20,
}
"""Closed candles in a snapshot, see `signals.snapshot.Interval`."""
MONDAY_MS: Final = 345_600_000
"""The first Monday after the Unix epoch: weekly candles open on Mondays, 00:00 UTC."""
TICKS_KEPT_MS: Final = 990_000
"""A 15-minute window, and 90 s before it: the opening average and the look-back before it."""
FUNDING_KEPT: Final = 12
OPEN_INTEREST_KEPT: Final = 60
BOOK_LEVELS: Final = 10


class Now(msgspec.Struct, frozen=True):
    """One instant in both times."""

    market_ms: int
    wire_ms: int


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the frozen configuration that market data needs."""

    slots: tuple[Slot, ...]
    offsets_ms: tuple[int, ...]
    speed: int
    limits_ms: dict[Feed, int]
    """Per feed, wire grace included: an older datum is stale."""

    @property
    def assets(self) -> tuple[Asset, ...]:
        return tuple(sorted({slot.asset for slot in self.slots}, key=asset_place))


def settings_of(config: FleetConfig) -> Settings:
    feeds, speed = config.feeds, config.clock.speed
    limits = {
        Feed.CANDLES: feeds.candles_ms,
        Feed.TICKS: feeds.ticks_ms,
        Feed.FUNDING: feeds.funding_ms,
        Feed.OPEN_INTEREST: feeds.open_interest_ms,
        Feed.BOOKS: feeds.books_ms,
        Feed.MARKETS: feeds.markets_ms,
    }
    grace_ms = feeds.wire_grace_ms * speed
    return Settings(
        slots=tuple(Slot.parse(entry.slot) for entry in config.slots),
        offsets_ms=config.timing.decision_offsets_ms,
        speed=speed,
        limits_ms={feed: limit + grace_ms for feed, limit in limits.items()},
    )


class AssetFeeds(msgspec.Struct, frozen=True, kw_only=True):
    candles: dict[Interval, Candles]
    ticks: Ticks
    funding: tuple[FundingPoint, ...] = ()
    next_funding_ms: int | None = None
    open_interest: tuple[OpenInterestPoint, ...] = ()
    source: str = ""
    """Whose history it is; empty: of the one service that is configured."""


class BookBuffer(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome token's whole book, levels as price -> shares (both micro)."""

    bids: dict[int, int]
    asks: dict[int, int]
    tick_micro_usd: int
    stamp_wire_ms: int
    """The venue's stamp of the newest message in it: older ones are late and are not applied."""
    received_ms: int
    """Market time."""
    suspect: bool = False
    """Something came out of order or crossed: take a new one by REST."""
    whole_stamp_wire_ms: int = 0
    """The venue's stamp of the newest whole book in it: it holds every older change."""
    later: tuple[tuple[int, bool, int, int], ...] = ()
    """While suspect: changes since, as (stamp, bid, price, shares), for the whole book to come."""
    contradicted: str = ""
    """How the stream's own best prices differ; nothing is decided on it until it is taken anew."""


class KnownMarket(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    window: Window
    condition_id: str
    up_token_id: str
    down_token_id: str
    accepting_orders: bool
    fee_rate: str
    min_order_shares: MicroShares
    tick_micro_usd: int
    twap_lookback_seconds: int
    price_to_beat: float | None
    version: str
    """`v1` or `v2`: which of the venue's two kinds of token id the ids are."""
    checked_ms: int
    """Market time of the newest look."""
    strike_changed: bool = False
    """The venue has said two prices to beat: neither is believed."""
    opening: float | None = None
    """The average observed exactly at the open; kept when its tick is let go."""

    @property
    def token_ids(self) -> tuple[str, str]:
        return self.up_token_id, self.down_token_id


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A fetch that recurs. It runs when both its times have come and it is not running."""

    due_ms: int
    """Market time."""
    not_before_wire_ms: int = 0
    """Backoff after failures, and the least pause between two looks."""
    running: bool = False
    failures: int = 0
    """In a row."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Since the start of this life."""

    reconnects: int = 0
    dropped: int = 0
    malformed: int = 0
    unreachable: int = 0
    late: int = 0
    """Messages older than what was known."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What one input of one asset was refused for."""

    count: int
    cause: str
    """Of the newest."""
    wire_ms: int
    """When the newest came."""


class MarketDataState(msgspec.Struct, frozen=True, kw_only=True):
    settings: Settings
    next_due_ms: int
    """The next decision point, at which snapshots are made unasked."""
    feeds: dict[Asset, AssetFeeds]
    markets: dict[str, KnownMarket] = {}
    """By slug."""
    books: dict[str, BookBuffer] = {}
    """By outcome token."""
    followed: dict[str, tuple[str, str]] = {}
    """Condition id -> tokens of the books that are subscribed."""
    jobs: dict[str, Job] = {}
    last_tick_wire_ms: int = 0
    """When any price tick came last."""
    last_book_wire_ms: int = 0
    """When any book message came last."""
    watched_wire_ms: int = 0
    """When a silent stream was last made anew."""
    prices_followed: bool = False
    counts: Counts = Counts()
    trouble: dict[str, str] = {}
    """Job -> why it fails now."""
    refused: dict[str, Refused] = {}
    """``asset/input``, see `actors.market_data.inputs`; no more than there are of both."""


def empty_candles(interval: Interval) -> Candles:
    return Candles(
        interval=interval,
        open_time_ms=(),
        open=(),
        high=(),
        low=(),
        close=(),
        volume=(),
        taker_buy=(),
    )


NO_TICKS: Final = Ticks(observed_ms=(), twap=(), spot=())


def next_decision_point(settings: Settings, after_ms: int) -> DecisionPoint:
    return next(decision_points(Timeframe.M5, settings.offsets_ms, after_ms))


def initial_state(settings: Settings, now: Now) -> MarketDataState:
    """Start with empty buffers; the jobs fill them, in their order.

    Open interest and funding first: sources limit these most, and candles come in between. Last,
    they would only begin to wait when all candles are there.
    """
    feeds = {
        asset: AssetFeeds(
            candles={interval: empty_candles(interval) for interval in Interval}, ticks=NO_TICKS
        )
        for asset in settings.assets
    }
    jobs = {f"open_interest/{asset}": Job(due_ms=0) for asset in feeds}
    jobs |= {f"funding/{asset}": Job(due_ms=0) for asset in feeds}
    jobs |= {
        f"klines/{asset}/{interval}": Job(due_ms=0) for interval in Interval for asset in feeds
    }
    jobs["books"] = Job(due_ms=0)
    return MarketDataState(
        settings=settings,
        next_due_ms=next_decision_point(settings, now.market_ms - 1).due_ms,
        feeds=feeds,
        jobs=jobs,
        last_tick_wire_ms=now.wire_ms,
        last_book_wire_ms=now.wire_ms,
    )


def last_boundary_ms(interval: Interval, time_ms: int) -> int:
    """Return the newest instant at or before `time_ms` at which a candle of `interval` closed."""
    start_ms = MONDAY_MS if interval is Interval.W1 else 0
    return time_ms - (time_ms - start_ms) % INTERVAL_MS[interval]
