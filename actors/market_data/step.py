"""Market data as a pure machine: `step(state, event, now) -> (state, effects)`."""

from typing import Final, assert_never

import msgspec

from actors.market_data.buffers import (
    change_book,
    merge_candles,
    merge_funding,
    merge_open_interest,
    merge_ticks,
    newly_received_ms,
    replace_book,
)
from actors.market_data.events import (
    AnswerSnapshot,
    BookChanged,
    BooksReceived,
    Effect,
    Event,
    FetchFailed,
    FollowBooks,
    FollowPrices,
    FundingReceived,
    KlinesReceived,
    MarketFound,
    MarketMissing,
    OpenInterestReceived,
    Say,
    SnapshotAsked,
    StreamFault,
    TickSizeChanged,
    TicksReceived,
    Timer,
)
from actors.market_data.jobs import (
    FOLLOW_AHEAD_MS,
    after_funding,
    after_klines,
    after_market,
    after_open_interest,
    answered,
    failed,
    start_due_jobs,
    with_market_jobs,
)
from actors.market_data.snapshot import build_snapshot
from actors.market_data.state import (
    AssetFeeds,
    BookBuffer,
    MarketDataState,
    Now,
    next_decision_point,
)
from signals.market import Asset

SILENT_WIRE_MS: Final = 10_000
"""A stream with no message at all for this long is made anew: sockets can hang while open."""

Stepped = tuple[MarketDataState, list[Effect]]


def step(state: MarketDataState, event: Event, now: Now) -> Stepped:  # noqa: C901, PLR0911, PLR0912 one arm for each event
    """Apply one event. Never raises for an event that can happen."""
    match event:
        case Timer():
            return _time_passed(state, now)
        case KlinesReceived():
            return _klines(state, event, now), []
        case FundingReceived():
            return _funding(state, event, now), []
        case OpenInterestReceived():
            return _open_interest(state, event, now), []
        case MarketFound():
            return _market_found(state, event, now)
        case MarketMissing(slug=slug):
            return after_market(state, slug, None, now), []
        case FetchFailed():
            return _failed(state, event, now)
        case TicksReceived():
            return _ticks(state, event, now), []
        case BooksReceived():
            return _books(state, event, now), []
        case BookChanged():
            return _book_changed(state, event, now), []
        case TickSizeChanged():
            return _tick_size(state, event), []
        case StreamFault():
            return _stream_fault(state, event), []
        case SnapshotAsked(asset=asset, due_ms=due_ms):
            snapshot = build_snapshot(state, asset, due_ms, now.market_ms)
            return state, [AnswerSnapshot(snapshot=snapshot)]
        case _:
            assert_never(event)


def _time_passed(state: MarketDataState, now: Now) -> Stepped:
    effects: list[Effect] = []
    state, made = _due_snapshots(state, now)
    effects += made
    state = with_market_jobs(state, now)
    state, followed = _follow(state, now)
    effects += followed
    state, fetches = start_due_jobs(state, now)
    effects += fetches
    return state, effects


def _due_snapshots(state: MarketDataState, now: Now) -> Stepped:
    """Make every asset's snapshot in the moment it is due, asked or not.

    After a pause only the newest decision point is made: a late one is of use to nobody unasked.
    """
    if now.market_ms < state.next_due_ms:
        return state, []
    due_ms = state.next_due_ms
    point = next_decision_point(state.settings, due_ms)
    while point.due_ms <= now.market_ms:
        due_ms = point.due_ms
        point = next_decision_point(state.settings, due_ms)
    made: list[Effect] = [
        AnswerSnapshot(snapshot=build_snapshot(state, asset, due_ms, now.market_ms))
        for asset in state.settings.assets
    ]
    return msgspec.structs.replace(state, next_due_ms=point.due_ms), made


def _follow(state: MarketDataState, now: Now) -> Stepped:
    """Subscribe to what is wanted and not followed; make silent streams anew."""
    effects: list[Effect] = []
    wanted = {
        market.condition_id: market.token_ids
        for market in state.markets.values()
        if market.window.open_ms - FOLLOW_AHEAD_MS <= now.market_ms < market.window.close_ms
    }
    may_watch = now.wire_ms - state.watched_wire_ms >= SILENT_WIRE_MS
    silent_prices = may_watch and now.wire_ms - state.last_tick_wire_ms >= SILENT_WIRE_MS
    silent_books = (
        may_watch and bool(wanted) and now.wire_ms - state.last_book_wire_ms >= SILENT_WIRE_MS
    )
    if silent_prices or not state.prices_followed:
        effects.append(FollowPrices(assets=state.settings.assets))
    if silent_books or wanted != state.followed:
        effects.append(FollowBooks(markets=wanted, anew=silent_books))
    if not effects:
        return state, []
    watched_ms = now.wire_ms if silent_prices or silent_books else state.watched_wire_ms
    state = msgspec.structs.replace(
        state, followed=wanted, prices_followed=True, watched_wire_ms=watched_ms
    )
    return state, effects


def _with_feeds(state: MarketDataState, asset: Asset, feeds: AssetFeeds) -> MarketDataState:
    return msgspec.structs.replace(state, feeds=state.feeds | {asset: feeds})


def _klines(state: MarketDataState, event: KlinesReceived, now: Now) -> MarketDataState:
    feeds = state.feeds[event.asset]
    interval = event.candles.interval
    candles = merge_candles(feeds.candles[interval], event.candles)
    feeds = msgspec.structs.replace(feeds, candles=feeds.candles | {interval: candles})
    return after_klines(_with_feeds(state, event.asset, feeds), event.asset, interval, now)


