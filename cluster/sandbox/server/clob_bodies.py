"""Bodies of the CLOB's answers, made from the exchange's values. Field names are the venue's."""

from typing import Final

import msgspec

from cluster.sandbox.model import (
    BookView,
    CancelResult,
    Level,
    MakerLeg,
    Market,
    Order,
    OrderState,
    Outcome,
    PlaceResult,
    Trade,
)
from cluster.sandbox.server.wire import decimal_number, decimal_text

BASE_FEE_BPS: Final = 1_000
"""The venue's `base_fee` of crypto markets; what a taker pays follows `fd`, not this number."""
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
        original_size=decimal_text(order.shares),
        size_matched=decimal_text(order.filled_shares),
        price=decimal_text(order.price),
        outcome=order.outcome,
        order_type=order.order_type,
        associate_trades=order.trade_ids,
        created_at=order.placed_wire_ms // 1_000,
        expiration=expiration_text(order),
    )


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
    maker_address: str
    transaction_hash: str
    trader_side: str
    maker_orders: tuple[MakerOrderBody, ...]


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


class LevelBody(msgspec.Struct, frozen=True, kw_only=True):
    price: str
    size: str


class BookBody(msgspec.Struct, frozen=True, kw_only=True):
    market: str
    asset_id: str
    timestamp: str
    hash: str
    bids: tuple[LevelBody, ...]
    """Ascending: the best bid is LAST."""
    asks: tuple[LevelBody, ...]
    """Descending: the best ask is LAST."""
    min_order_size: str
    tick_size: str
    neg_risk: bool
    last_trade_price: str


def _levels(levels: tuple[Level, ...]) -> tuple[LevelBody, ...]:
    return tuple(
        LevelBody(price=decimal_text(level.price), size=decimal_text(level.shares))
        for level in reversed(levels)
    )


def book_body(view: BookView) -> BookBody:
    return BookBody(
        market=view.condition_id,
        asset_id=view.token_id,
        timestamp=str(view.wire_ms),
        hash=view.hash,
        bids=_levels(view.bids),
        asks=_levels(view.asks),
        min_order_size=decimal_text(view.min_order_shares),
        tick_size=decimal_text(view.tick_micro_usd),
        neg_risk=False,
        last_trade_price=(
            "" if view.last_trade_price is None else decimal_text(view.last_trade_price)
        ),
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


def place_body(result: PlaceResult) -> PlaceBody:
    """Amounts are decimals of USD and shares, empty where nothing matched at once."""
    matched = result.making_micro > 0 or result.taking_micro > 0
    return PlaceBody(
        success=result.accepted,
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


class TokenBody(msgspec.Struct, frozen=True, kw_only=True):
    t: str
    o: str


class FeeBody(msgspec.Struct, frozen=True, kw_only=True):
    r: float
    e: int
    to: bool = True


class ClobMarketBody(msgspec.Struct, frozen=True, kw_only=True):
    """GET /clob-markets/{condition}: the short names are the venue's."""

    c: str
    t: tuple[TokenBody, ...]
    mts: float
    mos: float
    nr: bool
    fd: FeeBody
    mbf: int
    tbf: int
    itode: bool
    v: str


def clob_market_body(market: Market) -> ClobMarketBody:
    return ClobMarketBody(
        c=market.condition_id,
        t=tuple(TokenBody(t=market.token_id(outcome), o=outcome) for outcome in Outcome),
        mts=decimal_number(market.tick_micro_usd),
        mos=decimal_number(market.min_order_shares),
        nr=False,
        fd=FeeBody(r=float(market.fee_rate), e=market.fee_exponent),
        mbf=BASE_FEE_BPS,
        tbf=BASE_FEE_BPS,
        itode=market.taker_delay,
        v="v1",
    )


class MarketTokenBody(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    outcome: str
    price: float
    winner: bool


class MarketBody(msgspec.Struct, frozen=True, kw_only=True):
    """GET /markets/{condition}: who won is `tokens[].winner`."""

    condition_id: str
    question_id: str
    market_slug: str
    active: bool
    closed: bool
    accepting_orders: bool
    enable_order_book: bool
    minimum_order_size: float
    minimum_tick_size: float
    neg_risk: bool
    maker_base_fee: int
    taker_base_fee: int
    tokens: tuple[MarketTokenBody, ...]


def market_body(market: Market) -> MarketBody:
    return MarketBody(
        condition_id=market.condition_id,
        question_id=market.question_id,
        market_slug=market.slug,
        active=True,
        closed=market.closed,
        accepting_orders=market.accepting_orders,
        enable_order_book=True,
        minimum_order_size=decimal_number(market.min_order_shares),
        minimum_tick_size=decimal_number(market.tick_micro_usd),
        neg_risk=False,
        maker_base_fee=BASE_FEE_BPS,
        taker_base_fee=BASE_FEE_BPS,
        tokens=tuple(
            MarketTokenBody(
                token_id=market.token_id(outcome),
                outcome=outcome,
                price=float(market.outcome_price(outcome)),
                winner=market.winner is outcome,
            )
            for outcome in Outcome
        ),
    )


class TokenMarketBody(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    primary_token_id: str
    secondary_token_id: str


def token_market_body(market: Market) -> TokenMarketBody:
    return TokenMarketBody(
        condition_id=market.condition_id,
        primary_token_id=market.up_token_id,
        secondary_token_id=market.down_token_id,
    )
