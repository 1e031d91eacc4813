"""A venue without the climb's own orders: the gateway's books begin after it.

To the gateway they would be fills of orders that nobody sent (`orphan_fill`).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from actors.venue.answers import AccountBalance
from actors.venue.port import Unknown, VenueEvent, VenuePort, VenueTrade
from signals.units import MicroShares


def without_orders(
    venue: VenuePort, order_ids: frozenset[str], held: Mapping[str, int] | None = None
) -> VenuePort:
    """Return the same venue, whose trades and stream do not tell of these orders.

    `held`: shares of them by token, which the account has beside the fleet's.
    """
    if not order_ids:
        return venue
    return cast("VenuePort", _WithoutOrders(venue, order_ids, dict(held or {})))


class _WithoutOrders:
    def __init__(self, venue: VenuePort, order_ids: frozenset[str], held: dict[str, int]) -> None:
        self._venue = venue
        self._order_ids = order_ids
        self._held = held

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        found = await self._venue.account(token_ids)
        if isinstance(found, Unknown):
            return found
        shares = {
            token: MicroShares(max(0, count - self._held.get(token, 0)))
            for token, count in found.shares.items()
        }
        return msgspec.structs.replace(found, shares=shares)

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        found = await self._venue.trades(after_s)
        if isinstance(found, Unknown):
            return found
        return tuple(one for one in found if one.order_id not in self._order_ids)

    async def events(self) -> AsyncIterator[VenueEvent]:
        async for event in self._venue.events():
            if getattr(event, "order_id", "") not in self._order_ids:
                yield event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)
