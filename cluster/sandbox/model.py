"""Values of the sandbox exchange. Money is micro-USD, quantity micro-shares, both integers.

Two times appear everywhere: `wire_ms` is real UTC, `market_ms` is the scaled time of windows,
candles and settlement. Which one a field holds is part of its name.
"""

from enum import StrEnum
from typing import Final

import msgspec

MICRO: Final = 1_000_000
"""One USD in micro-USD, one share in micro-shares, and the price of certainty."""
SECOND_MS: Final = 1_000
CYCLE_MS: Final = 300_000
"""Windows open and close on 5-minute boundaries."""


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Outcome(StrEnum):
    UP = "Up"
    DOWN = "Down"

    @property
    def opposite(self) -> "Outcome":
        return Outcome.DOWN if self is Outcome.UP else Outcome.UP


class OrderType(StrEnum):
    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"


class Timeframe(StrEnum):
    M5 = "5m"
    M15 = "15m"

    @property
    def length_ms(self) -> int:
        return 300_000 if self is Timeframe.M5 else 900_000


ASSETS: Final = ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec")
"""The eight assets for which the venue lists both timeframes."""


class Now(msgspec.Struct, frozen=True):
    """One instant in both times; `clock.Clock.at` makes it."""

    wire_ms: int
    market_ms: int


# ---- orders -----------------------------------------------------------------------------------


class SignedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order whose signature was verified. Amounts are base units as signed."""

    order_id: str
    """The EIP-712 hash, ``0x`` and 64 hexadecimal digits."""
    api_key: str
    """The account: balances, positions and cancels go by it."""
    maker_address: str
    signer_address: str
    token_id: str
    side: Side
    maker_amount: int
    """BUY: micro-USD offered. SELL: micro-shares offered."""
    taker_amount: int
    """BUY: micro-shares wanted. SELL: micro-USD wanted."""
    timestamp_wire_ms: int
    expiration_wire_s: int = 0
    """GTD: Unix seconds; it leaves the book one minute earlier. 0: none."""
    signature_type: int = 0


class OrderState(StrEnum):
    LIVE = "live"
    DELAYED = "delayed"
    """Marketable, waiting out the taker delay; cannot be cancelled meanwhile."""
    MATCHED = "matched"
    """Completely filled."""
    CANCELED = "canceled"
    EXPIRED = "expired"
    KILLED = "killed"
    """Fill-or-kill or fill-and-kill (remainder)."""
    REFUSED = "refused"


class CancelReason(StrEnum):
    USER = "user"
    CANCEL_ALL = "cancel_all"
    CANCEL_MARKET = "cancel_market"
    HEARTBEAT = "heartbeat"
    """No heartbeat for ten seconds after one armed the account."""
    CLOSE = "close"
    """The market stopped accepting orders."""
    EXPIRED = "expired"
    KILLED = "killed"
    SELF_TRADE = "self_trade"
    """The account's own newer order would have hit it."""
    FUNDS = "funds"
    """Balance was gone when the taker delay ended."""
    ADMIN = "admin"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order of an account at one instant."""

    order_id: str
    api_key: str
    maker_address: str
    condition_id: str
    token_id: str
    outcome: Outcome
    side: Side
    order_type: OrderType
    post_only: bool
    price: int
    """Limit, micro-USD per share."""
    shares: int
    """Original size, micro-shares."""
    filled_shares: int
    state: OrderState
    placed_wire_ms: int
    placed_market_ms: int
    expires_wire_ms: int | None = None
    """When it leaves the book."""
    queue_ahead_at_placement: int | None = None
    """Micro-shares with priority at its price when it came to rest; None: it never rested."""
    error: str | None = None
    """The venue's words when REFUSED."""
    trade_ids: tuple[str, ...] = ()
    ended_wire_ms: int | None = None
    cancel_reason: CancelReason | None = None

    @property
    def remaining_shares(self) -> int:
        return self.shares - self.filled_shares

    @property
    def active(self) -> bool:
        return self.state in {OrderState.LIVE, OrderState.DELAYED}


class PlaceResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to one order. `error` None: accepted (HTTP 200, success true)."""

    order_id: str
    http_status: int = 200
    error: str | None = None
    code: str | None = None
    """E.g. ``post_only_mode``."""
    state: OrderState = OrderState.LIVE
    """LIVE, MATCHED or DELAYED when accepted: the venue's `status`."""
    making_micro: int = 0
    """Base units given by what matched at once."""
    taking_micro: int = 0
    trade_ids: tuple[str, ...] = ()
    transaction_hashes: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        return self.error is None


class CancelResult(msgspec.Struct, frozen=True, kw_only=True):
    canceled: tuple[str, ...] = ()
    not_canceled: tuple[tuple[str, str], ...] = ()
    """(order id, the venue's reason)."""


class HeartbeatResult(msgspec.Struct, frozen=True, kw_only=True):
    """`accepted` False: HTTP 400 ``Invalid Heartbeat ID``, and `heartbeat_id` is the right one."""

    accepted: bool
    heartbeat_id: str


class VenueMode(StrEnum):
    OPEN = "open"
    RESTARTING = "restarting"
    """425 for everything that concerns orders."""
    POST_ONLY = "post_only"
    """503 with code ``post_only_mode`` for takers; cancels pass."""
    CANCEL_ONLY = "cancel_only"


