"""Make a snapshot from the buffers: pure, and honest about what is old or missing."""

from actors.market_data.agreement import Faults, faults
from actors.market_data.opening import opening_of
from actors.market_data.state import (
    BOOK_LEVELS,
    INTERVAL_MS,
    AssetFeeds,
    BookBuffer,
    KnownMarket,
    MarketDataState,
)
from signals.market import Asset, Window, market_slug
from signals.snapshot import (
    Book,
    BookLevel,
    Feed,
    InputAge,
    Interval,
    MarketView,
    Snapshot,
    Ticks,
)
from signals.units import MicroShares, PriceMicroUsd


def build_snapshot(state: MarketDataState, asset: Asset, due_ms: int, taken_ms: int) -> Snapshot:
    """Show what is known of an asset at `taken_ms`, at or after the decision point `due_ms`."""
    feeds = state.feeds[asset]
    known = _current_markets(state, asset, due_ms)
    wrong = faults(feeds, known, state.books, taken_ms)
    markets = tuple(_view(market, state.books, feeds.ticks) for market in known)
    return Snapshot(
        asset=asset,
        due_ms=due_ms,
        taken_ms=taken_ms,
        candles=tuple(feeds.candles[interval] for interval in Interval),
        ticks=feeds.ticks,
        funding=feeds.funding,
        next_funding_ms=feeds.next_funding_ms,
        open_interest=feeds.open_interest,
        markets=markets,
        ages=tuple(
            _age(feed, newest, taken_ms, state.settings.limits_ms[feed], wrong)
            for feed, newest in newest_ms(feeds, known, state.books).items()
        ),
    )


def _age(feed: Feed, newest: int | None, taken_ms: int, limit_ms: int, wrong: Faults) -> InputAge:
    """An input that its sisters contradict has no age: it counts as never seen, and says why."""
    fault = wrong.get(feed)
    if fault is not None:
        told = f"{fault.name}: {fault.cause}"
        return InputAge(feed=feed, age_ms=None, limit_ms=limit_ms, fault=told)
    age_ms = None if newest is None else max(0, taken_ms - newest)
    return InputAge(feed=feed, age_ms=age_ms, limit_ms=limit_ms)


def newest_ms(
    feeds: AssetFeeds, markets: tuple[KnownMarket, ...], books: dict[str, BookBuffer]
) -> dict[Feed, int | None]:
    """Return the market time of each feed's newest datum; None: never seen.

    Books and markets are as old as the oldest of them: one silent book is a stale input.
    """
    candles = feeds.candles[Interval.M5]
    received = [
        books[token].received_ms if token in books else None
        for market in markets
        for token in market.token_ids
    ]
    return {
        Feed.CANDLES: candles.open_time_ms[-1] + INTERVAL_MS[Interval.M5] if len(candles) else None,
        Feed.TICKS: feeds.ticks.observed_ms[-1] if feeds.ticks.observed_ms else None,
        Feed.FUNDING: feeds.funding[-1].time_ms if feeds.funding else None,
        Feed.OPEN_INTEREST: feeds.open_interest[-1].time_ms if feeds.open_interest else None,
        Feed.BOOKS: _oldest(received),
        Feed.MARKETS: _oldest([market.checked_ms for market in markets]),
    }


def _oldest(times_ms: list[int | None] | list[int]) -> int | None:
    known = [time_ms for time_ms in times_ms if time_ms is not None]
    return min(known) if known and len(known) == len(times_ms) else None


def _current_markets(state: MarketDataState, asset: Asset, due_ms: int) -> tuple[KnownMarket, ...]:
    slugs = [
        market_slug(asset, Window.at(due_ms, slot.timeframe))
        for slot in state.settings.slots
        if slot.asset is asset
    ]
    return tuple(state.markets[slug] for slug in slugs if slug in state.markets)


def _view(market: KnownMarket, books: dict[str, BookBuffer], ticks: Ticks) -> MarketView:
    return MarketView(
        window=market.window,
        condition_id=market.condition_id,
        up_token_id=market.up_token_id,
        down_token_id=market.down_token_id,
        up_book=_book(books.get(market.up_token_id)),
        down_book=_book(books.get(market.down_token_id)),
        accepting_orders=market.accepting_orders,
        fee_rate=market.fee_rate,
        min_order_shares=market.min_order_shares,
        twap_lookback_seconds=market.twap_lookback_seconds,
        price_to_beat=strike_of(market, ticks),
    )


def strike_of(market: KnownMarket, ticks: Ticks) -> float | None:
    """Return the average observed exactly at the open, else what the venue publishes of it.

    Where the venue publishes it after the window, who started later than the open knows no strike,
    and nothing is decided on this market.
    """
    observed = opening_of(market, ticks)
    return market.price_to_beat if observed is None else observed


def _book(buffer: BookBuffer | None) -> Book | None:
    if buffer is None:
        return None
    bids = sorted(buffer.bids.items(), reverse=True)[:BOOK_LEVELS]
    asks = sorted(buffer.asks.items())[:BOOK_LEVELS]
    return Book(
        bids=tuple(BookLevel(PriceMicroUsd(p), MicroShares(shares)) for p, shares in bids),
        asks=tuple(BookLevel(PriceMicroUsd(p), MicroShares(shares)) for p, shares in asks),
        tick_micro_usd=buffer.tick_micro_usd,
        received_ms=buffer.received_ms,
    )
