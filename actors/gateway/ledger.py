"""The gateway's durable state as a process holds it: tables that know their entries by term.

A base of the log holds the same as plain dictionaries (`actors.gateway.records.StoredLedger`).
"""

from typing import Final

import msgspec
from msgspec import NODEFAULT

from actors.gateway.exposure import Holding
from actors.gateway.order_life import Order
from actors.gateway.records import KeptFill, KeptIntent, Market, Outbox, Seat, StoredLedger
from actors.gateway.table import Amounts, Spec, Table
from actors.messages import Intent, TradingState
from signals.decision import Style
from signals.market import DAY_MS, Outcome, Side
from signals.units import MICRO, MicroUsd, taker_fee_most_micro_usd

# ---- by what entries are found, and what they put at stake ---------------------------------------

PROVISIONAL: Final = "provisional"
"""Term of fills that are not final."""
UNSETTLED: Final = "unsettled"
"""Term of markets."""
CLOSING: Final = "close"
MARKET: Final = "market"
"""Kinds of terms."""
SIGNS: Final = {Outcome.UP: 1, Outcome.DOWN: -1}


def closing(close_ms: int) -> str:
    """Name the term of what settles at this time, and the sum of its net Up exposure."""
    return f"{CLOSING}/{close_ms}"


def condition(condition_id: str) -> str:
    """Name the term of what belongs to a market."""
    return f"{MARKET}/{condition_id}"


def staked(slot: str | None) -> str:
    """Name the sum of what is at stake, of a slot or of the fleet."""
    return "stake" if slot is None else f"stake/{slot}"


def buy_value_micro_usd(order: Order | Intent) -> MicroUsd:
    """Return what an open order may still cost, the highest fee of a taker included."""
    if order.side is Side.SELL:
        return MicroUsd(0)
    asked = MicroUsd(order.price * order.shares // MICRO)
    left = order.left_micro_usd if isinstance(order, Order) else asked
    fee = taker_fee_most_micro_usd(left) if order.style is Style.TAKE else 0
    return MicroUsd(left + fee)


def _buying(order: Order | Intent) -> Amounts:
    return _amounts(order.slot, order.close_ms, order.outcome, buy_value_micro_usd(order))


def _holding(holding: Holding) -> Amounts:
    at_stake = 0 if holding.told else holding.at_stake_micro_usd
    return _amounts(holding.slot, holding.close_ms, holding.outcome, at_stake)


def _amounts(slot: str, close_ms: int, outcome: Outcome, value: int) -> Amounts:
    if not value:
        return ()
    net = (closing(close_ms), SIGNS[outcome] * value)
    return ((staked(None), value), (staked(slot), value), net)


def _fill_terms(kept: KeptFill) -> tuple[str, ...]:
    own = condition(kept.fill.condition_id)
    return (own,) if kept.final else (own, PROVISIONAL)


def _market_terms(market: Market) -> tuple[str, ...]:
    return () if market.settled else (UNSETTLED, closing(market.close_ms))


def _order_terms(order: Order) -> tuple[str, ...]:
    return (condition(order.condition_id), closing(order.close_ms))


INTENTS: Final = Spec[KeptIntent](lambda kept: (condition(kept.intent.condition_id),))
UNDECIDED: Final = Spec[Intent](amounts=_buying)
ORDERS: Final = Spec[Order](_order_terms, _buying)
ENDED: Final = Spec[Order](lambda order: (condition(order.condition_id),))
FILLS: Final = Spec[KeptFill](_fill_terms)
HOLDINGS: Final = Spec[Holding](lambda held: (condition(held.condition_id),), _holding)
MARKETS: Final = Spec[Market](_market_terms)


class Ledger(msgspec.Struct, kw_only=True):
    """All that survives. Only the fold writes to one, and only to its own copy."""

    generation: int = 0
    trading: TradingState = TradingState.ACTIVE
    trading_reason: str = "start"
    trading_who: str = ""
    seats: Table[Seat] = msgspec.field(default_factory=Table)
    intents: Table[KeptIntent] = msgspec.field(default_factory=lambda: Table(spec=INTENTS))
    """In the order of their arrival."""
    undecided: Table[Intent] = msgspec.field(default_factory=lambda: Table(spec=UNDECIDED))
    """Received, neither refused nor signed yet: approved ones count as open orders."""
    orders: Table[Order] = msgspec.field(default_factory=lambda: Table(spec=ORDERS))
    """Not ended."""
    ended: Table[Order] = msgspec.field(default_factory=lambda: Table(spec=ENDED))
    fills: Table[KeptFill] = msgspec.field(default_factory=lambda: Table(spec=FILLS))
    holdings: Table[Holding] = msgspec.field(default_factory=lambda: Table(spec=HOLDINGS))
    markets: Table[Market] = msgspec.field(default_factory=lambda: Table(spec=MARKETS))
    outbox: Table[Outbox] = msgspec.field(default_factory=Table)
    latched: Table[str] = msgspec.field(default_factory=Table)
    """Slot to the reason of its throttle; a person's resume clears it."""
    day: int = 0
    """Market day (days since 1970, UTC) that `day_realized_micro_usd` is of."""
    day_realized_micro_usd: MicroUsd = MicroUsd(0)
    end_counts: Table[int] = msgspec.field(default_factory=Table)
    forgotten_wire_ms: int = 0
    """Newest signature or fill that was forgotten: older trades of unknown orders may be ours."""
    cash_micro_usd: MicroUsd = MicroUsd(0)
    """What all fills moved in cash, fees included, failed ones left out: only differences of it
    mean something."""
    paid_micro_usd: MicroUsd = MicroUsd(0)
    """What all settlements pay, by the winners that slots were told of."""

    def realized_on(self, market_ms: int) -> MicroUsd:
        """Return the day's realized profit; a new UTC day starts from nothing."""
        return self.day_realized_micro_usd if market_ms // DAY_MS == self.day else MicroUsd(0)

    def order(self, order_id: str) -> Order | None:
        return self.orders.get(order_id) or self.ended.get(order_id)

    def copy(self) -> "Ledger":
        """Return a copy for the next step; it costs the same however much there is."""
        tables = {name: getattr(self, name).copy() for name in TABLES}
        return msgspec.structs.replace(self, **tables)


TABLES: Final = tuple(
    field.name for field in msgspec.structs.fields(Ledger) if field.default_factory is not NODEFAULT
)


def stored_of(ledger: Ledger) -> StoredLedger:
    """Return what a base holds of a ledger."""
    fields = {name: getattr(ledger, name) for name in ledger.__struct_fields__}
    return StoredLedger(**(fields | {name: dict(fields[name].items()) for name in TABLES}))


def ledger_of(stored: StoredLedger) -> Ledger:
    """Return the ledger of a base, found by its terms again."""
    ledger = Ledger()
    for name in ledger.__struct_fields__:
        value = getattr(stored, name)
        if name not in TABLES:
            setattr(ledger, name, value)
            continue
        getattr(ledger, name).update(value)
    for key, holding in stored.holdings.items():
        market = stored.markets.get(holding.condition_id)
        told = market is not None and holding.slot in market.told
        if told != holding.told:  # an older release did not say
            ledger.holdings[key] = msgspec.structs.replace(holding, told=told)
    return ledger
