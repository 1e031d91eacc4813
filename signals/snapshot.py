"""The snapshot: an immutable view at one instant, all that a signal may see.

One per (asset, decision point), content-addressed. Every input carries its age; a missing input is
None or empty and is named in `missing`: nothing is papered over.
"""

from enum import StrEnum

import msgspec

from signals.market import Asset, Outcome, Timeframe, Window
from signals.units import MicroShares, PriceMicroUsd


class Interval(StrEnum):
    """Candle length. The comment says how many closed candles a snapshot carries at most."""

    M5 = "5m"  # 60
    M15 = "15m"  # 40
    M30 = "30m"  # 336, seven days: the time-of-day average of the volume factor
    H1 = "1h"  # 40
    H4 = "4h"  # 40
    D1 = "1d"  # 40
    W1 = "1w"  # 20


class Candles(msgspec.Struct, frozen=True, kw_only=True):
    """Closed candles of one interval, oldest first, as columns of equal length."""

    interval: Interval
    open_time_ms: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float, ...]
    """Base units."""
    taker_buy: tuple[float | None, ...]
    """Base units bought by takers; None where the source does not say."""

    def __len__(self) -> int:
        return len(self.close)


class Ticks(msgspec.Struct, frozen=True, kw_only=True):
    """Settlement price observations (the venue's TWAP feed), oldest first."""

    observed_ms: tuple[int, ...]
    """When the oracle observed the value (UTC ms), ascending."""
    twap: tuple[float, ...]
    """Time-weighted average over the look-back that ends at the observation, USD."""
    spot: tuple[float, ...]
    """Settlement spot at the observation, USD; empty if the feed carries averages only."""


class FundingPoint(msgspec.Struct, frozen=True, kw_only=True):
    time_ms: int
    rate: float
    """Fraction per interval: 0.0001 is one basis point."""


class OpenInterestPoint(msgspec.Struct, frozen=True, kw_only=True):
    time_ms: int
    base_units: float


class BookLevel(msgspec.Struct, frozen=True):
    price: PriceMicroUsd
    shares: MicroShares


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome token's book. Best level FIRST here (the wire has it last), at most 10 levels."""

    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    tick_micro_usd: int
    received_ms: int


class MarketView(msgspec.Struct, frozen=True, kw_only=True):
    """One market as the venue shows it at this instant."""

    window: Window
    condition_id: str
    up_token_id: str
    down_token_id: str
    up_book: Book | None
    down_book: Book | None
    accepting_orders: bool
    fee_rate: str
    """Decimal text, e.g. ``0.07``: taker pays shares x rate x p x (1 - p)."""
    min_order_shares: MicroShares
    twap_lookback_seconds: int
    """Of this market, read from its metadata (60 since 2026-08-14)."""
    price_to_beat: float | None
    """The opening average if known; the venue publishes it 5-30 s late and sometimes never."""

    def token_id(self, outcome: Outcome) -> str:
        return self.up_token_id if outcome is Outcome.UP else self.down_token_id

    def book(self, outcome: Outcome) -> Book | None:
        return self.up_book if outcome is Outcome.UP else self.down_book


class Feed(StrEnum):
    """The inputs whose age is watched."""

    CANDLES = "candles"
    TICKS = "ticks"
    FUNDING = "funding"
    OPEN_INTEREST = "open_interest"
    BOOKS = "books"
    MARKETS = "markets"


class InputAge(msgspec.Struct, frozen=True, kw_only=True):
    feed: Feed
    age_ms: int | None
    """Market ms since the newest datum; None: never seen."""
    limit_ms: int
    """Older than this is stale."""
    fault: str = ""
    """Why this input is not believed although it is there; its age is None then."""

    @property
    def fresh(self) -> bool:
        return self.age_ms is not None and self.age_ms <= self.limit_ms


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    due_ms: int
    """The decision point it was made for (market time)."""
    taken_ms: int
    """When it was made (market time)."""
    candles: tuple[Candles, ...]
    ticks: Ticks
    funding: tuple[FundingPoint, ...]
    """Oldest first, at most 12."""
    next_funding_ms: int | None
    open_interest: tuple[OpenInterestPoint, ...]
    """Oldest first, at most 60."""
    markets: tuple[MarketView, ...]
    """The current market of each timeframe that the venue lists."""
    ages: tuple[InputAge, ...]

    def series(self, interval: Interval) -> Candles | None:
        """Return the candles of an interval, or None where there are none."""
        return next((c for c in self.candles if c.interval is interval and len(c)), None)

    def market(self, timeframe: Timeframe) -> MarketView | None:
        return next((m for m in self.markets if m.window.timeframe is timeframe), None)

    def age(self, feed: Feed) -> InputAge:
        """Return the age of a feed; a feed that was never seen counts as not fresh."""
        seen = next((a for a in self.ages if a.feed is feed), None)
        return seen or InputAge(feed=feed, age_ms=None, limit_ms=0)

    @property
    def complete(self) -> bool:
        """True when every feed is fresh and both books of every market are known."""
        return bool(self.markets) and all(self.age(feed).fresh for feed in Feed)
