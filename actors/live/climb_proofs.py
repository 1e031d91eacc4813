"""What proves a step of the climb: listings, the stream, trades and the balance, each in time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import msgspec

from actors.clock import boot_ms, instant
from actors.config import FleetConfig
from actors.live.climb_state import Filled, Gone, NotFilled, Placed, Purpose, Seen
from actors.machine.vocabulary import At, Failed
from actors.venue.port import TradeStatus, Unknown, VenuePort, VenueTrade
from signals.market import Side
from signals.units import MICRO, MicroShares, MicroUsd

LOOK_S: Final = 1.0
"""Wire, between two looks: far below the venue's limits."""
SEE_S_MAX: Final = 30.0
"""Wire, until listing and stream show an order."""
GONE_S_MAX: Final = 60.0
QUIET_MS: Final = 5_000
"""Monotonic, after it is listed no more: a fill that crossed the cancel is told by then."""
FILL_S_MAX: Final = 180.0
"""Wire, until a fill is confirmed on the chain: seconds as a rule."""
NO_FILL_MS: Final = 60_000
"""Wire, since it was signed: an order that takes at once was matched by then, or never."""
BALANCE_S_MAX: Final = 120.0
"""Wire, until the venue's own figures have caught up with a confirmed trade."""
OLD_MS: Final = 600_000
"""Wire, since an order was signed: longer than all proofs of one climb take."""
CASH_DUST_MICRO_USD: Final = 50_000
"""Five cents: fees are rounded by a rule that the venue does not publish."""
SHARES_DUST: Final = 10_000
"""One size step."""
TRADES_BEFORE_S: Final = 60
"""Trades are asked for from so long before an order was signed: clocks differ."""
MS_PER_S: Final = 1_000

_Found = TypeVar("_Found")


class Proofs:
    """Looks at the venue until a step is proved, or its time is over."""

    def __init__(self, venue: VenuePort, config: FleetConfig) -> None:
        self._venue = venue
        self._config = config
        self.streamed: set[str] = set()
        """Orders that the user stream has told of."""

    async def watch(self, placed: Placed) -> At:
        async def seen() -> bool | None:
            orders = await self._venue.open_orders()
            listed = not isinstance(orders, Unknown) and placed.order_id in _ids(orders)
            return (listed and placed.order_id in self.streamed) or None

        if await until(SEE_S_MAX, seen):
            return Seen(at_ms=boot_ms())
        where = "the stream" if placed.order_id not in self.streamed else "the open orders"
        said = f"the far order was not in {where} within {SEE_S_MAX:.0f} s"
        return Failed(at_ms=boot_ms(), reason=said)

    async def prove_gone(self, placed: Placed) -> At:
        unlisted_ms: list[float] = []

        async def gone() -> tuple[VenueTrade, ...] | None:
            orders = await self._venue.open_orders()
            fills = await self._fills(placed)
            if isinstance(orders, Unknown) or isinstance(fills, Unknown):
                return None
            if placed.order_id in _ids(orders):
                return None
            unlisted_ms.append(boot_ms())
            quiet = unlisted_ms[-1] - unlisted_ms[0] >= QUIET_MS
            return fills if quiet and all(fill.status.final for fill in fills) else None

        fills = await until(GONE_S_MAX, gone)
        if fills is not None:
            late = sum(one.shares for one in fills if one.status is not TradeStatus.FAILED)
            return Gone(at_ms=boot_ms(), late_shares=MicroShares(late))
        said = f"the far order {placed.order_id} is not proved gone: look at the venue's page"
        return Failed(at_ms=boot_ms(), reason=said)

    async def prove_filled(self, placed: Placed) -> At:
        async def ended() -> tuple[VenueTrade, ...] | None:
            fills = await self._fills(placed)
            if isinstance(fills, Unknown):
                return None
            if not fills:
                old = instant(self._config.clock).wire_ms - placed.signed_wire_ms > NO_FILL_MS
                return () if old else None
            return fills if all(fill.status.final for fill in fills) else None

        fills = await until(FILL_S_MAX, ended)
        if fills is None:
            said = f"its trades are not final within {FILL_S_MAX:.0f} s: start again, it is asked"
            return Failed(at_ms=boot_ms(), reason=said)
        good = [fill for fill in fills if fill.status is not TradeStatus.FAILED]
        if not good:  # none, or all failed on the chain: nothing moved, and nothing will
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
        late = await self._late(placed)

        async def moved() -> bool | None:
            account = await self._venue.account((placed.token_id,))
            if isinstance(account, Unknown):
                return None
            held = account.shares.get(placed.token_id, MicroShares(0))
            cash_off = account.cash_micro_usd - wanted_cash
            shares_off = held - wanted_shares
            seen[:] = [f"cash {cash_off:+d} micro-USD, shares {shares_off:+d} micro-shares"]
            near = any(abs(shares_off - more) <= SHARES_DUST for more in (0, late))
            return (near and abs(cash_off) <= CASH_DUST_MICRO_USD) or None

        now_ms = int(instant(self._config.clock).wire_ms)
        old = now_ms - placed.signed_wire_ms > OLD_MS
        if not old and await until(BALANCE_S_MAX, moved) is None:
            said = f"trades are confirmed, but the balance differs from what they say: {seen[0]}"
            return Failed(at_ms=boot_ms(), reason=said)
        return Filled(
            at_ms=boot_ms(),
            shares=MicroShares(shares),
            micro_usd=MicroUsd(money),
            wire_ms=now_ms,
        )

    async def _late(self, placed: Placed) -> int:
        """Return what a far order of this climb got in the token since: nobody else trades here.

        At a cent a share it stays within what cash may differ by.
        """
        trades = await self._venue.trades(placed.signed_wire_ms // MS_PER_S - TRADES_BEFORE_S)
        if isinstance(trades, Unknown):
            return 0
        return sum(
            one.shares
            for one in trades
            if (one.token_id, one.side) == (placed.token_id, Side.BUY)
            and one.order_id != placed.order_id
            and one.maker
            and one.status is not TradeStatus.FAILED
        )

    async def _fills(self, placed: Placed) -> tuple[VenueTrade, ...] | Unknown:
        after_s = placed.signed_wire_ms // MS_PER_S - TRADES_BEFORE_S
        trades = await self._venue.trades(after_s)
        if isinstance(trades, Unknown):
            return trades
        return tuple(trade for trade in trades if trade.order_id == placed.order_id)


def _ids(orders: Sequence[msgspec.Struct]) -> set[str]:
    return {str(getattr(order, "order_id", "")) for order in orders}


async def until(seconds: float, look: Callable[[], Awaitable[_Found | None]]) -> _Found | None:
    """Look until something is found; None when the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                found = await look()
                if found is not None:
                    return found
                await asyncio.sleep(LOOK_S)
    return None
