"""The lines at the end of a run, and how money and market time are written. Pure."""

from collections.abc import Iterator
from typing import Final

from cluster.status.page import StatusReport
from cluster.status.tally import Tally
from cluster.terminal.counting import counted
from signals.market import day_of

MICRO: Final = 1_000_000


def summary(tally: Tally, report: StatusReport) -> Iterator[str]:
    """Yield the lines of the end of a run; `python -m tests.judge` recounts them."""
    complete = f"{100 * tally.complete_share:.1f} %" if tally.decisions else "none"
    ends = ", ".join(f"{count} {end}" for end, count in sorted(report.gateway.end_counts.items()))
    yield f"slots {tally.slots}   decisions {tally.decisions}   missed {tally.missed}"
    yield f"decisions made on complete data: {complete}"
    sent = f"{counted(tally.slots_ordered, 'slot')} sent {counted(tally.orders, 'order')}"
    yield f"{sent}, by end: {ends or 'none'}"
    yield f"fills {tally.fills}   settlements {tally.settlements}"
    yield f"realized P&L {usd(tally.realized_pnl_micro_usd)} USD   alarms {len(report.alarms)}"
    yield from (f"damaged: {name}" for name in tally.damaged)
    yield from (f"{name}: {text}" for name, text in report.labels.items())


def usd(micro_usd: int) -> str:
    """Write micro-USD exactly, with all six decimals."""
    sign = "-" if micro_usd < 0 else ""
    whole, part = divmod(abs(micro_usd), MICRO)
    return f"{sign}{whole}.{part:06d}"


def clock(market_ms: int) -> str:
    seconds = market_ms // 1_000 % 86_400
    return f"{day_of(market_ms)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
