"""The exchange: one pure machine, driven by calls that carry the time, drained of events.

It reads no clock and no socket. The server calls `advance` about every 50 ms and each request's
method when the request arrives; both carry `Now`. Every method that changes something hands its
ledger records to the operating system before it returns; `Ledger.sync` puts them on the disk.
"""

from cluster.sandbox.behaviours import Behaviours
from cluster.sandbox.chain.chain import Chain
from cluster.sandbox.events import Event
from cluster.sandbox.feeds import Feeds
from cluster.sandbox.floor import ExchangeConfig, Floor
from cluster.sandbox.heartbeats import Heartbeats
from cluster.sandbox.house import House
from cluster.sandbox.ledger import Ledger
from cluster.sandbox.listings import Listings
from cluster.sandbox.makers import PLANTED_EDGE
from cluster.sandbox.matching import Matching
from cluster.sandbox.model import (
    Balance,
    BookView,
    CancelReason,
    CancelResult,
    HeartbeatResult,
    Market,
    Now,
    Order,
    OrderState,
    OrderType,
    PlaceResult,
    Provenance,
    SignedOrder,
    Timeframe,
    Trade,
    VenueMode,
)
from cluster.sandbox.modes import Modes
from cluster.sandbox.order_entry import OrderEntry
from cluster.sandbox.orders import Orders
from cluster.sandbox.prices.provenance import provenance
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.records import AccountOpened, Withdrawn
from cluster.sandbox.settlement import Lifecycle, ResolutionHeld, ResolutionWrong
from cluster.sandbox.terms import Asked, Refused

__all__ = ["Exchange", "ExchangeConfig"]


