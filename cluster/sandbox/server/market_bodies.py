"""Bodies about markets and books, made from the exchange's values. Names are the venue's."""

from typing import Final

import msgspec

from cluster.sandbox.model import BookView, Level, Market, Outcome
from cluster.sandbox.server.wire import decimal_number, decimal_text
from cluster.sandbox.views import last_trade_text

BASE_FEE_BPS: Final = 1_000
"""The venue's `base_fee` of crypto markets; what a taker pays follows `fd`, not this number."""


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
        last_trade_price=last_trade_text(view.last_trade_price),
    )


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
