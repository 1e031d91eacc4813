"""The paper venue behind the port: what the gateway asks, answered by the paper account.

No order leaves: this module knows no address that takes one, and reads no trading key.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from actors.config import FleetConfig
from actors.runtime import log_event, wire_ms
from actors.venue.answers import AccountBalance, ListedMarket, OddRow, TokenBook
from actors.venue.paper.account import EVENTS_MAX, PaperAccount
from actors.venue.paper.body import order_of, seal, unseal
from actors.venue.paper.listings import balance, cancelled, open_orders, trades_since
from actors.venue.paper.market_stream import MarketStream
from actors.venue.paper.public_venue import PublicVenue, follow_state
from actors.venue.paper.records import PaperMarket, PaperOrder
from actors.venue.paper.rules import VenueState
from actors.venue.paper.state import PaperState
from actors.venue.paper.store import PaperStore, StoreHeldError, read_state
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    CancelOutcome,
    Duplicated,
    HeartbeatMismatch,
    HeartbeatOutcome,
    PostOutcome,
    Rejected,
    SignedOrder,
    SignOutcome,
    Unknown,
    Unsignable,
    UnsignedOrder,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from checkpoints.errors import CheckpointsError
from signals.market import Outcome
from signals.units import MICRO

LATENCY_S: Final = 0.1
"""Wire: from this machine to the venue's matching, for a post: docs/paper.md."""
TICK_S: Final = 0.05
_Value = TypeVar("_Value")
HELD: Final = Unknown(reason="another gateway has the paper account: it is handing over")


