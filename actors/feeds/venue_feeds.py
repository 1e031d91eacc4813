"""All connections of market data to the venue and its sources, opened and closed together."""

from actors.config import FleetConfig
from actors.feeds.book_stream import BookStream
from actors.feeds.kept_stream import Deliver, Keep, keep_nothing
from actors.feeds.price_credential import PriceLogin, credential_file
from actors.feeds.price_stream import PriceStream
from actors.market_data.sources.assemble import feed_reads
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
        self.reads = feed_reads(config, storage, deliver, keep)
        login = PriceLogin(credential_file(config.storage))
        self.prices = PriceStream(config.venue, deliver, login, keep)
        self.books = BookStream(config.venue, deliver, keep)

    async def close(self) -> None:
        await self.prices.close()
        await self.books.close()
        await self.reads.close()
