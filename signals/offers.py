"""Ways to buy an outcome: resting on the bid or taking the ask, with the edge of each.

Resting comes first: taking pays the spread and the fee, so it needs the larger edge.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from signals.book_price import Levels, fee_per_share
from signals.decision import Style
from signals.fair_value import NoData
from signals.market import Outcome
from signals.param_sections import EdgeParams
from signals.snapshot import Book, MarketView
from signals.units import MICRO, PriceMicroUsd


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One way to buy an outcome."""

    outcome: Outcome
    style: Style
    price: PriceMicroUsd
    """Limit: the own resting price, or the best ask."""
    cost: float
    """USD per share at that price, fees included."""
    edge: float
    """Chance minus cost."""
    levels: Levels = ()
    """Asks worth taking, best first; empty when resting."""


def fee_rate(market: MarketView) -> float | None:
    """Read the market's fee rate; None if the text is not a number in 0 .. 1."""
    try:
        rate = Decimal(market.fee_rate)
    except InvalidOperation:
        return None
    return float(rate) if rate.is_finite() and 0 <= rate <= 1 else None


def chance(probability_up: float, outcome: Outcome) -> float:
    return probability_up if outcome is Outcome.UP else 1 - probability_up


def taker_cost(price: float, rate: float) -> float:
    """Return what a share costs to take, fee included, USD."""
    return price + fee_per_share(price, rate)


def best_offer(
    probability_up: float, market: MarketView, outcomes: tuple[Outcome, ...], params: EdgeParams
) -> Offer | NoData | None:
    """Return the offer with the largest edge among those that reach theirs; None without any."""
    rate = fee_rate(market)
    if rate is None:
        return NoData(f"the fee is not known: {market.fee_rate!r}")
    good: list[Offer] = []
    for outcome in outcomes:
        book = market.book(outcome)
        if book is None:
            return NoData(f"no {outcome} book")
        p = chance(probability_up, outcome)
        offer = taking(outcome, p, book, rate, params) or resting(outcome, p, book, params)
        if offer is not None:
            good.append(offer)
    return max(good, key=lambda offer: offer.edge, default=None)


def taking(outcome: Outcome, p: float, book: Book, rate: float, params: EdgeParams) -> Offer | None:
    """Offer the asks whose own edge after the fee reaches `take_min`."""
    worth = tuple(
        level for level in book.asks if p - taker_cost(level.price / MICRO, rate) >= params.take_min
    )
    if not worth:
        return None
    cost = taker_cost(worth[0].price / MICRO, rate)
    return Offer(
        outcome=outcome,
        style=Style.TAKE,
        price=worth[0].price,
        cost=cost,
        edge=p - cost,
        levels=worth,
    )


def resting(outcome: Outcome, p: float, book: Book, params: EdgeParams) -> Offer | None:
    """Join the best bid, or step one tick ahead of it where that does not meet the ask."""
    if not book.bids or not book.asks:
        return None
    tick, bid, ask = book.tick_micro_usd, book.bids[0].price, book.asks[0].price
    price = bid + tick if bid + tick < ask else bid
    price -= price % tick
    edge = p - price / MICRO
    if not 0 < price < ask or edge < params.rest_min:
        return None
    return Offer(
        outcome=outcome,
        style=Style.REST,
        price=PriceMicroUsd(price),
        cost=price / MICRO,
        edge=edge,
    )
