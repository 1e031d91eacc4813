"""All connections of market data to the venue and its sources, opened and closed together."""

from actors.config import FleetConfig
from actors.feeds.kept_stream import keep_nothing
from actors.market_data.sources.assemble import feed_reads
from actors.market_data.venue_feed import Deliver, Keep
from actors.venue.connect import feed_of
from checkpoints.storage import LocalStorage


class VenueFeeds:
    def __init__(
        self,
        config: FleetConfig,
        storage: LocalStorage,
        deliver: Deliver,
        keep: Keep | None = None,
    ) -> None:
        """`keep` is given each frame and body as it came."""
        keep = keep or keep_nothing
        self.venue = feed_of(config, deliver, keep)
        self.reads = feed_reads(config, storage, self.venue, deliver, keep)

    async def close(self) -> None:
        await self.venue.close()
        await self.reads.close()
