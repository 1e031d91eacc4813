"""Does what the climb asks for at the venue, each step with a limit; see `actors.live.climb`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, assert_never

from actors.clock import boot_ms, instant
from actors.config import FleetConfig
from actors.live.climb_orders import climb_limit, far_order, purchase, sale
from actors.live.climb_proofs import Proofs, until
from actors.live.climb_state import (
    CancelOrder,
    CancelTaken,
    NotTaken,
    Placed,
    Posted,
    PostOrder,
    ProveFilled,
    ProveGone,
    Purpose,
    Signed,
    SignOrder,
    TooSmall,
    Watch,
    Work,
)
from actors.machine.vocabulary import At, Failed
from actors.venue.answers import AccountBalance, ListedMarket, TokenBook
from actors.venue.port import (
    Accepted,
    Beaten,
    Cancelled,
    Duplicated,
    HeartbeatMismatch,
    OrderEvent,
    Rejected,
    SignedOrder,
    Unavailable,
    Unknown,
    Unsignable,
    UnsignedOrder,
    VenuePort,
    VenueTrade,
)
from signals.market import Outcome, Slot, Window, market_slug
from signals.units import MicroShares

MARKET_S_MAX: Final = 660.0
"""Wire, for a market that suits: two 5-minute windows."""
LEFT_MS: Final = 150_000
"""Market ms before the close: the round trip must end inside the window."""
FRESH_S: Final = 3.0
"""Wire, before a sale that was refused is tried again: fresh shares cannot be sold at once."""
BEAT_S: Final = 3.0
"""Wire. The venue cancels everything after ten seconds of silence."""


class Climber:
    """Performs the work of one climb."""

    def __init__(
        self, venue: VenuePort, config: FleetConfig, halted: Callable[[], str | None]
    ) -> None:
        self._venue = venue
        self._config = config
        self._halted = halted
        self._proofs = Proofs(venue, config)
        self._beat = ""

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Follow the user stream and send heartbeats until the block ends."""
        tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._heartbeats())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        async for event in self._venue.events():
            if isinstance(event, OrderEvent | VenueTrade):
                self._proofs.streamed.add(event.order_id)

    async def _heartbeats(self) -> None:
        while True:
            got = await self._venue.heartbeat(self._beat)
            if isinstance(got, Beaten | HeartbeatMismatch):
                self._beat = got.heartbeat_id
            if not isinstance(got, HeartbeatMismatch):
                await asyncio.sleep(BEAT_S)

    async def perform(self, work: Work) -> At:
        match work:
            case SignOrder():
                return await self._sign(work)
            case PostOrder(placed=placed):
                return await self._post(placed)
            case Watch(placed=placed):
                return await self._proofs.watch(placed)
            case CancelOrder(placed=placed):
                return await self._cancel(placed)
            case ProveGone(placed=placed):
                return await self._proofs.prove_gone(placed)
            case ProveFilled(placed=placed):
                return await self._proofs.prove_filled(placed)
            case _:
                assert_never(work)

    # ---- orders -------------------------------------------------------------------------------

    async def _sign(self, work: SignOrder) -> At:
        order = await self._order(work)
        if isinstance(order, str):
            kind = TooSmall if work.purpose is Purpose.SELL else Failed
            return kind(at_ms=boot_ms(), reason=order)
        known = await self._venue.warm(order.condition_id, order.token_id)
        account = await self._venue.account((order.token_id,))
        for found in (known, account):
            if isinstance(found, Unknown):
                return Failed(at_ms=boot_ms(), reason=found.reason)
        assert isinstance(account, AccountBalance)
        signed = await self._venue.sign(order)
        if isinstance(signed, Unsignable):
            return Failed(at_ms=boot_ms(), reason=signed.reason)
        placed = Placed(
            purpose=work.purpose,
            order_id=signed.order_id,
            body=signed.body,
            signed_wire_ms=signed.signed_wire_ms,
            condition_id=order.condition_id,
            token_id=order.token_id,
            price=order.price,
            shares=order.shares,
            cash_before_micro_usd=account.cash_micro_usd,
            held_before=account.shares.get(order.token_id, MicroShares(0)),
        )
        return Signed(at_ms=boot_ms(), placed=placed)

    async def _order(self, work: SignOrder) -> UnsignedOrder | str:
        if work.purpose is not Purpose.SELL:
            return await self._of_a_market(work.purpose)
        assert work.before is not None
        await asyncio.sleep(FRESH_S)
        book = await self._venue.book(work.before.token_id)
        if isinstance(book, Unknown):
            return f"its book cannot be read ({book.reason})"
        found = sale(work.before.condition_id, book, work.shares)
        return found or "at the best bid they are worth less than the smallest sale"

    async def _of_a_market(self, purpose: Purpose) -> UnsignedOrder | str:
        """Wait for a market of the fleet's slots whose book suits."""
        found = await until(MARKET_S_MAX, lambda: self._suiting(purpose))
        return found or "no market of the slots had a book that suits within eleven minutes"

    async def _suiting(self, purpose: Purpose) -> UnsignedOrder | None:
        for market in await self._markets():
            for outcome in Outcome:
                book = await self._venue.book(market.token(outcome))
                if isinstance(book, TokenBook) and (found := self._made(purpose, market, book)):
                    return found
        return None

    def _made(
        self, purpose: Purpose, market: ListedMarket, book: TokenBook
    ) -> UnsignedOrder | None:
        if purpose is Purpose.FAR:
            return far_order(market, book)
        return purchase(market, book, climb_limit(self._config.risk))

    async def _markets(self) -> Sequence[ListedMarket]:
        """Return the open markets of the slots, the longest windows first."""
        now_ms = int(instant(self._config.clock).market_ms)
        slots = [Slot.parse(entry.slot) for entry in self._config.slots]
        found = []
        for slot in sorted(slots, key=lambda one: -one.timeframe.length_ms):
            window = Window.at(now_ms, slot.timeframe)
            if window.close_ms - now_ms < LEFT_MS:
                continue
            market = await self._venue.market(market_slug(slot.asset, window))
            if isinstance(market, ListedMarket):
                found.append(market)
        return found

    async def _post(self, placed: Placed) -> At:
        halted = self._halted()
        if halted is not None:
            return NotTaken(at_ms=boot_ms(), reason=f"trading is halted: {halted}")
        signed = SignedOrder(
            order_id=placed.order_id, body=placed.body, signed_wire_ms=placed.signed_wire_ms
        )
        outcome = await self._venue.post(signed)
        match outcome:
            case Accepted() | Duplicated() | Unknown():
                return Posted(at_ms=boot_ms())
            case Rejected(message=message):
                return NotTaken(at_ms=boot_ms(), reason=f"the venue refused: {message}")
            case Unavailable(kind=kind):
                return NotTaken(at_ms=boot_ms(), reason=f"the venue takes no orders now ({kind})")
            case _:
                assert_never(outcome)

    async def _cancel(self, placed: Placed) -> At:
        outcome = await self._venue.cancel((placed.order_id,))
        if isinstance(outcome, Cancelled):
            return CancelTaken(at_ms=boot_ms())
        return Failed(at_ms=boot_ms(), reason=f"the cancel got no answer: {outcome}")
