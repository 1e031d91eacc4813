"""Frames of the private user socket, made from exchange events."""

from typing import Final

import msgspec

from cluster.sandbox.events import OrderChanged, TradeChanged
from cluster.sandbox.model import CancelReason, OrderState, OrderType
from cluster.sandbox.orders import FAK_NONE, FOK_SHORT
from cluster.sandbox.server.order_bodies import (
    ORDER_STATUS,
    TradeBody,
    expiration_text,
    original_size_text,
    trade_body,
)
from cluster.sandbox.server.wire import decimal_text

CANCEL_STATUS: Final = {
    CancelReason.CLOSE: "INVALID",
    CancelReason.FUNDS: "CANCELED_NOT_ENOUGH_BALANCE",
    CancelReason.EXPIRED: "CANCELED_EXPIRED_ORDER",
}


KILLED_STATUS: Final = {
    OrderType.FOK: f"CANCELED_{FOK_SHORT}",
    OrderType.FAK: f"CANCELED_{FAK_NONE}",
}
"""The venue puts the reason of a kill behind the status."""


class OrderFrame(msgspec.Struct, frozen=True, kw_only=True):
    event_type: str = "order"
    type: str
    id: str
    owner: str
    order_owner: str
    maker_address: str
    market: str
    asset_id: str
    side: str
    price: str
    original_size: str
    size_matched: str
    outcome: str
    order_type: str
    status: str
    associate_trades: tuple[str, ...]
    created_at: str
    expiration: str
    timestamp: str


def order_frame(event: OrderChanged) -> OrderFrame:
    """Show an order; one that was killed unfilled has the venue's empty fields and long status."""
    frame = _order_frame(event)
    if not event.bare or event.order.state is not OrderState.KILLED or event.order.filled_shares:
        return frame
    said = KILLED_STATUS[event.order.order_type]
    return msgspec.structs.replace(
        frame, status=said, size_matched="", outcome="", created_at="", associate_trades=()
    )


def _order_frame(event: OrderChanged) -> OrderFrame:
    order = event.order
    status = ORDER_STATUS[order.state]
    if order.state is OrderState.CANCELED and event.reason is not None:
        status = CANCEL_STATUS.get(event.reason, status)
    return OrderFrame(
        type=event.change,
        id=order.order_id,
        owner=order.api_key,
        order_owner=order.api_key,
        maker_address=order.maker_address,
        market=order.condition_id,
        asset_id=order.token_id,
        side=order.side,
        price=decimal_text(order.price),
        original_size=original_size_text(order),
        size_matched=decimal_text(order.filled_shares),
        outcome=order.outcome,
        order_type=order.order_type,
        status=status,
        associate_trades=order.trade_ids,
        created_at=str(order.placed_wire_ms // 1_000),
        expiration=expiration_text(order),
        timestamp=str(event.wire_ms),
    )


def trade_frame(event: TradeChanged) -> TradeBody:
    """Statuses on the socket are plain; the REST listing prefixes them."""
    return msgspec.structs.replace(
        trade_body(event.trade, event.api_key),
        event_type="trade",
        type="TRADE",
        status=str(event.trade.status),
        trade_owner=event.api_key,
        timestamp=str(event.wire_ms),
    )
