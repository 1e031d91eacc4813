"""The live table of `run` and the page of `status`, for any width from 80 columns on. Pure.

Alarms and totals stand on top, so that a short terminal cuts nothing that matters; wide terminals
get more columns. A gain or loss is told by its sign, what is wrong by a word; colour only adds.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from actors.config import Mode
from checkpoints.alarms import AlarmState
from checkpoints.severity import Severity
from cluster.audit.winnings import winnings_line
from cluster.status.alarm_groups import AlarmGroup, group_alarms
from cluster.status.page import SERVING, SILENT, SlotView, StatusReport
from cluster.terminal.counting import counted
from cluster.terminal.plain_text import plain
from signals.market import Slot, Window

ACTIVE: Final = "active"
MICRO: Final = 1_000_000
ID_DIGITS: Final = 6
ALARM_LINES: Final = 2
"""With one line of trouble, sixteen slots and three lines of sums that is 23 of 24 lines."""
HEADER_LINES: Final = 2
"""The header of the table, and the line on which the cursor rests."""
HEARTBEAT_LIMIT_MS: Final = 10_000
"""Silence after which the venue cancels all orders."""
SUBJECTS_SHOWN: Final = 3


class Column(msgspec.Struct, frozen=True):
    name: str
    justify: str
    width_min: int
    """Columns of the terminal from which on it is shown."""
    cell: Callable[[SlotView, StatusReport], str]


def _closes_in(slot: SlotView, report: StatusReport) -> str:
    """Return minutes and seconds of market time until the slot's window closes."""
    if slot.window_open_ms is None:
        return ""
    close_ms = Window(slot.window_open_ms, Slot.parse(slot.slot).timeframe).close_ms
    left = max(0, close_ms - report.market_ms) // 1_000
    return f"{left // 60}:{left % 60:02d}"


def _position(slot: SlotView, _report: StatusReport) -> str:
    up = sum(position.up_shares for position in slot.position)
    down = sum(position.down_shares for position in slot.position)
    parts = [f"Up {up / MICRO:g}" if up else "", f"Dn {down / MICRO:g}" if down else ""]
    return " ".join(part for part in parts if part)


def _pnl(slot: SlotView, _report: StatusReport) -> str:
    return "" if slot.realized_pnl_micro_usd is None else signed(slot.realized_pnl_micro_usd)


def _last(slot: SlotView, _report: StatusReport) -> str:
    last = slot.last_decision
    return "" if last is None else plain(f"{last.action} {last.reason}")


def _missed(slot: SlotView, _report: StatusReport) -> str:
    return str(slot.counts.missed) if slot.counts.missed else ""


COLUMNS: Final = (
    Column("slot", "left", 0, lambda slot, _: slot.slot),
    Column("state", "left", 0, lambda slot, _: slot.state),
    Column("closes", "right", 0, _closes_in),
    Column("holds", "right", 0, _position),
    Column("open", "right", 0, lambda slot, _: str(slot.open_orders or "")),
    Column("P&L USD", "right", 0, _pnl),
    Column("missed", "right", 100, _missed),
    Column("decided", "right", 100, lambda slot, _: str(slot.counts.decisions)),
    Column("release", "left", 110, lambda slot, _: (slot.release or "")[:ID_DIGITS]),
    Column("inc", "right", 120, lambda slot, _: str(slot.incarnation or "")),
    Column("fence", "right", 140, lambda slot, _: str(slot.fence or "")),
    Column("params", "left", 150, lambda slot, _: (slot.params or "")[:ID_DIGITS]),
    Column("regime", "left", 150, lambda slot, _: slot.regime or ""),
)


