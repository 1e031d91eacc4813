"""Does what the climb asks for at the venue, each step with a limit; see `actors.live.climb`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar, assert_never

import msgspec

from actors.clock import boot_ms, instant
from actors.config import FleetConfig
from actors.live.climb import (
    CancelOrder,
    CancelTaken,
    Filled,
    Gone,
    NotFilled,
    NotTaken,
    Placed,
    Posted,
    PostOrder,
    ProveFilled,
    ProveGone,
    Purpose,
    Seen,
    Signed,
    SignOrder,
    TooSmall,
    Watch,
    Work,
)
from actors.live.climb_orders import far_order, purchase, sale
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
    TradeStatus,
    Unavailable,
    Unknown,
    Unsignable,
    UnsignedOrder,
    VenuePort,
    VenueTrade,
)
from signals.market import Outcome, Slot, Window, market_slug
from signals.units import MICRO, MicroShares, MicroUsd

LOOK_S: Final = 1.0
"""Wire, between two looks: far below the venue's limits."""
SEE_S_MAX: Final = 30.0
"""Wire, until listing and stream show an order."""
GONE_S_MAX: Final = 30.0
FILL_S_MAX: Final = 180.0
"""Wire, until a fill is confirmed on the chain: seconds as a rule."""
NO_FILL_MS: Final = 60_000
"""Wire, since it was signed: an order that takes at once was matched by then, or never."""
BALANCE_S_MAX: Final = 120.0
"""Wire, until the venue's own figures have caught up with a confirmed trade."""
MARKET_S_MAX: Final = 660.0
"""Wire, for a market that suits: two 5-minute windows."""
LEFT_MS: Final = 150_000
"""Market ms before the close: the round trip must end inside the window."""
OLD_MS: Final = 600_000
"""Wire, since an order was signed: longer than all proofs of one climb take."""
FRESH_S: Final = 3.0
"""Wire, before a sale that was refused is tried again: fresh shares cannot be sold at once."""
BEAT_S: Final = 3.0
"""Wire. The venue cancels everything after ten seconds of silence."""
CASH_DUST_MICRO_USD: Final = 50_000
"""Five cents: fees are rounded by a rule that the venue does not publish."""
SHARES_DUST: Final = 10_000
"""One size step."""
TRADES_BEFORE_S: Final = 60
"""Trades are asked for from so long before an order was signed: clocks differ."""
MS_PER_S: Final = 1_000

_Found = TypeVar("_Found")


