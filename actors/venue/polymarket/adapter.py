"""What the fleet uses of Polymarket."""

from typing import Final

from actors.config import FleetConfig
from actors.venue.adapter import Adapter
from actors.venue.keys import load_private_key
from actors.venue.polymarket.public import PublicReads
from actors.venue.polymarket.venue import PolymarketVenue, connect
from actors.venue.port import Rejected, Unknown


class PolymarketAdapter:
    async def connect(
        self, config: FleetConfig, timeout_s: float
    ) -> PolymarketVenue | Rejected | Unknown:
        return await connect(config.venue, timeout_s)

    def public(self, config: FleetConfig, timeout_s: float) -> PublicReads:
        return PublicReads(config.venue, timeout_s)

    def check_key(self, config: FleetConfig) -> None:
        load_private_key(config.venue)


ADAPTER: Final[Adapter] = PolymarketAdapter()
