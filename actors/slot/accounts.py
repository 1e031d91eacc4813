"""The books of a slot: how each event of the gateway's outbox changes positions and money.

Pure and exact. Events come in outbox order without a gap (`slot.books` sees to that); a fill may
still come after the end of its order or after the settlement of its market, and may be reversed.
"""

from typing import TypeVar, assert_never

from msgspec.structs import replace

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
)
from actors.slot.state import (
    EXPECTED_RESOLUTION_MS,
    KEEP_SETTLED_MS,
    FillRecord,
    Opening,
    OrderRecord,
    PositionRecord,
    SlotState,
)
from signals.market import Outcome, Side, Slot, Window
from signals.units import MicroShares, MicroUsd, fill_value_micro_usd


def account_event(state: SlotState, event: OutboxEvent) -> SlotState:
    """Apply one outbox event; an event about something unknown only moves the sequence."""
    state = replace(state, outbox_sequence=event.sequence)
    match event:
        case IntentRefused():
            return _refuse_intent(state, event)
        case OrderSigned():
            return _sign(state, event)
        case OrderOpened() | OrderUnknown() | OrderEnded():
            return _live(state, event)
        case Filled() | FillConfirmed() | FillFailed():
            return _match(state, event)
        case Settled():
            return _settle(state, event)
        case _ as never:
            assert_never(never)


def intent_window(slot: str, intent_id: str) -> tuple[Window, int]:
    """Read window and due time from an intent id, which is deterministic by design."""
    _, window_open_ms, due_ms, _ = intent_id.split("/")
    return Window(int(window_open_ms), Slot.parse(slot).timeframe), int(due_ms)


def drop_settled(state: SlotState, now_ms: int) -> SlotState:
    """Forget settled markets whose grace is over; the totals have them."""
    horizon_ms = now_ms - KEEP_SETTLED_MS
    provisional = {fill.condition_id for fill in state.fills.values()}
    done = {
        order.condition_id
        for order in state.orders.values()
        if order.close_ms <= horizon_ms and order.condition_id not in provisional
    }
    done |= {
        key
        for key, position in state.positions.items()
        if position.close_ms <= horizon_ms and key not in provisional
    }
    done -= {order.condition_id for order in state.orders.values() if order.end is None}
    done -= {key for key, position in state.positions.items() if position.winner is None}
    if not done:
        return state
    orders = {key: o for key, o in state.orders.items() if o.condition_id not in done}
    positions = {key: p for key, p in state.positions.items() if key not in done}
    return replace(state, orders=orders, positions=positions)


def _refuse_intent(state: SlotState, event: IntentRefused) -> SlotState:
    counts = state.counts
    ended = {**counts.ended, OrderEnd.REFUSED: counts.ended.get(OrderEnd.REFUSED, 0) + 1}
    counts = replace(counts, refused=counts.refused + 1, ended=ended)
    return replace(state, intents=_without(state.intents, event.intent_id), counts=counts)


def _sign(state: SlotState, event: OrderSigned) -> SlotState:
    window, due_ms = intent_window(state.slot, event.intent_id)
    opened = Opening(
        due_ms=due_ms,
        snapshot=event.snapshot,
        release=event.release,
        commit=event.commit,
        params=event.params,
    )
    order = OrderRecord(
        order_id=event.order_id,
        intent_id=event.intent_id,
        condition_id=event.condition_id,
        window_open_ms=window.open_ms,
        close_ms=event.close_ms,
        outcome=event.outcome,
        side=event.side,
        style=event.style,
        price=event.price,
        shares=event.shares,
        signed_ms=event.at_ms,
        opened=opened,
    )
    return replace(
        state,
        intents=_without(state.intents, event.intent_id),
        orders={**state.orders, event.order_id: order},
        counts=replace(state.counts, orders=state.counts.orders + 1),
    )


def _live(state: SlotState, event: OrderOpened | OrderUnknown | OrderEnded) -> SlotState:
    order = state.orders.get(event.order_id)
    if order is None or order.end is not None:
        return state
    match event:
        case OrderOpened():
            order = replace(order, life="open")
        case OrderUnknown():
            order = replace(order, life="unknown")
        case OrderEnded(end=end):
            order = replace(order, life="ended", end=end)
            ended = {**state.counts.ended, end: state.counts.ended.get(end, 0) + 1}
            state = replace(state, counts=replace(state.counts, ended=ended))
        case _ as never:
            assert_never(never)
    return replace(state, orders={**state.orders, order.order_id: order})


def _match(state: SlotState, event: Filled | FillConfirmed | FillFailed) -> SlotState:
    match event:
        case Filled():
            return _fill(state, event)
        case FillConfirmed(fill_id=fill_id):
            return replace(state, fills=_without(state.fills, fill_id))
        case FillFailed(fill_id=fill_id):
            return _reverse(state, fill_id)
        case _ as never:
            assert_never(never)


