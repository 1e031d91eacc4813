"""Prices read from a book: mid, depth, and what a quantity would cost."""

import msgspec

from signals.snapshot import Book, BookLevel, MarketView
from signals.units import MICRO

Levels = tuple[BookLevel, ...]


class Walk(msgspec.Struct, frozen=True):
    """What taking levels of one side would give."""

    shares: float
    average: float
    """USD per share, before fees."""
    worst_micro_usd: int


def mid(book: Book) -> float | None:
    """Return the middle of best bid and ask, 0 .. 1; None for a one-sided book."""
    if not book.bids or not book.asks:
        return None
    return (book.bids[0].price + book.asks[0].price) / (2 * MICRO)


def spread_usd(book: Book) -> float | None:
    """Return best ask minus best bid, USD per share; None for a one-sided book."""
    if not book.bids or not book.asks:
        return None
    return (book.asks[0].price - book.bids[0].price) / MICRO


def market_mid_up(market: MarketView) -> float | None:
    """Return the market's probability of Up: the Up mid and the mirrored Down mid, averaged."""
    mids = []
    if market.up_book and (up := mid(market.up_book)) is not None:
        mids.append(up)
    if market.down_book and (down := mid(market.down_book)) is not None:
        mids.append(1 - down)
    return sum(mids) / len(mids) if mids else None


def depth_shares(levels: Levels) -> float:
    return sum(level.shares for level in levels) / MICRO


def fee_per_share(price: float, rate: float) -> float:
    """Return the taker's fee, USD per share: rate x p x (1 - p) (the market's fee schedule)."""
    return rate * price * (1 - price)


def walk(levels: Levels, shares: float) -> Walk | None:
    """Take up to `shares` from the best level on; None where there is nothing to take."""
    taken = cost = 0.0
    worst = 0
    for level in levels:
        part = min(level.shares / MICRO, shares - taken)
        if part <= 0:
            break
        taken += part
        cost += part * level.price / MICRO
        worst = level.price
    return Walk(taken, cost / taken, worst) if taken > 0 else None
