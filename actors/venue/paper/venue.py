"""The paper venue behind the port: what the gateway asks, answered by the paper account.

No order leaves: this module knows no address that takes one, and reads no trading key.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

from actors.config import FleetConfig
from actors.runtime import log_event, wire_ms
from actors.venue.answers import AccountBalance, ListedMarket, OddRow, TokenBook
from actors.venue.paper.account import PaperAccount
from actors.venue.paper.body import PaperBody, seal, unseal
from actors.venue.paper.listings import venue_order, venue_trade
from actors.venue.paper.market_stream import MarketStream
from actors.venue.paper.public_venue import PublicVenue, follow_state
from actors.venue.paper.records import PaperMarket, PaperOrder
from actors.venue.paper.store import PaperStore, StoreHeldError
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    CancelOutcome,
    Duplicated,
    HeartbeatMismatch,
    HeartbeatOutcome,
    NotCancelled,
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
from signals.market import Outcome, Side
from signals.units import MICRO, MicroShares, MicroUsd

LATENCY_S: Final = 0.1
"""Wire: from this machine to the venue's matching, for a post: docs/paper.md."""
TICK_S: Final = 0.05
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
        self._tasks: list[asyncio.Task[None]] = []
        self._beat_id = ""
        self._beats = 0

    def _now(self) -> tuple[int, int]:
        wire = wire_ms()
        return int(wire), self._config.clock.market_ms(wire)

    def _open(self) -> PaperAccount | None:
        """Return the account; None while another process has it."""
        if self._account is None:
            try:
                store = PaperStore.open(self._root)
            except StoreHeldError:
                return None
            wire, _ = self._now()
            self._account = PaperAccount(store, self._config.paper.cash_micro_usd, wire)
            for market in self._terms.values():
                self._account.follow(market, wire)
            self._tasks = [
                asyncio.create_task(self._keep(self._tick, TICK_S)),
                asyncio.create_task(follow_state(self._public, self._account.exchange)),
            ]
            self._stream.again()  # what it told before the account was open is not kept
            log_event("paper_account_opened", orders=len(store.state.orders))
        return self._account

    # ---- orders -------------------------------------------------------------------------------

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:
        """Read a market's terms and follow its public stream from now on."""
        if condition_id not in self._terms:
            terms = await self._public.terms(condition_id)
            if isinstance(terms, Unknown):
                return terms
            self._terms[condition_id] = terms
            if self._account is not None:
                self._account.follow(terms, self._now()[0])
            self._stream.follow((terms.up_token_id, terms.down_token_id))
        known = self._terms[condition_id].outcome_of(token_id) is not None
        return None if known else Unknown(reason=f"{token_id} is no token of {condition_id}")

    async def sign(self, order: UnsignedOrder) -> SignOutcome:
        terms = self._terms.get(order.condition_id)
        if terms is None or terms.outcome_of(order.token_id) is None:
            return Unsignable(code="metadata", reason=f"{order.condition_id} is not known")
        if order.price % terms.tick_micro_usd or not 0 < order.price < MICRO:
            return Unsignable(code="input", reason=f"{order.price} is off the market's tick")
        return seal(order, self._now()[0])

    async def post(self, signed: SignedOrder) -> PostOutcome:
        body = unseal(signed)
        cold = await self.warm(body.order.condition_id, body.order.token_id)
        if isinstance(cold, Unknown):
            return cold
        await asyncio.sleep(LATENCY_S)
        account = self._open()
        if account is None:
            return HELD
        state = account.exchange.state
        if signed.order_id in state.orders:
            return Duplicated()
        order = _order_of(signed.order_id, body, self._terms[body.order.condition_id])
        placed = account.place(order, *self._now())
        if not isinstance(placed, PaperOrder):
            return placed
        delayed = placed.matures_wire_ms is not None
        status = AcceptedStatus.DELAYED if delayed else AcceptedStatus.LIVE
        return Accepted(status=status, order_id=signed.order_id)

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome:
        account = self._open()
        if account is None:
            return HELD
        done = account.cancel(tuple(dict.fromkeys(order_ids)), self._now()[0])
        return Cancelled(
            cancelled=tuple(order_id for order_id, why in done.items() if why is None),
            not_cancelled=tuple(
                NotCancelled(order_id=order_id, reason=why)
                for order_id, why in done.items()
                if why is not None
            ),
        )

    async def cancel_all(self) -> CancelOutcome:
        account = self._open()
        if account is None:
            return HELD
        return Cancelled(cancelled=account.cancel_all(self._now()[0]))

    # ---- what the account has -----------------------------------------------------------------

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        account = self._open()
        if account is None:
            return HELD
        return tuple(venue_order(entry) for entry in account.exchange.state.active())

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        account = self._open()
        if account is None:
            return HELD
        wire, _ = self._now()
        found = [
            venue_trade(fill, wire)
            for fill in account.exchange.state.fills
            if fill.wire_ms >= after_s * 1_000
        ]
        return tuple(sorted(found, key=lambda fill: (fill.matched_wire_ms, fill.fill_id)))

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        account = self._open()
        if account is None:
            return HELD
        state = account.exchange.state
        return AccountBalance(
            cash_micro_usd=MicroUsd(state.cash_micro_usd),
            shares={token: MicroShares(state.held.get(token, 0)) for token in token_ids},
        )

    def odd_rows(self) -> tuple[OddRow, ...]:
        return ()

    async def heartbeat(self, heartbeat_id: str) -> HeartbeatOutcome:
        account = self._open()
        if account is None:
            return HELD
        if heartbeat_id not in ("", self._beat_id):
            return HeartbeatMismatch(heartbeat_id=self._beat_id)
        wire, _ = self._now()
        self._beats += 1
        self._beat_id = f"paper-{wire}-{self._beats}"
        account.beat(wire)
        return Beaten(heartbeat_id=self._beat_id)

    async def events(self) -> AsyncIterator[VenueEvent]:
        while (account := self._open()) is None:  # noqa: ASYNC110 another process gives it back
            await asyncio.sleep(TICK_S)
        while True:
            yield await account.events.get()

    # ---- what the real venue says -------------------------------------------------------------

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        winner = await self._public.resolution(condition_id)
        account = self._open()
        if isinstance(winner, Outcome) and account is not None:
            account.resolve(condition_id, winner, self._now()[0])
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
        if self._account is not None and not self._account.frame(text, self._now()[0]):
            self._account.lost()
            self._stream.again()

    def lost(self, reason: str) -> None:
        log_event("paper_books_unknown", reason=reason)
        if self._account is not None:
            self._account.lost()

    # ---- time ---------------------------------------------------------------------------------

    async def _keep(self, work: Callable[[], None], every_s: float) -> None:
        while True:
            work()
            await asyncio.sleep(every_s)

    def _tick(self) -> None:
        assert self._account is not None
        wire, market = self._now()
        self._account.tick(wire, market)
        for ended in self._account.ended_markets(market):
            self._terms.pop(ended.condition_id, None)
            self._stream.leave((ended.up_token_id, ended.down_token_id))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._stream.close()
        await self._public.close()
        if self._account is not None:
            self._account.close(self._now()[0])


def _order_of(order_id: str, body: PaperBody, market: PaperMarket) -> PaperOrder:
    order = body.order
    outcome = market.outcome_of(order.token_id)
    assert outcome is not None, "warm looked the token up"
    buys_now = body.kind.immediate and order.side is Side.BUY
    return PaperOrder(
        order_id=order_id,
        condition_id=order.condition_id,
        token_id=order.token_id,
        outcome=outcome,
        side=order.side,
        kind=body.kind,
        post_only=not body.kind.immediate,
        price=order.price,
        shares=order.shares,
        budget_micro_usd=order.price * order.shares // MICRO if buys_now else None,
    )


async def connect(config: FleetConfig, timeout_s: float) -> PaperVenue | Rejected | Unknown:
    """Open the paper venue once the real one's public side answers."""
    venue = PaperVenue(config, timeout_s)
    seen = await venue.server_time_ms()
    if isinstance(seen, Unknown):
        await venue.close()
        return Unknown(reason=f"{config.venue.clob_url} cannot be reached: {seen.reason}")
    return venue
