"""One audit as a page of text."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from cluster.daily_audit.report import Check, DayAudit, DayFigures
from cluster.terminal.plain_text import plain

MICRO: Final = 1_000_000
MIB: Final = 1_048_576
RELEASE_SHOWN: Final = 12
FOUND_SHOWN: Final = 8
"""Of one check; --json has more."""
NAME_WIDTH: Final = 20
STATE_WIDTH: Final = 16


def page(audit: DayAudit) -> str:
    return "\n".join(lines(audit))


def lines(audit: DayAudit) -> Iterator[str]:
    """Yield the verdict, the figures, then each check with what it found."""
    yield plain(headline(audit))
    yield plain(figures_line(audit.figures))
    for check in audit.checks:
        yield from _check_lines(check)
    seconds = (audit.ended_wire_ms - audit.began_wire_ms) / 1_000
    at = dt.datetime.fromtimestamp(audit.began_wire_ms / 1_000, dt.UTC)
    yield (
        f"audited at {at:%Y-%m-%d %H:%M} UTC in {seconds:.1f} s, "
        f"with at most {audit.memory_bytes_max / MIB:.0f} MB"
    )


def headline(audit: DayAudit) -> str:
    """Say in one line whether the day is well."""
    mode = "" if audit.mode == "sandbox" else f" ({audit.mode})"
    so_far = "" if audit.over else " (the day is not over yet)"
    if audit.well:
        return f"{audit.day}{mode}: {'still well' if audit.over else 'well so far'}{so_far}"
    names = ", ".join(f"{check.name} ({check.state})" for check in audit.wrong)
    return f"{audit.day}{mode}: NOT WELL: {names}{so_far}"


def figures_line(figures: DayFigures) -> str:
    """Say what the fleet did on the day."""
    releases = ", ".join(name[:RELEASE_SHOWN] for name in figures.releases) or "none"
    return (
        f"{figures.decisions} decisions of {figures.slots} slots, {figures.missed} missed; "
        f"p99 {figures.late_wire_ms_p99} ms after the point; {figures.orders} orders, "
        f"{figures.fills} fills; {figures.settled} settled, {figures.won} won, "
        f"P&L {figures.pnl_micro_usd / MICRO:+.2f} USD after "
        f"{figures.fee_micro_usd / MICRO:.2f} fees; releases {releases}"
    )


def _check_lines(check: Check) -> Iterator[str]:
    yield plain(f"  {check.name:<{NAME_WIDTH}} {check.state:<{STATE_WIDTH}} {check.text}")
    for text in check.found[:FOUND_SHOWN]:
        yield plain(f"    - {text}")
    more = check.found_count - FOUND_SHOWN
    if more > 0:
        yield f"    and {more} more"
