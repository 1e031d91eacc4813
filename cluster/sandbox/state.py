"""The state of all accounts: a fold over the ledger's records, live and after a restart alike."""

import hashlib
from collections.abc import Iterator
from typing import assert_never

import msgspec
from msgspec.structs import replace

from cluster.sandbox.accounts import Account, Leg, legs_of
from cluster.sandbox.book import SPENT_DUST
from cluster.sandbox.chain.transactions import (
    ChainRecord,
    Redeemed,
    RedemptionUndone,
    Submission,
    TransactionKind,
    TransactionMoved,
    TransactionState,
    TransactionSubmitted,
)
from cluster.sandbox.model import Market, Order, OrderState, Trade, TradeStatus
from cluster.sandbox.records import (
    AccountOpened,
    CashChanged,
    Entry,
    HeartbeatArmed,
    HeartbeatLost,
    MarketSettled,
    ModeChanged,
    OrderAccepted,
    OrderEnded,
    OrderRefused,
    OrderRested,
    TapeEnded,
    Traded,
    TradeMoved,
    Withdrawn,
)


class State:
    """Accounts, orders, trades and the markets that accounts touched."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, Order] = {}
        """Accepted ones, by id, in order of acceptance."""
        self.refused: dict[str, Order] = {}
        """The latest refusal of each id."""
        self.matures: dict[str, int] = {}
        """Order id -> wire ms at which its taker delay ends."""
        self.trades: dict[str, Trade] = {}
        self.unfinished: dict[str, Trade] = {}
        """Trades that are neither CONFIRMED nor FAILED."""
        self.markets: dict[str, Market] = {}
        """By condition id, those in which an account had an order."""
        self.settled: dict[str, MarketSettled] = {}
        self.armed: set[str] = set()
        """Accounts whose silence cancels their orders."""
        self.tape_ended = False
        self.transactions: dict[str, Submission] = {}
        """By id, in their present state."""
        self.moving: dict[str, Submission] = {}
        """Transactions that have not ended."""
        self.nonces: dict[str, int] = {}
        """By kind and wallet: transactions of it in blocks."""
        self.redeemed: list[Redeemed] = []
        """Undone ones left out."""
        self._trade_ids: dict[str, list[str]] = {}
        """By account, oldest first."""

    def apply(self, entry: Entry) -> None:  # noqa: C901, PLR0912 - one flat dispatch over records
        record = entry.record
        match record:
            case AccountOpened():
                self.accounts[record.api_key] = Account(
                    record.api_key, record.address, record.deposit_micro_usd
                )
            case OrderAccepted():
                self._accepted(record)
            case OrderRefused():
                self.refused[record.order.order_id] = record.order
            case OrderRested():
                self._rested(record)
            case OrderEnded():
                self._ended(record, entry.wire_ms)
            case Traded():
                self._traded(record.trade)
            case TradeMoved():
                self._moved(record, entry.wire_ms)
            case MarketSettled():
                self._settled(record)
            case CashChanged():
                found = self.accounts[record.api_key].cash
                assert found == record.cash_micro_usd, f"entry {entry.sequence}: cash is {found}"
            case Withdrawn():
                self.accounts[record.api_key].cash -= record.amount_micro_usd
            case HeartbeatArmed():
                self.armed.add(record.api_key)
            case HeartbeatLost() | ModeChanged():
                pass
            case TapeEnded():
                self.tape_ended = True
            case TransactionSubmitted() | TransactionMoved() | Redeemed() | RedemptionUndone():
                self._on_chain(record)
            case _:
                assert_never(record)

    def digest(self) -> str:
        """Return SHA-256 over accounts, orders and trades."""
        parts = (
            sorted((a.api_key, a.address, a.cash, a.tokens) for a in self.accounts.values()),
            list(self.orders.values()),
            list(self.trades.values()),
            sorted(self.settled),
        )
        return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()

    def trades_of(self, api_key: str) -> Iterator[Trade]:
        """Yield the account's trades, newest first."""
        return (self.trades[trade_id] for trade_id in reversed(self._trade_ids.get(api_key, [])))

    # ---- one record each

    def _store(self, order: Order) -> None:
        self.orders[order.order_id] = order
        held = self.accounts[order.api_key].open
        if order.active:
            held[order.order_id] = order
        else:
            held.pop(order.order_id, None)

    def _accepted(self, record: OrderAccepted) -> None:
        if record.market is not None:
            self.markets[record.market.condition_id] = record.market
        if record.matures_wire_ms is not None:
            self.matures[record.order.order_id] = record.matures_wire_ms
        self._store(record.order)

    def _rested(self, record: OrderRested) -> None:
        self.matures.pop(record.order_id, None)
        order = self.orders[record.order_id]
        self._store(
            replace(
                order, state=OrderState.LIVE, queue_ahead_at_placement=record.queue_ahead_shares
            )
        )

    def _ended(self, record: OrderEnded, wire_ms: int) -> None:
        self.matures.pop(record.order_id, None)
        order = self.orders[record.order_id]
        self._store(
            replace(order, state=record.state, ended_wire_ms=wire_ms, cancel_reason=record.reason)
        )

    def _traded(self, trade: Trade) -> None:
        self.trades[trade.trade_id] = self.unfinished[trade.trade_id] = trade
        legs = legs_of(trade)
        for api_key in dict.fromkeys(leg.api_key for leg in legs):
            self._trade_ids.setdefault(api_key, []).append(trade.trade_id)
        for leg in legs:
            after = _filled(self.orders[leg.order_id], leg, trade)
            if after.state is OrderState.MATCHED:
                self.matures.pop(leg.order_id, None)
            self._store(after)
            self.accounts[leg.api_key].matched(leg)

    def _moved(self, record: TradeMoved, wire_ms: int) -> None:
        trade = replace(self.trades[record.trade_id], status=record.status, updated_wire_ms=wire_ms)
        self.trades[record.trade_id] = self.unfinished[record.trade_id] = trade
        for leg in legs_of(trade):
            if record.status is TradeStatus.MINED:
                self.accounts[leg.api_key].mined(leg)
            elif record.status is TradeStatus.FAILED:
                self.accounts[leg.api_key].failed(leg)
        if record.status.final:
            del self.unfinished[record.trade_id]

    def _settled(self, record: MarketSettled) -> None:
        market = record.market
        self.markets[market.condition_id] = market
        self.settled[market.condition_id] = record
        if record.claims:
            return
        for payout in record.payouts:
            self.accounts[payout.api_key].redeem(
                (market.up_token_id, market.down_token_id), payout.paid_micro_usd
            )

    def _on_chain(self, record: ChainRecord) -> None:
        match record:
            case TransactionSubmitted():
                found = record.submission
                self.transactions[found.transaction_id] = found
                self.moving[found.transaction_id] = found
            case TransactionMoved():
                self._transaction_moved(record)
            case Redeemed():
                self.redeemed.append(record)
                self._redeem(record, 1)
            case RedemptionUndone():
                self.redeemed.remove(record.redeemed)
                self._redeem(record.redeemed, -1)

    def _transaction_moved(self, record: TransactionMoved) -> None:
        before = self.transactions[record.transaction_id]
        after = replace(before, state=record.state, error=record.error)
        self.transactions[record.transaction_id] = after
        if record.state.final:
            self.moving.pop(record.transaction_id, None)
        else:
            self.moving[record.transaction_id] = after
        key = f"{before.kind}/{before.wallet}"
        mined, undone = TransactionState.MINED, before.state is TransactionState.MINED
        failed = record.state is TransactionState.FAILED
        if record.state is mined or (failed and not undone and before.kind is TransactionKind.EOA):
            self.nonces[key] = self.nonces.get(key, 0) + 1
        elif failed and undone:
            self.nonces[key] -= 1

    def _redeem(self, record: Redeemed, sign: int) -> None:
        market = self.markets[record.condition_id]
        moved = {market.up_token_id: record.up_shares, market.down_token_id: record.down_shares}
        account = self.accounts[record.api_key]
        account.take_shares({token: sign * shares for token, shares in moved.items()})
        account.cash += sign * record.paid_micro_usd


def _filled(order: Order, leg: Leg, trade: Trade) -> Order:
    """Add a fill to an order: it may be cancelled already, and may not get more than it asked."""
    filled = order.filled_shares + leg.shares
    spent = order.spent_micro_usd
    if order.budget_micro_usd is None:
        assert filled <= order.shares, "filled more than ordered"
        whole = filled == order.shares
    else:
        spent += leg.notional_micro_usd
        assert spent <= order.budget_micro_usd, "spent more than ordered"
        whole = order.budget_micro_usd - spent <= SPENT_DUST
    return replace(
        order,
        filled_shares=filled,
        spent_micro_usd=spent,
        trade_ids=(*order.trade_ids, trade.trade_id),
        state=OrderState.MATCHED if whole and order.active else order.state,
        ended_wire_ms=trade.matched_wire_ms if whole and order.active else order.ended_wire_ms,
    )
