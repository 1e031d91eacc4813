"""What a decision must look like, whoever wrote the strategy: checked before anything is sized.

A strategy file is a stranger's code; a slot and the tape run ask here before they believe it.
"""

import math
from collections.abc import Iterator

from signals.decision import Action, Decision, Leg, Style
from signals.market import Side
from signals.sizing import usd_step_micro_usd
from signals.snapshot import MarketView
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES


def faults(decision: object, market: MarketView | None) -> tuple[str, ...]:
    """Return what is wrong with a decision, in words; empty when it may be used."""
    if not isinstance(decision, Decision):
        return (f"decide returned {type(decision).__name__}, not a Decision",)
    return tuple(_faults(decision, market))


def _faults(decision: Decision, market: MarketView | None) -> Iterator[str]:
    if not decision.reason:
        yield "reason is empty"
    for name in ("probability_up", "market_mid_up", "fair_up", "spread_points"):
        value = getattr(decision, name)
        if value is not None and not math.isfinite(value):
            yield f"{name} is {value}"
    p = decision.probability_up
    if p is not None and math.isfinite(p) and not 0 < p < 1:
        yield f"probability_up is {p}, not inside 0 .. 1"
    if (decision.action is Action.TRADE) != bool(decision.legs):
        yield f"action {decision.action} with {len(decision.legs)} legs"
    for place, leg in enumerate(decision.legs):
        yield from (f"leg {place}: {fault}" for fault in _leg_faults(leg, market))


def _leg_faults(leg: Leg, market: MarketView | None) -> Iterator[str]:
    if type(leg.shares) is not int or leg.shares <= 0 or leg.shares % SIZE_STEP_MICRO_SHARES:
        yield f"shares {leg.shares!r}, a positive multiple of {SIZE_STEP_MICRO_SHARES} is needed"
    if market is None:
        yield "there is no market to trade in"
        return
    yield from _usd_faults(leg)
    book = market.book(leg.outcome)
    tick = 1 if book is None else book.tick_micro_usd
    if type(leg.price) is not int or not 0 < leg.price < MICRO or leg.price % tick:
        yield f"price {leg.price!r}, a multiple of {tick} between 0 and {MICRO} is needed"


def _usd_faults(leg: Leg) -> Iterator[str]:
    """Name a fill-and-kill whose USD has more decimals than the venue takes."""
    whole = type(leg.price) is int and type(leg.shares) is int
    if leg.style is not Style.TAKE or not whole:
        return
    if leg.price * leg.shares % (usd_step_micro_usd(leg.side) * MICRO):
        if leg.side is Side.BUY:
            yield "a taker's buy must cost whole cents: round with signals.sizing.to_cent_step"
        else:
            yield "a taker's sale has at most 4 decimals of USD: see signals.sizing.to_sale_step"
