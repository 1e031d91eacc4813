"""Market data as a pure machine: `step(state, event, now) -> (state, effects)`."""

from typing import Final, assert_never

import msgspec

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
    HistoryReplaced,
    KlinesReceived,
    MarketFound,
    MarketMissing,
    MarketRefused,
    OpenInterestReceived,
    SnapshotAsked,
    StreamFault,
    StreamTrouble,
    TickSizeChanged,
    TicksReceived,
    Timer,
)
from actors.market_data.inputs import odd_of
from actors.market_data.jobs import (
    FOLLOW_AHEAD_MS,
    STREAM,
    after_market,
    start_due_jobs,
    with_market_jobs,
)
from actors.market_data.receiving import (
    BOOKS,
    Stepped,
    apply_books,
    apply_changes,
    apply_failure,
    apply_funding,
    apply_klines,
    apply_market,
    apply_open_interest,
    apply_refused_market,
    apply_tick_size,
    apply_ticks,
    refuse,
)
from actors.market_data.replacing import replace_history
from actors.market_data.snapshot import build_snapshot
from actors.market_data.state import MarketDataState, Now, next_decision_point
from signals.market import Asset

SILENT_WIRE_MS: Final = 10_000
"""A stream with no message at all for this long is made anew: sockets can hang while open."""


def step(state: MarketDataState, event: Event, now: Now) -> Stepped:  # noqa: C901, PLR0911, PLR0912 one arm for each event
    """Apply one event. Never raises for an event that can happen."""
    match event:
        case Timer():
            return _time_passed(state, now)
        case KlinesReceived():
            return apply_klines(state, event, now)
        case FundingReceived():
            return apply_funding(state, event, now), []
        case OpenInterestReceived():
            return apply_open_interest(state, event, now), []
        case HistoryReplaced():
            return replace_history(state, event, now), []
        case MarketFound():
            state, said = apply_market(state, event, now)
            state, followed = _follow(state, now)
            return state, [*said, *followed]
        case MarketRefused():
            return apply_refused_market(state, event, now)
        case MarketMissing(slug=slug):
            return after_market(state, slug, None, now), []
        case FetchFailed():
            return apply_failure(state, event, now)
        case TicksReceived():
            return apply_ticks(state, event, now), []
        case BooksReceived():
            return apply_books(state, event, now), []
        case BookChanged():
            return apply_changes(state, event, now), []
        case TickSizeChanged():
            return apply_tick_size(state, event, now), []
        case StreamFault():
            return _stream_fault(state, event), []
        case StreamTrouble():
            return _stream_trouble(state, event), []
        case SnapshotAsked(asset=asset, due_ms=due_ms):
            return _snapshot(state, asset, due_ms, now)
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
    made: list[Effect] = []
    for asset in state.settings.assets:
        state, answer = _snapshot(state, asset, due_ms, now)
        made += answer
    return msgspec.structs.replace(state, next_due_ms=point.due_ms), made


def _snapshot(state: MarketDataState, asset: Asset, due_ms: int, now: Now) -> Stepped:
    """Make a snapshot, and count what it does not believe."""
    snapshot = build_snapshot(state, asset, due_ms, now.market_ms)
    wrong = [one for age in snapshot.ages if (one := odd_of(age.fault)) is not None]
    state = refuse(state, str(asset), wrong, now)
    return state, [AnswerSnapshot(snapshot=snapshot)]


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


def _stream_fault(state: MarketDataState, event: StreamFault) -> MarketDataState:
    """Count it. After a drop or a reconnect no book can be trusted until it is taken anew."""
    counts = msgspec.structs.replace(
        state.counts,
        reconnects=state.counts.reconnects + event.reconnects,
        dropped=state.counts.dropped + event.dropped,
        malformed=state.counts.malformed + event.malformed,
    )
    books = state.books
    if event.stream == BOOKS and (event.dropped or event.reconnects):
        books = {
            token: msgspec.structs.replace(book, suspect=True) for token, book in books.items()
        }
    return msgspec.structs.replace(state, counts=counts, books=books)


def _stream_trouble(state: MarketDataState, event: StreamTrouble) -> MarketDataState:
    name = f"{STREAM}{event.stream}"
    if state.trouble.get(name, "") == event.reason:
        return state
    trouble = {job: text for job, text in state.trouble.items() if job != name}
    if event.reason:
        trouble[name] = event.reason
    return msgspec.structs.replace(state, trouble=trouble)
