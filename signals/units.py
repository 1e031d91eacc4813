"""Integer units of money, price and quantity. Floats live only inside a signal's arithmetic.

A price is micro-USD per share (0 .. 1_000_000), so every tick of the venue (0.1 .. 0.0001) is
exact. Order sizes have two decimals (multiples of 10_000 micro-shares), so ``price x shares`` is a
whole number of micro-USD for every order. A fill may have six decimals of a share:
`fill_value_micro_usd` is the one rule for what it costs.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NewType

from signals.market import Outcome

MicroUsd = NewType("MicroUsd", int)
"""Money: 1_000_000 is one USD."""
MicroShares = NewType("MicroShares", int)
"""Quantity of an outcome token: 1_000_000 is one share, which pays 1 USD or nothing."""
PriceMicroUsd = NewType("PriceMicroUsd", int)
"""Price of one share in micro-USD, 0 .. 1_000_000."""

MICRO = 1_000_000
SIZE_STEP_MICRO_SHARES = 10_000
"""Orders carry two decimals of a share."""
FEE_STEP_MICRO_USD = 10
"""The venue charges fees with five decimals of a USD."""
AMOUNT_MAX = 10**12
"""Whole units, of money or of shares: nothing traded here comes near it, and its micro-units fit
the 64 bits of messages and records."""


class AmountError(ValueError):
    """A number from outside is no amount of anything: not finite, or beyond `AMOUNT_MAX`."""


class InexactAmountError(ValueError):
    """Price times quantity is not a whole micro-USD; round the quantity to the size step first."""


def to_micro(value: Decimal) -> int:
    """Turn whole units into micro-units; finer digits are cut (the venue's dust).

    Raises `AmountError`. The size is judged before anything is computed: a text of eight letters
    (1e999990) is a valid decimal, and its whole number takes minutes to write out.
    """
    if not value.is_finite() or abs(value) > AMOUNT_MAX:
        raise AmountError(f"{str(value)[:40]} is no amount")
    return int(value * MICRO)


def notional_micro_usd(price: PriceMicroUsd, shares: MicroShares) -> MicroUsd:
    """Multiply price by quantity exactly; raise `InexactAmountError` if it has a fraction."""
    whole, rest = divmod(price * shares, MICRO)
    if rest:
        raise InexactAmountError(f"{shares} micro-shares at {price} micro-USD leave {rest}e-12 USD")
    return MicroUsd(whole)


def fill_value_micro_usd(outcome: Outcome, price: PriceMicroUsd, shares: MicroShares) -> MicroUsd:
    """Return what a fill moves in cash before fees, as the exchange's ledger has it.

    A fraction of a micro-USD goes to the Down side: Up is rounded down, Down up, for the buyer and
    the seller alike. So both sides of a pair together always come to one USD a share.
    """
    product = price * shares
    return MicroUsd(product // MICRO if outcome is Outcome.UP else -(-product // MICRO))


TAKER_FEE_PERMILLE_MAX: Final = 100
"""Of the dollars that an order spends: the highest rate of a market that is traded. The venue's is
70; a better price costs more fee for the same dollars, the rate itself at most."""


def taker_fee_most_micro_usd(spent_micro_usd: MicroUsd) -> MicroUsd:
    """Return what a taker may pay on top of these dollars, whatever the prices; rounded up."""
    return MicroUsd(-(-spent_micro_usd * TAKER_FEE_PERMILLE_MAX // 1_000))


def taker_fee_micro_usd(
    price: PriceMicroUsd, shares: MicroShares, rate: Decimal, exponent: Decimal = Decimal(1)
) -> MicroUsd:
    """Charge shares x rate x (p x (1 - p))^exponent USDC, five decimals, at least 0.00001 if not 0.

    Source: the venue's fee schedule (crypto_fees_v2); makers pay nothing. The rounding direction
    is not documented by the venue: half up is an assumption, checked by reconciliation.
    """
    p = Decimal(price) / MICRO
    raw = Decimal(shares) * rate * (p * (1 - p)) ** exponent
    if raw <= 0:
        return MicroUsd(0)
    steps = int((raw / FEE_STEP_MICRO_USD).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return MicroUsd(max(1, steps) * FEE_STEP_MICRO_USD)
