"""Frames of the public market socket, made from exchange events."""

import msgspec

from cluster.sandbox.events import (
    BestChanged,
    LastTrade,
    MarketOpened,
    MarketResolved,
    PricesChanged,
    TickSizeChanged,
)
from cluster.sandbox.model import MICRO, BookView, Outcome
from cluster.sandbox.server.gamma_bodies import gamma_market
from cluster.sandbox.server.market_bodies import BASE_FEE_BPS, LevelBody, book_body
from cluster.sandbox.server.wire import decimal_text


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
