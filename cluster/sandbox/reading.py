"""Read a ledger as its judge: orders, fills, cancels, settlements, positions and profit."""

from pathlib import Path

import msgspec

from cluster.sandbox.accounts import Leg, legs_of
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.model import CancelReason, Order, OrderState, Outcome, Side, TradeStatus
from cluster.sandbox.records import AccountOpened, Entry, MarketSettled, OrderEnded, OrderRefused
from cluster.sandbox.state import State


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One account's side of one trade, in its last status."""

    trade_id: str
    order_id: str
    condition_id: str
    token_id: str
    outcome: Outcome
    side: Side
    price: int
    shares: int
    fee_micro_usd: int
    cash_micro_usd: int
    """What it did to cash: negative for a buy, fee included."""
    maker: bool
    status: TradeStatus
    wire_ms: int
    market_ms: int

    @property
    def counts(self) -> bool:
        """Say whether the trade stands: FAILED ones moved nothing."""
        return self.status is not TradeStatus.FAILED


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """An order that left without being filled completely."""

    order_id: str
    state: OrderState
    reason: CancelReason
    remaining_shares: int
    wire_ms: int
    market_ms: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A market in which the account had an order."""

    condition_id: str
    slug: str
    winner: Outcome
    up_shares: int
    down_shares: int
    paid_micro_usd: int


class LedgerReading:
    """Everything that one ledger says, folded once."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self._state = State()
        self._ends: dict[str, Cancel] = {}
        self._refusals: list[Order] = []
        self._deposits: dict[str, int] = {}
        for entry in entries:
            self._state.apply(entry)
            self._note(entry)

    @classmethod
    def of(cls, folder: Path) -> "LedgerReading":
        """Read the state folder of a sandbox, also of a running one."""
        return cls(read_entries(folder))

    def accounts(self) -> tuple[str, ...]:
        return tuple(self._state.accounts)

    def address(self, api_key: str) -> str:
        return self._state.accounts[api_key].address

    def orders(self, api_key: str) -> tuple[Order, ...]:
        """Return the accepted orders in order of acceptance, in their last state."""
        return tuple(o for o in self._state.orders.values() if o.api_key == api_key)

    def refusals(self, api_key: str) -> tuple[Order, ...]:
        """Return every refused attempt, repeated ones too; `error` says why."""
        return tuple(o for o in self._refusals if o.api_key == api_key)

    def fills(self, api_key: str) -> tuple[Fill, ...]:
        """Return the account's fills in order of matching."""
        return tuple(
            Fill(
                trade_id=trade.trade_id,
                order_id=leg.order_id,
                condition_id=trade.condition_id,
                token_id=leg.token_id,
                outcome=leg.outcome,
                side=leg.side,
                price=leg.price,
                shares=leg.shares,
                fee_micro_usd=leg.fee_micro_usd,
                cash_micro_usd=leg.cash_micro_usd,
                maker=leg.maker,
                status=trade.status,
                wire_ms=trade.matched_wire_ms,
                market_ms=trade.matched_market_ms,
            )
            for trade in self._state.trades.values()
            for leg in legs_of(trade)
            if leg.api_key == api_key
        )

    def cancels(self, api_key: str) -> tuple[Cancel, ...]:
        """Return who or what ended orders early, in order of time."""
        orders = self._state.orders
        return tuple(c for c in self._ends.values() if orders[c.order_id].api_key == api_key)

    def settlements(self, api_key: str) -> tuple[Settlement, ...]:
        """Return the settled markets in which the account had an order."""
        touched = {order.condition_id for order in self.orders(api_key)}
        return tuple(
            _settlement(record, api_key)
            for record in self._state.settled.values()
            if record.market.condition_id in touched
        )

    def positions(self, api_key: str) -> dict[str, int]:
        """Return micro-shares by token id in unsettled markets, unmined trades included."""
        held = dict(self._state.accounts[api_key].tokens)
        for trade in self._state.unfinished.values():
            if trade.status is TradeStatus.MATCHED:
                for leg in legs_of(trade):
                    if leg.api_key == api_key:
                        held[leg.token_id] = held.get(leg.token_id, 0) + _signed(leg)
        return {token: shares for token, shares in held.items() if shares}

    def cash_micro_usd(self, api_key: str) -> int:
        """Return the settled cash."""
        return self._state.accounts[api_key].cash

    def deposit_micro_usd(self, api_key: str) -> int:
        return self._deposits[api_key]

    def profit_by_market(self, api_key: str) -> dict[str, int]:
        """Return the realised profit of each settled market in micro-USD, fees included."""
        profit = {s.condition_id: s.paid_micro_usd for s in self.settlements(api_key)}
        for fill in self.fills(api_key):
            if fill.counts and fill.condition_id in profit:
                profit[fill.condition_id] += fill.cash_micro_usd
        return profit

    def profit_micro_usd(self, api_key: str) -> int:
        """Return the realised profit of all settled markets."""
        return sum(self.profit_by_market(api_key).values())

    def digest(self) -> str:
        return self._state.digest()

    # ---- inside

    def _note(self, entry: Entry) -> None:
        record = entry.record
        if isinstance(record, OrderEnded):
            self._ends[record.order_id] = Cancel(
                order_id=record.order_id,
                state=record.state,
                reason=record.reason,
                remaining_shares=record.remaining_shares,
                wire_ms=entry.wire_ms,
                market_ms=entry.market_ms,
            )
        elif isinstance(record, OrderRefused):
            self._refusals.append(record.order)
        elif isinstance(record, AccountOpened):
            self._deposits[record.api_key] = record.deposit_micro_usd


def _settlement(record: MarketSettled, api_key: str) -> Settlement:
    market = record.market
    assert market.winner is not None, "a settled market has a winner"
    mine = next((p for p in record.payouts if p.api_key == api_key), None)
    return Settlement(
        condition_id=market.condition_id,
        slug=market.slug,
        winner=market.winner,
        up_shares=mine.up_shares if mine else 0,
        down_shares=mine.down_shares if mine else 0,
        paid_micro_usd=mine.paid_micro_usd if mine else 0,
    )


def _signed(leg: Leg) -> int:
    return leg.shares if leg.side is Side.BUY else -leg.shares