def _fill(state: SlotState, event: Filled) -> SlotState:
    if event.fill_id in state.fills:
        return state
    fill = FillRecord(
        order_id=event.order_id,
        condition_id=event.condition_id,
        outcome=event.outcome,
        side=event.side,
        shares=event.shares,
        notional_micro_usd=fill_value_micro_usd(event.outcome, event.price, event.shares),
        fee_micro_usd=event.fee_micro_usd,
    )
    state = _book(state, fill, 1, event.at_ms)
    order = state.orders.get(event.order_id)
    if order is not None:  # stays filled also if the trade fails: its size does not rest again
        order = replace(order, filled=MicroShares(order.filled + event.shares))
        state = replace(state, orders={**state.orders, order.order_id: order})
    counts = replace(state.counts, fills=state.counts.fills + 1)
    return replace(state, fills={**state.fills, event.fill_id: fill}, counts=counts)


def _reverse(state: SlotState, fill_id: str) -> SlotState:
    fill = state.fills.get(fill_id)
    if fill is None:
        return state
    state = _book(state, fill, -1, 0)
    counts = replace(state.counts, failed_fills=state.counts.failed_fills + 1)
    return replace(state, fills=_without(state.fills, fill_id), counts=counts)


def _book(state: SlotState, fill: FillRecord, sign: int, at_ms: int) -> SlotState:
    """Add (sign 1) or take away (sign -1) a fill, in position and totals."""
    before = state.positions.get(fill.condition_id) or _open_position(state, fill, at_ms)
    shares = sign * fill.shares * (1 if fill.side is Side.BUY else -1)
    notional = sign * fill.notional_micro_usd
    buy = fill.side is Side.BUY
    up = fill.outcome is Outcome.UP
    after = replace(
        before,
        up_shares=MicroShares(before.up_shares + (shares if up else 0)),
        down_shares=MicroShares(before.down_shares + (0 if up else shares)),
        bought_micro_usd=MicroUsd(before.bought_micro_usd + (notional if buy else 0)),
        sold_micro_usd=MicroUsd(before.sold_micro_usd + (0 if buy else notional)),
        fees_micro_usd=MicroUsd(before.fees_micro_usd + sign * fill.fee_micro_usd),
    )
    return _move(state, before, after)


def _settle(state: SlotState, event: Settled) -> SlotState:
    before = state.positions.get(event.condition_id)
    if before is None:
        return _remember_winner(state, event)
    if before.winner is not None:
        return state
    state = _move(state, before, replace(before, winner=event.winner))
    counts = replace(state.counts, settlements=state.counts.settlements + 1)
    return replace(state, counts=counts)


def _remember_winner(state: SlotState, event: Settled) -> SlotState:
    """Keep the winner of a market that was ordered and not filled: a fill may be reported late.

    The market's first order names the decision, in whatever order a checkpoint holds them.
    """
    orders = [order for order in state.orders.values() if order.condition_id == event.condition_id]
    if not orders:
        return state
    order = min(orders, key=lambda order: (order.opened.due_ms, order.order_id))
    window = Window(order.window_open_ms, Slot.parse(state.slot).timeframe)
    empty = _position(state, event.condition_id, window, order.opened)
    return _move(state, empty, replace(empty, winner=event.winner))


def _move(state: SlotState, before: PositionRecord, after: PositionRecord) -> SlotState:
    """Put a changed position in place and its difference into the totals."""
    pnl = state.realized_pnl_micro_usd + after.realized_micro_usd - before.realized_micro_usd
    paid = _payout(after) - _payout(before)
    cash = state.cash_micro_usd + after.cash_micro_usd - before.cash_micro_usd + paid
    return replace(
        state,
        positions={**state.positions, after.condition_id: after},
        realized_pnl_micro_usd=MicroUsd(pnl),
        cash_micro_usd=MicroUsd(cash),
    )


def _payout(position: PositionRecord) -> int:
    return 0 if position.winner is None else position.shares(position.winner)


def _open_position(state: SlotState, fill: FillRecord, at_ms: int) -> PositionRecord:
    order = state.orders.get(fill.order_id)
    timeframe = Slot.parse(state.slot).timeframe
    if order is None:  # only after its grace: the fill's own time names the window
        window = Window.at(at_ms, timeframe)
        opened = Opening(due_ms=at_ms, snapshot="", release="", commit="", params="")
    else:
        window = Window(order.window_open_ms, timeframe)
        opened = order.opened
    return _position(state, fill.condition_id, window, opened)


def _position(
    state: SlotState, condition_id: str, window: Window, opened: Opening
) -> PositionRecord:
    return PositionRecord(
        condition_id=condition_id,
        window_open_ms=window.open_ms,
        timeframe=window.timeframe,
        close_ms=window.close_ms,
        expected_resolution_ms=window.close_ms + EXPECTED_RESOLUTION_MS,
        allocation_micro_usd=state.allocation_micro_usd,
        opened=opened,
    )


_Record = TypeVar("_Record")


def _without(records: dict[str, _Record], key: str) -> dict[str, _Record]:
    if key not in records:
        return records
    return {name: value for name, value in records.items() if name != key}
