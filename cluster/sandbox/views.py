"""Views for the venue's answers: books with the hash that a client compares."""

import hashlib

from cluster.sandbox.book import flip
from cluster.sandbox.markets import LiveMarket
from cluster.sandbox.model import BookView, Level, Now, Outcome


def book_view(live: LiveMarket, outcome: Outcome, now: Now) -> BookView:
    bids, asks = live.book.levels(outcome)
    market = live.market
    last = live.last_trade_price
    return BookView(
        condition_id=market.condition_id,
        token_id=market.token_id(outcome),
        bids=bids,
        asks=asks,
        tick_micro_usd=market.tick_micro_usd,
        min_order_shares=market.min_order_shares,
        last_trade_price=None if last is None else flip(outcome, last),
        wire_ms=now.wire_ms,
        market_ms=now.market_ms,
        hash=_hash(market.token_id(outcome), bids, asks),
    )


def _hash(token_id: str, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> str:
    text = f"{token_id}/{[(x.price, x.shares) for x in bids]}/{[(x.price, x.shares) for x in asks]}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
