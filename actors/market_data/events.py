"""Everything that can happen to market data, and everything its step can ask of the shell."""

import msgspec

from actors.market_data.state import KnownMarket
from signals.market import Asset, Window
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint, Snapshot, Ticks

# ---- events -----------------------------------------------------------------------------------


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """Some time has passed."""


class KlinesReceived(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    candles: Candles
    """Closed ones only."""


class FundingReceived(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    points: tuple[FundingPoint, ...]
    next_funding_ms: int | None


class OpenInterestReceived(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    points: tuple[OpenInterestPoint, ...]


class HistoryReplaced(msgspec.Struct, frozen=True, kw_only=True):
    """Another source serves the asset: all of its history at once, for volumes differ by venue."""

    asset: Asset
    source: str
    """`actors.market_data.sources.port.SourceName`."""
    candles: tuple[Candles, ...]
    funding: tuple[FundingPoint, ...]
    """Empty where the source has none: what is known stays, and ages."""
    next_funding_ms: int | None
    open_interest: tuple[OpenInterestPoint, ...]
    """Empty where the source has none: what is known stays, and ages."""


class MarketFound(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    market: KnownMarket


class MarketMissing(msgspec.Struct, frozen=True, kw_only=True):
    """The venue does not list it (yet)."""

    slug: str


class MarketRefused(msgspec.Struct, frozen=True, kw_only=True):
    """What is listed under this slug settles otherwise: it is not traded."""

    slug: str
    asset: Asset
    reason: str


class FetchFailed(msgspec.Struct, frozen=True, kw_only=True):
    job: str
    reason: str
    malformed: bool
    """The source answered, but not in its own format."""


class TicksReceived(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    ticks: Ticks


class BookLevels(msgspec.Struct, frozen=True, kw_only=True):
    """A whole book as the venue sent it, by stream or REST."""

    token_id: str
    bids: dict[int, int]
    asks: dict[int, int]
    tick_micro_usd: int | None
    stamp_wire_ms: int


class BooksReceived(msgspec.Struct, frozen=True, kw_only=True):
    """Whole books. By REST (`polled`) the books job is answered too."""

    books: tuple[BookLevels, ...]
    polled: bool
    odd: tuple[str, ...] = ()
    """Books of the same answer that could not be read, and why."""


class LevelChange(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    bid: bool
    price: int
    shares: int
    """New total at the price; 0 removes it."""
    best_bid: int | None = None
    """Of the whole book after its message, by the venue; 0: no bid; None: not said."""
    best_ask: int | None = None
    """0 or 1 USD: no ask."""


class BookChanged(msgspec.Struct, frozen=True, kw_only=True):
    changes: tuple[LevelChange, ...]
    stamp_wire_ms: int


class TickSizeChanged(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    tick_micro_usd: int


class StreamFault(msgspec.Struct, frozen=True, kw_only=True):
    """A stream was made again, or lost `dropped` messages, or sent `malformed` ones."""

    stream: str = "books"
    reconnects: int = 0
    dropped: int = 0
    malformed: int = 0


class StreamTrouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a stream gives less than it should; empty: it gives all."""

    stream: str
    reason: str


class SnapshotAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Someone wants a snapshot of a decision point that is due and was not made."""

    asset: Asset
    due_ms: int


Event = (
    Timer
    | KlinesReceived
    | FundingReceived
    | OpenInterestReceived
    | HistoryReplaced
    | MarketFound
    | MarketMissing
    | MarketRefused
    | FetchFailed
    | TicksReceived
    | BooksReceived
    | BookChanged
    | TickSizeChanged
    | StreamFault
    | StreamTrouble
    | SnapshotAsked
)

# ---- effects ----------------------------------------------------------------------------------


class FetchKlines(msgspec.Struct, frozen=True, kw_only=True):
    job: str
    asset: Asset
    interval: Interval
    limit: int


class FetchFunding(msgspec.Struct, frozen=True, kw_only=True):
    job: str
    asset: Asset


class FetchOpenInterest(msgspec.Struct, frozen=True, kw_only=True):
    job: str
    asset: Asset
    history: bool
    """True: five hours of 5-minute points; False: the present value."""


class FetchMarket(msgspec.Struct, frozen=True, kw_only=True):
    job: str
    slug: str
    asset: Asset
    window: Window


class FetchBooks(msgspec.Struct, frozen=True, kw_only=True):
    job: str
    token_ids: tuple[str, ...]


class FollowPrices(msgspec.Struct, frozen=True, kw_only=True):
    """Subscribe to these assets' averages; an older subscription is dropped first."""

    assets: tuple[Asset, ...]


class FollowBooks(msgspec.Struct, frozen=True, kw_only=True):
    """Subscribe to these markets' books and to no others."""

    markets: dict[str, tuple[str, str]]
    """Condition id -> tokens."""
    anew: bool = False
    """Make the connection again: it was silent."""


class AnswerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Encode it, store it, answer whoever waits for it."""

    snapshot: Snapshot


class LogJob(msgspec.Struct, frozen=True, kw_only=True):
    """Log that a job fails (the 1st, 2nd, 4th, 8th ... time in a row) or works again."""

    job: str
    reason: str
    failures: int


Fetch = FetchKlines | FetchFunding | FetchOpenInterest | FetchMarket | FetchBooks
Effect = Fetch | FollowPrices | FollowBooks | AnswerSnapshot | LogJob

Say = LogJob
"""What the pickled actor class of older releases calls it (tests/golden/actor_classes)."""
