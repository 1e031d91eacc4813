"""One intent before its judge: the rules in force, and what is at stake already."""

from typing import Final

import msgspec

from actors.config import RiskLimits, Timing
from actors.gateway.exposure import Holding
from actors.gateway.order_life import Order
from actors.gateway.records import Ledger
from actors.messages import Intent
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import MICRO, MicroUsd

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


def open_orders(ledger: Ledger, besides: str = "") -> list[Order | Intent]:
    """Orders that may still fill, and intents being signed; `besides` is the one that is judged."""
    pending: list[Order | Intent] = list(ledger.orders.values())
    pending += [intent for name, intent in ledger.undecided.items() if name != besides]
    return pending


def _left(order: Order | Intent) -> int:
    return order.remaining_shares if isinstance(order, Order) else order.shares


def buy_value_micro_usd(order: Order | Intent) -> MicroUsd:
    if order.side is Side.SELL:
        return MicroUsd(0)
    return MicroUsd(order.price * _left(order) // MICRO)


def unsettled(ledger: Ledger) -> list[Holding]:
    """Return the holdings whose slot was not told of a winner yet."""
    return [
        holding
        for holding in ledger.holdings.values()
        if holding.slot not in ledger.markets[holding.condition_id].told
    ]


def at_stake_micro_usd(ledger: Ledger, slot: str | None, besides: str = "") -> MicroUsd:
    """Cost of unsettled holdings plus what open buy orders may cost; of one slot or the fleet."""
    held = sum(h.at_stake_micro_usd for h in unsettled(ledger) if slot in (None, h.slot))
    open_now = open_orders(ledger, besides)
    resting = sum(buy_value_micro_usd(o) for o in open_now if slot in (None, o.slot))
    return MicroUsd(held + resting)


def net_up_micro_usd(ledger: Ledger, close_ms: int, besides: str = "") -> MicroUsd:
    """Up minus Down, holdings at cost and open buys, of all markets that settle at this time."""
    signs = {Outcome.UP: 1, Outcome.DOWN: -1}
    held = sum(
        signs[holding.outcome] * holding.at_stake_micro_usd
        for holding in unsettled(ledger)
        if holding.close_ms == close_ms
    )
    resting = sum(
        signs[o.outcome] * buy_value_micro_usd(o)
        for o in open_orders(ledger, besides)
        if o.close_ms == close_ms
    )
    return MicroUsd(held + resting)


def sellable_shares(ledger: Ledger, intent: Intent) -> int:
    """What the slot holds of the intent's outcome and does not already offer."""
    held = sum(
        holding.held_shares
        for holding in ledger.holdings.values()
        if (holding.slot, holding.condition_id, holding.outcome)
        == (intent.slot, intent.condition_id, intent.outcome)
    )
    offered = sum(
        _left(o)
        for o in open_orders(ledger, intent.intent_id)
        if o.side is Side.SELL
        and (o.slot, o.condition_id, o.outcome)
        == (intent.slot, intent.condition_id, intent.outcome)
    )
    return held - offered
