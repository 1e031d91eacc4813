"""Records of the ledger: everything that happened to accounts, in the order it happened.

The state of all accounts is a fold over these records, live and after a restart alike.
"""

import msgspec

from cluster.sandbox.chain.transactions import (
    Redeemed,
    RedemptionUndone,
    TransactionMoved,
    TransactionSubmitted,
)
from cluster.sandbox.model import CancelReason, Market, Order, OrderState, Trade, TradeStatus


class AccountOpened(msgspec.Struct, frozen=True, kw_only=True, tag="account_opened"):
    api_key: str
    address: str
    deposit_micro_usd: int


class OrderAccepted(msgspec.Struct, frozen=True, kw_only=True, tag="order_accepted"):
    """LIVE (to match or rest in the same instant) or DELAYED."""

    order: Order
    matures_wire_ms: int | None = None
    market: Market | None = None
    """Of the first order in a market."""


class OrderRefused(msgspec.Struct, frozen=True, kw_only=True, tag="order_refused"):
    order: Order
    http_status: int


class OrderRested(msgspec.Struct, frozen=True, kw_only=True, tag="order_rested"):
    order_id: str
    queue_ahead_shares: int


class OrderEnded(msgspec.Struct, frozen=True, kw_only=True, tag="order_ended"):
    """Left without being filled completely: who asked or why, and what was left."""

    order_id: str
    state: OrderState
    reason: CancelReason
    remaining_shares: int


class Traded(msgspec.Struct, frozen=True, kw_only=True, tag="traded"):
    trade: Trade


class TradeMoved(msgspec.Struct, frozen=True, kw_only=True, tag="trade_moved"):
    trade_id: str
    status: TradeStatus


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    api_key: str
    up_shares: int
    down_shares: int
    paid_micro_usd: int


class MarketSettled(msgspec.Struct, frozen=True, kw_only=True, tag="market_settled"):
    """A market in which an account had an order: winner, the two averages, who was paid what."""

    market: Market
    open_twap_e18: str
    close_twap_e18: str
    payouts: tuple[Payout, ...]
    claims: bool = False
    """The payouts are owed, not paid: the winners' shares are worth one dollar until redeemed."""


class CashChanged(msgspec.Struct, frozen=True, kw_only=True, tag="cash_changed"):
    """An audit line: what the records above did to an account's settled cash."""

    api_key: str
    change_micro_usd: int
    cash_micro_usd: int
    cause: str
    """``deposit``, ``withdrawal``, ``trade <id>``, ``settlement <condition id>`` or
    ``redemption ...``."""


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True, tag="withdrawn"):
    """Cash left the account's wallet by its owner's hand."""

    api_key: str
    amount_micro_usd: int


class HeartbeatArmed(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat_armed"):
    api_key: str


class HeartbeatLost(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat_lost"):
    """Ten seconds without one: the account's orders are cancelled next."""

    api_key: str
    silent_wire_ms: int


class ModeChanged(msgspec.Struct, frozen=True, kw_only=True, tag="mode_changed"):
    mode: str


class TapeEnded(msgspec.Struct, frozen=True, kw_only=True, tag="tape_ended"):
    """From here on prices are generated."""

    at_market_ms: int


Record = (
    AccountOpened
    | OrderAccepted
    | OrderRefused
    | OrderRested
    | OrderEnded
    | Traded
    | TradeMoved
    | MarketSettled
    | CashChanged
    | Withdrawn
    | HeartbeatArmed
    | HeartbeatLost
    | ModeChanged
    | TapeEnded
    | TransactionSubmitted
    | TransactionMoved
    | Redeemed
    | RedemptionUndone
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger."""

    sequence: int
    wire_ms: int
    market_ms: int
    record: Record
