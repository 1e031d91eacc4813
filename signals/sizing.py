"""Fractional Kelly with caps, in shares.

f = max(0, (p - c) / (1 - c)) is the Kelly fraction of capital for a claim that pays 1 with
probability p and costs c, fees included (Kelly 1956, for odds (1 - c) / c). Sizes are rounded down
to the venue's step and never up to its minimum. A slot sees only itself: caps per fleet and on the
net Up exposure of one settlement time (eight coins are nearly one bet) belong to the gateway.
"""

import math
from typing import Final

from signals.market import Side
from signals.param_sections import SizingParams
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES, MicroShares, MicroUsd, PriceMicroUsd

BUY_USD_STEP_MICRO_USD: Final = 10_000
"""A taker's buy offers whole cents."""
SALE_USD_STEP_MICRO_USD: Final = 100
"""A taker's sale asks for at most four decimals of a USD."""


def kelly(probability: float, cost: float) -> float:
    """Return the Kelly fraction, 0 .. 1; `cost` in USD per share, fees included."""
    if not 0 < cost < 1:
        return 0.0
    return max(0.0, (probability - cost) / (1 - cost))


def target_shares(
    probability: float, cost: float, allocation: MicroUsd, params: SizingParams
) -> float:
    """Return the shares to hold in all. Grows with p and allocation, falls with cost."""
    if not 0 < cost < 1 or allocation <= 0:
        return 0.0
    stake = params.kelly_fraction * kelly(probability, cost) * allocation / MICRO
    return min(stake / cost, most_shares(cost, allocation, params))


def most_shares(cost: float, allocation: MicroUsd, params: SizingParams) -> float:
    """Return the shares that the caps pay for at `cost` > 0, whatever the chance."""
    return min(params.allocation_share_max * allocation / MICRO, params.market_usd_max) / cost


def to_cent_step(shares: MicroShares, price: PriceMicroUsd) -> MicroShares:
    """Round down until price times shares is whole cents, which the venue wants of a taker's buy.

    Source: the venue's precision of fill-and-kill orders, whatever the tick: the offered amount has
    at most two decimals, the asked one four. A buy offers USD, a sale asks for it.
    """
    return _to_usd_step(shares, price, BUY_USD_STEP_MICRO_USD)


def to_sale_step(shares: MicroShares, price: PriceMicroUsd) -> MicroShares:
    """Round down until price times shares has four decimals of a USD, as a taker's sale needs."""
    return _to_usd_step(shares, price, SALE_USD_STEP_MICRO_USD)


def usd_step_micro_usd(side: Side) -> int:
    """Return the step of a fill-and-kill order's USD amount."""
    return BUY_USD_STEP_MICRO_USD if side is Side.BUY else SALE_USD_STEP_MICRO_USD


def _to_usd_step(shares: MicroShares, price: PriceMicroUsd, usd_step: int) -> MicroShares:
    whole = usd_step * MICRO // math.gcd(price, usd_step * MICRO)
    step = math.lcm(SIZE_STEP_MICRO_SHARES, whole)
    return MicroShares(shares - shares % step)


def to_step(shares: float) -> MicroShares:
    """Round down to the venue's size step; never below zero."""
    steps = int(max(0.0, shares) * MICRO + 1e-6) // SIZE_STEP_MICRO_SHARES
    return MicroShares(steps * SIZE_STEP_MICRO_SHARES)
