"""The paper account: what the store's records add up to."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, assert_never

import msgspec

from actors.venue.paper.book import in_up_terms
from actors.venue.paper.records import (
    Ended,
    Filled,
    Opened,
    PaperMarket,
    PaperOrder,
    PaperRecord,
    Placed,
    Queued,
    Refused,
    Resolved,
)
from signals.market import Outcome, Side
from signals.units import MICRO, MicroShares, PriceMicroUsd, fill_value_micro_usd

KEPT_MS: Final = 3 * 86_400_000
"""Wire: what ended longer ago is dropped when the store begins a new segment. The daily audit
compares two days and what came since."""
SPENT_DUST: Final = 2
"""Micro-USD that rounding may leave of a budget: nothing can be bought for them."""


class OrderEntry(msgspec.Struct, kw_only=True):
    order: PaperOrder
    filled_shares: int = 0
    spent_micro_usd: int = 0
    ahead_shares: int | None = None
    """None: it does not rest (yet)."""
    moved_shares: int = 0
    """By which book changes have moved it ahead lately: trades of the same shares count no more."""
    moved_wire_ms: int = 0
    ended: Ended | None = None

    @property
    def left_shares(self) -> int:
        return self.order.shares - self.filled_shares

    @property
    def rests(self) -> bool:
        return self.ended is None and self.ahead_shares is not None

    @property
    def waits(self) -> bool:
        return self.ended is None and self.ahead_shares is None


class PaperState(msgspec.Struct, kw_only=True, tag="paper_state"):
    """Everything that a restart needs; also the base of a new segment of the store."""

    cash_micro_usd: int = 0
    held: dict[str, int] = {}
    """Token -> micro-shares."""
    markets: dict[str, PaperMarket] = {}
    orders: dict[str, OrderEntry] = {}
    """Those that have not ended, oldest first: what each book change looks through."""
    ended: dict[str, OrderEntry] = {}
    refused: dict[str, int] = {}
    """Order id -> when, wire."""
    fills: list[Filled] = []
    resolved: dict[str, Resolved] = {}

    def apply(self, record: PaperRecord) -> None:
        match record:
            case Opened():
                self.cash_micro_usd += record.cash_micro_usd
            case PaperMarket():
                self.markets[record.condition_id] = record
            case Refused():
                self.refused[record.order_id] = record.wire_ms
            case Resolved():
                self._resolve(record)
            case _:
                self._apply_to_order(record)

    def _apply_to_order(self, record: Placed | Queued | Filled | Ended) -> None:
        match record:
            case Placed(order=order):
                self.orders[order.order_id] = OrderEntry(order=order)
            case Queued():
                self.orders[record.order_id].ahead_shares = record.ahead_shares
            case Filled():
                self._fill(record)
            case Ended():
                entry = self.orders.pop(record.order_id)
                entry.ended = record
                self.ended[record.order_id] = entry
            case _:
                assert_never(record)

    def _fill(self, fill: Filled) -> None:
        entry, value = self.orders[fill.order_id], value_of(fill)
        entry.filled_shares += fill.shares
        entry.spent_micro_usd += value
        sign = 1 if fill.side is Side.BUY else -1
        self.cash_micro_usd -= sign * value + fill.fee_micro_usd
        self.held[fill.token_id] = self.held.get(fill.token_id, 0) + sign * fill.shares
        self.fills.append(fill)

    def _resolve(self, record: Resolved) -> None:
        market = self.markets[record.condition_id]
        self.cash_micro_usd += record.paid_micro_usd
        self.resolved[record.condition_id] = record
        for token in (market.up_token_id, market.down_token_id):
            self.held.pop(token, None)

    # ---- questions ----------------------------------------------------------------------------

    def active(self, condition_id: str | None = None) -> Iterator[OrderEntry]:
        """Yield orders that have not ended, oldest first."""
        for entry in self.orders.values():
            if condition_id in (None, entry.order.condition_id):
                yield entry

    def order(self, order_id: str) -> OrderEntry | None:
        """Return an order, ended or not."""
        return self.orders.get(order_id) or self.ended.get(order_id)

    def payout(self, condition_id: str, winner: Outcome) -> int:
        market = self.markets[condition_id]
        token = market.up_token_id if winner is Outcome.UP else market.down_token_id
        return max(0, self.held.get(token, 0))

    def free_cash(self) -> int:
        """Return cash that no open buy holds."""
        return self.cash_micro_usd - sum(
            cash_needed(entry.order, self.markets[entry.order.condition_id]) - entry.spent_micro_usd
            for entry in self.active()
            if entry.order.side is Side.BUY
        )

    def free_shares(self, token_id: str) -> int:
        held = sum(
            entry.left_shares
            for entry in self.active()
            if entry.order.side is Side.SELL and entry.order.token_id == token_id
        )
        return self.held.get(token_id, 0) - held

    def forget(self, before_wire_ms: int) -> None:
        """Drop what ended before an instant and is resolved."""
        old = {
            order_id
            for order_id, entry in self.ended.items()
            if entry.ended is not None and entry.ended.wire_ms < before_wire_ms
        }
        self.ended = {key: entry for key, entry in self.ended.items() if key not in old}
        self.fills = [fill for fill in self.fills if fill.order_id not in old]
        self.refused = {key: at for key, at in self.refused.items() if at >= before_wire_ms}
        kept = (*self.orders.values(), *self.ended.values())
        used = {entry.order.condition_id for entry in kept}
        settled = {
            key for key, found in self.resolved.items() if found.wire_ms < before_wire_ms
        } - used
        self.resolved = {key: one for key, one in self.resolved.items() if key not in settled}
        self.markets = {key: one for key, one in self.markets.items() if key not in settled}


def value_of(fill: Filled) -> int:
    return fill_value_micro_usd(fill.outcome, PriceMicroUsd(fill.price), MicroShares(fill.shares))


def cash_needed(order: PaperOrder, market: PaperMarket) -> int:
    """Return the cash that a buy holds while it is open, a taker's largest fee included.

    shares x rate x (p (1 - p))^e is at most rate x value for every price and every e of 1 or more.
    """
    worth = order.budget_micro_usd or -(-order.price * order.shares // MICRO)
    return worth if order.post_only else worth + int(worth * Decimal(market.fee_rate)) + 10


def limit_of(order: PaperOrder) -> int:
    """Return an order's limit in Up's terms."""
    return in_up_terms(order.outcome, order.price)
