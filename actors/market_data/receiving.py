"""Take in what the feeds send: judge it, fold what is believed, count and name the rest. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from actors.market_data.buffers import (
    change_book,
    change_tick,
    checked_book,
    merge_candles,
    merge_funding,
    merge_open_interest,
    merge_ticks,
    newly_received_ms,
    replace_book,
)
from actors.market_data.events import (
    BookChanged,
    BooksReceived,
    Effect,
    FetchFailed,
    FundingReceived,
    KlinesReceived,
    LevelChange,
    MarketFound,
    MarketRefused,
    OpenInterestReceived,
    TickSizeChanged,
    TicksReceived,
)
from actors.market_data.inputs import Name, Odd, odd
from actors.market_data.jobs import (
    POLL_AGAIN_WIRE_MS,
    after_funding,
    after_klines,
    after_market,
    after_open_interest,
    answered,
    failed,
)
from actors.market_data.opening import with_opening, with_openings
from actors.market_data.plausible import (
    fit_book,
    fit_candles,
    fit_funding,
    fit_market,
    fit_next_funding,
    fit_open_interest,
    fit_stamp,
    fit_tick_size,
    fit_ticks,
    in_range,
    one_strike,
)
from actors.market_data.state import (
    AssetFeeds,
    BookBuffer,
    MarketDataState,
    Now,
    Refused,
    empty_candles,
)
from signals.market import Asset

CAUSE_MAX: Final = 200
"""Characters; the payload of a stranger may be in it."""
BOOKS: Final = "books"
"""Whose fault a frame of the stream is, that speaks of several assets."""

Stepped = tuple[MarketDataState, list[Effect]]


def refuse(state: MarketDataState, whose: str, wrong: list[Odd], now: Now) -> MarketDataState:
    """Count what was refused, and keep the newest cause."""
    if not wrong:
        return state
    refused = dict(state.refused)
    for one in wrong:
        key = f"{whose}/{one.name}"
        before = refused[key].count if key in refused else 0
        refused[key] = Refused(count=before + 1, cause=one.cause[:CAUSE_MAX], wire_ms=now.wire_ms)
    return msgspec.structs.replace(state, refused=refused)


def _with_feeds(state: MarketDataState, asset: Asset, feeds: AssetFeeds) -> MarketDataState:
    return msgspec.structs.replace(state, feeds=state.feeds | {asset: feeds})


def apply_klines(state: MarketDataState, event: KlinesReceived, now: Now) -> Stepped:
    feeds, interval = state.feeds[event.asset], event.candles.interval
    known = feeds.candles[interval]
    wrong = fit_candles(event.candles, known, now.market_ms)
    if wrong is not None:
        # what is known may be the odd one: all of it is asked for again
        emptied = feeds.candles | {interval: empty_candles(interval)}
        feeds = msgspec.structs.replace(feeds, candles=emptied)
        state = refuse(_with_feeds(state, event.asset, feeds), str(event.asset), [wrong], now)
        job = f"klines/{event.asset}/{interval}"
        return apply_failure(state, FetchFailed(job=job, reason=wrong.cause, malformed=True), now)
    candles = merge_candles(known, event.candles)
    feeds = msgspec.structs.replace(feeds, candles=feeds.candles | {interval: candles})
    return after_klines(_with_feeds(state, event.asset, feeds), event.asset, interval, now), []


def apply_funding(state: MarketDataState, event: FundingReceived, now: Now) -> MarketDataState:
    feeds = state.feeds[event.asset]
    points, odd_points = fit_funding(event.points, now.market_ms)
    next_ms, odd_next = fit_next_funding(event.next_funding_ms, now.market_ms)
    feeds = msgspec.structs.replace(
        feeds, funding=merge_funding(feeds.funding, points), next_funding_ms=next_ms
    )
    state = refuse(state, str(event.asset), [*odd_points, *odd_next], now)
    return after_funding(_with_feeds(state, event.asset, feeds), event.asset, now)


def apply_open_interest(
    state: MarketDataState, event: OpenInterestReceived, now: Now
) -> MarketDataState:
    feeds = state.feeds[event.asset]
    points, wrong = fit_open_interest(event.points, feeds.open_interest, now.market_ms)
    # what is known may be the odd one: then the history is asked for again
    known = () if wrong and not points else feeds.open_interest
    feeds = msgspec.structs.replace(feeds, open_interest=merge_open_interest(known, points))
    state = refuse(state, str(event.asset), wrong, now)
    return after_open_interest(_with_feeds(state, event.asset, feeds), event.asset, now)


def apply_market(state: MarketDataState, event: MarketFound, now: Now) -> Stepped:
    if f"market/{event.slug}" not in state.jobs:
        return state, []  # its window is over
    known = state.markets.get(event.slug)
    market, wrong = fit_market(event.market)
    state = refuse(state, str(event.market.asset), wrong, now)
    if market is None:
        job = f"market/{event.slug}"
        return apply_failure(
            state, FetchFailed(job=job, reason=wrong[0].cause, malformed=True), now
        )
    market, changed = one_strike(market, known)
    state = refuse(state, str(market.asset), changed, now)
    market = with_opening(market, state.feeds[market.asset].ticks, known)
    state = msgspec.structs.replace(state, markets=state.markets | {event.slug: market})
    return after_market(state, event.slug, market, now), []


def apply_refused_market(state: MarketDataState, event: MarketRefused, now: Now) -> Stepped:
    """A market of another rule is not traded, nor is one that was ours until now."""
    job = f"market/{event.slug}"
    if job not in state.jobs:
        return state, []  # its window is over
    wrong = odd(Name.MARKET_RULE, f"{event.slug}: {event.reason}")
    state = refuse(state, str(event.asset), [wrong], now)
    markets = {slug: market for slug, market in state.markets.items() if slug != event.slug}
    state = msgspec.structs.replace(state, markets=markets)
    reason = f"not traded: {event.reason}"
    return apply_failure(state, FetchFailed(job=job, reason=reason, malformed=True), now)


def apply_failure(state: MarketDataState, event: FetchFailed, now: Now) -> Stepped:
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


def apply_ticks(state: MarketDataState, event: TicksReceived, now: Now) -> MarketDataState:
    feeds = state.feeds.get(event.asset)
    if feeds is None:
        return state
    fit, wrong = fit_ticks(event.ticks, feeds, now)
    state = refuse(state, str(event.asset), wrong, now)
    ticks, late = merge_ticks(feeds.ticks, fit, now.market_ms)
    state = _with_feeds(state, event.asset, msgspec.structs.replace(feeds, ticks=ticks))
    markets = with_openings(state.markets, event.asset, ticks)
    counts = msgspec.structs.replace(state.counts, late=state.counts.late + late)
    is_news = ticks.observed_ms[-1:] != feeds.ticks.observed_ms[-1:]
    return msgspec.structs.replace(
        state,
        markets=markets,
        last_tick_wire_ms=now.wire_ms if is_news else state.last_tick_wire_ms,
        counts=counts,
    )


def apply_books(state: MarketDataState, event: BooksReceived, now: Now) -> MarketDataState:
    of_token = {token: market for market in state.markets.values() for token in market.token_ids}
    books, late = dict(state.books), 0
    for fresh in event.books:
        if fresh.token_id not in of_token:
            continue
        wrong = fit_book(fresh, now)
        if wrong is not None:
            state = refuse(state, str(of_token[fresh.token_id].asset), [wrong], now)
            continue
        known = books.get(fresh.token_id)
        received_ms = now.market_ms
        if not event.polled:
            received_ms = newly_received_ms(known, fresh.stamp_wire_ms, now.market_ms)
        book = replace_book(known, fresh, of_token[fresh.token_id].tick_micro_usd, received_ms)
        if book is None:
            late += 1
        else:
            books[fresh.token_id] = book
    if event.odd:
        wrong_rows = [
            odd(Name.BOOK_PRICE, f"a book that cannot be read: {why}") for why in event.odd
        ]
        state = refuse(state, BOOKS, wrong_rows, now)
    if event.polled:
        return answered(_counted(state, books, late), "books", now.market_ms, now)
    return _apply_books(_counted(state, books, late), state, now)


def _counted(state: MarketDataState, books: dict[str, BookBuffer], late: int) -> MarketDataState:
    counts = msgspec.structs.replace(state.counts, late=state.counts.late + late)
    return msgspec.structs.replace(state, books=books, counts=counts)


def _apply_books(after: MarketDataState, before: MarketDataState, now: Now) -> MarketDataState:
    """Note that the stream lives, unless it only repeated itself."""
    if after.books == before.books:
        return after
    return msgspec.structs.replace(after, last_book_wire_ms=now.wire_ms)


def apply_changes(state: MarketDataState, event: BookChanged, now: Now) -> MarketDataState:
    wrong = fit_stamp(event.stamp_wire_ms, now)
    for change in event.changes:
        wrong = wrong or in_range(Name.BOOK_SHARES, change.shares)
    if wrong is not None:
        return _doubted(refuse(state, BOOKS, [wrong], now), event)
    books, late = dict(state.books), 0
    touched: dict[str, LevelChange] = {}
    for change in event.changes:
        known = books.get(change.token_id)
        if known is None or event.stamp_wire_ms < known.whole_stamp_wire_ms:
            continue  # a whole book is on its way, or has it
        late += event.stamp_wire_ms < known.stamp_wire_ms
        books[change.token_id] = change_book(known, change, event.stamp_wire_ms, now.market_ms)
        touched[change.token_id] = change
    after = _counted(state, _checked(books, touched), late)
    return _poll_soon(_apply_books(after, state, now), touched, now)


def _checked(
    books: dict[str, BookBuffer], touched: dict[str, LevelChange]
) -> dict[str, BookBuffer]:
    """Hold each changed book against what the stream says of it after its last change."""
    for token, last in touched.items():
        books[token] = checked_book(books[token], last)
    return books


def _poll_soon(state: MarketDataState, touched: Iterable[str], now: Now) -> MarketDataState:
    """A contradicted book is taken anew at once, within the pause between two looks."""
    if not any(state.books[token].contradicted for token in touched):
        return state
    job = state.jobs["books"]
    soon = min(job.not_before_wire_ms, now.wire_ms + POLL_AGAIN_WIRE_MS)
    job = msgspec.structs.replace(job, not_before_wire_ms=soon)
    return msgspec.structs.replace(state, jobs=state.jobs | {"books": job})


def _doubted(state: MarketDataState, event: BookChanged) -> MarketDataState:
    """A change that was not applied is missing from its books: they are taken anew."""
    tokens = {change.token_id for change in event.changes}
    books = {
        token: msgspec.structs.replace(book, suspect=True) if token in tokens else book
        for token, book in state.books.items()
    }
    return msgspec.structs.replace(state, books=books)


def apply_tick_size(state: MarketDataState, event: TickSizeChanged, now: Now) -> MarketDataState:
    known = state.books.get(event.token_id)
    if known is None:
        return state
    wrong = fit_tick_size(event.tick_micro_usd)
    if wrong is not None:
        return refuse(state, BOOKS, [wrong], now)
    book = change_tick(known, event.tick_micro_usd)
    return msgspec.structs.replace(state, books=state.books | {event.token_id: book})
