"""The day's figures, by one reading of the journal."""

import re
from collections import Counter
from typing import Any, Final

from cluster.audit.journal_view import JournalView
from cluster.audit.trades import make_trades
from cluster.daily_audit.report import DayFigures
from signals.market import DAY_MS, day_start_ms

COUNT: Final = re.compile(r"\d{1,9}")
_DECIDED: Final = """
select count(*), count(distinct slot),
  coalesce(quantile_disc(market_ms - due_ms, 0.99), 0), list(distinct release)
from valid where kind = 'decision' and market_ms >= ? and market_ms < ?
"""
_NOTES: Final = """
select action, reason from valid
where kind = 'note' and action in ('missed', 'skipped') and market_ms >= ? and market_ms < ?
"""
_ORDERS: Final = """
select count(distinct order_id) filter (action = 'order_opened'),
  count(distinct fill_id) filter (action = 'filled')
    - count(distinct fill_id) filter (action = 'fill_failed')
from valid where kind = 'order_event' and market_ms >= ? and market_ms < ?
"""
_SETTLED: Final = """
select count(*), count(*) filter (status = 'won'), coalesce(sum(fee_micro_usd), 0)::bigint,
  coalesce(sum(pnl_micro_usd), 0)::bigint
from trade where pnl_micro_usd is not null and settled_ms >= ? and settled_ms < ?
"""


def day_figures(view: JournalView, day: str, speed: int) -> DayFigures:
    """Count what the journal has of a day; `speed`: of market time."""
    span = (day_start_ms(day), day_start_ms(day) + DAY_MS)
    decisions, slots, late_ms, releases = _one(view, _DECIDED, span)
    given_up: Counter[str] = Counter()
    for action, reason in view.fetch(_NOTES, *span):
        given_up[action] += _count(reason)
    orders, fills = _one(view, _ORDERS, span)
    make_trades(view)
    settled, won, fee, pnl = _one(view, _SETTLED, span)
    return DayFigures(
        decisions=decisions,
        missed=given_up["missed"],
        skipped=given_up["skipped"],
        slots=slots,
        late_wire_ms_p99=int(late_ms) // speed,
        orders=orders,
        fills=max(0, fills),
        settled=settled,
        won=won,
        fee_micro_usd=fee,
        pnl_micro_usd=pnl,
        releases=tuple(sorted(name for name in releases or () if name)),
    )


def _one(view: JournalView, query: str, span: tuple[int, int]) -> tuple[Any, ...]:
    return view.fetch(query, *span)[0]


def _count(reason: str | None) -> int:
    found = COUNT.match(reason or "")
    return int(found[0]) if found else 1
