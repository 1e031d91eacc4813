"""A venue without the climb's own orders: the gateway's books begin after it.

To the gateway they would be fills of orders that nobody sent (`orphan_fill`).
"""

from collections.abc import AsyncIterator
from typing import Any, cast

from actors.venue.port import Unknown, VenueEvent, VenuePort, VenueTrade


def without_orders(venue: VenuePort, order_ids: frozenset[str]) -> VenuePort:
    """Return the same venue, whose trades and stream do not tell of these orders."""
    return cast("VenuePort", _WithoutOrders(venue, order_ids)) if order_ids else venue


class _WithoutOrders:
    def __init__(self, venue: VenuePort, order_ids: frozenset[str]) -> None:
        self._venue = venue
        self._order_ids = order_ids

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