def _funding(state: MarketDataState, event: FundingReceived, now: Now) -> MarketDataState:
    feeds = state.feeds[event.asset]
    feeds = msgspec.structs.replace(
        feeds,
        funding=merge_funding(feeds.funding, event.points),
        next_funding_ms=event.next_funding_ms,
    )
    return after_funding(_with_feeds(state, event.asset, feeds), event.asset, now)


def _open_interest(
    state: MarketDataState, event: OpenInterestReceived, now: Now
) -> MarketDataState:
    feeds = state.feeds[event.asset]
    merged = merge_open_interest(feeds.open_interest, event.points)
    feeds = msgspec.structs.replace(feeds, open_interest=merged)
    return after_open_interest(_with_feeds(state, event.asset, feeds), event.asset, now)


def _market_found(state: MarketDataState, event: MarketFound, now: Now) -> Stepped:
    if f"market/{event.slug}" not in state.jobs:
        return state, []  # its window is over
    known = state.markets.get(event.slug)
    market = event.market
    if known is not None and market.price_to_beat is None:
        market = msgspec.structs.replace(market, price_to_beat=known.price_to_beat)
    state = msgspec.structs.replace(state, markets=state.markets | {event.slug: market})
    return _follow(after_market(state, event.slug, market, now), now)


def _failed(state: MarketDataState, event: FetchFailed, now: Now) -> Stepped:
    counts = state.counts
    if event.malformed:
        counts = msgspec.structs.replace(counts, malformed=counts.malformed + 1)
    else:
        counts = msgspec.structs.replace(counts, unreachable=counts.unreachable + 1)
    state, said = failed(
        msgspec.structs.replace(state, counts=counts), event.job, event.reason, now
    )
    effects: list[Effect] = list[Effect](said)
    return state, effects


def _ticks(state: MarketDataState, event: TicksReceived, now: Now) -> MarketDataState:
    feeds = state.feeds.get(event.asset)
    if feeds is None:
        return state
    ticks, late = merge_ticks(feeds.ticks, event.ticks, now.market_ms)
    state = _with_feeds(state, event.asset, msgspec.structs.replace(feeds, ticks=ticks))
    counts = msgspec.structs.replace(state.counts, late=state.counts.late + late)
    is_news = ticks.observed_ms[-1:] != feeds.ticks.observed_ms[-1:]
    return msgspec.structs.replace(
        state,
        last_tick_wire_ms=now.wire_ms if is_news else state.last_tick_wire_ms,
        counts=counts,
    )


def _books(state: MarketDataState, event: BooksReceived, now: Now) -> MarketDataState:
    ticks = {
        token: market.tick_micro_usd
        for market in state.markets.values()
        for token in market.token_ids
    }
    books, late = dict(state.books), 0
    for fresh in event.books:
        if fresh.token_id not in ticks:
            continue
        known = books.get(fresh.token_id)
        received_ms = now.market_ms
        if not event.polled:
            received_ms = newly_received_ms(known, fresh.stamp_wire_ms, now.market_ms)
        book = replace_book(known, fresh, ticks[fresh.token_id], received_ms)
        if book is None:
            late += 1
        else:
            books[fresh.token_id] = book
    if event.polled:
        return answered(_counted(state, books, late), "books", now.market_ms, now)
    return _heard_books(_counted(state, books, late), state, now)


def _counted(state: MarketDataState, books: dict[str, BookBuffer], late: int) -> MarketDataState:
    counts = msgspec.structs.replace(state.counts, late=state.counts.late + late)
    return msgspec.structs.replace(state, books=books, counts=counts)


def _heard_books(after: MarketDataState, before: MarketDataState, now: Now) -> MarketDataState:
    """Note that the stream lives, unless it only repeated itself."""
    if after.books == before.books:
        return after
    return msgspec.structs.replace(after, last_book_wire_ms=now.wire_ms)


def _book_changed(state: MarketDataState, event: BookChanged, now: Now) -> MarketDataState:
    books, late = dict(state.books), 0
    for change in event.changes:
        known = books.get(change.token_id)
        if known is None:
            continue  # a whole book is on its way
        late += event.stamp_wire_ms < known.stamp_wire_ms
        books[change.token_id] = change_book(known, change, event.stamp_wire_ms, now.market_ms)
    return _heard_books(_counted(state, books, late), state, now)


def _tick_size(state: MarketDataState, event: TickSizeChanged) -> MarketDataState:
    known = state.books.get(event.token_id)
    if known is None:
        return state
    book = msgspec.structs.replace(known, tick_micro_usd=event.tick_micro_usd)
    return msgspec.structs.replace(state, books=state.books | {event.token_id: book})


def _stream_fault(state: MarketDataState, event: StreamFault) -> MarketDataState:
    """Count it. After a drop or a reconnect no book can be trusted until it is taken anew."""
    counts = msgspec.structs.replace(
        state.counts,
        reconnects=state.counts.reconnects + event.reconnects,
        dropped=state.counts.dropped + event.dropped,
        malformed=state.counts.malformed + event.malformed,
    )
    books = state.books
    if event.dropped or event.reconnects:
        books = {
            token: msgspec.structs.replace(book, suspect=True) for token, book in books.items()
        }
    return msgspec.structs.replace(state, counts=counts, books=books)


__all__ = ["Say", "step"]
