"""From intent to order: received, checked, signed, written ahead. Pure.

Nothing is signed twice: a signature is asked only for an intent without an order, and what was
written ahead is only ever posted again as the same bytes.
"""

from typing import Final, assert_never

from actors.gateway import risk
from actors.gateway.draft import Draft
from actors.gateway.events import (
    CancelDone,
    IntentArrived,
    OrderEvent,
    PostDone,
    PostHeld,
    Sign,
    SignDone,
)
from actors.gateway.market_events import FactsWait
from actors.gateway.market_facts import slug_of
from actors.gateway.market_table import ask_book, ask_market, listing_of
from actors.gateway.posts import answered, post
from actors.gateway.records import IntentKept, KeptIntent, OrderWritten
from actors.gateway.refusals import note_refused
from actors.gateway.risk_case import Case
from actors.gateway.risk_market import FACTS_DIFFER
from actors.gateway.venue_pause import why_paused
from actors.messages import (
    Intent,
    IntentFenced,
    IntentReceived,
    IntentRefused,
    OrderSigned,
    Refusal,
    TradingState,
)
from actors.venue.answers import TokenBook
from actors.venue.port import (
    SignedOrder,
    Unsignable,
)

FACTS_AGAIN_MS: Final = 60_000
"""Wire. A release that goes on sending what is not so is said again, once a minute at most."""


def follow(draft: Draft, event: OrderEvent) -> None:
    match event:
        case IntentArrived():
            _receive(draft, event.reply_to, event.intent)
        case SignDone():
            _signed(draft, event)
        case PostDone() | PostHeld() | CancelDone():
            answered(draft, event)
        case _:
            assert_never(event)


# ---- intents ----------------------------------------------------------------------------------


def _receive(draft: Draft, reply_to: int, intent: Intent) -> None:
    fenced = _fenced(draft, intent)
    if fenced is not None:
        draft.answer(reply_to, IntentFenced(intent_id=intent.intent_id, reason=fenced))
        return
    if not intent.intent_id.startswith(f"{intent.slot}/{intent.window_open_ms}/{intent.due_ms}/"):
        reason = f"intent id {intent.intent_id!r} does not name its slot, window and decision point"
        draft.answer(reply_to, Refusal(reason=reason))
        return
    known = intent.intent_id in draft.ledger.intents
    if not known:
        kept = IntentKept(intent=intent, wire_ms=draft.wire_ms, market_ms=draft.market_ms)
        draft.record(kept)
        judge(draft, draft.ledger.intents[intent.intent_id])
    draft.answer(reply_to, IntentReceived(intent_id=intent.intent_id, known=known))


def _fenced(draft: Draft, intent: Intent) -> str | None:
    seat = draft.ledger.seats.get(intent.slot)
    owner = seat.owner if seat else None
    if owner is None:
        return f"nobody owns {intent.slot}"
    if (intent.fence, intent.incarnation) != (owner.fence, owner.incarnation):
        return f"incarnation {owner.incarnation} owns {intent.slot} with fence {owner.fence}"
    return None


def judge(draft: Draft, kept: KeptIntent, book: TokenBook | None = None) -> None:
    """Check an intent that has neither order nor refusal; refuse it, or ask for what it needs next.

    It needs the venue's listing of its market, then the token's book, then a signature.
    """
    intent = kept.intent
    case = Case(
        intent=intent,
        ledger=draft.ledger,
        rules=draft.rules,
        wire_ms=draft.wire_ms,
        market_ms=draft.market_ms,
        barred=draft.flight.barred,
        skew_ms=draft.flight.skew_ms,
        foreign_version=draft.flight.foreign_version,
        paused=why_paused(draft.flight.pause, draft.wire_ms),
        unheard_ms=draft.flight.unheard_ms(draft.wire_ms),
        listing=listing_of(draft, intent.intent_id),
        book=book,
    )
    waiting = FactsWait(since_wire_ms=draft.wire_ms)
    verdict = risk.check(case)
    match verdict:
        case risk.Refused():
            _alarm_refusal(draft, intent, verdict)
            if verdict.code == "collar":
                note_refused(draft, verdict.code, verdict.reason)
            refuse(draft, intent, verdict.code, verdict.reason)
        case risk.NeedsMarket():
            draft.flight.facts.setdefault(intent.intent_id, waiting)
            ask_market(draft, slug_of(intent.intent_id))
        case risk.NeedsBook():
            draft.flight.facts.setdefault(intent.intent_id, waiting)
            ask_book(draft, intent, verdict.token_id)
        case risk.Approved():
            draft.flight.facts.pop(intent.intent_id, None)
            draft.flight.signing[intent.intent_id] = draft.wire_ms
            draft.ask(Sign(approved=verdict))
        case _:
            assert_never(verdict)


def _alarm_refusal(draft: Draft, intent: Intent, verdict: risk.Refused) -> None:
    """Raise the alarm of a refusal that says something of the release."""
    if verdict.code == risk.UNATTESTED:
        draft.alarm_unapproved(intent.slot, intent.release, "an order")
    if verdict.code == FACTS_DIFFER:
        said = f"{intent.slot} on release {intent.release}: {verdict.reason}"
        alarm_facts(draft, intent.slot, intent.release, said)


def alarm_facts(draft: Draft, slot: str, release: str, said: str) -> None:
    """Say that a release has its market wrong; the policy takes it back."""
    draft.alarm(
        "intent_facts_differ",
        f"{slot}/{release[:12]}",
        said,
        FACTS_AGAIN_MS,
        release or None,
    )


def refuse(draft: Draft, intent: Intent, code: str, reason: str) -> None:
    draft.flight.facts.pop(intent.intent_id, None)
    refused = IntentRefused(
        sequence=draft.next_sequence(intent.slot),
        intent_id=intent.intent_id,
        code=code,
        reason=reason,
        at_ms=draft.market_ms,
    )
    draft.publish(intent.slot, refused)


# ---- signatures -------------------------------------------------------------------------------


def _signed(draft: Draft, event: SignDone) -> None:
    draft.flight.signing.pop(event.intent_id, None)
    kept = draft.ledger.intents.get(event.intent_id)
    if kept is None or not kept.undecided:
        return
    match event.outcome:
        case Unsignable():
            code = f"unsignable_{event.outcome.code}"
            note_refused(draft, code, event.outcome.reason)
            refuse(draft, kept.intent, code, event.outcome.reason)
        case SignedOrder():
            if draft.ledger.trading is TradingState.HALTED:
                refuse(draft, kept.intent, "halted", draft.ledger.trading_reason)
            else:
                _write_ahead(draft, kept.intent, event.outcome)
        case _:
            assert_never(event.outcome)


def _write_ahead(draft: Draft, intent: Intent, signed: SignedOrder) -> None:
    written = OrderSigned(
        sequence=draft.next_sequence(intent.slot),
        intent_id=intent.intent_id,
        order_id=signed.order_id,
        condition_id=intent.condition_id,
        outcome=intent.outcome,
        side=intent.side,
        style=intent.style,
        price=intent.price,
        shares=intent.shares,
        close_ms=intent.close_ms,
        at_ms=draft.market_ms,
        release=intent.release,
        commit=intent.commit,
        params=intent.params,
        snapshot=intent.snapshot,
        gateway_release=draft.flight.release,
    )
    draft.record(
        OrderWritten(
            slot=intent.slot,
            event=written,
            token_id=intent.token_id,
            body=signed.body,
            signed_wire_ms=signed.signed_wire_ms,
        )
    )
    post(draft, draft.ledger.orders[signed.order_id])
