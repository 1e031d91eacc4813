"""Journal rows of a slot: flat columns for people and audits, and the whole entry as payload."""

from typing import Final, assert_never

import msgspec
from msgspec.structs import replace

from actors.messages import (
    FillConfirmed,
    Filled,
    FillFailed,
    IntentRefused,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    OrderUnknown,
    OutboxEvent,
    Settled,
)
from actors.slot.accounts import intent_window
from actors.slot.facts import (
    ClaimFact,
    DecisionFact,
    Entry,
    Fact,
    HandoffFact,
    MissedFact,
    NoteFact,
    OrderFact,
    ParamsFact,
    StoppedFact,
)
from actors.slot.seat import Identity
from actors.slot.state import SlotState
from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import Outcome

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Entry)


def row_of(who: Identity, params: str, entry: Entry, after: SlotState) -> JournalRow:
    """Make the row of an entry; `after` is the state with the entry applied."""
    row = JournalRow(
        kind=_kind(entry.fact),
        slot=who.slot,
        sequence=entry.sequence,
        fence=entry.fence,
        incarnation=who.incarnation,
        life=who.life,
        release=who.attestation.release,
        commit=who.attestation.commit,
        params=params,
        market_ms=entry.market_ms,
        wire_ms=entry.wire_ms,
        event=_tag(entry.fact),
        realized_pnl_micro_usd=after.realized_pnl_micro_usd,
        payload=_encoder.encode(entry),
    )
    match entry.fact:
        case DecisionFact():
            return _with_decision(row, entry.fact)
        case OrderFact(event=event):
            return _with_order_event(row, event, after)
        case ClaimFact() | ParamsFact() | HandoffFact():
            return _with_ownership(row, entry.fact)
        case MissedFact() | StoppedFact() | NoteFact():
            return _with_note(row, entry.fact)
        case _ as never:
            assert_never(never)


def entry_of(row: JournalRow) -> Entry:
    """Read the entry back; raise `msgspec.ValidationError` for one of newer code."""
    return _decoder.decode(row.payload or b"")


def _kind(fact: Fact) -> RowKind:
    match fact:
        case DecisionFact():
            return RowKind.DECISION
        case OrderFact():
            return RowKind.ORDER_EVENT
        case ClaimFact():
            return RowKind.CLAIM
        case ParamsFact():
            return RowKind.PARAMS
        case HandoffFact():
            return RowKind.HANDOFF
        case MissedFact() | StoppedFact() | NoteFact():
            return RowKind.NOTE
        case _ as never:
            assert_never(never)


def _with_ownership(row: JournalRow, fact: ClaimFact | ParamsFact | HandoffFact) -> JournalRow:
    match fact:
        case ClaimFact():
            return replace(row, action="claimed", reason=fact.cause)
        case ParamsFact():
            return replace(row, action="params", reason=fact.params)
        case HandoffFact():
            reason = " ".join(filter(None, (fact.handoff, fact.detail)))
            return replace(row, action=fact.step, reason=reason)
        case _ as never:
            assert_never(never)


def _with_note(row: JournalRow, fact: MissedFact | StoppedFact | NoteFact) -> JournalRow:
    match fact:
        case MissedFact():
            action = "skipped" if fact.declared else "missed"
            reason = f"{fact.count} from {fact.first_due_ms}: {fact.cause}"
            return replace(row, action=action, reason=reason, due_ms=fact.last_due_ms)
        case StoppedFact():
            return replace(row, action="stopped", reason=fact.reason)
        case NoteFact():
            return replace(row, action=fact.code, reason=fact.detail)
        case _ as never:
            assert_never(never)


