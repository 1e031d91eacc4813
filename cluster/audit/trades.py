"""Trades: one row for each order that was signed, with its fills, its end, its money and its code.

Money is the slot's own arithmetic in integers: a fraction of a micro-USD goes against us, a fill
that failed counts nothing. A sale is held against the outcome that it gave away.
"""

from typing import Any, Final

import msgspec

from cluster.audit.journal_view import JournalView

_TRADES: Final = """
create temp table if not exists event as
select slot, action, market_ms, release, order_id, intent_id, fill_id, condition_id, window_open_ms,
  due_ms, side, outcome, style, price_micro_usd, shares_micro, fee_micro_usd, snapshot, reason,
  opened_release, opened_commit, opened_params
from valid where kind = 'order_event';
create temp table if not exists trade as
with fate as (
  select fill_id, bool_or(action = 'fill_confirmed') as confirmed,
    bool_or(action = 'fill_failed') as failed
  from event where action in ('fill_confirmed', 'fill_failed') group by fill_id),
fill as (
  select fill_id, any_value(order_id) as order_id, any_value(shares_micro) as shares,
    any_value(fee_micro_usd) as fee,
    any_value((price_micro_usd * shares_micro + if(side = 'BUY', 999999, 0)) // 1000000) as value
  from event where action = 'filled' group by fill_id),
filled as (
  select order_id, count(*) as fills, count(*) filter (failed) as failed_fills,
    count(*) filter (confirmed is null) as unconfirmed_fills,
    coalesce(sum(shares) filter (failed is not true), 0)::bigint as shares,
    coalesce(sum(fee) filter (failed is not true), 0)::bigint as fee,
    coalesce(sum(value) filter (failed is not true), 0)::bigint as value
  from fill left join fate using (fill_id) group by order_id),
ended as (
  select order_id, any_value(reason) as ended from event where action = 'order_ended' group by all),
settled as (
  select slot, condition_id, any_value(outcome) as winner, min(market_ms) as settled_ms,
    any_value(release) as settled_release
  from event where action = 'settled' group by all),
signed as (
  select slot, order_id, any_value(intent_id) as intent_id, min(market_ms) as signed_ms,
    any_value(condition_id) as condition_id, any_value(window_open_ms) as window_open_ms,
    any_value(due_ms) as due_ms, any_value(side) as side, any_value(outcome) as outcome,
    any_value(style) as style, any_value(price_micro_usd) as price_micro_usd,
    any_value(shares_micro) as asked_micro, any_value(snapshot) as snapshot,
    any_value(opened_release) as release, any_value(opened_commit) as commit,
    any_value(opened_params) as params, any_value(release) as signed_under
  from event where action = 'order_signed' group by slot, order_id),
whole as (
  select signed.*, ended, winner, settled_ms, settled_release,
    coalesce(filled.shares, 0) as shares_micro, coalesce(value, 0) as value_micro_usd,
    coalesce(fee, 0) as fee_micro_usd, coalesce(fills, 0) as fills,
    coalesce(failed_fills, 0) as failed_fills, coalesce(unconfirmed_fills, 0) as unconfirmed_fills,
    window_open_ms + if(ends_with(slot, '-15m'), 900000, 300000) as close_ms,
    if(outcome = winner, coalesce(filled.shares, 0), 0) as payout
  from signed left join filled using (order_id) left join ended using (order_id)
  left join settled using (slot, condition_id))
select * exclude (payout),
  case when shares_micro = 0 then if(ended is null, 'open', 'unfilled')
    when winner is null then 'open'
    when (outcome = winner) = (side = 'BUY') then 'won' else 'lost' end as status,
  case when winner is null or shares_micro = 0 then null
    when side = 'BUY' then payout - value_micro_usd - fee_micro_usd
    else value_micro_usd - fee_micro_usd - payout end as pnl_micro_usd
from whole
"""
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
    view.run(_TRADES)


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
