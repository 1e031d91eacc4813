"""The venue port of one gateway process, through the simulated network."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from actors.venue.answers import AccountBalance, ListedMarket, OddRow, TokenBook
from actors.venue.port import (
    CancelOutcome,
    HeartbeatOutcome,
    PostOutcome,
    SignedOrder,
    SignOutcome,
    Unknown,
    UnsignedOrder,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from signals.market import Outcome
from tests.simulation.exchange import Exchange
from tests.simulation.network import Lost, Network
from tests.simulation.virtual_loop import Process

TIMEOUT_S = 5.0


class VenueClient:
    """Implements `VenuePort`; an answer that the network lost is `Unknown`."""

    def __init__(
        self, exchange: Exchange, network: Network, house: Process, own: Process, wire_ms: Any
    ) -> None:
        self._exchange = exchange
        self._network = network
        self._house = house
        self._wire_ms = wire_ms
        self.on_post: Callable[[], None] = lambda: None
        self._events: asyncio.Queue[VenueEvent] = asyncio.Queue()
        exchange.listeners.append(self._events.put_nowait)
        own.on_death.append(self._stop_listening)

    def _stop_listening(self) -> None:
        if self._events.put_nowait in self._exchange.listeners:
            self._exchange.listeners.remove(self._events.put_nowait)

    async def _call(self, what: Any) -> Any:
        async def work() -> Any:
            return what()

        answer = await self._network.call(lambda: self._house, work, TIMEOUT_S)
        return Unknown(reason=answer.reason) if isinstance(answer, Lost) else answer

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:
        del condition_id, token_id
        seen: Unknown | None = await self._call(lambda: None)
        return seen

    async def sign(self, order: UnsignedOrder) -> SignOutcome:
        self._exchange.signatures += 1
        order_id = f"0x{self._exchange.signatures:064x}"
        body = msgspec.json.encode((order_id, order))
        return SignedOrder(order_id=order_id, body=body, signed_wire_ms=self._wire_ms())

    async def post(self, signed: SignedOrder) -> PostOutcome:
        self.on_post()
        outcome: PostOutcome = await self._call(lambda: self._exchange.post(signed))
        return outcome

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome:
        outcome: CancelOutcome = await self._call(lambda: self._exchange.cancel(tuple(order_ids)))
        return outcome

    async def cancel_all(self) -> CancelOutcome:
        return await self.cancel(tuple(self._exchange.open))

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        listed: tuple[VenueOrder, ...] | Unknown = await self._call(self._exchange.list_open)
        return listed

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        found: tuple[VenueTrade, ...] | Unknown = await self._call(
            lambda: self._exchange.list_trades(after_s)
        )
        return found

    async def heartbeat(self, heartbeat_id: str) -> HeartbeatOutcome:
        outcome: HeartbeatOutcome = await self._call(lambda: self._exchange.beat(heartbeat_id))
        return outcome

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        winner: Outcome | Unknown | None = await self._call(
            lambda: self._exchange.winners.get(condition_id)
        )
        return winner

    async def events(self) -> AsyncIterator[VenueEvent]:
        while True:
            yield await self._events.get()

    async def version(self) -> str | Unknown:
        return "2"

    async def server_time_ms(self) -> int | Unknown:
        now: int | Unknown = await self._call(self._wire_ms)
        return now

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        found: ListedMarket | Unknown | None = await self._call(
            lambda: self._exchange.listed_market(slug)
        )
        return found

    async def book(self, token_id: str) -> TokenBook | Unknown:
        found: TokenBook | Unknown = await self._call(lambda: self._exchange.token_book(token_id))
        return found

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        found: AccountBalance | Unknown = await self._call(
            lambda: self._exchange.account(tuple(token_ids))
        )
        return found

    def odd_rows(self) -> tuple[OddRow, ...]:
        return ()

    async def close(self) -> None:
        self._stop_listening()
