"""The paper exchange: orders in, public market data in, fills out. Pure: time is an argument.

Makers: see `makers`. Takers: judged at arrival, filled after the venue's taker delay from the book
as it is then.
"""

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from actors.venue.paper.book import Levels, PaperBook, in_up_terms, reaches
from actors.venue.paper.makers import Makers, PublicTrade, own_before
from actors.venue.paper.matching import fee_of, hits, whole
from actors.venue.paper.records import (
    Ended,
    EndReason,
    Filled,
    OrderKind,
    PaperMarket,
    PaperOrder,
    PaperRecord,
    Placed,
    Queued,
    Refused,
    Resolved,
)
from actors.venue.paper.rules import CROSSES, Refusal, VenueState, refusal
from actors.venue.paper.state import OrderEntry, PaperState
from actors.venue.port import Rejected
from signals.market import Outcome

TAKER_DELAY_MS: Final = 150
"""Wire, since 2026-09-04 on crypto markets (docs.polymarket.com changelog)."""
MATURE_GRACE_MS: Final = 500
"""Wire: so long news of the moment that a delay ended is awaited; a stream is 0.1-0.3 s behind."""
AHEAD_MS: Final = 10_000
"""Wire: a delay that ends further ahead is of a former start, before the clock was set back."""
STAMP_TRUST_MS: Final = 2_000
"""Wire: a stamp further from our clock is not believed; the time of arrival counts instead."""