class Exchange:
    """Markets, books, accounts, trades and settlements of the sandbox."""

    planted_edge = PLANTED_EDGE

    def __init__(self, config: ExchangeConfig, prices: Prices, ledger: Ledger) -> None:
        self.config = config
        self._floor = Floor(config, prices, ledger)
        self._matching = Matching(self._floor)
        self._modes = Modes(self._floor)
        self._orders = Orders(self._floor, self._matching)
        self._desk = OrderEntry(self._floor, self._orders, self._modes)
        self._house = House(self._floor, self._matching)
        self._lifecycle = Lifecycle(self._floor, self._orders)
        self._heartbeats = Heartbeats(self._floor, self._orders)
        self._listings = Listings(self._floor)
        self.chain = Chain(self._floor)
        self.feeds = Feeds(self._floor)
        self.klines = self.feeds.klines
        self.funding = self.feeds.funding
        self.premium = self.feeds.premium
        self.open_interest = self.feeds.open_interest
        self.open_interest_history = self.feeds.open_interest_history
        self.ticks = self.feeds.ticks
        self._revived = False

    # ---- time and events

    def advance(self, now: Now) -> None:
        """Bring everything up to `now`; call it often, time never goes back."""
        self._modes.move(now)
        if not self._revived:
            self._lifecycle.revive(now)
            self._revived = True
        self._lifecycle.open_due(now)
        self._lifecycle.move(now)
        self._matching.progress(now)
        self.chain.progress(now)
        self._orders.mature(now)
        self._orders.late_fills.work(now)
        self._orders.expire(now)
        if self.config.house_at_work:
            self._house.work(now)
        self._heartbeats.watch(now)
        self.feeds.publish(now)
        self._publish_books(now)
        self._floor.ledger.write()

    def drain(self) -> list[Event]:
        """Return the events since the last call, oldest first."""
        events, self._floor.events = self._floor.events, []
        return events

    # ---- accounts and orders

    def open_account(self, api_key: str, address: str, now: Now) -> Balance:
        """Open an account with the starting balance; a known key keeps what it has."""
        if api_key not in self._floor.state.accounts:
            deposit = self.config.starting_balance_micro_usd
            self._floor.record(
                AccountOpened(api_key=api_key, address=address, deposit_micro_usd=deposit), now
            )
            self._floor.record_cash(api_key, deposit, "deposit", now)
            self._floor.ledger.write()
        return self.cash(api_key)

    def withdraw(self, api_key: str, amount_micro_usd: int, now: Now) -> None:
        """Take cash out of an account's wallet, at most what it has; 0: all of it."""
        held = self.cash(api_key).settled
        amount = min(amount_micro_usd or held, held)
        self._floor.record(Withdrawn(api_key=api_key, amount_micro_usd=amount), now)
        self._floor.record_cash(api_key, -amount, "withdrawal", now)
        self._floor.ledger.write()

    def place(
        self, order: SignedOrder, order_type: OrderType, now: Now, *, post_only: bool = False
    ) -> PlaceResult:
        """Judge, match and rest one verified order. Never raises for what a client can send."""
        self._modes.move(now)
        asked = Asked(order_type=order_type, post_only=post_only)
        result = self._desk.place(order, asked, now)
        self._floor.ledger.write()
        return result

    def refuse(self, order: SignedOrder, order_type: OrderType, refused: Refused, now: Now) -> None:
        """Ledger an order that the server refused itself."""
        self._desk.refuse(order, order_type, refused, now)
        self._floor.ledger.write()

    def cancel(
        self,
        api_key: str,
        order_ids: tuple[str, ...],
        now: Now,
        reason: CancelReason = CancelReason.USER,
    ) -> CancelResult:
        result = self._orders.cancel(api_key, order_ids, now, reason)
        self._publish_books(now)
        self._floor.ledger.write()
        return result

    def cancel_all(
        self, api_key: str, now: Now, reason: CancelReason = CancelReason.CANCEL_ALL
    ) -> CancelResult:
        account = self._floor.state.accounts.get(api_key)
        return self.cancel(api_key, tuple(account.open) if account else (), now, reason)

    def cancel_market(
        self, api_key: str, now: Now, *, condition_id: str = "", token_id: str = ""
    ) -> CancelResult:
        """Cancel the account's orders in a market or in one token; both empty: none."""
        if not condition_id and not token_id:
            return CancelResult()
        chosen = self._chosen(api_key, condition_id, token_id)
        ids = tuple(order.order_id for order in chosen)
        return self.cancel(api_key, ids, now, CancelReason.CANCEL_MARKET)

    def heartbeat(self, api_key: str, heartbeat_id: str, now: Now) -> HeartbeatResult:
        """Chain: the last id, empty if there is none. The first accepted one arms cancel-all."""
        result = self._heartbeats.beat(api_key, heartbeat_id, now)
        self._floor.ledger.write()
        return result

    # ---- lookups of accounts, then of markets

    def order(self, order_id: str) -> Order | None:
        """Any state, refused ones included; None: never seen."""
        state = self._floor.state
        return state.orders.get(order_id) or state.refused.get(order_id)

    def open_orders(
        self, api_key: str, *, condition_id: str = "", token_id: str = ""
    ) -> tuple[Order, ...]:
        """LIVE orders, oldest first. DELAYED ones are not on a book yet."""
        chosen = self._chosen(api_key, condition_id, token_id)
        return tuple(order for order in chosen if order.state is OrderState.LIVE)

    def trades(
        self, api_key: str, *, condition_id: str = "", token_id: str = ""
    ) -> tuple[Trade, ...]:
        """Return newest first, in their present status."""
        return tuple(
            trade
            for trade in self._floor.state.trades_of(api_key)
            if condition_id in ("", trade.condition_id)
            and (not token_id or trade.has_token(token_id, api_key))
        )

    def trade(self, trade_id: str) -> Trade | None:
        return self._floor.state.trades.get(trade_id)

    def cash(self, api_key: str) -> Balance:
        return self._floor.state.accounts[api_key].cash_balance()

    def holding(self, api_key: str, token_id: str) -> Balance:
        return self._floor.state.accounts[api_key].token_balance(token_id)

    def queue_ahead(self, order_id: str) -> int | None:
        """Micro-shares with priority over a resting order now; None: it does not rest."""
        order = self._floor.state.orders.get(order_id)
        live = self._floor.live.get(order.condition_id) if order else None
        return live.book.ahead(order_id) if live else None

    def market_by_slug(self, slug: str, now: Now) -> Market | None:
        """Any window from a day ahead to the past; None: no such market (yet)."""
        return self._listings.by_slug(slug, now)

    def market(self, condition_id: str, now: Now) -> Market | None:
        return self._listings.by_condition(condition_id, now)

    def market_of_token(self, token_id: str, now: Now) -> Market | None:
        condition_id = self._floor.registry.condition_of(token_id)
        return self._listings.by_condition(condition_id, now) if condition_id else None

    def markets_listed(
        self, now: Now, *, asset: str = "", timeframe: Timeframe | None = None
    ) -> tuple[Market, ...]:
        """Return the markets that have a book, as of the last `advance` at or before `now`."""
        del now
        return self._listings.listed(asset, timeframe)

    def book(self, token_id: str, now: Now) -> BookView | None:
        return self._listings.book(token_id, now)

    def price_history(self, token_id: str) -> tuple[tuple[int, int], ...]:
        """Return (market ms, price) of the token's trades while its market is live."""
        return self._listings.price_history(token_id)

    @property
    def tape_ended(self) -> bool:
        """Say whether the tape is over and prices are generated now."""
        return self._floor.state.tape_ended

    @property
    def prices(self) -> Prices:
        """What all candles, funding and ticks are made of."""
        return self._floor.prices

    def provenance(self) -> tuple[Provenance, ...]:
        return provenance(self._floor.prices)

    # ---- faults and the venue's own troubles

    @property
    def behaviours(self) -> Behaviours:
        """What is in force beyond the plain rules, and how often each has struck."""
        return self._floor.behaviours

    @property
    def mode(self) -> VenueMode:
        return self._modes.mode

    def restart(
        self, now: Now, *, restart_wire_ms: int | None = None, post_only_wire_ms: int | None = None
    ) -> None:
        """Go through RESTARTING, then POST_ONLY, then OPEN; `place` answers so."""
        config = self.config
        down_ms = config.restart_wire_ms if restart_wire_ms is None else restart_wire_ms
        quiet_ms = config.post_only_wire_ms if post_only_wire_ms is None else post_only_wire_ms
        self._modes.restart(now, down_ms, quiet_ms)

    def set_mode(self, mode: VenueMode, now: Now) -> None:
        """Stay in a mode until told otherwise."""
        self._modes.stay(mode, now)

    def fail_trades(self, count: int) -> None:
        """Let the next `count` trades of accounts end FAILED instead of MINED (ghost fills)."""
        self._matching.fail_next(count)

    def steer_resolutions(self, held: ResolutionHeld, wrong: ResolutionWrong) -> None:
        """Hold back what `held` names; resolve what `wrong` names against its own averages."""
        self._lifecycle.held, self._lifecycle.wrong = held, wrong

    def hide_price_to_beat(self, condition_id: str) -> None:
        """Never publish this market's price to beat (a feed gap at its open)."""
        self._lifecycle.silent.add(condition_id)

    def digest(self) -> str:
        """SHA-256 over accounts, orders and trades: equal before and after a restart."""
        return self._floor.state.digest()

    def _chosen(self, api_key: str, condition_id: str, token_id: str) -> list[Order]:
        account = self._floor.state.accounts.get(api_key)
        return [
            order
            for order in (account.open.values() if account else ())
            if condition_id in ("", order.condition_id) and token_id in ("", order.token_id)
        ]

    def _publish_books(self, now: Now) -> None:
        for live in self._floor.live.values():
            self._floor.publish_book(live, now)