# ---- trades -----------------------------------------------------------------------------------


class TradeStatus(StrEnum):
    MATCHED = "MATCHED"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"

    @property
    def final(self) -> bool:
        return self in {TradeStatus.CONFIRMED, TradeStatus.FAILED}


class MakerLeg(msgspec.Struct, frozen=True, kw_only=True):
    """The resting side of a trade. Its token may be the opposite one (mint or merge)."""

    order_id: str
    api_key: str
    """Empty: the sandbox's own makers."""
    maker_address: str
    token_id: str
    outcome: Outcome
    side: Side
    price: int
    """Micro-USD per share of this leg's own token."""
    shares: int


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One taker order against resting orders of one price."""

    trade_id: str
    condition_id: str
    taker_order_id: str
    taker_api_key: str
    """Empty: the sandbox's own takers."""
    taker_address: str
    token_id: str
    """Of the taker."""
    outcome: Outcome
    side: Side
    price: int
    """Micro-USD per share of the taker's token."""
    shares: int
    fee_micro_usd: int
    """Paid by the taker: on top of a buy, out of the proceeds of a sale."""
    makers: tuple[MakerLeg, ...]
    status: TradeStatus
    matched_wire_ms: int
    matched_market_ms: int
    updated_wire_ms: int
    transaction_hash: str
    bucket_index: int = 0

    def concerns(self, api_key: str) -> bool:
        return api_key == self.taker_api_key or any(leg.api_key == api_key for leg in self.makers)

    def has_token(self, token_id: str, api_key: str) -> bool:
        """Say whether the account traded this token in it."""
        if api_key == self.taker_api_key and token_id == self.token_id:
            return True
        return any(leg.api_key == api_key and leg.token_id == token_id for leg in self.makers)


# ---- markets and books ------------------------------------------------------------------------


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One question as the venue tells it at one instant (Gamma and CLOB answers come from it)."""

    slug: str
    asset: str
    timeframe: Timeframe
    open_market_ms: int
    close_market_ms: int
    condition_id: str
    question_id: str
    gamma_id: str
    up_token_id: str
    down_token_id: str
    tick_micro_usd: int
    accepting_orders: bool
    accepting_from_market_ms: int
    created_market_ms: int
    """About a day before the open."""
    min_order_shares: int = 5 * MICRO
    fee_rate: str = "0.07"
    fee_exponent: int = 1
    rebate_rate: str = "0.2"
    taker_delay: bool = True
    """`itode`."""
    twap_lookback_seconds: int = 60
    price_to_beat: str | None = None
    """Decimal text of the opening average, once published (5 to 30 market seconds late)."""
    final_price: str | None = None
    closed: bool = False
    winner: Outcome | None = None
    resolved_market_ms: int | None = None

    def token_id(self, outcome: Outcome) -> str:
        return self.up_token_id if outcome is Outcome.UP else self.down_token_id

    def outcome_of(self, token_id: str) -> Outcome | None:
        if token_id == self.up_token_id:
            return Outcome.UP
        return Outcome.DOWN if token_id == self.down_token_id else None

    def outcome_price(self, outcome: Outcome) -> str:
        """Return ``1`` or ``0`` when resolved, ``0.5`` before."""
        if self.winner is None:
            return "0.5"
        return "1" if self.winner is outcome else "0"


class Level(msgspec.Struct, frozen=True):
    price: int
    shares: int


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome token's book, best level FIRST (the venue's JSON has it last)."""

    condition_id: str
    token_id: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    tick_micro_usd: int
    min_order_shares: int
    last_trade_price: int | None
    wire_ms: int
    market_ms: int
    hash: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Cash of an account, or its holding of one token, in base units."""

    settled: int
    """What the chain shows (a trade counts once MINED): the balance endpoint's answer."""
    available: int
    """Settled, minus what unmined trades and open orders hold."""


# ---- prices -----------------------------------------------------------------------------------


class Kline(msgspec.Struct, frozen=True, kw_only=True):
    open_market_ms: int
    close_market_ms: int
    """Last millisecond of the candle."""
    open: float
    high: float
    low: float
    close: float
    volume: float
    taker_buy: float | None
    """Base units bought by takers; None where the recording does not say."""
    trades: int = 0


class FundingRate(msgspec.Struct, frozen=True):
    market_ms: int
    rate: float


class OpenInterest(msgspec.Struct, frozen=True):
    market_ms: int
    base_units: float


class Premium(msgspec.Struct, frozen=True, kw_only=True):
    """The premium index answer."""

    market_ms: int
    mark_price: float
    index_price: float
    last_funding_rate: float
    next_funding_market_ms: int


class PriceTick(msgspec.Struct, frozen=True, kw_only=True):
    """One observation of the settlement feed."""

    asset: str
    observed_market_ms: int
    spot_e18: int
    """USD times 10^18."""
    twap_e18: int
    """Average of the 60 one-second spots that end at the observation."""
    window_seconds: int = 60


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where one series of one asset comes from: said in output, never papered over."""

    asset: str
    series: str
    """``klines``, ``taker_buy``, ``funding`` or ``open_interest``."""
    source: str
    """``tape`` or ``generated``; a series may have several ranges."""
    from_market_ms: int
    until_market_ms: int | None
    """None: without end."""
    note: str = ""
