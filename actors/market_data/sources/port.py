"""The port between market data and an exchange, and the values that cross it.

Every value names its source. Units are those of `signals.snapshot`: USD, base units, funding as a
fraction per interval, stamps in UTC ms of the exchange's own clock.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from signals.market import Asset
from signals.snapshot import Interval


class SourceName(StrEnum):
    BINANCE_USDM = "binance_usdm"
    OKX = "okx"
    BYBIT = "bybit"
    HYPERLIQUID = "hyperliquid"
    BINANCE_SPOT = "binance_spot"
    COINBASE = "coinbase"


class Kind(StrEnum):
    """What is traded there: prices of the two kinds differ by more than a check may allow."""

    PERPETUAL = "perpetual"
    SPOT = "spot"


# ---- values -----------------------------------------------------------------------------------


class Candle(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceName
    asset: Asset
    interval: Interval
    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    """Base units."""
    taker_buy: float | None
    """Base units; None where the source does not say. It is never 0 for "not known"."""
    closed: bool
    """By the exchange's own flag, by a later candle, or by the exchange's clock."""


class Funding(msgspec.Struct, frozen=True, kw_only=True):
    """A rate that was charged."""

    source: SourceName
    asset: Asset
    time_ms: int
    rate: float
    """Fraction per interval."""
    interval_ms: int | None
    """None where this answer does not say it: it changes by itself at some exchanges."""


class NextFunding(msgspec.Struct, frozen=True, kw_only=True):
    """The running estimate of the rate that is charged next."""

    source: SourceName
    """Whose rate it is, not who told it."""
    asset: Asset
    rate: float | None
    due_ms: int | None
    interval_ms: int | None


class OpenInterest(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceName
    asset: Asset
    time_ms: int
    base_units: float
    usd: float | None = None
    """Where the source gives it; never computed, never mixed with base units."""


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceName
    asset: Asset
    time_ms: int
    price: float
    base_units: float
    taker_buys: bool


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A price with the exchange's stamp: shows that a stream lives."""

    source: SourceName
    asset: Asset
    time_ms: int
    price: float


Value = Candle | Funding | NextFunding | OpenInterest | Trade | Mark

# ---- what can be asked ------------------------------------------------------------------------


class CandlesAsk(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    interval: Interval
    count: int
    """Newest ones, closed; the answer may hold one more that still forms."""


class FundingAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Charged rates, and the running estimate of the next one."""

    asset: Asset
    count: int


class InterestAsk(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    history: int
    """So many 5-minute points before the present one; 0: the present one alone."""


class PredictedAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What this source says of other exchanges' next funding."""

    asset: Asset


Ask = CandlesAsk | FundingAsk | InterestAsk | PredictedAsk

# ---- what comes back instead ------------------------------------------------------------------


class Cause(StrEnum):
    """Why a source gave nothing. What follows from each is in `sources.health`."""

    UNREACHABLE = "unreachable"
    """No answer, or a server's fault (HTTP 5xx)."""
    LIMITED = "limited"
    """Too many requests: wait as long as it says."""
    BANNED = "banned"
    """It was asked on in spite of that."""
    BLOCKED = "blocked"
    """It does not serve this country or this client: asking again is no use."""
    REFUSED = "refused"
    """Its own error code, whatever the HTTP status."""
    MALFORMED = "malformed"
    """An answer in another format, HTML, or an empty one."""
    ABSENT = "absent"
    """It does not have this instrument or this kind of value."""
    HELD_BACK = "held back"
    """Not asked at all: our own limiter, or a pause that it demanded."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceName
    cause: Cause
    reason: str
    """What was said, for a person; at most some 200 characters of it."""
    wait_ms: int | None = None
    """Wire: as long as the source itself asks to wait."""


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceName
    time_ms: int
    """Of the exchange, at the middle of the exchange of messages."""
    round_trip_ms: int
    """Wire: the reading is at most half of it off."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceName
    asset: Asset
    symbol: str
    contract_base: float = 1.0
    """Base units of one contract, where amounts are counted in contracts."""


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """A named absence: the source answered, and does not trade this asset."""

    source: SourceName
    asset: Asset
    reason: str


class Instruments(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceName
    found: tuple[Instrument, ...]
    absent: tuple[Absent, ...]

    def has(self, asset: Asset) -> bool:
        return any(one.asset is asset for one in self.found)


class StreamLost(msgspec.Struct, frozen=True, kw_only=True):
    """The source's socket ended, was refused, or its stamps stood still. It is made anew."""

    source: SourceName
    reason: str
    refusal: Refusal | None = None


StreamEvent = Value | StreamLost
Deliver = Callable[[StreamEvent], None]


class Source(Protocol):
    """One exchange. Expected failure is a value; nothing here raises for what it may answer."""

    name: SourceName
    kind: Kind

    async def backfill(self, ask: Ask) -> tuple[Value, ...] | Refusal:
        """Read from its REST side; candles come oldest first."""

    def stream(self, assets: tuple[Asset, ...], deliver: Deliver) -> None:
        """Follow these assets until `close`; another call changes which. None: no stream."""

    async def clock(self) -> Clock | Refusal:
        """Read its time."""

    async def instruments(self, assets: tuple[Asset, ...]) -> Instruments | Refusal:
        """Tell which of these it trades, and name those that it does not."""

    async def close(self) -> None:
        """End every connection."""
