"""Views for the venue's answers: books with the hash that a client compares."""

import hashlib

import msgspec

from cluster.sandbox.book import flip
from cluster.sandbox.markets import LiveMarket
from cluster.sandbox.model import MICRO, BookView, Level, Now, Outcome, Side
from cluster.sandbox.terms import decimal_text


def book_view(live: LiveMarket, outcome: Outcome, now: Now) -> BookView:
    bids, asks = live.book.levels(outcome)
    market = live.market
    last = live.last_trade_price
    view = BookView(
        condition_id=market.condition_id,
        token_id=market.token_id(outcome),
        bids=bids,
        asks=asks,
        tick_micro_usd=market.tick_micro_usd,
        min_order_shares=market.min_order_shares,
        last_trade_price=None if last is None else flip(outcome, last),
        last_trade_side=_own_side(live.last_trade_side, outcome),
        wire_ms=now.wire_ms,
        market_ms=now.market_ms,
        hash="",
    )
    return msgspec.structs.replace(view, hash=book_hash(view))


def _own_side(up_side: Side | None, outcome: Outcome) -> Side | None:
    """Turn a side in Up's terms into the token's own: buying Down is selling Up."""
    if up_side is None or outcome is Outcome.UP:
        return up_side
    return Side.SELL if up_side is Side.BUY else Side.BUY


def last_trade_text(price: int | None) -> str:
    """Write a last trade price as the venue does: three decimals, empty where there was none."""
    return "" if price is None else f"{price // MICRO}.{price % MICRO // 1_000:03d}"


def book_hash(view: BookView) -> str:
    """Return the venue's hash of a book: SHA-1 over its JSON with an empty hash, in this order."""
    body = {
        "market": view.condition_id,
        "asset_id": view.token_id,
        "timestamp": str(view.wire_ms),
        "hash": "",
        "bids": _levels(view.bids),
        "asks": _levels(view.asks),
        "min_order_size": decimal_text(view.min_order_shares),
        "tick_size": decimal_text(view.tick_micro_usd),
        "neg_risk": False,
        "last_trade_price": last_trade_text(view.last_trade_price),
    }
    return hashlib.sha1(msgspec.json.encode(body), usedforsecurity=False).hexdigest()


def _levels(levels: tuple[Level, ...]) -> list[dict[str, str]]:
    """Write levels with the best one last, as the venue does."""
    return [
        {"price": decimal_text(level.price), "size": decimal_text(level.shares)}
        for level in reversed(levels)
    ]