class PaperExchange:
    """All markets of one account."""

    def __init__(self, state: PaperState) -> None:
        self.state = state
        self.venue = VenueState.OPEN
        self._books: dict[str, PaperBook] = {}
        self._records: list[PaperRecord] = []
        self._makers = Makers(state, self._fill)
        self._trades = len(state.fills)

    def take_records(self) -> list[PaperRecord]:
        """Return and forget what happened since the last call; it is applied already."""
        found, self._records = self._records, []
        return found

    def book(self, condition_id: str) -> PaperBook:
        return self._books.setdefault(condition_id, PaperBook())

    def forget_market(self, condition_id: str) -> None:
        self._books.pop(condition_id, None)

    # ---- orders -------------------------------------------------------------------------------

    def place(self, order: PaperOrder, wire_ms: int, market_ms: int) -> PaperOrder | Refusal:
        """Judge an order at its arrival; return it as accepted, or why not."""
        book, market = self.book(order.condition_id), self.state.markets[order.condition_id]
        refused = refusal(self.state, market, book, order, self.venue, market_ms)
        if refused is None and order.post_only and self._met(order):
            refused = CROSSES
        if refused is not None:
            if isinstance(refused, Rejected):
                self._note(Refused(order_id=order.order_id, code=refused.code, wire_ms=wire_ms))
            return refused
        takes = bool(hits(book, order))
        for own in self._met(order):
            self._end(own, EndReason.SELF_TRADE, wire_ms)
        order = msgspec.structs.replace(
            order,
            placed_wire_ms=wire_ms,
            matures_wire_ms=wire_ms + TAKER_DELAY_MS if takes else None,
        )
        self._note(Placed(order=order))
        if not takes:
            self._queue(self.state.orders[order.order_id], wire_ms)
        return order

    def cancel(self, order_id: str, wire_ms: int, reason: EndReason) -> str | None:
        """Cancel one order; return the venue's words where it cannot be."""
        entry = self.state.orders.get(order_id)
        if entry is None:
            return "order can't be found - already canceled or matched"
        if entry.waits and reason is EndReason.CANCELLED:
            return "order is delayed and cannot be canceled yet"
        self._end(entry, reason, wire_ms)
        return None

    def cancel_all(self, wire_ms: int, reason: EndReason) -> tuple[str, ...]:
        ids = [entry.order.order_id for entry in self.state.active() if entry.rests]
        for order_id in ids:
            self.cancel(order_id, wire_ms, reason)
        return tuple(ids)

    def add_market(self, market: PaperMarket) -> None:
        """Take a market's terms; told again only when they changed."""
        if self.state.markets.get(market.condition_id) != market:
            self._note(market)

    def resolve(self, condition_id: str, winner: Outcome, wire_ms: int) -> None:
        """Pay what is held of the winning token, once."""
        if condition_id in self.state.resolved or condition_id not in self.state.markets:
            return
        for entry in tuple(self.state.active(condition_id)):
            self._end(entry, EndReason.CLOSED, wire_ms)
        paid = self.state.payout(condition_id, winner)
        self._note(
            Resolved(condition_id=condition_id, winner=winner, paid_micro_usd=paid, wire_ms=wire_ms)
        )

    def note_queues(self, wire_ms: int) -> None:
        """Write down where each resting order stands: its next life goes on from there."""
        for entry in tuple(self.state.active()):
            if entry.ahead_shares is not None:
                ahead = entry.ahead_shares
                self._note(
                    Queued(order_id=entry.order.order_id, ahead_shares=ahead, wire_ms=wire_ms)
                )

    # ---- public market data -------------------------------------------------------------------

    def book_replaced(
        self, condition_id: str, bids: Levels, asks: Levels, stamp_ms: int, wire_ms: int
    ) -> None:
        at_ms = self._reach(condition_id, stamp_ms, wire_ms)
        self.book(condition_id).replace(bids, asks)
        self._makers.poll(condition_id, self.book(condition_id), at_ms)

    def level_changed(
        self, condition_id: str, change: tuple[bool, int, int], stamp_ms: int, wire_ms: int
    ) -> None:
        """Set one level: (is bid, price, shares), in Up's terms."""
        at_ms = self._reach(condition_id, stamp_ms, wire_ms)
        bid, price, shares = change
        self.book(condition_id).change(bid=bid, price=price, shares=shares)
        self._makers.poll(condition_id, self.book(condition_id), at_ms)

    def traded(self, condition_id: str, trade: PublicTrade, wire_ms: int) -> None:
        """Let a public trade shorten queues, and fill what it went past."""
        at_ms = self._reach(condition_id, trade.stamp_ms, wire_ms)
        self._makers.traded(condition_id, trade, at_ms)

    def lost(self, condition_id: str) -> None:
        """Frames were missed: nothing fills from this book before it came anew."""
        self.book(condition_id).forget()

    def tick(self, wire_ms: int, market_ms: int) -> None:
        """Do what time brings: delays that ended without news, windows that closed."""
        self._mature(lambda entry: not 0 < _matures(entry) + MATURE_GRACE_MS - wire_ms < AHEAD_MS)
        for entry in tuple(self.state.active()):
            market = self.state.markets[entry.order.condition_id]
            if market_ms >= market.close_ms:
                self._end(entry, EndReason.CLOSED, wire_ms)

    # ---- inside -------------------------------------------------------------------------------

    def _reach(self, condition_id: str, stamp_ms: int, wire_ms: int) -> int:
        """Fill the takers whose delay ended before this news; return when it happened."""
        at_ms = stamp_ms if abs(stamp_ms - wire_ms) <= STAMP_TRUST_MS else wire_ms
        self._mature(
            lambda entry: entry.order.condition_id == condition_id and _matures(entry) < at_ms
        )
        return at_ms

    def _mature(self, due: Callable[[OrderEntry], bool]) -> None:
        for entry in tuple(self.state.active()):
            if entry.waits and due(entry):
                self._take(entry, _matures(entry))

    def _take(self, entry: OrderEntry, wire_ms: int) -> None:
        order, book = entry.order, self.book(entry.order.condition_id)
        found = hits(book, order)
        if order.kind is OrderKind.FOK and not whole(order, found):
            found = ()
        for hit in found:
            book.take(bid=not order.is_bid, price=hit.up_price, shares=hit.shares)
            self._fill(entry, hit.up_price, hit.shares, wire_ms, f"book {hit.up_price}")
        if entry.ended is not None:
            return
        if order.kind.immediate:
            spent = found and whole(order, found)
            self._end(entry, EndReason.FILLED if spent else EndReason.KILLED, wire_ms)
        else:
            self._queue(entry, wire_ms)

    def _queue(self, entry: OrderEntry, wire_ms: int) -> None:
        """Rest behind everything at the price, own orders included."""
        order = entry.order
        ahead = self.book(order.condition_id).shares_at(bid=order.is_bid, price=order.up_price)
        self._note(
            Queued(
                order_id=order.order_id,
                ahead_shares=ahead + own_before(self.state, entry),
                wire_ms=wire_ms,
            )
        )

    def _met(self, order: PaperOrder) -> tuple[OrderEntry, ...]:
        """Return own resting orders of the other side that an order would meet."""
        return tuple(
            entry
            for entry in self.state.active(order.condition_id)
            if entry.rests
            and entry.order.is_bid != order.is_bid
            and reaches(entry.order.up_price, order.up_price, buying_up=order.is_bid)
        )

    def _fill(
        self, entry: OrderEntry, up_price: int, shares: int, wire_ms: int, evidence: str
    ) -> None:
        order, maker = entry.order, entry.rests
        price = in_up_terms(order.outcome, up_price)
        market = self.state.markets[order.condition_id]
        self._trades += 1
        name = f"{order.order_id}/{entry.filled_shares}/{self._trades}/{wire_ms}"
        self._note(
            Filled(
                trade_id=f"paper-{hashlib.sha256(name.encode()).hexdigest()[:32]}",
                order_id=order.order_id,
                condition_id=order.condition_id,
                token_id=order.token_id,
                outcome=order.outcome,
                side=order.side,
                price=price,
                shares=shares,
                fee_micro_usd=0 if maker else fee_of(market, price, shares),
                maker=maker,
                wire_ms=wire_ms,
                evidence=evidence,
            )
        )
        if order.budget_micro_usd is None and entry.left_shares <= 0:
            self._end(entry, EndReason.FILLED, wire_ms)

    def _end(self, entry: OrderEntry, reason: EndReason, wire_ms: int) -> None:
        self._note(Ended(order_id=entry.order.order_id, reason=reason, wire_ms=wire_ms))

    def _note(self, record: PaperRecord) -> None:
        self.state.apply(record)
        self._records.append(record)


def _matures(entry: OrderEntry) -> int:
    return entry.order.matures_wire_ms or entry.order.placed_wire_ms
