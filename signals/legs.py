"""From a probability to at most one leg: what to buy or to sell, how much, at what limit.

What is held and what rests counts against the target. What should no longer be held is sold before
anything is bought, and the opposite of what is held or rests is never bought.
"""

from typing import Final

import msgspec

from signals.book_price import fee_per_share, walk
from signals.decision import Leg, Position, Style
from signals.fair_value import NoData
from signals.market import Outcome, Side
from signals.offers import Offer, best_offer, chance, fee_rate, taker_cost
from signals.params import Params
from signals.sizing import most_shares, target_shares, to_cent_step, to_sale_step, to_step
from signals.snapshot import Book, MarketView
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES, MicroShares, PriceMicroUsd


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A leg with its reason, or the reason why there is none."""

    leg: Leg | None
    reason: str


class Stance(msgspec.Struct, frozen=True, kw_only=True):
    """What the factors allow."""

    enter: tuple[Outcome, ...]
    """Outcomes that may be bought."""
    flat: bool
    """True: nothing should be held."""
    reason: str


BOTH: Final = (Outcome.UP, Outcome.DOWN)


def held(position: Position, outcome: Outcome) -> MicroShares:
    return position.up_shares if outcome is Outcome.UP else position.down_shares


def resting(position: Position, outcome: Outcome) -> MicroShares:
    if outcome is Outcome.UP:
        return position.resting_up_shares
    return position.resting_down_shares


def read_stance(spread_points: float, params: Params) -> Stance:
    """Judge the spread: act in its direction, reduce or wait, or hold nothing."""
    limits = params.points
    told = f"points: spread {spread_points:+.1f}"
    if limits.mode == "blend":
        return Stance(enter=BOTH, flat=False, reason=told)
    if abs(spread_points) < limits.flat:
        return Stance(enter=(), flat=True, reason=f"{told} within {limits.flat}: no position")
    if abs(spread_points) < limits.act:
        return Stance(enter=(), flat=False, reason=f"{told}, act from {limits.act}")
    side = Outcome.UP if spread_points > 0 else Outcome.DOWN
    return Stance(enter=(side,), flat=False, reason=told)


def choose_sale(
    probability_up: float, market: MarketView, position: Position, stance: Stance, params: Params
) -> Choice | None:
    """Sell what is held beyond what would be bought at the bid now; None if nothing is."""
    rate = fee_rate(market)
    for outcome in BOTH:
        book, shares = market.book(outcome), held(position, outcome)
        if rate is None or book is None or not book.bids or shares <= 0:
            continue
        p = chance(probability_up, outcome)
        net = _net(book.bids[0].price, rate)
        keep = target_shares(p, net, position.allocation_micro_usd, params.sizing)
        excess = shares / MICRO - (0.0 if stance.flat else keep)
        edge = params.edge
        least = p - (edge.flat_exit_cost_max if stance.flat else edge.exit_cost_max)
        sale = _sale(outcome, excess, least, book, rate)
        if sale is not None and _value_usd(sale) >= params.sizing.marketable_usd_min:
            return Choice(leg=sale, reason=_told(sale, net - p))
    return None


def choose_purchase(
    probability_up: float,
    market: MarketView,
    position: Position,
    enter: tuple[Outcome, ...],
    params: Params,
) -> Choice:
    """Buy towards the target of the best offer, or say why not."""
    offer = best_offer(probability_up, market, enter, params.edge)
    match offer:
        case None:
            return Choice(leg=None, reason="edge: too small to rest or take")
        case NoData():
            return Choice(leg=None, reason=f"no_data: {offer.reason}")
        case Offer():
            pass
    other = offer.outcome.opposite
    if held(position, other) >= SIZE_STEP_MICRO_SHARES or resting(position, other):
        return Choice(leg=None, reason=f"edge: {offer.edge:+.3f}, but {other} is held or rests")
    return _purchase(offer, chance(probability_up, offer.outcome), market, position, params)


def _purchase(
    offer: Offer, p: float, market: MarketView, position: Position, params: Params
) -> Choice:
    sizing, allocation = params.sizing, position.allocation_micro_usd
    have = (held(position, offer.outcome) + resting(position, offer.outcome)) / MICRO
    target = target_shares(p, offer.cost, allocation, sizing)
    price, wanted = offer.price, target - have
    if offer.style is Style.TAKE:
        found = walk(offer.levels, wanted)
        if found is not None:
            price = PriceMicroUsd(found.worst_micro_usd)
            rate = fee_rate(market) or 0.0
            at_limit = taker_cost(price / MICRO, rate)  # the venue reserves the limit, not the mean
            target = min(
                target_shares(p, taker_cost(found.average, rate), allocation, sizing),
                most_shares(at_limit, allocation, sizing),
            )
            wanted = min(found.shares, target - have)
    if wanted <= 0 or wanted < sizing.increase_share_min * target:
        return Choice(leg=None, reason=f"edge: {have:.2f} of {target:.2f} shares held or resting")
    leg = Leg(
        outcome=offer.outcome,
        side=Side.BUY,
        style=offer.style,
        price=price,
        shares=to_cent_step(to_step(wanted), price)
        if offer.style is Style.TAKE
        else to_step(wanted),
    )
    small = _too_small(leg, market, params)
    return (
        Choice(leg=None, reason=small) if small else Choice(leg=leg, reason=_told(leg, offer.edge))
    )


def _sale(outcome: Outcome, excess: float, least: float, book: Book, rate: float) -> Leg | None:
    """Take the bids that bring at least `least`, net.

    A resting sale would not show as such in the position and could be sent twice.
    """
    bids = tuple(level for level in book.bids if _net(level.price, rate) >= least)
    found = walk(bids, excess)
    if found is None:
        return None
    price = PriceMicroUsd(found.worst_micro_usd)
    shares = to_sale_step(to_step(found.shares), price)
    if not shares:
        return None  # dust that no order of the venue can carry: it stays until settlement
    return Leg(outcome=outcome, side=Side.SELL, style=Style.TAKE, price=price, shares=shares)


def _net(price: int, rate: float) -> float:
    return price / MICRO - fee_per_share(price / MICRO, rate)


def _value_usd(leg: Leg) -> float:
    return leg.price * leg.shares / MICRO / MICRO


def _too_small(leg: Leg, market: MarketView, params: Params) -> str | None:
    """Compare with the venue's minima; an order is never rounded up to them."""
    shares, least = leg.shares / MICRO, market.min_order_shares / MICRO
    if leg.style is Style.REST and shares < least:
        return f"edge: {shares:.2f} shares, the venue rests {least:.2f} or more"
    minimum = params.sizing.marketable_usd_min if leg.style is Style.TAKE else 0.0
    if leg.shares <= 0 or _value_usd(leg) < minimum:
        return f"edge: {_value_usd(leg):.2f} USD, the venue takes {minimum:.2f} or more"
    return None


def _told(leg: Leg, edge: float) -> str:
    return (
        f"edge: {edge:+.3f} {leg.style} {leg.side} {leg.outcome} "
        f"{leg.shares / MICRO:.2f} at {leg.price / MICRO:.3f}"
    )
