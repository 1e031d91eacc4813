"""Which fills a taker gets from a book, and what they cost. Pure.

The book is the one of the moment at which the taker delay is over. What this account took of a
level before is not there any more; the limit is never exceeded, the best price comes first.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from actors.venue.paper.book import PaperBook, in_up_terms
from actors.venue.paper.records import OrderKind, PaperMarket, PaperOrder
from actors.venue.paper.state import SPENT_DUST, limit_of
from signals.market import Side
from signals.units import (
    MICRO,
    MicroShares,
    PriceMicroUsd,
    fill_value_micro_usd,
    taker_fee_micro_usd,
)


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of one level."""

    up_price: int
    shares: int


def hits(book: PaperBook, order: PaperOrder) -> tuple[Hit, ...]:
    """Return what an order would get now, best price first; nothing of a book that is not known."""
    if not book.known:
        return ()
    if order.budget_micro_usd is not None:
        return tuple(_for_dollars(book, order, order.budget_micro_usd))
    return tuple(_for_shares(book, order))


def whole(order: PaperOrder, found: tuple[Hit, ...]) -> bool:
    """Tell whether the hits fill the order: its shares, or a market buy's dollars."""
    if order.budget_micro_usd is None:
        return sum(hit.shares for hit in found) >= order.shares
    return order.budget_micro_usd - cost(order, found) <= SPENT_DUST


def cost(order: PaperOrder, found: tuple[Hit, ...]) -> int:
    return sum(_value(order, hit.up_price, hit.shares) for hit in found)


def fee_of(market: PaperMarket, price: int, shares: int) -> int:
    """Return what a taker pays on one fill."""
    return taker_fee_micro_usd(
        PriceMicroUsd(price),
        MicroShares(shares),
        Decimal(market.fee_rate),
        Decimal(market.fee_exponent),
    )


def shares_for(budget_micro_usd: int, price: int) -> int:
    """Return the micro-shares that dollars buy at a price.

    One micro-share less than the division where it leaves a rest, as recorded at the venue: 4.95
    USD at 0.98 bought 5.051019 shares.
    """
    shares, rest = divmod(budget_micro_usd * MICRO, price)
    return shares - 1 if rest and shares else shares


def _for_shares(book: PaperBook, order: PaperOrder) -> Iterator[Hit]:
    left = order.shares
    for up_price, free in book.offers(buying_up=order.is_bid, limit=limit_of(order)):
        yield Hit(up_price=up_price, shares=min(left, free))
        left -= free
        if left <= 0:
            return


def _for_dollars(book: PaperBook, order: PaperOrder, budget_micro_usd: int) -> Iterator[Hit]:
    for up_price, free in book.offers(buying_up=order.is_bid, limit=limit_of(order)):
        shares = min(free, shares_for(budget_micro_usd, in_up_terms(order.outcome, up_price)))
        if shares <= 0:
            return
        yield Hit(up_price=up_price, shares=shares)
        budget_micro_usd -= _value(order, up_price, shares)
        if budget_micro_usd <= SPENT_DUST:
            return


def _value(order: PaperOrder, up_price: int, shares: int) -> int:
    price = PriceMicroUsd(in_up_terms(order.outcome, up_price))
    return fill_value_micro_usd(order.outcome, price, MicroShares(shares))


def spends_dollars(kind: OrderKind, side: Side) -> bool:
    """Tell whether the venue reads an order's size as dollars: immediate buys."""
    return kind.immediate and side is Side.BUY
