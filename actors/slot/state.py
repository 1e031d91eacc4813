"""What a slot knows and keeps: positions, orders, unanswered intents, provisional fills, totals.

This is the durable half of a slot. It changes only by facts (`actors.slot.facts`), each of which
is a journal row: state = checkpoint + rows, live and after any restart. Every ``dict[str, X]``
field is stored as keyed records, the other fields as one record.

Money is exact: a buy costs price x shares plus the taker's fee, a sale pays price x shares minus
it, a settled market pays 1 USD per winning share. P&L is realized when a market settles.
"""

from typing import Final

import msgspec

from actors.messages import Intent, OrderEnd
from signals.decision import Style
from signals.market import Outcome, Side, Timeframe
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

STATE_VERSION: Final = 1
"""Of the layout below; `checkpoints.upgrades` holds the chain between versions."""
EXPECTED_RESOLUTION_MS: Final = 120_000
"""Market ms after the close by which the venue has usually named the winner."""
KEEP_SETTLED_MS: Final = 21_600_000
"""Market ms after the close during which a settled market stays in the state: a trade may still be
reported late (10-50 s were seen at the venue, minutes after an outage; at speed 30 this is 12
minutes of wire time). At most 72 windows of a few hundred bytes each."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The decision and the code that opened something; a successor manages it, this tag stays."""

    due_ms: int
    snapshot: str
    release: str
    commit: str
    params: str


class PositionRecord(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    window_open_ms: int
    timeframe: Timeframe
    close_ms: int
    expected_resolution_ms: int
    up_shares: MicroShares = MicroShares(0)
    down_shares: MicroShares = MicroShares(0)
    bought_micro_usd: MicroUsd = MicroUsd(0)
    sold_micro_usd: MicroUsd = MicroUsd(0)
    fees_micro_usd: MicroUsd = MicroUsd(0)
    allocation_micro_usd: MicroUsd = MicroUsd(0)
    """The slot's capital when the position was opened."""
    winner: Outcome | None = None
    opened: Opening

    @property
    def cash_micro_usd(self) -> MicroUsd:
        """Return what trading it paid so far; negative while it costs."""
        return MicroUsd(self.sold_micro_usd - self.bought_micro_usd - self.fees_micro_usd)

    @property
    def realized_micro_usd(self) -> MicroUsd:
        """Return profit or loss of a settled market, 0 before."""
        if self.winner is None:
            return MicroUsd(0)
        paid = self.up_shares if self.winner is Outcome.UP else self.down_shares
        return MicroUsd(self.cash_micro_usd + paid)

    def shares(self, outcome: Outcome) -> MicroShares:
        return self.up_shares if outcome is Outcome.UP else self.down_shares


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    intent_id: str
    condition_id: str
    window_open_ms: int
    close_ms: int
    outcome: Outcome
    side: Side
    style: Style
    price: PriceMicroUsd
    shares: MicroShares
    filled: MicroShares = MicroShares(0)
    life: str = "signed"
    """``signed``, ``open``, ``unknown`` or ``ended``."""
    end: OrderEnd | None = None
    signed_ms: int = 0
    opened: Opening

    @property
    def resting_shares(self) -> MicroShares:
        """Return what may still fill; never negative, also when a venue overfills by dust."""
        return MicroShares(0 if self.end is not None else max(0, self.shares - self.filled))


class FillRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A provisional fill: all that is needed to reverse it."""

    order_id: str
    condition_id: str
    outcome: Outcome
    side: Side
    shares: MicroShares
    notional_micro_usd: MicroUsd
    fee_micro_usd: MicroUsd


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    decisions: int = 0
    complete: int = 0
    """Decisions from complete snapshots."""
    missed: int = 0
    skipped: int = 0
    """Decision points inside a declared stop: not missed."""
    strategy_errors: int = 0
    intents: int = 0
    refused: int = 0
    orders: int = 0
    fills: int = 0
    failed_fills: int = 0
    settlements: int = 0
    ended: dict[OrderEnd, int] = {}


class LastDecision(msgspec.Struct, frozen=True, kw_only=True):
    due_ms: int
    journaled_ms: int
    """Market time at which the row was made."""
    action: str
    reason: str
    snapshot: str | None
    release: str


class SlotState(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    journal_sequence: int = 0
    outbox_sequence: int = 0
    fence: int = 0
    """Highest fence under which a row was made."""
    started_ms: int = 0
    """Market time of the first claim: no decision was due before."""
    decided_due_ms: int = 0
    """Latest decision point that was decided or given up."""
    stopped: bool = False
    """The last life ended by an order to stop: what follows is skipped, not missed."""
    allocation_micro_usd: MicroUsd = MicroUsd(0)
    """Capital at the last decision, profits and losses included."""
    realized_pnl_micro_usd: MicroUsd = MicroUsd(0)
    """Of settled markets, including the ones no longer kept below."""
    cash_micro_usd: MicroUsd = MicroUsd(0)
    """All fills and payouts so far: equals the venue's ledger of this slot."""
    counts: Counts = Counts()
    regime: str | None = None
    last_decision: LastDecision | None = None
    memory_hash: str | None = None
    params_set: dict[str, float | int | str] = {}
    """Parameters changed in place, on top of the configuration's."""
    positions: dict[str, PositionRecord] = {}
    """By condition id."""
    orders: dict[str, OrderRecord] = {}
    intents: dict[str, Intent] = {}
    """Journaled and neither refused nor signed yet: recovery sends them again."""
    fills: dict[str, FillRecord] = {}
    """Provisional ones, by fill id."""

    @property
    def open_orders(self) -> int:
        return sum(order.end is None for order in self.orders.values())
