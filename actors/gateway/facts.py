"""Intents that wait for what the venue says of their market: judged when it is known. Pure."""

from typing import Final, assert_never

from msgspec.structs import replace

from actors.gateway.draft import Draft
from actors.gateway.events import FactEvent
from actors.gateway.flight import PostTry
from actors.gateway.market_events import BookSeen, IntentUnreadable, MarketSeen
from actors.gateway.market_facts import slug_of
from actors.gateway.market_table import put_market
from actors.gateway.orders import alarm_facts, judge, refuse
from actors.gateway.refusals import note_refused
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.port import Unknown

FACTS_MS_MAX: Final = 5_000
"""Wire. What the venue does not tell by then is not known: the intent is refused, never guessed."""


def take_facts(draft: Draft, event: FactEvent) -> None:
    match event:
        case MarketSeen():
            _take_market(draft, event)
        case BookSeen():
            _take_book(draft, event)
        case IntentUnreadable():
            said = f"{event.slot} on release {event.release}: {event.reason}"
            alarm_facts(draft, event.slot, event.release, said)
        case _:
            assert_never(event)


def _take_market(draft: Draft, event: MarketSeen) -> None:
    before = draft.flight.listing.get(event.slug, PostTry())
    if isinstance(event.market, ListedMarket):
        put_market(draft, event.market)
    else:
        draft.flight.listing[event.slug] = replace(before, in_flight=False)
    for intent_id in tuple(draft.flight.facts):
        if slug_of(intent_id) != event.slug:
            continue
        if isinstance(event.market, ListedMarket):
            _judge_again(draft, intent_id)
        else:
            _note(draft, intent_id, f"no market {event.slug}: {_reason(event.market)}")


def _take_book(draft: Draft, event: BookSeen) -> None:
    wait = draft.flight.facts.get(event.intent_id)
    if wait is None:
        return
    draft.flight.facts[event.intent_id] = replace(wait, asking=False)
    if isinstance(event.book, Unknown):
        _note(draft, event.intent_id, event.book.reason)
    else:
        _judge_again(draft, event.intent_id, event.book)


def chase_facts(draft: Draft) -> None:
    """Ask again, and refuse what has waited too long."""
    for intent_id, wait in tuple(draft.flight.facts.items()):
        if draft.wire_ms - wait.since_wire_ms < FACTS_MS_MAX:
            _judge_again(draft, intent_id)
            continue
        kept = draft.ledger.intents.get(intent_id)
        if kept is not None and kept.undecided and not _leaves(draft):
            note_refused(draft, "market_unknown", wait.why)
            refuse(draft, kept.intent, "market_unknown", f"not known in time: {wait.why}")
        draft.flight.facts.pop(intent_id, None)


def _judge_again(draft: Draft, intent_id: str, book: TokenBook | None = None) -> None:
    kept = draft.ledger.intents.get(intent_id)
    if kept is None or not kept.undecided:
        draft.flight.facts.pop(intent_id, None)
    elif not _leaves(draft):
        judge(draft, kept, book)


def _leaves(draft: Draft) -> bool:
    """True while another gateway takes over: it judges what is undecided."""
    return draft.flight.stopping is not None and not draft.flight.emptying


def _note(draft: Draft, intent_id: str, why: str) -> None:
    wait = draft.flight.facts.get(intent_id)
    if wait is not None:
        draft.flight.facts[intent_id] = replace(wait, why=why)


def _reason(market: Unknown | None) -> str:
    return "the venue lists none" if market is None else market.reason
