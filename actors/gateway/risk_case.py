"""One intent before its judge: the rules in force, and what is at stake already."""

from collections.abc import Callable
from typing import Final

import msgspec

from actors.config import RiskLimits, Timing
from actors.gateway.exposure import holding_key
from actors.gateway.ledger import SIGNS, Ledger, buy_value_micro_usd, closing, condition, staked
from actors.gateway.market_events import Listing
from actors.gateway.order_life import Order
from actors.messages import Intent
from actors.venue.answers import TokenBook
from signals.decision import Style
from signals.market import Side, Slot
from signals.units import MicroUsd

MILLE: Final = 1_000
TAKE_BEFORE_CLOSE_MS: Final = 2_000
"""Market ms: a fill-and-kill needs the taker delay and the way to the venue before the close."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway judges by: configuration, and which releases may trade."""

    limits: RiskLimits
    timing: Timing
    attested: frozenset[str] | None = None
    """Releases that an approval covers; None while the gate is open."""
    size_permille: dict[str, int] = {}
    """Share of the slot limits that a release may use until it has baked; not named: all."""
    slots: frozenset[str] = frozenset()
    """Of the fleet; empty: any that is named like one."""

    def knows(self, slot: str) -> bool:
        return slot in self.slots if self.slots else Slot.is_name(slot)

    def staged(self, release: str, full: MicroUsd) -> MicroUsd:
        """Return what a release may use of a slot limit, rounded down."""
        return MicroUsd(full * self.size_permille.get(release, MILLE) // MILLE)

    def is_attested(self, release: str) -> bool:
        return self.attested is None or release in self.attested

    def last_order_ms(self, style: Style, close_ms: int) -> int:
        """Market ms after which an order of this style is not sent any more."""
        before = self.timing.cancel_before_close_ms if style is Style.REST else TAKE_BEFORE_CLOSE_MS
        return close_ms - before


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One intent and all that the rules look at. The intent itself is not in the ledger's sums."""

    intent: Intent
    ledger: Ledger
    rules: Rules
    wire_ms: int
    market_ms: int
    barred: str | None = None
    """Why this process takes no new order at all: not reconciled with the venue, or stopping."""
    skew_ms: int = 0
    """Venue's clock minus ours, wire."""
    foreign_version: str = ""
    """Of the venue's protocol, where it is not the one that orders are made for."""
    paused: str = ""
    """Why the venue takes no purchase now, by its own word."""
    unheard_ms: int = 0
    """Wire, since the venue took the last heartbeat; 0: it never took one."""
    listing: Listing | None = None
    """The venue's word on the market of the intent's slot and window."""
    book: TokenBook | None = None
    """Of the outcome's token, read for this intent."""


def at_stake_micro_usd(ledger: Ledger, slot: str | None, besides: str = "") -> MicroUsd:
    """Cost of unsettled holdings plus what open buy orders may cost; of one slot or the fleet.

    `besides`: the intent that is judged; it does not count itself.
    """
    judged = ledger.undecided.get(besides)
    own = 0 if judged is None or slot not in (None, judged.slot) else buy_value_micro_usd(judged)
    return MicroUsd(_sum(ledger, staked(slot)) - own)


def net_up_micro_usd(ledger: Ledger, close_ms: int, besides: str = "") -> MicroUsd:
    """Up minus Down, holdings at cost and open buys, of all markets that settle at this time."""
    judged = ledger.undecided.get(besides)
    own = 0
    if judged is not None and judged.close_ms == close_ms:
        own = SIGNS[judged.outcome] * buy_value_micro_usd(judged)
    return MicroUsd(_sum(ledger, closing(close_ms)) - own)


def _sum(ledger: Ledger, name: str) -> int:
    return ledger.holdings.sum(name) + ledger.orders.sum(name) + ledger.undecided.sum(name)


def sellable_shares(ledger: Ledger, intent: Intent) -> int:
    """What the slot holds of the intent's outcome and does not already offer."""
    held = ledger.holdings.get(holding_key(intent.slot, intent.condition_id, intent.outcome))
    pending: list[Order | Intent] = list(ledger.orders.of(condition(intent.condition_id)))
    pending += [other for name, other in ledger.undecided.items() if name != intent.intent_id]
    offered = sum(
        other.remaining_shares if isinstance(other, Order) else other.shares
        for other in pending
        if other.side is Side.SELL
        and (other.slot, other.condition_id, other.outcome)
        == (intent.slot, intent.condition_id, intent.outcome)
    )
    return (0 if held is None else held.held_shares) - offered


Rule = Callable[[Case], str | None]
"""Says why it refuses, or nothing."""
