"""Put the configured sources together for market data."""

from collections.abc import Callable

from actors.config import FleetConfig
from actors.feeds.reads import FeedReads
from actors.market_data.events import Event
from actors.market_data.sources.catalogue import exchange_of
from actors.market_data.sources.connected import ExchangeSource
from actors.market_data.sources.feeds import SourceFeeds
from actors.market_data.sources.records import SourceRecords
from actors.market_data.sources.roster import Roster
from actors.market_data.state import settings_of
from actors.market_data.venue_feed import Keep, VenueFeed
from actors.runtime import wire_ms
from checkpoints.storage import LocalStorage


def feed_reads(
    config: FleetConfig,
    storage: LocalStorage,
    venue: VenueFeed,
    deliver: Callable[[Event], None],
    keep: Keep,
) -> FeedReads:
    sources = source_feeds(config, storage, deliver)
    return FeedReads(config.venue.binance_url, venue, sources, keep)


def source_feeds(
    config: FleetConfig, storage: LocalStorage, deliver: Callable[[Event], None]
) -> SourceFeeds | None:
    """Return what answers market data's fetches of exchanges; None: one service is configured."""
    if not config.sources:
        return None

    def market_ms() -> int:
        return config.clock.market_ms(wire_ms())

    sources = {
        one.name: ExchangeSource(exchange_of(one.name), one.rest_url, one.socket_url, market_ms)
        for one in config.sources
    }
    assets = settings_of(config).assets
    roster = Roster(sources, assets, market_ms, deliver, SourceRecords(config, storage))
    feeds = SourceFeeds(roster, config.clock.speed)
    feeds.begin()
    return feeds
