"""What market data says of itself to the console and the supervisor."""

from collections.abc import Iterator

import msgspec

from actors.config import FleetConfig
from actors.market_data.snapshot import newest_ms
from actors.market_data.state import Counts, MarketDataState, Now
from signals.market import Asset, Window, market_slug
from signals.snapshot import Feed


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    feed: Feed
    age_ms: int | None
    """Market ms, of the asset where it is oldest; None: some asset has never had it."""
    worst: str
    """That asset."""
    limit_ms: int

    @property
    def fresh(self) -> bool:
        return self.age_ms is not None and self.age_ms <= self.limit_ms


class RefusedInput(msgspec.Struct, frozen=True, kw_only=True):
    whose: str
    """An asset, or ``books`` for a frame that speaks of several."""
    name: str
    """Of `actors.market_data.inputs.Name`."""
    count: int
    cause: str
    """Of the newest."""
    ago_ms: int
    """Wire."""


class MarketDataStatus(msgspec.Struct, frozen=True, kw_only=True, tag="market_data_status"):
    name: str
    """Of the actor."""
    life: str
    market_ms: int
    feeds: tuple[FeedStatus, ...]
    counts: Counts
    markets: tuple[str, ...]
    """Slugs known now."""
    missing_markets: tuple[str, ...]
    """Slugs of current windows that the venue does not list (yet)."""
    trouble: tuple[str, ...]
    """One line for each fetch that fails now."""
    waiting: bool
    """True while nothing has ever come: the sources cannot be reached yet."""
    provenance: str
    """Where the data comes from, and whether it is real."""
    snapshots: int = 0
    """Made by this life."""
    oldest_due_wait_ms: int = 0
    """Wire ms from due to stored, of the latest decision point's slowest snapshot."""
    release: str = ""
    """What runs, see `actors.attest.release_running`."""
    phase: str = ""
    """``warming``, ``standing by``, ``serving`` or ``moved``."""
    refused: tuple[RefusedInput, ...] = ()
    """What was not believed since the start of this life."""
    tape_trouble: str = ""
    """Why nothing is recorded now; empty: it is, or nobody asked for it."""
    history_known: int = 0
    """Series of candles, funding and open interest that are there."""
    history_wanted: int = 0
    """Of so many: slots decide once all are."""
    sources: dict[str, str] = {}
    """Asset -> the exchange that serves it, where several are configured."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    life: str
    text: str
    snapshots: int
    latest_wait_ms: int
    release: str = ""
    phase: str = ""
    tape_trouble: str = ""


def where_from(config: FleetConfig) -> str:
    venue = config.venue
    where = venue.clob_url if config.sources else f"{venue.clob_url}, {venue.binance_url}"
    return f"{config.mode}: {where}, market time x{config.clock.speed}"


TROUBLE_MAX: int = 20
"""Lines; one cause usually fails every fetch alike."""
BAR_WIDTH: int = 24
"""Characters."""
REFUSED_SHOWN_MS: int = 60_000
"""Wire: so long a refused input is trouble of now; its count stays."""


def market_data_status(state: MarketDataState, now: Now, who: Provenance) -> MarketDataStatus:
    current = {
        asset: [
            market_slug(asset, Window.at(now.market_ms, slot.timeframe))
            for slot in state.settings.slots
            if slot.asset is asset
        ]
        for asset in state.settings.assets
    }
    refused = tuple(_refused(state, now))
    return MarketDataStatus(
        name=who.name,
        life=who.life,
        market_ms=now.market_ms,
        feeds=tuple(_feed(state, feed, current, now) for feed in Feed),
        counts=state.counts,
        markets=tuple(sorted(state.markets)),
        missing_markets=tuple(
            slug for slugs in current.values() for slug in slugs if slug not in state.markets
        ),
        trouble=tuple(_trouble(state, refused))[:TROUBLE_MAX],
        waiting=not any(len(c) for f in state.feeds.values() for c in f.candles.values()),
        provenance=f"{who.text}{_sources_text(state)}",
        snapshots=who.snapshots,
        oldest_due_wait_ms=who.latest_wait_ms,
        release=who.release,
        phase=who.phase,
        refused=refused,
        tape_trouble=who.tape_trouble,
        history_known=history_known(state)[0],
        history_wanted=history_known(state)[1],
        sources={str(asset): feeds.source for asset, feeds in state.feeds.items() if feeds.source},
    )


def history_known(state: MarketDataState) -> tuple[int, int]:
    """Return how many series of how many are there: how far the back-fill has come."""
    series: list[bool] = []
    for feeds in state.feeds.values():
        series += [len(candles) > 0 for candles in feeds.candles.values()]
        series += [bool(feeds.funding), bool(feeds.open_interest)]
    return sum(series), len(series)


def _sources_text(state: MarketDataState) -> str:
    """Say which exchange serves which assets, where several are configured."""
    assets: dict[str, list[str]] = {}
    for asset, feeds in state.feeds.items():
        if feeds.source:
            assets.setdefault(feeds.source, []).append(str(asset))
    return "".join(f"; {source}: {' '.join(served)}" for source, served in assets.items())


def back_fill_text(known: int, wanted: int) -> str:
    """Draw how far the history has come."""
    done = BAR_WIDTH * known // wanted
    return f"history [{'#' * done}{'.' * (BAR_WIDTH - done)}] {known} of {wanted} series"


def _trouble(state: MarketDataState, refused: tuple[RefusedInput, ...]) -> Iterator[str]:
    known, wanted = history_known(state)
    if known < wanted:
        yield back_fill_text(known, wanted)
    for job, why in sorted(state.trouble.items()):
        yield f"{job}: {why}"
    for one in refused:
        if one.ago_ms <= REFUSED_SHOWN_MS:
            yield f"{one.whose} {one.name} refused {one.count} times, last: {one.cause}"


def _refused(state: MarketDataState, now: Now) -> Iterator[RefusedInput]:
    for key, one in sorted(state.refused.items()):
        whose, _, name = key.partition("/")
        ago_ms = now.wire_ms - one.wire_ms
        yield RefusedInput(whose=whose, name=name, count=one.count, cause=one.cause, ago_ms=ago_ms)


def _feed(
    state: MarketDataState, feed: Feed, current: dict[Asset, list[str]], now: Now
) -> FeedStatus:
    ages: dict[Asset, int | None] = {}
    for asset, slugs in current.items():
        markets = tuple(state.markets[slug] for slug in slugs if slug in state.markets)
        newest = newest_ms(state.feeds[asset], markets, state.books)[feed]
        ages[asset] = None if newest is None else max(0, now.market_ms - newest)
    never = next((asset for asset, age in ages.items() if age is None), None)
    worst = never or max(ages, key=lambda asset: ages[asset] or 0)
    return FeedStatus(
        feed=feed,
        age_ms=ages[worst],
        worst=str(worst),
        limit_ms=state.settings.limits_ms[feed],
    )
