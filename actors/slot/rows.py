"""Journal rows of a slot: flat columns for people and audits, and the whole entry as payload."""

from typing import Any, Final, assert_never

import msgspec

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
from actors.slot.state import Opening, SlotState
from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import Outcome

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Entry)
Columns = dict[str, Any]


def row_of(who: Identity, params: str, entry: Entry, after: SlotState) -> JournalRow:
    """Make the row of an entry; `after` is the state with the entry applied."""
    kind, columns = _columns(entry.fact, after)
    return JournalRow(
        kind=kind,
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
        **columns,
    )


def entry_of(row: JournalRow) -> Entry:
    """Read the entry back; raise `msgspec.ValidationError` for one of newer code."""
    return _decoder.decode(row.payload or b"")


def _columns(fact: Fact, after: SlotState) -> tuple[RowKind, Columns]:
    match fact:
        case DecisionFact():
            return RowKind.DECISION, _decision_columns(fact)
        case OrderFact(event=event):
            return RowKind.ORDER_EVENT, _order_columns(event, after)
        case ClaimFact() | ParamsFact() | HandoffFact():
            return _ownership(fact)
        case MissedFact() | StoppedFact() | NoteFact():
            return RowKind.NOTE, _note_columns(fact)
        case _ as never:
            assert_never(never)


def _ownership(fact: ClaimFact | ParamsFact | HandoffFact) -> tuple[RowKind, Columns]:
    match fact:
        case ClaimFact():
            return RowKind.CLAIM, {"action": "claimed", "reason": fact.cause}
        case ParamsFact():
            return RowKind.PARAMS, {"action": "params", "reason": fact.params}
        case HandoffFact():
            reason = " ".join(filter(None, (fact.handoff, fact.detail)))
            return RowKind.HANDOFF, {"action": fact.step, "reason": reason}
        case _ as never:
            assert_never(never)


def _note_columns(fact: MissedFact | StoppedFact | NoteFact) -> Columns:
    match fact:
        case MissedFact():
            action = "skipped" if fact.declared else "missed"
            reason = f"{fact.count} from {fact.first_due_ms}: {fact.cause}"
            return {"action": action, "reason": reason, "due_ms": fact.last_due_ms}
        case StoppedFact():
            return {"action": "stopped", "reason": fact.reason}
        case NoteFact():
            return {"action": fact.code, "reason": fact.detail}
        case _ as never:
            assert_never(never)


def _decision_columns(fact: DecisionFact) -> Columns:
    decision = fact.decision
    columns: Columns = {
        "window_open_ms": fact.window_open_ms,
        "due_ms": fact.due_ms,
        "snapshot": fact.snapshot,
        "action": str(decision.action),
        "reason": decision.reason,
        "probability_up": decision.probability_up,
        "market_mid_up": decision.market_mid_up,
        "fair_up": decision.fair_up,
        "spread_points": decision.spread_points,
        "regime": decision.regime,
        "strategy": fact.strategy,
        "memory_hash": fact.memory_hash,
        "pre_state_hash": fact.pre_state_hash,
        "position_up": fact.position.up_shares,
        "position_down": fact.position.down_shares,
        "complete": fact.complete,
    }
    if fact.intents:
        first = fact.intents[0]
        columns |= {
            "condition_id": first.condition_id,
            "outcome": str(first.outcome),
            "side": str(first.side),
            "style": str(first.style),
            "price_micro_usd": first.price,
            "shares_micro": first.shares,
            "intent_id": first.intent_id,
        }
    return columns


def _order_columns(event: OutboxEvent, after: SlotState) -> Columns:
    columns: Columns = {
        "action": _tag(event),
        "gateway_release": event.gateway_release or None,
    } | _order_named(event, after)
    match event:
        case IntentRefused() | OrderEnded() | OrderUnknown():
            return columns | _endings(event, after)
        case FillConfirmed() | FillFailed():
            return columns | {"fill_id": event.fill_id}
        case Settled():
            return columns | _settlement(event, after)
        case Filled() | OrderSigned():
            return columns | _trade(event)
        case OrderOpened():
            return columns
        case _ as never:
            assert_never(never)


def _tag(value: msgspec.Struct) -> str:
    tag = value.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def _endings(event: IntentRefused | OrderEnded | OrderUnknown, after: SlotState) -> Columns:
    match event:
        case OrderEnded():
            return {"reason": f"{event.end}: {event.reason}"}
        case OrderUnknown():
            return {"reason": event.reason}
        case IntentRefused():
            window, due_ms = intent_window(after.slot, event.intent_id)
            return {
                "intent_id": event.intent_id,
                "reason": f"{event.code}: {event.reason}",
                "window_open_ms": window.open_ms,
                "due_ms": due_ms,
            }
        case _ as never:
            assert_never(never)


def _trade(event: Filled | OrderSigned) -> Columns:
    columns: Columns = {
        "condition_id": event.condition_id,
        "outcome": str(event.outcome),
        "side": str(event.side),
        "price_micro_usd": event.price,
        "shares_micro": event.shares,
    }
    match event:
        case Filled():
            columns |= {"fee_micro_usd": event.fee_micro_usd, "fill_id": event.fill_id}
            return columns | {"reason": "maker" if event.maker else "taker"}
        case OrderSigned():
            return columns | {"style": str(event.style), "snapshot": event.snapshot}
        case _ as never:
            assert_never(never)


def _order_named(event: OutboxEvent, after: SlotState) -> Columns:
    """Name the order that an event is about, its decision, and the code that opened it."""
    order_id = getattr(event, "order_id", None)
    if order_id is None:
        return {}
    order = after.orders.get(order_id)
    if order is None:
        return {"order_id": order_id}
    return {
        "order_id": order_id,
        "intent_id": order.intent_id,
        "condition_id": order.condition_id,
        "window_open_ms": order.window_open_ms,
        "due_ms": order.opened.due_ms,
        "outcome": str(order.outcome),
        "side": str(order.side),
        "style": str(order.style),
    } | _opening(order.opened)


def _settlement(event: Settled, after: SlotState) -> Columns:
    columns: Columns = {"condition_id": event.condition_id, "outcome": str(event.winner)}
    position = after.positions.get(event.condition_id)
    if position is None:
        return columns
    paid = position.shares(Outcome(event.winner))
    return (
        columns
        | {
            "window_open_ms": position.window_open_ms,
            "due_ms": position.opened.due_ms,
            "shares_micro": paid,
            "position_up": position.up_shares,
            "position_down": position.down_shares,
            "reason": f"pnl {position.realized_micro_usd} micro-USD",
        }
        | _opening(position.opened)
    )


def _opening(opened: Opening) -> Columns:
    return {
        "opened_release": opened.release,
        "opened_commit": opened.commit,
        "opened_params": opened.params,
    }
