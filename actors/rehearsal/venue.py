"""A venue in memory for one rehearsed gateway: nothing leaves the process."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from actors.runtime import wire_ms
from actors.venue.answers import AccountBalance, ListedMarket, OddRow, TokenBook
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    CancelOutcome,
    HeartbeatOutcome,
    PostOutcome,
    SignedOrder,
    SignOutcome,
    Unknown,
    Unsignable,
    UnsignedOrder,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from signals.market import Outcome
from signals.units import MicroUsd


class RehearsalVenue:
    """`VenuePort`: lists what it is given, takes every post and beat, signs nothing."""

    def __init__(self, orders: Sequence[VenueOrder], trades: Sequence[VenueTrade]) -> None:
        self.orders = list(orders)
        self.fills = list(trades)
        self.beats = 0
        self._events: asyncio.Queue[VenueEvent] = asyncio.Queue()

    def push(self, event: VenueEvent) -> None:
        self._events.put_nowait(event)

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:
        del condition_id, token_id
        return None

    async def sign(self, order: UnsignedOrder) -> SignOutcome:
        return Unsignable(code="signing", reason=f"rehearsed: {order.condition_id}")

    async def post(self, signed: SignedOrder) -> PostOutcome:
        return Accepted(status=AcceptedStatus.LIVE, order_id=signed.order_id)

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome:
        self.orders = [order for order in self.orders if order.order_id not in order_ids]
        return Cancelled(cancelled=tuple(order_ids))

    async def cancel_all(self) -> CancelOutcome:
        return await self.cancel([order.order_id for order in self.orders])

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        return tuple(self.orders)

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        del after_s
        return tuple(self.fills)

    async def heartbeat(self, heartbeat_id: str) -> HeartbeatOutcome:
        del heartbeat_id
        self.beats += 1
        return Beaten(heartbeat_id=f"rehearsal-{self.beats}")

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        del condition_id
        return None

    async def events(self) -> AsyncIterator[VenueEvent]:
        while True:
            yield await self._events.get()

    async def version(self) -> str | Unknown:
        return "2"

    async def server_time_ms(self) -> int | Unknown:
        return int(wire_ms())

    async def balance_micro_usd(self) -> MicroUsd | Unknown:
        return MicroUsd(0)

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        del token_ids
        return Unknown(reason="a rehearsal has no account")

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        del slug
        return Unknown(reason="a rehearsal has no venue")

    async def book(self, token_id: str) -> TokenBook | Unknown:
        del token_id
        return Unknown(reason="a rehearsal has no venue")

    def odd_rows(self) -> tuple[OddRow, ...]:
        return ()

    async def close(self) -> None:
        return
