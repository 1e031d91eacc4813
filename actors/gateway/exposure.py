"""Positions as exact sums, and what they put at stake. Integers; no order of events matters.

A position keeps what was bought and sold as totals, so that a fill that fails later is taken out
again exactly, whatever happened between.
"""

import msgspec

from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd, fill_value_micro_usd


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What one slot did in one outcome token."""

    slot: str
    condition_id: str
    outcome: Outcome
    close_ms: int
    bought_shares: MicroShares = MicroShares(0)
    bought_micro_usd: MicroUsd = MicroUsd(0)
    """Paid, fees included."""
    sold_shares: MicroShares = MicroShares(0)
    sold_micro_usd: MicroUsd = MicroUsd(0)
    """Received, fees taken off."""
    told: bool = False
    """The slot was told of the winner: nothing is at stake any more."""

    @property
    def held_shares(self) -> MicroShares:
        return MicroShares(self.bought_shares - self.sold_shares)

    @property
    def sold_cost_micro_usd(self) -> MicroUsd:
        """Average cost of what was sold, rounded down."""
        if self.bought_shares <= 0:
            return MicroUsd(0)
        return MicroUsd(self.bought_micro_usd * self.sold_shares // self.bought_shares)

    @property
    def at_stake_micro_usd(self) -> MicroUsd:
        """Cost of what is held: what the slot loses if the other outcome wins."""
        return MicroUsd(max(0, self.bought_micro_usd - self.sold_cost_micro_usd))

    def realized_micro_usd(self, winner: Outcome | None) -> MicroUsd:
        """Profit that is certain: of the sold part, or of all once the market has a winner."""
        if winner is None:
            return MicroUsd(self.sold_micro_usd - self.sold_cost_micro_usd)
        payoff = self.held_shares if winner is self.outcome else 0
        return MicroUsd(self.sold_micro_usd - self.bought_micro_usd + payoff)


def holding_key(slot: str, condition_id: str, outcome: Outcome) -> str:
    return f"{slot}|{condition_id}|{outcome}"


def with_fill(
    holding: Holding,
    side: Side,
    price: PriceMicroUsd,
    shares: MicroShares,
    fee_micro_usd: MicroUsd,
    sign: int = 1,
) -> Holding:
    """Add a fill, or take it out again with `sign` -1."""
    value = fill_value_micro_usd(holding.outcome, price, shares)
    if side is Side.BUY:
        return msgspec.structs.replace(
            holding,
            bought_shares=MicroShares(holding.bought_shares + sign * shares),
            bought_micro_usd=MicroUsd(holding.bought_micro_usd + sign * (value + fee_micro_usd)),
        )
    return msgspec.structs.replace(
        holding,
        sold_shares=MicroShares(holding.sold_shares + sign * shares),
        sold_micro_usd=MicroUsd(holding.sold_micro_usd + sign * (value - fee_micro_usd)),
    )
