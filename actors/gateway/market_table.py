"""The gateway's own table of markets: read from the venue, for each slot's windows. Pure."""

from typing import Any, Final

from actors.gateway.draft import Draft
from actors.gateway.flight import PostTry
from actors.gateway.market_events import AskBook, AskMarket, FactsWait, Listing
from actors.gateway.market_facts import slug_of
from actors.gateway.table import Table
from actors.messages import Intent
from actors.venue.answers import ListedMarket
from signals.market import Slot, Window, market_slug

TABLE_MS: Final = 500
"""Wire, between two looks for windows whose market is not in the table yet."""
AHEAD_MS: Final = 120_000
"""Market, before its open: a market is read well before its first order."""
KEEP_MS: Final = 3_600_000
"""Market, after the close: late fills are told apart by it."""
AGAIN_MS: Final = 250
"""Wire; doubles with each question about one market."""
AGAIN_MS_MAX: Final = 10_000
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
    horizon_ms = draft.market_ms - KEEP_MS
    _drop_old(flight.listed, horizon_ms)
    _drop_old(flight.listing, horizon_ms)
    missing = [slug for slug in _wanted(draft) if slug not in flight.listed]
    due = [slug for slug in missing if _is_due(draft, slug)]
    for slug in due[:AT_ONCE]:
        ask_market(draft, slug)


def _wanted(draft: Draft) -> list[str]:
    wanted: list[str] = []
    for name, seat in draft.ledger.seats.items():
        if seat.owner is None:
            continue
        slot = Slot.parse(name)
        window = Window.at(draft.market_ms, slot.timeframe)
        wanted.append(market_slug(slot.asset, window))
        if window.close_ms - draft.market_ms <= AHEAD_MS:
            following = Window(window.close_ms, slot.timeframe)
            wanted.append(market_slug(slot.asset, following))
    return wanted


def _drop_old(table: Table[Any], horizon_ms: int) -> None:
    """Markets come in the order of their windows, nearly: the oldest are first."""
    while table and _open_ms(oldest := next(iter(table))) <= horizon_ms:
        del table[oldest]


def _open_ms(slug: str) -> int:
    return int(slug.rsplit("-", 1)[1]) * 1_000


def _is_due(draft: Draft, slug: str) -> bool:
    attempt = draft.flight.listing.get(slug, PostTry())
    if attempt.in_flight:
        return draft.wire_ms >= attempt.due_wire_ms + QUESTION_MS_MAX
    return draft.wire_ms >= attempt.due_wire_ms


def ask_market(draft: Draft, slug: str) -> None:
    """Ask the venue for a market, unless that is under way or was just answered with nothing."""
    if not _is_due(draft, slug):
        return
    before = draft.flight.listing.get(slug, PostTry())
    wait_ms = min(AGAIN_MS * 2 ** min(before.tries, 8), AGAIN_MS_MAX)
    draft.flight.listing[slug] = PostTry(
        tries=before.tries + 1, due_wire_ms=draft.wire_ms + wait_ms, in_flight=True
    )
    draft.ask(AskMarket(slug=slug))


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
