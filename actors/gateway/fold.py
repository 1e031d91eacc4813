"""The one way from records to the gateway's durable state, live and in recovery alike."""

from collections.abc import Iterable
from typing import Final, assert_never

from msgspec.structs import replace

from actors.gateway.exposure import Holding, holding_key, with_fill
from actors.gateway.ledger import Ledger, condition, ledger_of
from actors.gateway.order_life import Order, OrderState, ended, filled, moved
from actors.gateway.records import (
    Acknowledged,
    Base,
    FenceMoved,
    Forgotten,
    GenerationTaken,
    IncarnationIssued,
    IntentKept,
    Issued,
    KeptFill,
    KeptIntent,
    Latched,
    Market,
    OrderWritten,
    Outbox,
    Published,
    Record,
    Seat,
    TradingChanged,
)
from actors.messages import (
    FillConfirmed,
    Filled,
    FillFailed,
    IntentRefused,
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    OrderUnknown,
    OutboxEvent,
    Settled,
    TradingState,
)
from signals.market import DAY_MS, Outcome
from signals.units import MicroUsd, fill_value_micro_usd

HISTORY_MAX: Final = 64
"""Fence records kept per slot; older ones are in the slots' journals (kind claim)."""
OUTBOX_KEEP: Final = 64
"""Acknowledged events kept per slot: a slot that falls back one checkpoint can ask again."""


def fold(ledger: Ledger, records: Iterable[Record]) -> Ledger:
    """Apply records to a copy and return it."""
    result = ledger.copy()
    for record in records:
        result = apply(result, record)
    return result


def apply(ledger: Ledger, record: Record) -> Ledger:  # noqa: C901 one case per record, no logic
    """Apply one record in place; only `Base` returns another ledger."""
    match record:
        case Base():
            return ledger_of(record.ledger)
        case GenerationTaken():
            ledger.generation = record.generation
        case IncarnationIssued():
            _issue(ledger, record)
        case FenceMoved():
            _move_fence(ledger, record)
        case IntentKept():
            kept = KeptIntent(
                intent=record.intent, wire_ms=record.wire_ms, market_ms=record.market_ms
            )
            ledger.intents[record.intent.intent_id] = kept
            ledger.undecided[record.intent.intent_id] = record.intent
        case OrderWritten():
            _write(ledger, record)
        case Published():
            _deliver(ledger, record.slot, record.event)
            _publish(ledger, record)
        case TradingChanged():
            _change_trading(ledger, record)
        case Latched():
            ledger.latched[record.slot] = record.reason
        case Acknowledged():
            _acknowledge(ledger, record)
        case Forgotten():
            _forget(ledger, record.condition_id)
        case _:
            assert_never(record)
    return ledger


def _issue(ledger: Ledger, record: IncarnationIssued) -> None:
    seat = ledger.seats.get(record.slot) or Seat(slot=record.slot)
    issued = Issued(
        incarnation=record.incarnation,
        release=record.release,
        handoff=record.handoff,
        request=record.request,
    )
    if record.vacant:
        seat = replace(seat, vacant_for=issued)
    else:
        seat = replace(seat, standbys=(*seat.standbys, issued))
    ledger.seats[record.slot] = replace(seat, last_incarnation=record.incarnation)


def _move_fence(ledger: Ledger, record: FenceMoved) -> None:
    new = record.record
    seat = ledger.seats.get(new.slot) or Seat(slot=new.slot)
    same = seat.owner is not None and seat.owner.incarnation == new.incarnation
    left = seat.owner if new.handoff is not None else None
    ledger.seats[new.slot] = replace(
        seat,
        owner=new,
        previous=seat.previous if same else left,
        vacant_for=None,
        standbys=tuple(s for s in seat.standbys if s.incarnation > new.incarnation),
        history=(*seat.history, new)[-HISTORY_MAX:],
    )


def _write(ledger: Ledger, record: OrderWritten) -> None:
    event = record.event
    order = Order(
        order_id=event.order_id,
        intent_id=event.intent_id,
        slot=record.slot,
        condition_id=event.condition_id,
        token_id=record.token_id,
        outcome=event.outcome,
        side=event.side,
        style=event.style,
        price=event.price,
        shares=event.shares,
        close_ms=event.close_ms,
        body=record.body,
        signed_wire_ms=record.signed_wire_ms,
        signed_market_ms=event.at_ms,
    )
    ledger.orders[order.order_id] = order
    kept = ledger.intents[event.intent_id]
    ledger.intents[event.intent_id] = replace(kept, order_id=event.order_id)
    del ledger.undecided[event.intent_id]
    market = ledger.markets.get(event.condition_id) or Market(
        condition_id=event.condition_id, close_ms=event.close_ms
    )
    if record.slot not in market.slots:
        market = replace(market, slots=(*market.slots, record.slot))
    ledger.markets[event.condition_id] = market
    _deliver(ledger, record.slot, event)


def _deliver(ledger: Ledger, slot: str, event: OutboxEvent) -> None:
    box = ledger.outbox.get(slot) or Outbox()
    assert event.sequence == box.last_sequence + 1, f"{slot}: outbox gap at {event.sequence}"
    ledger.outbox[slot] = replace(box, last_sequence=event.sequence, events=(*box.events, event))


def _acknowledge(ledger: Ledger, record: Acknowledged) -> None:
    box = ledger.outbox.get(record.slot) or Outbox()
    oldest = record.sequence - OUTBOX_KEEP
    kept = tuple(event for event in box.events if event.sequence > oldest)
    ledger.outbox[record.slot] = replace(box, acknowledged=record.sequence, events=kept)


