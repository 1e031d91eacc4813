"""The exchange's side of the judge: orders, fills, settlements and money by the ledger."""

from pathlib import Path

import msgspec

from cluster.sandbox.ledger import read_entries
from cluster.sandbox.model import Outcome, Side, Trade, TradeStatus
from cluster.sandbox.records import (
    Entry,
    MarketSettled,
    OrderAccepted,
    OrderRefused,
    Traded,
    TradeMoved,
)

MICRO = 1_000_000


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a fill is worth, in integers."""

    outcome: str
    side: str
    price: int
    shares: int
    fee_micro_usd: int


def cash_of(terms: Terms, winner: str) -> int:
    """Return what a fill brought once its market settled, micro-USD, rounded as the ledger does."""
    exact = terms.price * terms.shares
    value = exact // MICRO if terms.outcome == "Up" else -(-exact // MICRO)
    paid = terms.shares if terms.outcome == winner else 0
    if terms.side == "BUY":
        return paid - value - terms.fee_micro_usd
    return value - terms.fee_micro_usd - paid


class VenueFill(msgspec.Struct, kw_only=True):
    trade_id: str
    condition_id: str
    terms: Terms
    wire_ms: int
    moved_wire_ms: int
    failed: bool = False


class VenueSettled(msgspec.Struct, frozen=True, kw_only=True):
    winner: str
    wire_ms: int
    paid_micro_usd: int


class LedgerSide(msgspec.Struct, kw_only=True):
    orders: dict[str, int] = {}
    """Order id to wire time of its acceptance."""
    refused: set[str] = set()
    """Orders that the venue turned down, a fill-and-kill without a match among them."""
    fills: dict[str, VenueFill] = {}
    """By ``<trade id>/<order id>``."""
    settled: dict[str, VenueSettled] = {}

    def filled_in(self, condition: str) -> bool:
        return any(fill.condition_id == condition for fill in self.fills.values())

    def pnl(self, condition: str) -> int:
        winner = self.settled[condition].winner
        return sum(cash_of(fill.terms, winner) for fill in self._good(condition))

    def pnl_by_payout(self, condition: str) -> int:
        """Return the same by another way: trades without their outcome, plus what was paid out."""
        spent = sum(cash_of(fill.terms, "") for fill in self._good(condition))
        return spent + self.settled[condition].paid_micro_usd

    def _good(self, condition: str) -> list[VenueFill]:
        fills = self.fills.values()
        return [fill for fill in fills if fill.condition_id == condition and not fill.failed]


def read_ledger(folder: Path) -> LedgerSide:
    """Read the sandbox's ledger; every account but the sandbox's own makers is the fleet."""
    side = LedgerSide()
    for entry in read_entries(folder):
        _take(side, entry)
    return side


def _take(side: LedgerSide, entry: Entry) -> None:
    record = entry.record
    if isinstance(record, OrderAccepted):
        side.orders.setdefault(record.order.order_id, entry.wire_ms)
    elif isinstance(record, OrderRefused):
        side.refused.add(record.order.order_id)
    elif isinstance(record, Traded):
        _take_trade(side, record.trade, entry.wire_ms)
    elif isinstance(record, TradeMoved):
        for fill in side.fills.values():
            if fill.trade_id == record.trade_id:
                fill.failed = record.status is TradeStatus.FAILED
                fill.moved_wire_ms = entry.wire_ms
    elif isinstance(record, MarketSettled):
        paid = sum(payout.paid_micro_usd for payout in record.payouts)
        assert record.market.winner is not None
        side.settled[record.market.condition_id] = VenueSettled(
            winner=str(record.market.winner), wire_ms=entry.wire_ms, paid_micro_usd=paid
        )


def _take_trade(side: LedgerSide, trade: Trade, wire_ms: int) -> None:
    legs = [
        (leg.order_id, leg.outcome, leg.side, leg.price, leg.shares, 0)
        for leg in trade.makers
        if leg.api_key
    ]
    if trade.taker_api_key:
        legs += _taker_legs(trade)
    for order_id, outcome, trade_side, price, shares, fee in legs:
        side.fills[f"{trade.trade_id}/{order_id}"] = VenueFill(
            trade_id=trade.trade_id,
            condition_id=trade.condition_id,
            terms=Terms(
                outcome=str(outcome),
                side=str(trade_side),
                price=price,
                shares=shares,
                fee_micro_usd=fee,
            ),
            wire_ms=wire_ms,
            moved_wire_ms=wire_ms,
        )


def _taker_legs(trade: Trade) -> list[tuple[str, Outcome, Side, int, int, int]]:
    return [
        (
            trade.taker_order_id,
            trade.outcome,
            trade.side,
            trade.price,
            trade.shares,
            trade.fee_micro_usd,
        )
    ]