class PaperVenue:
    """Opened by `connect`; the account opens with the first question about it."""

    def __init__(self, config: FleetConfig, timeout_s: float) -> None:
        self._config = config
        self._root = Path(config.storage)
        self._public = PublicVenue(config.venue, timeout_s)
        self._stream = MarketStream(config.venue.market_ws_url, self)
        self._terms: dict[str, PaperMarket] = {}
        self._account: PaperAccount | None = None
        self._state = VenueState.OPEN
        self._events: asyncio.Queue[VenueEvent] = asyncio.Queue(EVENTS_MAX)
        self._tasks: list[asyncio.Task[None]] = []
        self._changes = False
        """It has asked for a change: an account that another process has is then not known."""
        self._beat_id = ""
        self._beats = 0

    def _now(self) -> tuple[int, int]:
        wire = wire_ms()
        return int(wire), self._config.clock.market_ms(wire)

    def _open(self) -> PaperAccount:
        """Return the account; raises `StoreHeldError` while another process has it."""
        if self._account is None:
            store = PaperStore.open(self._root)
            wire, market_ms = self._now()
            cash = self._config.paper.cash_micro_usd
            account = PaperAccount(store, self._events, cash, wire)
            account.exchange.venue = self._state
            for market in (*account.open_markets(market_ms), *self._terms.values()):
                self._terms[market.condition_id] = market
                account.follow(market, wire)
            self._account = account
            self._follow()
            self._stream.again()  # what it told before the account was open is not kept
            log_event("paper_account_opened", orders=len(store.state.orders))
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._keep_ticking()),
                asyncio.create_task(follow_state(self._public, self._take_state)),
            ]
        return self._account

    def _do(self, work: Callable[[PaperAccount], _Value]) -> _Value | Unknown:
        """Do something with the account; a store that takes nothing is read anew the next time."""
        try:
            return work(self._open())
        except StoreHeldError:
            return HELD
        except CheckpointsError as error:
            log_event("paper_store_failed", reason=str(error))
            if self._account is not None:
                self._account.abandon()
                self._account = None
            return Unknown(reason=f"the paper account's store: {error}")

    def _read(self, work: Callable[[PaperState], _Value]) -> _Value | Unknown:
        """Read the account; a client that changes nothing may look at another process's."""
        found = self._do(lambda account: work(account.exchange.state))
        if found is not HELD or self._changes:
            return found
        try:
            return work(read_state(self._root))
        except CheckpointsError as error:
            return Unknown(reason=f"the paper account's store: {error}")

    def _change(self, work: Callable[[PaperAccount], _Value]) -> _Value | Unknown:
        self._changes = True
        return self._do(work)

    def _follow(self) -> None:
        tokens = [
            token
            for market in self._terms.values()
            for token in (market.up_token_id, market.down_token_id)
        ]
        if tokens:
            self._stream.follow(tokens)

    # ---- orders -------------------------------------------------------------------------------

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:
        """Read a market's terms and follow its public stream from now on."""
        if condition_id not in self._terms:
            terms = await self._public.terms(condition_id)
            if isinstance(terms, Unknown):
                return terms
            self._terms[condition_id] = terms
            if self._account is not None:
                self._do(lambda account: account.follow(terms, self._now()[0]))
            self._follow()
        known = self._terms[condition_id].outcome_of(token_id) is not None
        return None if known else Unknown(reason=f"{token_id} is no token of {condition_id}")

    async def sign(self, order: UnsignedOrder) -> SignOutcome:
        terms = self._terms.get(order.condition_id)
        if terms is not None and self._account is not None:
            terms = self._account.terms(terms)
        if terms is None or terms.outcome_of(order.token_id) is None:
            return Unsignable(code="metadata", reason=f"{order.condition_id} is not known")
        if order.price % terms.tick_micro_usd:
            terms = await self._read_again(terms)
        if order.price % terms.tick_micro_usd or not 0 < order.price < MICRO:
            return Unsignable(code="input", reason=f"{order.price} is off the market's tick")
        return seal(order, self._now()[0])

    async def _read_again(self, terms: PaperMarket) -> PaperMarket:
        """Return a market's terms as they are now: its tick changes while it is open."""
        found = await self._public.terms(terms.condition_id)
        if isinstance(found, Unknown):
            return terms
        self._terms[terms.condition_id] = found
        if self._account is not None:
            self._do(lambda account: account.follow(found, self._now()[0]))
        return found

    async def post(self, signed: SignedOrder) -> PostOutcome:
        body = unseal(signed)
        cold = await self.warm(body.order.condition_id, body.order.token_id)
        if isinstance(cold, Unknown):
            return cold
        await asyncio.sleep(LATENCY_S)
        order = order_of(signed.order_id, body, self._terms[body.order.condition_id])
        return self._change(lambda account: self._placed(account, order))

    def _placed(self, account: PaperAccount, order: PaperOrder) -> PostOutcome:
        if account.exchange.state.order(order.order_id) is not None:
            return Duplicated()
        placed = account.place(order, *self._now())
        if not isinstance(placed, PaperOrder):
            return placed
        delayed = placed.matures_wire_ms is not None
        status = AcceptedStatus.DELAYED if delayed else AcceptedStatus.LIVE
        return Accepted(status=status, order_id=order.order_id)

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome:
        wanted = tuple(dict.fromkeys(order_ids))
        done = self._change(lambda account: account.cancel(wanted, self._now()[0]))
        return done if isinstance(done, Unknown) else cancelled(done)

    async def cancel_all(self) -> CancelOutcome:
        done = self._change(lambda account: account.cancel_all(self._now()[0]))
        return done if isinstance(done, Unknown) else Cancelled(cancelled=done)

    # ---- what the account has -----------------------------------------------------------------

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        return self._read(open_orders)

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        wire, _ = self._now()
        return self._read(lambda state: trades_since(state, after_s, wire))

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        return self._read(lambda state: balance(state, token_ids))

    def odd_rows(self) -> tuple[OddRow, ...]:
        return ()

    async def heartbeat(self, heartbeat_id: str) -> HeartbeatOutcome:
        if heartbeat_id not in ("", self._beat_id):
            return HeartbeatMismatch(heartbeat_id=self._beat_id)
        wire, _ = self._now()
        beaten = self._change(lambda account: account.beat(wire))
        if isinstance(beaten, Unknown):
            return beaten
        self._beats += 1
        self._beat_id = f"paper-{wire}-{self._beats}"
        return Beaten(heartbeat_id=self._beat_id)

    async def events(self) -> AsyncIterator[VenueEvent]:
        while True:
            yield await self._events.get()

    # ---- what the real venue says -------------------------------------------------------------

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        winner = await self._public.resolution(condition_id)
        if isinstance(winner, Outcome):
            self._do(lambda account: account.resolve(condition_id, winner, self._now()[0]))
        return winner

    async def server_time_ms(self) -> int | Unknown:
        return await self._public.server_time_ms()

    async def version(self) -> str | Unknown:
        return await self._public.version()

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        return await self._public.market(slug)

    async def book(self, token_id: str) -> TokenBook | Unknown:
        return await self._public.book(token_id)

    # ---- the market stream --------------------------------------------------------------------

    def frame(self, text: str | bytes) -> None:
        if self._account is None:
            return
        trusted = self._do(lambda account: account.frame(text, self._now()[0]))
        if trusted is False and self._account is not None:
            self._account.lost()
            self._stream.again()

    def lost(self, reason: str) -> None:
        log_event("paper_books_unknown", reason=reason)
        if self._account is not None:
            self._account.lost()

    # ---- time ---------------------------------------------------------------------------------

    async def _keep_ticking(self) -> None:
        while True:
            self._do(self._tick)
            await asyncio.sleep(TICK_S)

    def _tick(self, account: PaperAccount) -> None:
        wire, market = self._now()
        account.tick(wire, market)
        for ended in account.ended_markets(market):
            self._terms.pop(ended.condition_id, None)
            self._stream.leave((ended.up_token_id, ended.down_token_id))

    def _take_state(self, state: VenueState) -> None:
        self._state = state
        if self._account is not None:
            self._account.exchange.venue = state

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._stream.close()
        await self._public.close()
        if self._account is not None:
            self._do(lambda account: account.close(self._now()[0]))


async def connect(config: FleetConfig, timeout_s: float) -> PaperVenue | Rejected | Unknown:
    """Open the paper venue once the real one's public side answers."""
    venue = PaperVenue(config, timeout_s)
    seen = await venue.server_time_ms()
    if isinstance(seen, Unknown):
        await venue.close()
        return Unknown(reason=f"{config.venue.clob_url} cannot be reached: {seen.reason}")
    return venue