class Climber:
    """Performs the work of one climb."""

    def __init__(
        self, venue: VenuePort, config: FleetConfig, halted: Callable[[], str | None]
    ) -> None:
        self._venue = venue
        self._config = config
        self._halted = halted
        self._streamed: set[str] = set()
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
                self._streamed.add(event.order_id)

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
                return await self._watch(placed)
            case CancelOrder(placed=placed):
                return await self._cancel(placed)
            case ProveGone(placed=placed):
                return await self._prove_gone(placed)
            case ProveFilled(placed=placed):
                return await self._prove_filled(placed)
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
        found = await _until(MARKET_S_MAX, lambda: self._suiting(purpose))
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
        return purchase(market, book, self._config.risk.order_micro_usd)

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

    # ---- proofs -------------------------------------------------------------------------------

    async def _watch(self, placed: Placed) -> At:
        async def seen() -> bool | None:
            orders = await self._venue.open_orders()
            listed = not isinstance(orders, Unknown) and placed.order_id in _ids(orders)
            return (listed and placed.order_id in self._streamed) or None

        if await _until(SEE_S_MAX, seen):
            return Seen(at_ms=boot_ms())
        where = "the stream" if placed.order_id not in self._streamed else "the open orders"
        said = f"the far order was not in {where} within {SEE_S_MAX:.0f} s"
        return Failed(at_ms=boot_ms(), reason=said)

    async def _prove_gone(self, placed: Placed) -> At:
        async def gone() -> bool | None:
            orders = await self._venue.open_orders()
            fills = await self._fills(placed)
            if isinstance(orders, Unknown) or isinstance(fills, Unknown):
                return None
            return (placed.order_id not in _ids(orders) and not fills) or None

        if await _until(GONE_S_MAX, gone):
            return Gone(at_ms=boot_ms())
        said = f"the far order {placed.order_id} is not proved gone: look at the venue's page"
        return Failed(at_ms=boot_ms(), reason=said)

    async def _prove_filled(self, placed: Placed) -> At:
        async def ended() -> tuple[VenueTrade, ...] | None:
            fills = await self._fills(placed)
            if isinstance(fills, Unknown):
                return None
            if not fills:
                old = instant(self._config.clock).wire_ms - placed.signed_wire_ms > NO_FILL_MS
                return () if old else None
            return fills if all(fill.status.final for fill in fills) else None

        fills = await _until(FILL_S_MAX, ended)
        if fills is None:
            said = f"its trades are not final within {FILL_S_MAX:.0f} s: start again, it is asked"
            return Failed(at_ms=boot_ms(), reason=said)
        good = [fill for fill in fills if fill.status is not TradeStatus.FAILED]
        if fills and not good:
            return Failed(at_ms=boot_ms(), reason="its trade failed on the chain: nothing moved")
        if not good:
            return NotFilled(at_ms=boot_ms())
        return await self._in_balance(placed, good)

    async def _in_balance(self, placed: Placed, fills: Sequence[VenueTrade]) -> At:
        """Prove that cash and shares moved as the trades say.

        Of an order that an earlier start left the trades are proof enough: the balance went on.
        """
        shares = sum(fill.shares for fill in fills)
        value = sum(fill.price * fill.shares for fill in fills) // MICRO
        fees = sum(fill.fee_micro_usd for fill in fills)
        sign = 1 if placed.purpose is Purpose.BUY else -1
        money = value + sign * fees
        wanted_cash = placed.cash_before_micro_usd - sign * money
        wanted_shares = placed.held_before + sign * shares

        seen: list[str] = ["not read"]

        async def moved() -> bool | None:
            account = await self._venue.account((placed.token_id,))
            if isinstance(account, Unknown):
                return None
            held = account.shares.get(placed.token_id, MicroShares(0))
            cash_off = account.cash_micro_usd - wanted_cash
            shares_off = held - wanted_shares
            seen[:] = [f"cash {cash_off:+d} micro-USD, shares {shares_off:+d} micro-shares"]
            near = abs(shares_off) <= SHARES_DUST
            return (near and abs(cash_off) <= CASH_DUST_MICRO_USD) or None

        now_ms = int(instant(self._config.clock).wire_ms)
        old = now_ms - placed.signed_wire_ms > OLD_MS
        if not old and await _until(BALANCE_S_MAX, moved) is None:
            said = f"trades are confirmed, but the balance differs from what they say: {seen[0]}"
            return Failed(at_ms=boot_ms(), reason=said)
        return Filled(
            at_ms=boot_ms(),
            shares=MicroShares(shares),
            micro_usd=MicroUsd(money),
            wire_ms=now_ms,
        )

    async def _fills(self, placed: Placed) -> tuple[VenueTrade, ...] | Unknown:
        after_s = placed.signed_wire_ms // MS_PER_S - TRADES_BEFORE_S
        trades = await self._venue.trades(after_s)
        if isinstance(trades, Unknown):
            return trades
        return tuple(trade for trade in trades if trade.order_id == placed.order_id)


def _ids(orders: Sequence[msgspec.Struct]) -> set[str]:
    return {str(getattr(order, "order_id", "")) for order in orders}


async def _until(seconds: float, look: Callable[[], Awaitable[_Found | None]]) -> _Found | None:
    """Look until something is found; None when the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                found = await look()
                if found is not None:
                    return found
                await asyncio.sleep(LOOK_S)
    return None
