"""Events that the exchange emits and the server drains: public market events and private ones."""

from enum import StrEnum

import msgspec

from cluster.sandbox.model import (
    BookView,
    CancelReason,
    Market,
    Order,
    PriceTick,
    Side,
    Trade,
)


class BookReplaced(msgspec.Struct, frozen=True, kw_only=True, tag="book"):
    """The whole book of one token (event `book`): when a market opens, or after a restart."""

    book: BookView
    after_trade: bool = False
    """Repeated because of a trade: shorter on the wire."""


class PriceChange(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    side: Side
    price: int
    shares: int
    """New total at this price; 0: the level is gone."""


class BestPrices(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    best_bid: int | None
    best_ask: int | None


class PricesChanged(msgspec.Struct, frozen=True, kw_only=True, tag="price_change"):
    """Changed levels of both tokens of one market (event `price_change`)."""

    condition_id: str
    changes: tuple[PriceChange, ...]
    best: tuple[BestPrices, ...]
    """Of both tokens, after the changes."""
    hashes: tuple[str, ...] = ("", "")
    """Of both tokens' books, after the changes."""
    wire_ms: int
    market_ms: int


class BestChanged(msgspec.Struct, frozen=True, kw_only=True, tag="best_bid_ask"):
    """Best prices of one token changed (event `best_bid_ask`)."""

    condition_id: str
    best: BestPrices
    wire_ms: int
    market_ms: int


class LastTrade(msgspec.Struct, frozen=True, kw_only=True, tag="last_trade_price"):
    condition_id: str
    token_id: str
    side: Side
    price: int
    shares: int
    wire_ms: int
    market_ms: int


class TickSizeChanged(msgspec.Struct, frozen=True, kw_only=True, tag="tick_size_change"):
    """Both tokens of the market; send one event per token."""

    market: Market
    old_tick_micro_usd: int
    new_tick_micro_usd: int
    wire_ms: int
    market_ms: int


class MarketOpened(msgspec.Struct, frozen=True, kw_only=True, tag="new_market"):
    market: Market
    wire_ms: int
    market_ms: int


class MarketResolved(msgspec.Struct, frozen=True, kw_only=True, tag="market_resolved"):
    """`market.winner` is set."""

    market: Market
    wire_ms: int
    market_ms: int


class OrderChange(StrEnum):
    PLACEMENT = "PLACEMENT"
    UPDATE = "UPDATE"
    CANCELLATION = "CANCELLATION"


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """User channel: an order was placed, filled in part or in whole, or left the book."""

    api_key: str
    change: OrderChange
    order: Order
    reason: CancelReason | None
    bare: bool = False
    """A kill is told with empty fields."""
    wire_ms: int
    market_ms: int


class TradeChanged(msgspec.Struct, frozen=True, kw_only=True, tag="trade"):
    """User channel: one event per status and account concerned."""

    api_key: str
    trade: Trade
    wire_ms: int
    market_ms: int


class Ticked(msgspec.Struct, frozen=True, kw_only=True, tag="tick"):
    """A settlement price observation."""

    tick: PriceTick
    wire_ms: int


Event = (
    BookReplaced
    | PricesChanged
    | BestChanged
    | LastTrade
    | TickSizeChanged
    | MarketOpened
    | MarketResolved
    | OrderChanged
    | TradeChanged
    | Ticked
)
