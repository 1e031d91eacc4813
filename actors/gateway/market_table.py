"""The gateway's own table of markets: read from the venue, for each slot's windows. Pure."""

from typing import Any, Final

from actors.gateway.draft import Draft
from actors.gateway.flight import PostTry
from actors.gateway.market_events import AskBook, AskMarket, FactsWait, Listing
from actors.gateway.market_facts import slug, slug_of, timeframe_of
from actors.gateway.table import Table
from actors.machine.backoff import Backoff
from actors.messages import Intent
from actors.venue.answers import ListedMarket
from signals.market import CYCLE_MS, Window

TABLE_MS: Final = 500
"""Wire, between two looks for windows whose market is not in the table yet."""
AHEAD_MS: Final = 120_000
"""Market, before its open: a market is read well before its first order."""
KEEP_MS: Final = 3_600_000
"""Market, after the close: late fills are told apart by it."""
AGAIN_MS: Final = 250
"""Wire; doubles with each question about one market."""
QUESTIONS: Final = Backoff(first_ms=250, most_ms=1_000)
"""Wire, after each question about one market. An intent may wait for one that comes late: asked so
often, it is found in time."""
AT_ONCE: Final = 8
"""New questions a look, so that sixteen opens do not burst."""
QUESTION_MS_MAX: Final = 40_000
"""Wire: a question without an answer by then is asked again; a call ends after 30 s."""


def keep_table(draft: Draft) -> None:
    """Ask for the markets of every owned slot's windows; forget those of long ago."""
    flight = draft.flight
    if draft.wire_ms < flight.table_due_wire_ms:
        return
    flight.table_due_wire_ms = draft.wire_ms + TABLE_MS
    boundary = (draft.market_ms + AHEAD_MS) // CYCLE_MS + draft.market_ms // CYCLE_MS
    if boundary != flight.table_boundary:
        flight.table_boundary = boundary
        _note_windows(draft)
    asked = 0
    for missing in tuple(flight.unlisted):
        if missing in flight.listed:
            del flight.unlisted[missing]
        elif asked < AT_ONCE and _is_due(draft, missing):
            ask_market(draft, missing)
            asked += 1


def note_owner(draft: Draft) -> None:
    """A slot has an owner: its markets are looked for with the next tick."""
    draft.flight.table_boundary, draft.flight.table_due_wire_ms = 0, 0


def _note_windows(draft: Draft) -> None:
    """Note what is wanted: all windows begin on a cycle, so that changes with a cycle only."""
    flight, horizon_ms = draft.flight, draft.market_ms - KEEP_MS
    for table in (flight.listed, flight.listing, flight.unlisted):
        _drop_old(table, horizon_ms)
    for name, seat in draft.ledger.seats.items():
        if seat.owner is None:
            continue
        now = Window.at(draft.market_ms, timeframe_of(name))
        soon = now.close_ms - draft.market_ms <= AHEAD_MS
        windows = (now, Window(now.close_ms, now.timeframe)) if soon else (now,)
        for window in windows:
            wanted = slug(name, window)
            if wanted not in flight.listed:
                flight.unlisted[wanted] = draft.wire_ms


def _drop_old(table: Table[Any], horizon_ms: int) -> None:
    """Markets come in the order of their windows, nearly: the oldest are first."""
    while table and _open_ms(oldest := next(iter(table))) <= horizon_ms:
        del table[oldest]


def _open_ms(name: str) -> int:
    return int(name.rsplit("-", 1)[1]) * 1_000


def _is_due(draft: Draft, name: str) -> bool:
    attempt = draft.flight.listing.get(name, PostTry())
    if attempt.in_flight:
        return draft.wire_ms >= attempt.due_wire_ms + QUESTION_MS_MAX
    return draft.wire_ms >= attempt.due_wire_ms


def ask_market(draft: Draft, name: str) -> None:
    """Ask the venue for a market, unless that is under way or was just answered with nothing."""
    if not _is_due(draft, name):
        return
    before = draft.flight.listing.get(name, PostTry())
    wait_ms = QUESTIONS.wait_ms(before.tries + 1)
    draft.flight.listing[name] = PostTry(
        tries=before.tries + 1, due_wire_ms=draft.wire_ms + wait_ms, in_flight=True
    )
    draft.ask(AskMarket(slug=name))


def ask_book(draft: Draft, intent: Intent, token_id: str) -> None:
    """Ask for the book that an intent is judged by, unless that is under way."""
    wait = draft.flight.facts[intent.intent_id]
    if wait.asking or draft.wire_ms < wait.due_wire_ms:
        return
    draft.flight.facts[intent.intent_id] = FactsWait(
        since_wire_ms=wait.since_wire_ms,
        due_wire_ms=draft.wire_ms + AGAIN_MS,
        asking=True,
        why="the venue has not answered for its book",
    )
    draft.ask(AskBook(intent_id=intent.intent_id, token_id=token_id))


def put_market(draft: Draft, market: ListedMarket) -> None:
    draft.flight.listing.pop(market.slug, None)
    draft.flight.listed[market.slug] = Listing(market=market, wire_ms=draft.wire_ms)


def listing_of(draft: Draft, intent_id: str) -> Listing | None:
    """Return the row of the table for an intent's slot and window."""
    return draft.flight.listed.get(slug_of(intent_id))