def _with_decision(row: JournalRow, fact: DecisionFact) -> JournalRow:
    decision = fact.decision
    row = replace(
        row,
        window_open_ms=fact.window_open_ms,
        due_ms=fact.due_ms,
        snapshot=fact.snapshot,
        action=str(decision.action),
        reason=decision.reason,
        probability_up=decision.probability_up,
        market_mid_up=decision.market_mid_up,
        fair_up=decision.fair_up,
        spread_points=decision.spread_points,
        regime=decision.regime,
        strategy=fact.strategy,
        memory_hash=fact.memory_hash,
        pre_state_hash=fact.pre_state_hash,
        position_up=fact.position.up_shares,
        position_down=fact.position.down_shares,
        complete=fact.complete,
    )
    if not fact.intents:
        return row
    first = fact.intents[0]
    return replace(
        row,
        condition_id=first.condition_id,
        outcome=str(first.outcome),
        side=str(first.side),
        style=str(first.style),
        price_micro_usd=first.price,
        shares_micro=first.shares,
        intent_id=first.intent_id,
    )


def _with_order_event(row: JournalRow, event: OutboxEvent, after: SlotState) -> JournalRow:
    row = replace(row, action=_tag(event), gateway_release=event.gateway_release or None)
    match event:
        case Settled():
            return _with_settlement(row, event, after)
        case IntentRefused():
            return _with_refusal(row, event, after)
        case FillConfirmed() | FillFailed():
            return replace(row, fill_id=event.fill_id)
        case OrderSigned() | Filled():
            return _with_trade(_with_order(row, event.order_id, after), event)
        case OrderOpened():
            return _with_order(row, event.order_id, after)
        case OrderEnded():
            ended = _with_order(row, event.order_id, after)
            return replace(ended, reason=f"{event.end}: {event.reason}")
        case OrderUnknown():
            return replace(_with_order(row, event.order_id, after), reason=event.reason)
        case _ as never:
            assert_never(never)


def _tag(value: msgspec.Struct) -> str:
    tag = value.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def _with_refusal(row: JournalRow, event: IntentRefused, after: SlotState) -> JournalRow:
    window, due_ms = intent_window(after.slot, event.intent_id)
    return replace(
        row,
        intent_id=event.intent_id,
        reason=f"{event.code}: {event.reason}",
        window_open_ms=window.open_ms,
        due_ms=due_ms,
    )


def _with_order(row: JournalRow, order_id: str, after: SlotState) -> JournalRow:
    """Name the order that an event is about, its decision, and the code that opened it."""
    row = replace(row, order_id=order_id)
    order = after.orders.get(order_id)
    if order is None:
        return row
    return replace(
        row,
        intent_id=order.intent_id,
        condition_id=order.condition_id,
        window_open_ms=order.window_open_ms,
        due_ms=order.opened.due_ms,
        outcome=str(order.outcome),
        side=str(order.side),
        style=str(order.style),
        opened_release=order.opened.release,
        opened_commit=order.opened.commit,
        opened_params=order.opened.params,
    )


def _with_trade(row: JournalRow, event: Filled | OrderSigned) -> JournalRow:
    row = replace(
        row,
        condition_id=event.condition_id,
        outcome=str(event.outcome),
        side=str(event.side),
        price_micro_usd=event.price,
        shares_micro=event.shares,
    )
    match event:
        case Filled():
            reason = "maker" if event.maker else "taker"
            return replace(
                row, fee_micro_usd=event.fee_micro_usd, fill_id=event.fill_id, reason=reason
            )
        case OrderSigned():
            return replace(row, style=str(event.style), snapshot=event.snapshot)
        case _ as never:
            assert_never(never)


def _with_settlement(row: JournalRow, event: Settled, after: SlotState) -> JournalRow:
    row = replace(row, condition_id=event.condition_id, outcome=str(event.winner))
    position = after.positions.get(event.condition_id)
    if position is None:
        return row
    return replace(
        row,
        window_open_ms=position.window_open_ms,
        due_ms=position.opened.due_ms,
        shares_micro=position.shares(Outcome(event.winner)),
        position_up=position.up_shares,
        position_down=position.down_shares,
        reason=f"pnl {position.realized_micro_usd} micro-USD",
        opened_release=position.opened.release,
        opened_commit=position.opened.commit,
        opened_params=position.opened.params,
    )
