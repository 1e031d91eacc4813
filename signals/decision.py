"""The decision: what a signal wants and why. Not an order: the gateway's risk check judges it."""

from enum import StrEnum

import msgspec

from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd


class Style(StrEnum):
    REST = "rest"
    """Post-only limit order, cancelled before the close."""
    TAKE = "take"
    """Fill-and-kill at a limit price."""


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One order that the decision asks for. `Decision.legs` are numbered by place, from 0."""

    outcome: Outcome
    side: Side
    style: Style
    price: PriceMicroUsd
    """Limit; on the market's tick."""
    shares: MicroShares
    """Positive multiple of `SIZE_STEP_MICRO_SHARES`."""


class FactorScore(msgspec.Struct, frozen=True, kw_only=True):
    """One scored reason. `bull` and `bear` are None together when an input is missing."""

    name: str
    maximum: float
    bull: float | None
    bear: float | None
    reason: str
    """One line of why, or which input is missing."""
    input_age_ms: int | None = None

    @property
    def available(self) -> bool:
        return self.bull is not None


class Action(StrEnum):
    TRADE = "trade"
    NO_TRADE = "no_trade"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    action: Action
    reason: str
    """Starts with a stable code, e.g. ``stale: ticks 4200 ms old`` or ``edge 0.031 rest``."""
    legs: tuple[Leg, ...] = ()
    probability_up: float | None = None
    """Strictly inside (0, 1), or None where no probability was formed."""
    market_mid_up: float | None = None
    fair_up: float | None = None
    spread_points: float | None = None
    """100 (bull - bear) / available maximum, -100 .. 100."""
    factors: tuple[FactorScore, ...] = ()
    regime: str | None = None


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What the slot holds in the market it decides on, and what it may use."""

    up_shares: MicroShares = MicroShares(0)
    down_shares: MicroShares = MicroShares(0)
    resting_up_shares: MicroShares = MicroShares(0)
    """Of open BUY orders, not filled yet."""
    resting_down_shares: MicroShares = MicroShares(0)
    allocation_micro_usd: MicroUsd = MicroUsd(0)
    """Capital of this slot, profits and losses included."""
