"""Which orders the climb makes of a book: far away, the smallest purchase, its sale. Pure."""

from typing import Final

from actors.config import RiskLimits
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.port import UnsignedOrder
from signals.decision import Style
from signals.market import Side
from signals.sizing import to_cent_step, to_sale_step, to_step
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd, notional_micro_usd

BUY_MICRO_USD: Final = 2_000_000
"""Twice the venue's minimum of an order that takes, so that the sale is above it too."""
LEAST_MICRO_USD: Final = 1_200_000
"""Of the limits: the purchase falls to the bid at once, and its sale must be above the minimum."""
SALE_MICRO_USD_MIN: Final = MICRO
FAR_MICRO_USD_MIN: Final = 100_000
"""Ten cents between the far order and the best price of its own side or the other."""
SPREAD_MICRO_USD_MAX: Final = 50_000
"""A wider spread makes a round trip dear: another token or the next window is looked at."""
PRICE_MICRO_USD_MIN: Final = 150_000
"""A cheaper token may lose most of its worth within the round trip."""


def far_order(market: ListedMarket, book: TokenBook) -> UnsignedOrder | None:
    """Return the smallest post-only order at the lowest price; None where that is near the market.

    It costs a few cents if it ever fills, and nothing when it is cancelled.
    """
    price = PriceMicroUsd(book.tick_micro_usd)
    best = book.bid if book.bid is not None else book.ask
    if best is None or best - price < FAR_MICRO_USD_MIN:
        return None
    return UnsignedOrder(
        condition_id=market.condition_id,
        token_id=book.token_id,
        side=Side.BUY,
        style=Style.REST,
        price=price,
        shares=market.min_order_shares,
    )


def climb_limit(limits: RiskLimits) -> MicroUsd:
    """Return what the climb's purchase may cost: no limit of the slots is above it."""
    return min(
        limits.order_micro_usd, limits.slot_exposure_micro_usd, limits.fleet_exposure_micro_usd
    )


def purchase(
    market: ListedMarket, book: TokenBook, most_micro_usd: MicroUsd
) -> UnsignedOrder | None:
    """Return the smallest purchase that can be sold again; None where this book does not suit."""
    bid, ask = book.bid, book.ask
    if bid is None or ask is None or ask - bid > SPREAD_MICRO_USD_MAX or bid < PRICE_MICRO_USD_MIN:
        return None
    value = min(BUY_MICRO_USD, most_micro_usd)
    shares = to_cent_step(to_step(value / ask), ask)
    if notional_micro_usd(bid, shares) < SALE_MICRO_USD_MIN:
        return None
    return UnsignedOrder(
        condition_id=market.condition_id,
        token_id=book.token_id,
        side=Side.BUY,
        style=Style.TAKE,
        price=ask,
        shares=shares,
    )


def sale(condition_id: str, book: TokenBook, held: MicroShares) -> UnsignedOrder | None:
    """Return the sale of what is held at the best bid; None where it is below the venue's least."""
    bid = book.bid
    if bid is None:
        return None
    shares = to_sale_step(to_step(held / MICRO), bid)
    if not shares or notional_micro_usd(bid, shares) < SALE_MICRO_USD_MIN:
        return None
    return UnsignedOrder(
        condition_id=condition_id,
        token_id=book.token_id,
        side=Side.SELL,
        style=Style.TAKE,
        price=bid,
        shares=shares,
    )