class FleetPage:
    """A report as rich draws it, at the width of whatever it is drawn on."""

    def __init__(self, report: StatusReport, note: str = "", height: int | None = None) -> None:
        self._report = report
        self._note = note
        self._height = height
        """Lines of the screen; None: as many as there are slots."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        top = [*head_lines(self._report, self._note), *wrong_lines(self._report)]
        below = list(foot(self._report))
        slots: Sequence[SlotView] = self._report.slots
        more = ""
        if self._height is not None:
            slots, more = that_fit(slots, self._height - len(top) - len(below) - HEADER_LINES)
        table = slot_table(self._report, slots, options.max_width)
        rest = [Text(more, "dim", no_wrap=True, overflow="ellipsis")] if more else []
        yield Group(*top, table, *rest, *below)


def that_fit(slots: Sequence[SlotView], rows: int) -> tuple[Sequence[SlotView], str]:
    """Return the slots for so many lines, those in trouble before others, and word of the rest."""
    if len(slots) <= rows:
        return slots, ""
    shown = max(1, rows - 1)
    ranked = sorted(range(len(slots)), key=lambda place: (not _style(slots[place]), place))
    kept = sorted(ranked[:shown])
    left = [slots[place] for place in ranked[shown:]]
    troubled = sum(1 for slot in left if _style(slot))
    how = f"{troubled} of them not as they should be" if troubled else "all active"
    return [slots[place] for place in kept], f"and {len(left)} more slots, {how}: midstride status"


def head_lines(report: StatusReport, note: str) -> Iterator[Text]:
    """Yield who trades on what, the sums, and what comes next: three lines of 80 columns."""
    state, good = trading(report)
    alarms = len(report.alarms)
    exposure = report.gateway.fleet_exposure_micro_usd
    yield Text.assemble(
        ("midstride  " if report.mode == Mode.SANDBOX else f"{report.mode.upper()}  ", "bold"),
        (f"trading {state}", "green" if good else "bold red"),
        (f"  {alarms} alarm{'' if alarms == 1 else 's'}", "bold red" if alarms else "green"),
        f"  {releases(report)}",
        f"  at stake {'?' if exposure is None else f'{exposure / MICRO:.2f}'} USD",
        f"  {note}" if note else "",
        no_wrap=True,
        overflow="ellipsis",
    )
    pnl = sum(slot.realized_pnl_micro_usd or 0 for slot in report.slots)
    decided = sum(slot.counts.decisions for slot in report.slots)
    missed = sum(slot.counts.missed for slot in report.slots)
    yield Text.assemble(
        (f"P&L {signed(pnl)} USD", "red" if pnl < 0 else "green"),
        (f"  {missed} missed", "bold red" if missed else ""),
        f" of {counted(decided, 'decision')}  {orders(report)}",
        no_wrap=True,
        overflow="ellipsis",
    )
    yield Text.assemble(
        f"{clock(report.market_ms)} UTC  {next_decision(report)}  ",
        feeds(report),
        no_wrap=True,
        overflow="ellipsis",
    )


def trading(report: StatusReport) -> tuple[str, bool]:
    """Return the trading state in words, and whether all is as it should be."""
    gateway = report.gateway
    if gateway.phase != SERVING or gateway.trading_state is None:
        return f"unknown: gateway {gateway.phase}", False
    state = gateway.trading_state
    why = f" ({gateway.trading_reason})" if state != ACTIVE and gateway.trading_reason else ""
    return plain(f"{state.upper()}{why}", 60), state == ACTIVE


def releases(report: StatusReport) -> str:
    counts = Counter(slot.release[:ID_DIGITS] for slot in report.slots if slot.release)
    if not counts:
        return "no slot runs"
    if len(counts) == 1:
        (release,) = counts
        return f"all on {release}"
    return "MIXED: " + ", ".join(f"{count} on {name}" for name, count in counts.most_common())


def orders(report: StatusReport) -> str:
    ends = report.gateway.end_counts
    filled = ends.get("filled", 0)
    return f"{counted(sum(ends.values()), 'order')}, {filled} filled"


def next_decision(report: StatusReport) -> str:
    if report.next_due_ms is None:
        return ""
    left = max(0, report.next_due_ms - report.market_ms) // 1_000
    return f"next decision in {left // 60}:{left % 60:02d}"


def feeds(report: StatusReport) -> tuple[str, str]:
    gap = report.gateway.heartbeat_gap_ms_max
    limit = HEARTBEAT_LIMIT_MS / 1_000
    beat = "" if gap is None else f"  heartbeat gap {gap / 1_000:.1f} of {limit:g} s"
    stale = [feed.feed for feed in report.feeds if not feed.fresh]
    if report.market_data == SILENT:
        return f"market data SILENT{beat}", "bold red"
    if stale:
        return f"STALE: {', '.join(stale)}{beat}", "yellow"
    return f"feeds fresh{beat}", "green"


def wrong_lines(report: StatusReport) -> Iterator[Text]:
    """Yield the worst alarms by cause, then who does not answer; nothing where all is well."""
    groups = group_alarms(AlarmState(alarm=alarm, cleared=None) for alarm in report.alarms)
    shown = groups if len(groups) <= ALARM_LINES else groups[: ALARM_LINES - 1]
    for group in shown:
        style = "yellow" if group.severity is Severity.NOTICE else "bold red"
        yield Text(plain(alarm_line(group)), style, no_wrap=True, overflow="ellipsis")
    if len(groups) > len(shown):
        yield Text(f"{len(groups) - len(shown)} more causes: midstride alarms list", "bold red")
    if report.trouble:
        more = f" (and {len(report.trouble) - 1} more)" if len(report.trouble) > 1 else ""
        text = f"{report.trouble[0]}{more}"
        yield Text(plain(text), "yellow", no_wrap=True, overflow="ellipsis")


def alarm_line(group: AlarmGroup) -> str:
    """Write one cause on one line: how bad, what, about whom, what to do."""
    subjects = ", ".join(group.subjects[:SUBJECTS_SHOWN])
    more = len(group.subjects) - SUBJECTS_SHOWN
    about = f"{subjects} and {more} more" if more > 0 else subjects
    return f"{str(group.severity).upper()} {group.kind} {about}: {group.action}"


def slot_table(report: StatusReport, slots: Sequence[SlotView], width: int) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    columns = [column for column in COLUMNS if width >= column.width_min]
    for column in columns:
        table.add_column(column.name, justify=column.justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("last decision", no_wrap=True, overflow="ellipsis", ratio=1)
    for slot in slots:
        cells = [Text(plain(column.cell(slot, report))) for column in columns]
        table.add_row(*cells, Text(_last(slot, report)), style=_style(slot))
    return table


def _style(slot: SlotView) -> str:
    if slot.state == SILENT or slot.counts.missed:
        return "red"
    return "" if slot.state == ACTIVE else "yellow"


def foot(report: StatusReport) -> Iterator[Text]:
    winnings = "" if report.winnings is None else winnings_line(report.winnings)
    for text in (winnings, *report.labels.values(), report.gate):
        if text:
            yield Text(plain(text), "dim", no_wrap=True, overflow="ellipsis")


def signed(micro_usd: int) -> str:
    return f"{micro_usd / MICRO:+.2f}" if micro_usd else "0.00"


def clock(market_ms: int) -> str:
    seconds = market_ms // 1_000 % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
