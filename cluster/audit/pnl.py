"""Profit and loss by hour, day, slot, asset or release, from the table of trades.

Only settled trades count: what is open has no result yet and is counted apart. All money is in
micro-USD, as the slots booked it.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec

from cluster.audit.journal_view import JournalView
from cluster.audit.trades import make_trades
from cluster.audit.winnings import Winnings


class By(StrEnum):
    HOUR = "hour"
    DAY = "day"
    SLOT = "slot"
    ASSET = "asset"
    RELEASE = "release"


_KEYS: Final = {
    By.HOUR: "strftime(make_timestamp(settled_ms * 1000), '%Y-%m-%d %H:00')",
    By.DAY: "strftime(make_timestamp(settled_ms * 1000), '%Y-%m-%d')",
    By.SLOT: "slot",
    By.ASSET: "split_part(slot, '-', 1)",
    By.RELEASE: "release",
}
"""SQL of what a row is named by; time is UTC market time of the settlement."""
_ROWS: Final = """
select {key} as name, count(*) as settled, count(*) filter (status = 'won') as won,
  sum(fee_micro_usd)::bigint as fee_micro_usd, sum(pnl_micro_usd)::bigint as pnl_micro_usd,
  min(settled_ms) as first_ms
from trade where pnl_micro_usd is not null group by name order by {order}
"""
_POINTS: Final = """
select settled_ms, sum(pnl_micro_usd)::bigint as pnl from trade
where pnl_micro_usd is not null group by settled_ms order by settled_ms
"""
_OPEN: Final = """
select count(*), coalesce(sum(value_micro_usd + fee_micro_usd), 0)::bigint from trade
where status = 'open' and shares_micro > 0 and side = 'BUY'
"""


class PnlRow(msgspec.Struct, frozen=True, kw_only=True):
    """Settled trades of one hour, day, slot, asset or release."""

    name: str
    settled: int
    won: int
    fee_micro_usd: int
    pnl_micro_usd: int
    """After fees."""
    total_micro_usd: int
    """Of this row and those before it."""


class PnlPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where the running total stood after one settlement time."""

    settled_ms: int
    total_micro_usd: int


class PnlReport(msgspec.Struct, frozen=True, kw_only=True):
    by: By
    rows: tuple[PnlRow, ...]
    curve: tuple[PnlPoint, ...]
    settled: int
    won: int
    fee_micro_usd: int
    pnl_micro_usd: int
    open_trades: int
    """Bought and not settled."""
    open_cost_micro_usd: int
    winnings: Winnings | None = None
    """Of a live fleet: what of the payouts is cash, and what is to be redeemed."""


def pnl_report(view: JournalView, by: By) -> PnlReport:
    """Sum up the settled trades; raise `StorageError` where there is no journal."""
    make_trades(view)
    order = "first_ms, name" if by in {By.HOUR, By.DAY} else "name"
    found = view.fetch(_ROWS.format(key=_KEYS[by], order=order))
    rows = _rows(found)
    open_trades, open_cost = view.fetch(_OPEN)[0]
    return PnlReport(
        by=by,
        rows=rows,
        curve=_curve(view.fetch(_POINTS)),
        settled=sum(row.settled for row in rows),
        won=sum(row.won for row in rows),
        fee_micro_usd=sum(row.fee_micro_usd for row in rows),
        pnl_micro_usd=sum(row.pnl_micro_usd for row in rows),
        open_trades=open_trades,
        open_cost_micro_usd=open_cost,
    )


def _rows(found: list[tuple[Any, ...]]) -> tuple[PnlRow, ...]:
    rows, total = [], 0
    for name, settled, won, fee, pnl, _ in found:
        total += pnl
        rows.append(
            PnlRow(
                name=name,
                settled=settled,
                won=won,
                fee_micro_usd=fee,
                pnl_micro_usd=pnl,
                total_micro_usd=total,
            )
        )
    return tuple(rows)


def _curve(found: list[tuple[Any, ...]]) -> tuple[PnlPoint, ...]:
    points, total = [], 0
    for settled_ms, pnl in found:
        total += pnl
        points.append(PnlPoint(settled_ms=settled_ms, total_micro_usd=total))
    return tuple(points)
