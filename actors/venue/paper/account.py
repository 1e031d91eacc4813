"""The running paper account: the rules, the store behind them, and who is told.

One door for everything that changes it: `_settle` makes the records durable, and only then are the
user events told and the answers given.
"""

import asyncio
from collections import deque
from typing import Final

import msgspec

from actors.venue.paper.exchange import PaperExchange
from actors.venue.paper.frames import (
    BookSeen,
    FrameError,
    LevelSeen,
    Seen,
    TickSeen,
    TradeSeen,
    read_frames,
)
from actors.venue.paper.listings import CONFIRM_MS, events_of, venue_trade
from actors.venue.paper.records import EndReason, Filled, PaperMarket, PaperOrder
from actors.venue.paper.rules import Refusal
from actors.venue.paper.store import PaperStore
from actors.venue.port import StreamLost, VenueEvent
from signals.market import Outcome

HEARTBEAT_MS: Final = 10_000
"""Wire: so long without a heartbeat and the venue cancels everything."""
EVENTS_MAX: Final = 10_000
"""User events that wait; more are dropped, and that is said."""
TRADES_REMEMBERED: Final = 4_096
"""Public trades whose second telling is known: seconds of the busiest window."""


class PaperAccount:
    """An open account. `close` gives the store back."""

    def __init__(
        self,
        store: PaperStore,
        events: asyncio.Queue[VenueEvent],
        cash_micro_usd: int,
        wire_ms: int,
    ) -> None:
        self._store = store
        self.exchange = PaperExchange(store.state)
        self._events = events
        self._tokens: dict[str, PaperMarket] = {}
        self._told: dict[str, str] = {}
        """Public trades: what names one, and the token that it was told for."""
        self._unconfirmed: deque[Filled] = deque()
        self._beaten = False
        if store.fresh:
            store.begin(cash_micro_usd, wire_ms)
        self._miss_heartbeat(store.last_beat_ms(), wire_ms)

    # ---- orders -------------------------------------------------------------------------------

    def place(self, order: PaperOrder, wire_ms: int, market_ms: int) -> PaperOrder | Refusal:
        placed = self.exchange.place(order, wire_ms, market_ms)
        self._settle(wire_ms)
        return placed

    def cancel(self, order_ids: tuple[str, ...], wire_ms: int) -> dict[str, str | None]:
        """Return per order None, or why it was not cancelled."""
        done = {
            order_id: self.exchange.cancel(order_id, wire_ms, EndReason.CANCELLED)
            for order_id in order_ids
        }
        self._settle(wire_ms)
        return done

    def cancel_all(self, wire_ms: int) -> tuple[str, ...]:
        done = self.exchange.cancel_all(wire_ms, EndReason.CANCELLED)
        self._settle(wire_ms)
        return done

    def resolve(self, condition_id: str, winner: Outcome, wire_ms: int) -> None:
        self.exchange.resolve(condition_id, winner, wire_ms)
        self._settle(wire_ms)

    # ---- time ---------------------------------------------------------------------------------

    def beat(self, wire_ms: int) -> None:
        self._beaten = True
        self._store.beat(wire_ms)

    def tick(self, wire_ms: int, market_ms: int) -> None:
        self.exchange.tick(wire_ms, market_ms)
        if self._beaten:
            self._miss_heartbeat(self._store.last_beat_ms(), wire_ms)
        self._settle(wire_ms)
        while self._unconfirmed and wire_ms - self._unconfirmed[0].wire_ms >= CONFIRM_MS:
            self._report(venue_trade(self._unconfirmed.popleft(), wire_ms))

    def _miss_heartbeat(self, beat_ms: int | None, wire_ms: int) -> None:
        """Cancel what rested too long; a beat of before the clock was set back says nothing."""
        if beat_ms is None or beat_ms > wire_ms + HEARTBEAT_MS:
            self.exchange.cancel_all(wire_ms, EndReason.HEARTBEAT)
        elif beat_ms and wire_ms - beat_ms > HEARTBEAT_MS:
            self.exchange.cancel_all(beat_ms + HEARTBEAT_MS, EndReason.HEARTBEAT)

    # ---- public data --------------------------------------------------------------------------

    def follow(self, market: PaperMarket, wire_ms: int) -> None:
        self.exchange.add_market(market)
        self._tokens[market.up_token_id] = self._tokens[market.down_token_id] = market
        self._settle(wire_ms)

    def terms(self, market: PaperMarket) -> PaperMarket:
        """Return a market's terms as the stream left them."""
        return self.exchange.state.markets.get(market.condition_id, market)

    def open_markets(self, market_ms: int) -> tuple[PaperMarket, ...]:
        """Return markets in which orders of a former process are still open."""
        markets = self.exchange.state.markets
        found = {
            entry.order.condition_id: markets[entry.order.condition_id]
            for entry in self.exchange.state.active()
        }
        return tuple(market for market in found.values() if market_ms < market.close_ms)

    def ended_markets(self, market_ms: int) -> tuple[PaperMarket, ...]:
        """Return followed markets whose window is over; they are followed no more."""
        ended = {
            market.condition_id: market
            for market in self._tokens.values()
            if market_ms >= market.close_ms
        }
        for market in ended.values():
            self._tokens.pop(market.up_token_id, None)
            self._tokens.pop(market.down_token_id, None)
            self.exchange.forget_market(market.condition_id)
        return tuple(ended.values())

    def lost(self) -> None:
        for market in self._tokens.values():
            self.exchange.lost(market.condition_id)

    def frame(self, text: str | bytes, wire_ms: int) -> bool:
        """Take one message of the market stream; False: its books cannot be trusted."""
        try:
            agreed = [self._seen(seen, wire_ms) for seen in read_frames(text, self._tokens)]
            trusted = all(agreed)
        except FrameError:
            trusted = False
        self._settle(wire_ms)
        return trusted

    def _seen(self, seen: Seen, wire_ms: int) -> bool:
        match seen:
            case BookSeen():
                self.exchange.book_replaced(
                    seen.condition_id, seen.bids, seen.asks, seen.stamp_ms, wire_ms
                )
            case LevelSeen():
                change = (seen.bid, seen.up_price, seen.shares)
                self.exchange.level_changed(seen.condition_id, change, seen.stamp_ms, wire_ms)
                return not seen.last or self._agrees(seen)
            case TradeSeen():
                self._traded(seen, wire_ms)
            case TickSeen():
                self._new_tick(seen)
        return True

    def _agrees(self, seen: LevelSeen) -> bool:
        book = self.exchange.book(seen.condition_id)
        same = (book.best(bid=True), book.best(bid=False)) == (seen.best_bid, seen.best_ask)
        return not book.known or same

    def _traded(self, seen: TradeSeen, wire_ms: int) -> None:
        """Count a trade once: its word for the other token says nothing new."""
        if self._told.setdefault(seen.key, seen.token_id) != seen.token_id:
            return
        if len(self._told) > TRADES_REMEMBERED:
            self._told.pop(next(iter(self._told)))
        self.exchange.traded(seen.condition_id, seen.trade, wire_ms)

    def _new_tick(self, seen: TickSeen) -> None:
        market = self.exchange.state.markets.get(seen.condition_id)
        if market is not None:
            changed = msgspec.structs.replace(market, tick_micro_usd=seen.tick_micro_usd)
            self._tokens[market.up_token_id] = self._tokens[market.down_token_id] = changed
            self.exchange.add_market(changed)

    # ---- inside -------------------------------------------------------------------------------

    def _settle(self, wire_ms: int) -> None:
        records = self.exchange.take_records()
        self._store.append(records, wire_ms)
        for record in records:
            if isinstance(record, Filled):
                self._unconfirmed.append(record)
            for event in events_of(self.exchange.state, record, wire_ms):
                self._report(event)

    def _report(self, event: VenueEvent) -> None:
        if self._events.full():
            while not self._events.empty():
                self._events.get_nowait()
            event = StreamLost(reason=f"more than {EVENTS_MAX} events waited")
        self._events.put_nowait(event)

    def abandon(self) -> None:
        """Give the store back as it is: what it did not take is not known, only reading tells."""
        self._store.close()

    def close(self, wire_ms: int) -> None:
        """Write down how far the queues have come, and give the store back."""
        self.exchange.note_queues(wire_ms)
        self._settle(wire_ms)
        self._store.close()
