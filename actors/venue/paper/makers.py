"""Fills of resting orders: the risk-averse queue. Pure.

At acceptance everything at the price stands before us. Trades of the other side at our price
shorten the queue; a level that shrank shortens it only to its own size; what exceeds the queue
fills us. A trade beyond our price fills us whole. Source: hftbacktest, queue.rs,
RiskAdverseQueueModel.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from actors.venue.paper.book import PaperBook, reaches
from actors.venue.paper.state import OrderEntry, PaperState

SAME_SHARES_MS: Final = 2_000
"""Wire: a level that shrank and a trade this close together may be the same shares."""
Fill = Callable[[OrderEntry, int, int, int, str], None]
"""(entry, Up price, micro-shares, wire ms, evidence)."""


class PublicTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that the venue published, in Up's terms."""

    up_price: int
    shares: int
    buys_up: bool
    """What the taker did: bought Up (or sold Down)."""
    stamp_ms: int


class Makers:
    """The queues of one account's resting orders."""

    def __init__(self, state: PaperState, fill: Fill) -> None:
        self._state = state
        self._fill = fill

    def poll(self, condition_id: str, book: PaperBook, at_ms: int) -> None:
        """Compare the queues with a book that has just changed."""
        if not book.known:
            return
        for entry in tuple(self._state.active(condition_id)):
            if entry.rests:
                self._shorten(entry, book, at_ms)
                self._crossed(entry, book, at_ms)

    def traded(self, condition_id: str, trade: PublicTrade, at_ms: int) -> None:
        for entry in tuple(self._state.active(condition_id)):
            if entry.rests:
                self._trade_at(entry, trade, at_ms)

    def _shorten(self, entry: OrderEntry, book: PaperBook, at_ms: int) -> None:
        """A level smaller than the queue before us: who left stood before us at most so far."""
        order, ahead = entry.order, entry.ahead_shares or 0
        shown = book.shares_at(bid=order.is_bid, price=order.up_price) + own_before(
            self._state, entry
        )
        if shown < ahead:
            recent = entry.moved_shares if at_ms - entry.moved_wire_ms <= SAME_SHARES_MS else 0
            entry.moved_shares, entry.moved_wire_ms = recent + ahead - shown, at_ms
            entry.ahead_shares = shown

    def _crossed(self, entry: OrderEntry, book: PaperBook, at_ms: int) -> None:
        """An order of the other side at our price or beyond would have met ours."""
        order = entry.order
        for price, free in tuple(book.offers(buying_up=order.is_bid, limit=order.up_price)):
            if entry.ended is not None:
                return
            shares = min(free, entry.left_shares)
            book.take(bid=not order.is_bid, price=price, shares=shares)
            self._fill(entry, order.up_price, shares, at_ms, f"crossed {price}")

    def _trade_at(self, entry: OrderEntry, trade: PublicTrade, at_ms: int) -> None:
        order = entry.order
        if trade.up_price == order.up_price:
            if trade.buys_up != order.is_bid:
                self._shorten_by_trade(entry, trade, at_ms)
        elif reaches(trade.up_price, order.up_price, buying_up=order.is_bid):
            evidence = f"through {trade.up_price}"
            self._fill(entry, order.up_price, entry.left_shares, at_ms, evidence)

    def _shorten_by_trade(self, entry: OrderEntry, trade: PublicTrade, at_ms: int) -> None:
        shares = trade.shares
        if at_ms - entry.moved_wire_ms <= SAME_SHARES_MS:  # the level said so before the trade did
            same = min(shares, entry.moved_shares)
            entry.moved_shares -= same
            shares -= same
        ahead = (entry.ahead_shares or 0) - shares
        entry.ahead_shares = max(0, ahead)
        if ahead < 0:
            filled = min(-ahead, entry.left_shares)
            self._fill(entry, entry.order.up_price, filled, at_ms, f"trade {trade.up_price}")


def own_before(state: PaperState, entry: OrderEntry) -> int:
    """Return own shares that rest at the same price and came earlier."""
    order, total = entry.order, 0
    for other in state.active(order.condition_id):
        if other is entry:
            break
        same = other.order.is_bid == order.is_bid and other.order.up_price == order.up_price
        if same and other.rests:
            total += other.left_shares
    return total
