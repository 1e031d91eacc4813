"""Everything one running sandbox holds, and the two things that every request does with it."""

from collections import Counter
from typing import assert_never

import msgspec

from cluster.sandbox.auth import Account, AccountFile, Accounts
from cluster.sandbox.behaviours import Behaviour
from cluster.sandbox.clock import ClockFile
from cluster.sandbox.events import (
    BestChanged,
    BookReplaced,
    Event,
    LastTrade,
    MarketOpened,
    MarketResolved,
    OrderChanged,
    PricesChanged,
    Ticked,
    TickSizeChanged,
    TradeChanged,
)
from cluster.sandbox.exchange import Exchange
from cluster.sandbox.faults import FaultBoard, FaultKind
from cluster.sandbox.ledger import Ledger
from cluster.sandbox.limits import Limits, Tier
from cluster.sandbox.model import Market, Now, PriceTick
from cluster.sandbox.server.submits import Submits
from cluster.sandbox.sockets.market_socket import MarketFeed
from cluster.sandbox.sockets.price_socket import PriceFeed
from cluster.sandbox.sockets.user_socket import UserFeed
from cluster.sandbox.wire_time import wire_clock_ms

SNAPSHOT_MARKET_MS = 120_000
"""The price socket's snapshot holds the last two minutes."""


class World:
    """The exchange with its clock, keys, faults and listeners."""

    def __init__(
        self,
        exchange: Exchange,
        clock: ClockFile,
        ledger: Ledger,
        account_file: AccountFile,
        seed: int,
        tier: Tier = Tier.UNLIMITED,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.ledger = ledger
        self.account_file = account_file
        self.accounts = Accounts(seed, account_file.read())
        self.faults = FaultBoard(seed)
        self.limits = Limits(tier)
        self.submits = Submits()
        self.market_feed = MarketFeed(lambda token: exchange.book(token, self.now()))
        self.user_feed = UserFeed(self.accounts)
        self.price_feed = PriceFeed(self.accounts, self._recent_ticks, exchange.config.assets)
        exchange.steer_resolutions(self._holds_resolution, self._resolves_wrongly)
        self._last_wire_ms = 0
        self.asked: Counter[str] = Counter()
        """Requests that are no reads, by method and path, as they came; read by the admin door."""
        self._requests = 0
        """Of accounts, counted since the start."""
        for account in self.accounts.all():
            exchange.open_account(account.api_key, account.address, self.now())

    def refuses_in_passing(self) -> bool:
        """Say whether this right request is answered 401 all the same."""
        self._requests += 1
        event = f"request {self._requests}"
        return self.exchange.behaviours.strikes(Behaviour.UNAUTHORIZED_IN_PASSING, event)

    def now(self) -> Now:
        """Return the present in both times; a wall clock that is set back stands still here."""
        self._last_wire_ms = max(self._last_wire_ms, wire_clock_ms())
        return self.clock.clock.at(self._last_wire_ms)

    def reported_wire_ms(self) -> int:
        """Return the wire time that the exchange tells and judges stamps by: skewed by a fault."""
        return self.now().wire_ms + self.faults.skew_ms()

    def pulse(self) -> None:
        """Move the exchange to the present and tell everybody; called about every 50 ms."""
        self.now()
        now = self.clock.keep(self._last_wire_ms)
        self.exchange.advance(now)
        if self.faults.has(FaultKind.AUTO_REDEEM):
            self._redeem_by_itself(now)
        self.commit()

    def _redeem_by_itself(self, now: Now) -> None:
        for market in self.exchange.chain.claimed_markets():
            if self.faults.on_market(FaultKind.AUTO_REDEEM, market.slug) is not None:
                self.exchange.chain.redeem_for(market, now)

    def commit(self) -> None:
        """Put what happened on the disk, then tell the listeners."""
        self.ledger.sync()
        for event in self.exchange.drain():
            self._publish(event)

    def open_account(self, account: Account) -> None:
        self.account_file.write(self.accounts.all())
        self.exchange.open_account(account.api_key, account.address, self.now())

    def as_shown(self, market: Market | None, now: Now) -> Market | None:
        """Apply the market faults: a late market is not there yet, a null price stays null."""
        if market is None:
            return None
        late = self.faults.on_market(FaultKind.LATE_MARKET, market.slug)
        if late is not None and now.market_ms < market.open_market_ms + late.delay_ms:
            return None
        if self.faults.on_market(FaultKind.NULL_PRICE, market.slug) is not None:
            market = msgspec.structs.replace(market, price_to_beat=None)
        if self.faults.on_market(FaultKind.HALTED_MARKET, market.slug) is not None:
            market = msgspec.structs.replace(market, accepting_orders=False)
        closed = now.market_ms >= market.close_market_ms and market.winner is None
        if closed and self.faults.on_market(FaultKind.DISPUTED, market.slug) is not None:
            market = msgspec.structs.replace(market, resolution_status="disputed")
        return market

    def _resolves_wrongly(self, market: Market) -> bool:
        return self.faults.on_market(FaultKind.WRONG_WINNER, market.slug) is not None

    def _holds_resolution(self, market: Market, now: Now) -> bool:
        """Say whether a fault keeps a market unresolved that is due."""
        found = [
            self.faults.on_market(kind, market.slug)
            for kind in (FaultKind.LATE_RESOLUTION, FaultKind.DISPUTED)
        ]
        return any(
            fault.delay_ms == 0 or now.market_ms < market.close_market_ms + fault.delay_ms
            for fault in found
            if fault is not None
        )

    def _recent_ticks(self, asset: str) -> tuple[PriceTick, ...]:
        now = self.now()
        since_market_ms = now.market_ms - SNAPSHOT_MARKET_MS
        return self.exchange.ticks(asset, now, since_market_ms=since_market_ms)

    def _publish(self, event: Event) -> None:
        match event:
            case OrderChanged() | TradeChanged():
                self.user_feed.publish(event)
            case Ticked():
                self.price_feed.publish(event)
            case (
                BookReplaced()
                | PricesChanged()
                | BestChanged()
                | LastTrade()
                | TickSizeChanged()
                | MarketOpened()
                | MarketResolved()
            ):
                self.market_feed.publish(event)
            case _:
                assert_never(event)

    def close(self) -> None:
        """Flush ledger and clock: a clean stop loses and skips nothing."""
        wire_ms = self.now().wire_ms
        self.commit()
        self.ledger.close()
        self.clock.close(wire_ms)
