"""Values of the sandbox exchange. Money is micro-USD, quantity micro-shares, both integers.

Two times appear everywhere: `wire_ms` is real UTC, `market_ms` is the scaled time of windows,
candles and settlement. Which one a field holds is part of its name.
"""

import msgspec

from cluster.sandbox.kinds import (
    ASSET_NAME,
    ASSETS,
    CYCLE_MS,
    MICRO,
    SECOND_MS,
    TIMEFRAMES,
    CancelReason,
    MarketTime,
    Now,
    OrderState,
    OrderType,
    Outcome,
    Side,
    Timeframe,
    TradeStatus,
    VenueMode,
)
from cluster.sandbox.series import (
    FundingRate,
    Kline,
    OpenInterest,
    Premium,
    PriceTick,
    Provenance,
)
from cluster.sandbox.trades import MakerLeg, Trade

__all__ = [
    "ASSETS",
    "ASSET_NAME",
    "CYCLE_MS",
    "MICRO",
    "SECOND_MS",
    "TIMEFRAMES",
    "Balance",
    "BookView",
    "CancelReason",
    "CancelResult",
    "FundingRate",
    "HeartbeatResult",
    "Kline",
    "Level",
    "MakerLeg",
    "Market",
    "MarketTime",
    "Now",
    "OpenInterest",
    "Order",
    "OrderState",
    "OrderType",
    "Outcome",
    "PlaceResult",
    "Premium",
    "PriceTick",
    "Provenance",
    "Side",
    "SignedOrder",
    "Timeframe",
    "Trade",
    "TradeStatus",
    "VenueMode",
]

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
    budget_micro_usd: int | None = None
    """Dollars that a fill-or-kill or fill-and-kill buy spends; `shares` is then only what they buy
    at the limit. None: the size is `shares`."""
    spent_micro_usd: int = 0
    """Paid for shares so far, without fees; counted only where there is a budget."""

    @property
    def budget_left_micro_usd(self) -> int:
        assert self.budget_micro_usd is not None, "only a market buy has a budget"
        return self.budget_micro_usd - self.spent_micro_usd

    @property
    def remaining_shares(self) -> int:
        if self.budget_micro_usd is None:
            return self.shares - self.filled_shares
        return max(0, self.budget_left_micro_usd * MICRO // self.price)

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
    retry_after_s: int | None = None
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
    resolution_status: str | None = None
    """``disputed`` while a fault says so."""

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
    last_trade_side: Side | None = None
    """Of the taker, in this token's terms."""
    wire_ms: int
    market_ms: int
    hash: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Cash of an account, or its holding of one token, in base units."""

    settled: int
    """What the chain shows (a trade counts once MINED): the balance endpoint's answer."""
    ordered: int = 0
    """Held by open orders."""
    matched: int = 0
    """Held by unmined trades."""

    @property
    def available(self) -> int:
        """Settled, minus what unmined trades and open orders hold."""
        return self.settled - self.ordered - self.matched
