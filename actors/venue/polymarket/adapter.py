"""What the fleet uses of Polymarket."""

from typing import Final

from actors.config import FleetConfig
from actors.market_data.venue_feed import Deliver, Keep, VenueFeed
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

    def feed(self, config: FleetConfig, deliver: Deliver, keep: Keep) -> VenueFeed:
        from actors.feeds.polymarket_feed import PolymarketFeed  # the gateway needs none of it

        return PolymarketFeed(config, deliver, keep)

    def check_key(self, config: FleetConfig) -> None:
        load_private_key(config.venue)


ADAPTER: Final[Adapter] = PolymarketAdapter()
