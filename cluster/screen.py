"""The live table of `run` and the page of `status`: a report in, rich renderables out. Pure."""

from collections.abc import Iterator
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.plain_text import plain
from cluster.status import SERVING, SILENT, SlotView, StatusReport
from cluster.tally import Tally
from signals.market import day_of

ID_DIGITS: Final = 6
ACTIVE: Final = "active"
MICRO: Final = 1_000_000


def page(report: StatusReport, note: str = "") -> RenderableType:
    """Return the whole page: header, sixteen rows, what is wrong."""
    parts: list[RenderableType] = [_header(report, note), _slots(report)]
    parts += [
        Text(plain(f"ALARM {entry.id}: {entry.action}"), "bold red") for entry in report.alarms
    ]
    parts += [Text(plain(line), "yellow") for line in report.trouble[:5]]
    parts += [Text(plain(f"{name}: {text}"), "dim") for name, text in report.labels.items()]
    parts += [Text(plain(report.gate), "dim")]
    return Group(*parts)


def summary(tally: Tally, report: StatusReport) -> Iterator[str]:
    """Yield the lines of the end of a run; `python -m tests.judge` recounts them."""
    complete = f"{100 * tally.complete_share:.1f} %" if tally.decisions else "none"
    ends = ", ".join(f"{count} {end}" for end, count in sorted(report.gateway.end_counts.items()))
    yield f"slots {tally.slots}   decisions {tally.decisions}   missed {tally.missed}"
    yield f"decisions from complete snapshots: {complete}"
    yield f"slots that ordered {tally.slots_ordered}   orders by end: {ends or 'none'}"
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


def _header(report: StatusReport, note: str) -> Text:
    gateway = report.gateway
    stale = [feed.feed for feed in report.feeds if not feed.fresh]
    exposure = (
        "?" if gateway.fleet_exposure_micro_usd is None else usd(gateway.fleet_exposure_micro_usd)
    )
    state = gateway.phase
    if gateway.phase == SERVING and gateway.trading_state is not None:
        state = gateway.trading_state
    return Text.assemble(
        ("midstride ", "bold"),
        f"market time {clock(report.market_ms)} UTC   ",
        ("trading ", "dim"),
        (plain(state), "green" if state == "active" else "bold red"),
        f"   exposure {exposure} USD   heartbeat gap {gateway.heartbeat_gap_ms_max} ms   ",
        (f"stale: {', '.join(stale)}" if stale else "feeds fresh", "yellow" if stale else "green"),
        f"   {note}",
    )


COLUMNS: Final = (
    ("slot", "left"),
    ("state", "left"),
    ("inc", "right"),
    ("release", "left"),
    ("dec", "right"),
    ("miss", "right"),
    ("open", "right"),
    ("up/down", "right"),
    ("P&L USD", "right"),
)
"""What must be readable at 80 characters; the last decision gets what is left."""


def _slots(report: StatusReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0))
    for name, justify in COLUMNS:
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("last decision", no_wrap=True, overflow="ellipsis", ratio=1)
    for slot in report.slots:
        table.add_row(*(Text(plain(cell)) for cell in _row(slot)), style=_style(slot))
    return table


def _style(slot: SlotView) -> str:
    if slot.state == SILENT or slot.counts.missed:
        return "red"
    return "" if slot.state == ACTIVE else "yellow"


def _row(slot: SlotView) -> Iterator[str]:
    last = slot.last_decision
    up = sum(position.up_shares for position in slot.position)
    down = sum(position.down_shares for position in slot.position)
    pnl = slot.realized_pnl_micro_usd
    yield slot.slot
    yield slot.state
    yield _number(slot.incarnation)
    yield (slot.release or "")[:ID_DIGITS]
    yield str(slot.counts.decisions)
    yield str(slot.counts.missed)
    yield _number(slot.open_orders)
    yield f"{up / MICRO:g}/{down / MICRO:g}" if up or down else ""
    yield "" if pnl is None else f"{pnl / MICRO:.2f}"
    yield "" if last is None else f"{last.action} {last.reason}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
