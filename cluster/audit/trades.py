"""Trades: one row for each signed order, with its fills, end, money and code."""

from typing import Any, Final

import msgspec

from cluster.audit.journal_view import JournalView
from cluster.audit.trade_table import trade_table

STATUSES: Final = ("won", "lost", "open", "unfilled")
OUTCOMES: Final = ("up", "down", *STATUSES)


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One signed order."""

    slot: str
    window_open_ms: int
    close_ms: int
    due_ms: int
    intent_id: str
    order_id: str
    condition_id: str
    side: str
    outcome: str
    style: str
    price_micro_usd: int
    """Decided limit."""
    asked_micro: int
    shares_micro: int
    """Filled and not failed."""
    value_micro_usd: int
    """Paid for them, or received in a sale; without fees."""
    fee_micro_usd: int
    fills: int
    failed_fills: int
    unconfirmed_fills: int
    status: str
    """``won``, ``lost``, ``open`` or ``unfilled``."""
    ended: str | None
    winner: str | None
    pnl_micro_usd: int | None
    """Of settled markets."""
    release: str
    """That decided and opened it."""
    commit: str
    params: str
    signed_under: str
    """Release of the slot that took the signed order into its books."""
    settled_release: str | None
    """Release of the slot that took the settlement into its books."""
    snapshot: str
    signed_ms: int
    settled_ms: int | None
    signed_by: str | None = None
    """Release of the gateway that checked and signed it; None: written before gateways said so."""


class TradeFilter(msgspec.Struct, frozen=True, kw_only=True):
    slot: str | None = None
    day: str | None = None
    """UTC day of market time in which the order was signed."""
    release: str | None = None
    """Beginning of the id of the release that decided."""
    outcome: str | None = None
    """One of `OUTCOMES`."""
    filled_only: bool = False


def make_trades(view: JournalView) -> None:
    """Make the table `trade` in the view's connection, once."""
    if not view.has("trade"):
        view.register("trade", trade_table(view))


def trades_table(view: JournalView, chosen: TradeFilter) -> Any:
    """Return trades as a `pyarrow.Table` with the fields of `Trade`, in time order."""
    make_trades(view)
    parts, values = ["true"], []
    if chosen.slot is not None:
        parts.append("slot = ?")
        values.append(chosen.slot)
    if chosen.day is not None:
        parts.append("strftime(make_timestamp(signed_ms * 1000), '%Y-%m-%d') = ?")
        values.append(chosen.day)
    if chosen.release is not None:
        parts.append("starts_with(release, ?)")
        values.append(chosen.release)
    if chosen.outcome is not None:
        column = "status" if chosen.outcome in STATUSES else "lower(outcome)"
        parts.append(f"{column} = ?")
        values.append(chosen.outcome)
    if chosen.filled_only:
        parts.append("shares_micro > 0")
    columns = ", ".join(f'"{name}"' for name in Trade.__struct_fields__)
    where = " and ".join(parts)
    query = f"select {columns} from trade where {where} order by signed_ms, slot, order_id"  # noqa: S608 own text
    return view.arrow(query, *values)


def find_trades(view: JournalView, chosen: TradeFilter) -> tuple[Trade, ...]:
    return tuple(Trade(**row) for row in trades_table(view, chosen).to_pylist())
