"""The exchange: one pure machine, driven by calls that carry the time, drained of events.

It reads no clock and no socket. The server calls `advance` about every 50 ms and each request's
method when the request arrives; both carry `Now`. Every method that changes something writes its
ledger records before it returns; `Ledger.sync` puts them on the disk.
"""

import msgspec

from cluster.sandbox.events import Event
from cluster.sandbox.model import (
    Balance,
    BookView,
    CancelReason,
    CancelResult,
    FundingRate,
    HeartbeatResult,
    Kline,
    Market,
    Now,
    OpenInterest,
    Order,
    OrderType,
    PlaceResult,
    Premium,
    PriceTick,
    Provenance,
    SignedOrder,
    Timeframe,
    Trade,
    VenueMode,
)


class ExchangeConfig(msgspec.Struct, frozen=True, kw_only=True):
    seed: int = 1
    speed: int = 30
    starting_balance_micro_usd: int = 10_000_000_000
    taker_delay_wire_ms: int = 150
    heartbeat_limit_wire_ms: int = 10_000
    mined_after_wire_ms: int = 800
    confirmed_after_wire_ms: int = 2_000
    restart_wire_ms: int = 90_000
    post_only_wire_ms: int = 120_000


class Exchange:
    """Markets, books, accounts, trades and settlements of the sandbox."""

    # ---- time and events

    def advance(self, now: Now) -> None:
        """Bring everything up to `now`; call it often, time never goes back."""
        raise NotImplementedError

    def drain(self) -> list[Event]:
        """Return the events since the last call, oldest first."""
        raise NotImplementedError

    # ---- accounts and orders

    def open_account(self, api_key: str, address: str, now: Now) -> Balance:
        """Open an account with the starting balance; a known key keeps what it has."""
        raise NotImplementedError

    def place(
        self, order: SignedOrder, order_type: OrderType, now: Now, *, post_only: bool = False
    ) -> PlaceResult:
        """Judge, match and rest one verified order. Never raises for what a client can send."""
        raise NotImplementedError

    def refuse(self, order: SignedOrder, order_type: OrderType, error: str, now: Now) -> None:
        """Ledger an order that the server refused itself, such as one with a bad signature."""
        raise NotImplementedError

    def cancel(
        self,
        api_key: str,
        order_ids: tuple[str, ...],
        now: Now,
        reason: CancelReason = CancelReason.USER,
    ) -> CancelResult:
        raise NotImplementedError

    def cancel_all(
        self, api_key: str, now: Now, reason: CancelReason = CancelReason.CANCEL_ALL
    ) -> CancelResult:
        raise NotImplementedError

    def cancel_market(
        self, api_key: str, now: Now, *, condition_id: str = "", token_id: str = ""
    ) -> CancelResult:
        """Cancel the account's orders in a market or in one token; both empty: none."""
        raise NotImplementedError

    def heartbeat(self, api_key: str, heartbeat_id: str, now: Now) -> HeartbeatResult:
        """Chain: empty or the last id. The first accepted one arms cancel-all for the account."""
        raise NotImplementedError

    # ---- lookups of accounts

    def order(self, order_id: str) -> Order | None:
        """Any state, refused ones included; None: never seen."""
        raise NotImplementedError

    def open_orders(
        self, api_key: str, *, condition_id: str = "", token_id: str = ""
    ) -> tuple[Order, ...]:
        """LIVE orders, oldest first. DELAYED ones are not on a book yet."""
        raise NotImplementedError

    def trades(
        self, api_key: str, *, condition_id: str = "", token_id: str = ""
    ) -> tuple[Trade, ...]:
        """Return newest first, in their present status."""
        raise NotImplementedError

    def trade(self, trade_id: str) -> Trade | None:
        raise NotImplementedError

    def cash(self, api_key: str) -> Balance:
        raise NotImplementedError

    def holding(self, api_key: str, token_id: str) -> Balance:
        raise NotImplementedError

    def queue_ahead(self, order_id: str) -> int | None:
        """Micro-shares with priority over a resting order now; None: it does not rest."""
        raise NotImplementedError

    # ---- lookups of markets

    def market_by_slug(self, slug: str, now: Now) -> Market | None:
        """Any window from a day ahead to the past; None: no such market (yet)."""
        raise NotImplementedError

    def market(self, condition_id: str, now: Now) -> Market | None:
        raise NotImplementedError

    def market_of_token(self, token_id: str, now: Now) -> Market | None:
        raise NotImplementedError

    def markets_listed(
        self, now: Now, *, asset: str = "", timeframe: Timeframe | None = None
    ) -> tuple[Market, ...]:
        """Return the markets that have a book now."""
        raise NotImplementedError

    def book(self, token_id: str, now: Now) -> BookView | None:
        raise NotImplementedError

    # ---- lookups of prices; `None` bounds are open, at most `limit` rows, oldest first

    def klines(
        self,
        asset: str,
        interval: str,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> tuple[Kline, ...]:
        """Candles of ``1m 5m 15m 30m 1h 4h 1d 1w``, the unfinished one included, newest kept."""
        raise NotImplementedError

    def funding(
        self,
        asset: str,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> tuple[FundingRate, ...]:
        raise NotImplementedError

    def premium(self, asset: str, now: Now) -> Premium:
        raise NotImplementedError

    def open_interest(self, asset: str, now: Now) -> OpenInterest:
        raise NotImplementedError

    def open_interest_history(
        self,
        asset: str,
        period_ms: int,
        now: Now,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 30,
    ) -> tuple[OpenInterest, ...]:
        raise NotImplementedError

    def ticks(self, asset: str, now: Now, *, since_market_ms: int) -> tuple[PriceTick, ...]:
        """Ticks on the feed's grid after `since_market_ms`, at most those of two market minutes."""
        raise NotImplementedError

    def provenance(self) -> tuple[Provenance, ...]:
        raise NotImplementedError

    # ---- faults and the venue's own troubles

    @property
    def mode(self) -> VenueMode:
        raise NotImplementedError

    def restart(
        self, now: Now, *, restart_wire_ms: int | None = None, post_only_wire_ms: int | None = None
    ) -> None:
        """Go through RESTARTING, then POST_ONLY, then OPEN; `place` and `cancel` answer so."""
        raise NotImplementedError

    def set_mode(self, mode: VenueMode, now: Now) -> None:
        """Stay in a mode until told otherwise."""
        raise NotImplementedError

    def fail_trades(self, count: int) -> None:
        """Let the next `count` trades of accounts end FAILED instead of MINED (ghost fills)."""
        raise NotImplementedError

    def hide_price_to_beat(self, condition_id: str) -> None:
        """Never publish this market's price to beat (a feed gap at its open)."""
        raise NotImplementedError

    def digest(self) -> str:
        """SHA-256 over accounts, open orders and trades: equal before and after a restart."""
        raise NotImplementedError
