"""The paper account in the port's words: orders, fills and events as the venue would tell them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from actors.venue.answers import AccountBalance
from actors.venue.paper.records import (
    Ended,
    EndReason,
    Filled,
    PaperRecord,
    Placed,
)
from actors.venue.paper.state import OrderEntry, PaperState
from actors.venue.port import (
    Cancelled,
    NotCancelled,
    OrderChange,
    OrderEvent,
    TradeStatus,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

MS_PER_S: Final = 1_000
CONFIRM_MS: Final = 2_000
"""Wire: from a match to its confirmation. The venue's chain takes seconds, at times a minute."""


def venue_order(entry: OrderEntry) -> VenueOrder:
    order = entry.order
    return VenueOrder(
        order_id=order.order_id,
        condition_id=order.condition_id,
        token_id=order.token_id,
        side=order.side,
        price=PriceMicroUsd(order.price),
        shares=MicroShares(order.shares),
        filled_shares=MicroShares(entry.filled_shares),
        status="LIVE" if entry.rests else "DELAYED",
        created_wire_ms=order.placed_wire_ms,
    )


def venue_trade(fill: Filled, wire_ms: int) -> VenueTrade:
    # one that is stamped ahead is of a former start, before the clock was set back
    confirmed = not -CONFIRM_MS <= wire_ms - fill.wire_ms < CONFIRM_MS
    return VenueTrade(
        fill_id=f"{fill.trade_id}/{fill.order_id}",
        order_id=fill.order_id,
        condition_id=fill.condition_id,
        token_id=fill.token_id,
        side=fill.side,
        price=PriceMicroUsd(fill.price),
        shares=MicroShares(fill.shares),
        of_shares=MicroShares(fill.shares),
        maker=fill.maker,
        fee_micro_usd=MicroUsd(fill.fee_micro_usd),
        status=TradeStatus.CONFIRMED if confirmed else TradeStatus.MATCHED,
        matched_wire_ms=fill.wire_ms,
    )


def open_orders(state: PaperState) -> tuple[VenueOrder, ...]:
    return tuple(venue_order(entry) for entry in state.active())


def trades_since(state: PaperState, after_s: int, wire_ms: int) -> tuple[VenueTrade, ...]:
    """Return fills matched at or after an instant (Unix seconds), oldest first."""
    found = [
        venue_trade(fill, wire_ms) for fill in state.fills if fill.wire_ms >= after_s * MS_PER_S
    ]
    return tuple(sorted(found, key=lambda fill: (fill.matched_wire_ms, fill.fill_id)))


def balance(state: PaperState, token_ids: Sequence[str]) -> AccountBalance:
    return AccountBalance(
        cash_micro_usd=MicroUsd(state.cash_micro_usd),
        shares={token: MicroShares(state.held.get(token, 0)) for token in token_ids},
    )


def cancelled(done: Mapping[str, str | None]) -> Cancelled:
    """Say order by order what became of a cancel: None, or why it was not cancelled."""
    return Cancelled(
        cancelled=tuple(order_id for order_id, why in done.items() if why is None),
        not_cancelled=tuple(
            NotCancelled(order_id=order_id, reason=why)
            for order_id, why in done.items()
            if why is not None
        ),
    )


def events_of(state: PaperState, record: PaperRecord, wire_ms: int) -> Iterator[VenueEvent]:
    """Yield what the venue's user stream says of a record."""
    match record:
        case Placed(order=order):
            yield _order_event(state, order.order_id, OrderChange.PLACEMENT)
        case Filled():
            yield _order_event(state, record.order_id, OrderChange.UPDATE)
            yield venue_trade(record, wire_ms)
        case Ended(reason=reason) if reason is not EndReason.FILLED:
            yield _order_event(state, record.order_id, OrderChange.CANCELLATION)
        case _:
            return


def _order_event(state: PaperState, order_id: str, change: OrderChange) -> OrderEvent:
    entry = state.order(order_id)
    assert entry is not None, "a record of an order comes after its order"
    return OrderEvent(
        order_id=order_id,
        condition_id=entry.order.condition_id,
        change=change,
        filled_shares=MicroShares(entry.filled_shares),
    )
