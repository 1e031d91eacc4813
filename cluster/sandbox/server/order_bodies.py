"""Bodies about an account's orders and trades, made from the exchange's values."""

from typing import Final

import msgspec

from cluster.sandbox.model import (
    CancelResult,
    MakerLeg,
    Order,
    OrderState,
    Outcome,
    PlaceResult,
    Trade,
)
from cluster.sandbox.server.market_bodies import BASE_FEE_BPS
from cluster.sandbox.server.wire import decimal_text

END_CURSOR: Final = "LTE="
"""Base64 of -1: no further page."""
ORDER_STATUS: Final = {
    OrderState.LIVE: "LIVE",
    OrderState.DELAYED: "DELAYED",
    OrderState.MATCHED: "MATCHED",
    OrderState.CANCELED: "CANCELED",
    OrderState.EXPIRED: "CANCELED_EXPIRED_ORDER",
    OrderState.KILLED: "CANCELED",
    OrderState.REFUSED: "INVALID",
}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    data: list[msgspec.Struct]
    next_cursor: str
    limit: int
    count: int


class OpenOrderBody(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str
    owner: str
    maker_address: str
    market: str
    asset_id: str
    side: str
    original_size: str
    size_matched: str
    price: str
    outcome: str
    order_type: str
    associate_trades: tuple[str, ...]
    created_at: int
    expiration: str


def open_order_body(order: Order) -> OpenOrderBody:
    return OpenOrderBody(
        id=order.order_id,
        status=ORDER_STATUS[order.state],
        owner=order.api_key,
        maker_address=order.maker_address,
        market=order.condition_id,
        asset_id=order.token_id,
        side=order.side,
        original_size=original_size_text(order),
        size_matched=decimal_text(order.filled_shares),
        price=decimal_text(order.price),
        outcome=order.outcome,
        order_type=order.order_type,
        associate_trades=order.trade_ids,
        created_at=order.placed_wire_ms // 1_000,
        expiration=expiration_text(order),
    )


def original_size_text(order: Order) -> str:
    """Write the size; of a buy that spends dollars, those dollars, as at the venue."""
    budget = order.budget_micro_usd
    return decimal_text(order.shares if budget is None else budget)


def expiration_text(order: Order) -> str:
    """Seconds that the order stated: it leaves the book one minute before them."""
    return "0" if order.expires_wire_ms is None else str(order.expires_wire_ms // 1_000 + 60)


class MakerOrderBody(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    owner: str
    maker_address: str
    matched_amount: str
    price: str
    fee_rate_bps: str
    asset_id: str
    outcome: str
    outcome_index: int
    side: str


class TradeBody(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of the listing; on the user socket with fields that the listing does not have."""

    event_type: str | msgspec.UnsetType = msgspec.UNSET
    type: str | msgspec.UnsetType = msgspec.UNSET
    id: str
    taker_order_id: str
    market: str
    asset_id: str
    side: str
    size: str
    fee_rate_bps: str
    price: str
    status: str
    match_time: str
    last_update: str
    outcome: str
    bucket_index: int
    owner: str
    trade_owner: str | msgspec.UnsetType = msgspec.UNSET
    maker_address: str
    transaction_hash: str
    trader_side: str
    maker_orders: tuple[MakerOrderBody, ...]
    timestamp: str | msgspec.UnsetType = msgspec.UNSET


def maker_order_body(leg: MakerLeg) -> MakerOrderBody:
    return MakerOrderBody(
        order_id=leg.order_id,
        owner=leg.api_key,
        maker_address=leg.maker_address,
        matched_amount=decimal_text(leg.shares),
        price=decimal_text(leg.price),
        fee_rate_bps="0",
        asset_id=leg.token_id,
        outcome=leg.outcome,
        outcome_index=0 if leg.outcome is Outcome.UP else 1,
        side=leg.side,
    )


def trade_body(trade: Trade, api_key: str) -> TradeBody:
    """Show a trade to one account: its size, price and side are always the taker's.

    A maker finds its own leg in `maker_orders`; `owner` and `maker_address` are the reader's.
    """
    mine = next((leg for leg in trade.makers if leg.api_key == api_key), None)
    takes = mine is None or trade.taker_api_key == api_key
    return TradeBody(
        id=trade.trade_id,
        taker_order_id=trade.taker_order_id,
        market=trade.condition_id,
        asset_id=trade.token_id,
        side=trade.side,
        size=decimal_text(trade.shares),
        fee_rate_bps=str(BASE_FEE_BPS),
        price=decimal_text(trade.price),
        status=f"TRADE_STATUS_{trade.status}",
        match_time=str(trade.matched_wire_ms // 1_000),
        last_update=str(trade.updated_wire_ms // 1_000),
        outcome=trade.outcome,
        bucket_index=trade.bucket_index,
        owner=api_key,
        maker_address=trade.taker_address if mine is None or takes else mine.maker_address,
        transaction_hash=trade.transaction_hash,
        trader_side="TAKER" if takes else "MAKER",
        maker_orders=tuple(maker_order_body(leg) for leg in trade.makers),
    )


class PlaceBody(msgspec.Struct, frozen=True, kw_only=True):
    success: bool
    errorMsg: str  # noqa: N815 the venue's field name
    orderID: str  # noqa: N815 the venue's field name
    status: str
    makingAmount: str  # noqa: N815 the venue's field name
    takingAmount: str  # noqa: N815 the venue's field name
    tradeIDs: tuple[str, ...]  # noqa: N815 the venue's field name
    transactionsHashes: tuple[str, ...]  # noqa: N815 the venue's field name


def place_body(result: PlaceResult, *, refused_succeed: bool = False) -> PlaceBody:
    """Amounts are decimals of USD and shares, empty where nothing matched at once.

    `refused_succeed`: a refused leg of a batch says success true; its error and its empty id tell.
    """
    matched = result.making_micro > 0 or result.taking_micro > 0
    return PlaceBody(
        success=result.accepted or refused_succeed,
        errorMsg=result.error or "",
        orderID=result.order_id if result.accepted else "",
        status=result.state if result.accepted else "",
        makingAmount=decimal_text(result.making_micro) if matched else "",
        takingAmount=decimal_text(result.taking_micro) if matched else "",
        tradeIDs=result.trade_ids,
        transactionsHashes=result.transaction_hashes,
    )


class CancelBody(msgspec.Struct, frozen=True, kw_only=True):
    canceled: tuple[str, ...]
    not_canceled: dict[str, str]


def cancel_body(result: CancelResult) -> CancelBody:
    return CancelBody(canceled=result.canceled, not_canceled=dict(result.not_canceled))
