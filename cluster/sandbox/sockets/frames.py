"""Frames of the public market socket and the private user socket, made from exchange events."""

from typing import Final

import msgspec

from cluster.sandbox.events import (
    BestChanged,
    LastTrade,
    MarketOpened,
    MarketResolved,
    OrderChanged,
    PricesChanged,
    TickSizeChanged,
    TradeChanged,
)
from cluster.sandbox.model import MICRO, BookView, CancelReason, OrderState, OrderType, Outcome
from cluster.sandbox.orders import FAK_NONE, FOK_SHORT
from cluster.sandbox.server.gamma_bodies import gamma_market
from cluster.sandbox.server.market_bodies import BASE_FEE_BPS, LevelBody, book_body
from cluster.sandbox.server.order_bodies import (
    ORDER_STATUS,
    MakerOrderBody,
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


def _price(micro: int | None, absent: int) -> str:
    """Write a best price; an empty side reads as the far end of the scale, as at the venue."""
    return decimal_text(absent if micro is None else micro)


class BookFrame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The recorded keys: the first book of a subscription says its tick size and last price."""

    market: str
    asset_id: str
    timestamp: str
    hash: str
    bids: tuple[LevelBody, ...]
    asks: tuple[LevelBody, ...]
    tick_size: str | None = None
    event_type: str
    last_trade_price: str | None = None


def book_frame(view: BookView, *, after_trade: bool = False) -> BookFrame:
    body = book_body(view)
    return BookFrame(
        market=body.market,
        asset_id=body.asset_id,
        timestamp=body.timestamp,
        hash=body.hash,
        bids=body.bids,
        asks=body.asks,
        tick_size=None if after_trade else body.tick_size,
        event_type="book",
        last_trade_price=None if after_trade else body.last_trade_price,
    )


class ChangeFrame(msgspec.Struct, frozen=True, kw_only=True):
    asset_id: str
    price: str
    size: str
    side: str
    hash: str
    best_bid: str
    best_ask: str


class PriceChangeFrame(msgspec.Struct, frozen=True, kw_only=True):
    event_type: str = "price_change"
    market: str
    price_changes: tuple[ChangeFrame, ...]
    timestamp: str


def price_change_frame(event: PricesChanged) -> PriceChangeFrame:
    best = {prices.token_id: prices for prices in event.best}
    hashes = {
        prices.token_id: found for prices, found in zip(event.best, event.hashes, strict=True)
    }
    return PriceChangeFrame(
        market=event.condition_id,
        price_changes=tuple(
            ChangeFrame(
                asset_id=change.token_id,
                price=decimal_text(change.price),
                size=decimal_text(change.shares),
                side=change.side,
                hash=hashes[change.token_id],
                best_bid=_price(best[change.token_id].best_bid, 0),
                best_ask=_price(best[change.token_id].best_ask, MICRO),
            )
            for change in event.changes
        ),
        timestamp=str(event.wire_ms),
    )


class BestFrame(msgspec.Struct, frozen=True, kw_only=True):
    event_type: str = "best_bid_ask"
    market: str
    asset_id: str
    best_bid: str
    best_ask: str
    spread: str
    timestamp: str


def best_frame(event: BestChanged) -> BestFrame:
    bid = event.best.best_bid or 0
    ask = MICRO if event.best.best_ask is None else event.best.best_ask
    return BestFrame(
        market=event.condition_id,
        asset_id=event.best.token_id,
        best_bid=decimal_text(bid),
        best_ask=decimal_text(ask),
        spread=decimal_text(ask - bid),
        timestamp=str(event.wire_ms),
    )


class LastTradeFrame(msgspec.Struct, frozen=True, kw_only=True):
    event_type: str = "last_trade_price"
    market: str
    asset_id: str
    price: str
    size: str
    side: str
    fee_rate_bps: str
    timestamp: str


def last_trade_frame(event: LastTrade) -> LastTradeFrame:
    return LastTradeFrame(
        market=event.condition_id,
        asset_id=event.token_id,
        price=decimal_text(event.price),
        size=decimal_text(event.shares),
        side=event.side,
        fee_rate_bps=str(BASE_FEE_BPS),
        timestamp=str(event.wire_ms),
    )


class TickSizeFrame(msgspec.Struct, frozen=True, kw_only=True):
    event_type: str = "tick_size_change"
    market: str
    asset_id: str
    old_tick_size: str
    new_tick_size: str
    timestamp: str


def tick_size_frame(event: TickSizeChanged, outcome: Outcome) -> TickSizeFrame:
    return TickSizeFrame(
        market=event.market.condition_id,
        asset_id=event.market.token_id(outcome),
        old_tick_size=decimal_text(event.old_tick_micro_usd),
        new_tick_size=decimal_text(event.new_tick_micro_usd),
        timestamp=str(event.wire_ms),
    )


class MarketFrame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Both `new_market` and `market_resolved`."""

    event_type: str
    id: str
    market: str
    slug: str
    question: str
    description: str
    assets_ids: tuple[str, ...]
    outcomes: tuple[str, ...]
    timestamp: str
    winning_asset_id: str | None = None
    winning_outcome: str | None = None


def market_frame(event: MarketOpened | MarketResolved) -> MarketFrame:
    market, winner = event.market, event.market.winner
    resolved = isinstance(event, MarketResolved)
    shown = gamma_market(market)
    return MarketFrame(
        event_type="market_resolved" if resolved else "new_market",
        id=market.gamma_id,
        market=market.condition_id,
        slug=market.slug,
        question=shown.question,
        description=shown.description,
        assets_ids=(market.up_token_id, market.down_token_id),
        outcomes=tuple(Outcome),
        timestamp=str(event.wire_ms),
        winning_asset_id=market.token_id(winner) if resolved and winner is not None else None,
        winning_outcome=winner if resolved else None,
    )


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


class TradeFrame(msgspec.Struct, frozen=True, kw_only=True):
    event_type: str = "trade"
    type: str = "TRADE"
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
    trade_owner: str
    maker_address: str
    transaction_hash: str
    trader_side: str
    maker_orders: tuple[MakerOrderBody, ...]
    timestamp: str


def trade_frame(event: TradeChanged) -> TradeFrame:
    """Statuses on the socket are plain; the REST listing prefixes them."""
    fields = msgspec.structs.asdict(trade_body(event.trade, event.api_key))
    fields["status"] = str(event.trade.status)
    return TradeFrame(**fields, trade_owner=event.api_key, timestamp=str(event.wire_ms))