def _publish(ledger: Ledger, record: Published) -> None:  # noqa: C901 one case per event, no logic
    event = record.event
    match event:
        case IntentRefused():
            kept = ledger.intents[event.intent_id]
            ledger.intents[event.intent_id] = replace(kept, refusal=event.code)
            del ledger.undecided[event.intent_id]
            _count(ledger, OrderEnd.REFUSED)
        case OrderSigned():
            raise AssertionError("an OrderSigned travels in OrderWritten, with its bytes")
        case OrderOpened():
            order = ledger.orders[event.order_id]
            ledger.orders[event.order_id] = moved(order, OrderState.OPEN)
        case OrderUnknown():
            order = ledger.orders[event.order_id]
            ledger.orders[event.order_id] = moved(order, OrderState.UNKNOWN, event.reason)
        case OrderEnded():
            order = ledger.orders.pop(event.order_id)
            ledger.ended[event.order_id] = ended(order, event.end, event.reason)
            _count(ledger, event.end)
        case Filled():
            _fill(ledger, record.slot, event, record.wire_ms)
        case FillConfirmed():
            kept_fill = ledger.fills[event.fill_id]
            ledger.fills[event.fill_id] = replace(kept_fill, final=True)
        case FillFailed():
            kept_fill = ledger.fills[event.fill_id]
            ledger.fills[event.fill_id] = replace(kept_fill, final=True, failed=True)
            _hold(ledger, kept_fill, event.at_ms, sign=-1)
        case Settled():
            _settle(ledger, record.slot, event)
        case _:
            assert_never(event)


def _count(ledger: Ledger, end: OrderEnd) -> None:
    ledger.end_counts[end] = ledger.end_counts.get(end, 0) + 1


def _fill(ledger: Ledger, slot: str, event: Filled, wire_ms: int) -> None:
    where = ledger.orders if event.order_id in ledger.orders else ledger.ended
    value = fill_value_micro_usd(event.outcome, event.price, event.shares)
    where[event.order_id] = filled(where[event.order_id], event.shares, value)
    kept = KeptFill(fill=event, slot=slot, wire_ms=wire_ms)
    ledger.fills[event.fill_id] = kept
    _hold(ledger, kept, event.at_ms, sign=1)


def _hold(ledger: Ledger, kept: KeptFill, market_ms: int, sign: int) -> None:
    fill = kept.fill
    key = holding_key(kept.slot, fill.condition_id, fill.outcome)
    market = ledger.markets[fill.condition_id]
    before = ledger.holdings.get(key) or Holding(
        slot=kept.slot,
        condition_id=fill.condition_id,
        outcome=fill.outcome,
        close_ms=market.close_ms,
        told=kept.slot in market.told,
    )
    after = with_fill(before, fill.side, fill.price, fill.shares, fill.fee_micro_usd, sign)
    ledger.holdings[key] = after
    received = after.sold_micro_usd - before.sold_micro_usd
    spent = after.bought_micro_usd - before.bought_micro_usd
    ledger.cash_micro_usd = MicroUsd(ledger.cash_micro_usd + received - spent)
    winner = market.winner if kept.slot in market.told else None
    gained = after.realized_micro_usd(winner) - before.realized_micro_usd(winner)
    _realize(ledger, MicroUsd(gained), market_ms)


def _settle(ledger: Ledger, slot: str, event: Settled) -> None:
    market = ledger.markets[event.condition_id]
    ledger.markets[event.condition_id] = replace(
        market, winner=event.winner, told=(*market.told, slot)
    )
    for outcome in Outcome:
        holding = ledger.holdings.get(holding_key(slot, event.condition_id, outcome))
        if holding is not None:
            paid = holding.held_shares if outcome is event.winner else 0
            ledger.paid_micro_usd = MicroUsd(ledger.paid_micro_usd + paid)
            whole = holding.realized_micro_usd(event.winner)
            gained = whole - holding.realized_micro_usd(None)
            _realize(ledger, MicroUsd(gained), event.at_ms)
            key = holding_key(slot, event.condition_id, outcome)
            ledger.holdings[key] = replace(holding, told=True)


def _realize(ledger: Ledger, gained: MicroUsd, market_ms: int) -> None:
    day = market_ms // DAY_MS
    if day > ledger.day:
        ledger.day, ledger.day_realized_micro_usd = day, MicroUsd(0)
    ledger.day_realized_micro_usd = MicroUsd(ledger.day_realized_micro_usd + gained)


def _change_trading(ledger: Ledger, record: TradingChanged) -> None:
    ledger.trading = record.state
    ledger.trading_reason, ledger.trading_who = record.reason, record.who
    if record.state is TradingState.ACTIVE:
        ledger.latched.clear()


def _forget(ledger: Ledger, condition_id: str) -> None:
    own = condition(condition_id)
    times = [order.signed_wire_ms for order in ledger.ended.of(own)]
    times += [kept.wire_ms for kept in ledger.fills.of(own)]
    ledger.forgotten_wire_ms = max([ledger.forgotten_wire_ms, *times])
    ledger.markets.pop(condition_id, None)
    for key in ledger.ended.keys_of(own):
        del ledger.ended[key]
    for key in ledger.fills.keys_of(own):
        del ledger.fills[key]
    for key in ledger.holdings.keys_of(own):
        del ledger.holdings[key]
    for key in ledger.intents.keys_of(own):
        del ledger.intents[key]
