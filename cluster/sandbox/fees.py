"""Money of one fill, in whole micro-USD, with no float anywhere."""

from typing import Final

from cluster.sandbox.model import MICRO, Outcome

FEE_RATE_PERCENT: Final = 7
"""Takers pay shares x 0.07 x p x (1 - p) USDC; makers nothing."""
FEE_STEP: Final = 10
"""Five decimals of a USD, rounded half up, at least one step."""


def notional_micro_usd(outcome: Outcome, price: int, shares: int) -> int:
    """Return price x shares; a fraction of a micro-USD goes to the Down side.

    Up rounds down and Down up, so the two sides of a mint always pay exactly one USD per share.
    Prices on the tick and sizes of two decimals leave no fraction.
    """
    product = price * shares
    return product // MICRO if outcome is Outcome.UP else -(-product // MICRO)


def shares_for(budget_micro_usd: int, price: int) -> int:
    """Return the micro-shares that dollars buy at a price.

    One micro-share less than the division where it leaves a rest, as recorded: 4.95 USD at 0.98
    bought 5.051019 shares.
    """
    shares, rest = divmod(budget_micro_usd * MICRO, price)
    return shares - 1 if rest and shares else shares


def taker_fee_micro_usd(price: int, shares: int) -> int:
    """Return the fee on one trade."""
    if not 0 < price < MICRO or shares <= 0:
        return 0
    numerator = shares * FEE_RATE_PERCENT * price * (MICRO - price)
    denominator = 100 * MICRO * MICRO * FEE_STEP
    steps = (2 * numerator + denominator) // (2 * denominator)
    return max(1, steps) * FEE_STEP
