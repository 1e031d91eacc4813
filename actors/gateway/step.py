"""The gateway's pure core: `step(state, event, rules) -> (state, effects)`.

Two rules hold everywhere. What became durable is a record, and the durable state is the fold of the
records. Effects are performed in their order: records first, then whatever depends on them.

Modules by noun: `seats` (who owns a slot), `orders` (intent to order), `facts` (what the venue
says of an intent's market), `account` (the books beside the venue's account),
`news` (what the venue says), `duties` (what time asks for).
"""

from typing import assert_never

from actors.gateway import account, facts, orders, seats, timers, venue_updates
from actors.gateway.draft import Draft
from actors.gateway.events import (
    BeatDone,
    CancelDone,
    ClaimAsked,
    Effect,
    Event,
    FenceAsked,
    HaltFileSeen,
    IntentArrived,
    Leaving,
    OpenAsked,
    OperatorEvent,
    OutboxRead,
    PostDone,
    PostHeld,
    ResolutionSeen,
    SignDone,
    Started,
    State,
    Stopping,
    StreamUpdated,
    Ticked,
    TimeSeen,
    TradingAsked,
    VenuePolled,
)
from actors.gateway.market_events import AccountSeen, BookSeen, IntentUnreadable, MarketSeen
from actors.gateway.records import Acknowledged, TradingChanged
from actors.gateway.risk_case import Rules
from actors.messages import SetTrading, TradingState


def step(state: State, event: Event, rules: Rules) -> tuple[State, tuple[Effect, ...]]:
    """Return the next state and what the shell must perform, in order."""
    draft = Draft(state, event, rules)
    match event:
        case ClaimAsked() | OpenAsked() | FenceAsked():
            seats.judge(draft, event)
        case IntentArrived() | SignDone() | PostDone() | PostHeld() | CancelDone():
            orders.follow(draft, event)
        case VenuePolled() | StreamUpdated() | BeatDone() | ResolutionSeen() | TimeSeen():
            venue_updates.apply(draft, event)
        case TradingAsked() | HaltFileSeen() | OutboxRead() | Leaving() | Stopping():
            _operate(draft, event)
        case MarketSeen() | BookSeen() | IntentUnreadable():
            facts.take_facts(draft, event)
        case AccountSeen():
            account.take_account(draft, event)
        case Started() | Ticked():
            timers.keep_time(draft, event)
        case _:
            assert_never(event)
    return draft.close()


def _operate(draft: Draft, event: OperatorEvent) -> None:
    match event:
        case TradingAsked():
            request = event.request
            if not request.only_tighter or _is_tighter(request.state, draft.ledger.trading):
                _change_trading(draft, request.state, request.reason, request.who)
            ledger = draft.ledger
            answer = SetTrading(
                state=ledger.trading, reason=ledger.trading_reason, who=ledger.trading_who
            )
            draft.answer(event.reply_to, answer)
        case HaltFileSeen():
            if draft.ledger.trading is not TradingState.HALTED:
                _change_trading(draft, TradingState.HALTED, event.reason, "HALT file")
        case OutboxRead():
            _acknowledge(draft, event)
        case Leaving():
            draft.flight.stopping = event.reason
            draft.flight.last_beat_wanted = True
            draft.flight.beat_due_wire_ms = draft.wire_ms
        case Stopping():
            draft.flight.stopping = event.reason
            draft.flight.emptying = True
        case _:
            assert_never(event)


def _is_tighter(wanted: TradingState, present: TradingState) -> bool:
    order = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)
    return order.index(wanted) > order.index(present)


def _change_trading(draft: Draft, state: TradingState, reason: str, who: str) -> None:
    """Record the state, whoever asks; ACTIVE also releases the throttles: a person did it."""
    if draft.ledger.trading is TradingState.HALTED and state is not TradingState.HALTED:
        _compare_anew(draft)
    changed = TradingChanged(state=state, reason=reason, who=who, wire_ms=draft.wire_ms)
    draft.record(changed)


def _compare_anew(draft: Draft) -> None:
    """A halt is lifted: no order leaves before orders and trades were listed once more."""
    draft.flight.reconciled = False
    draft.flight.reconcile_from_wire_ms = draft.wire_ms
    draft.flight.poll_account_soon = True


def _acknowledge(draft: Draft, event: OutboxRead) -> None:
    seat = draft.ledger.seats.get(event.slot)
    box = draft.ledger.outbox.get(event.slot)
    if seat is None or box is None or event.fence != seat.fence:
        return
    sequence = min(event.acknowledged, box.last_sequence)
    if sequence > box.acknowledged:
        draft.record(Acknowledged(slot=event.slot, sequence=sequence))
