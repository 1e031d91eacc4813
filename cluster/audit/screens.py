"""Audits for people: rich tables, money in USD, releases by their first digits."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.audit.chain import TradeChain
from cluster.audit.problem import Problem
from cluster.terminal.console import screen

MICRO: Final = 1_000_000
ROWS_MAX: Final = 200
"""For a terminal; --json and --parquet have all."""
WIDTH: Final = 160
"""Where the output is no terminal."""


def show(*parts: RenderableType) -> None:
    console = screen()
    if not console.is_terminal:
        console = screen(width=WIDTH)
    for part in parts:
        console.print(part)


def when(time_ms: int | None) -> str:
    """Write market time as UTC."""
    if time_ms is None:
        return ""
    moment = dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def wire_when(wire_ms: float) -> str:
    """Write a moment of wire time as UTC; 0 means that it is not known."""
    return f"{when(int(wire_ms))} UTC" if wire_ms > 0 else "an unknown time"


def usd(micro: int | None) -> str:
    return "" if micro is None else f"{micro / MICRO:+.4f}"


def short(release: str | None) -> str:
    return (release or "")[:10]


def grid(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def chain_screen(chain: TradeChain) -> RenderableType:
    releases = ", ".join(chain.releases)
    head = Text(f"{chain.slot} window {when(chain.window_open_ms)}: releases {releases}")
    inputs = grid(
        "inputs of the snapshot",
        ("feed", "age ms", "limit ms", ""),
        (
            (one.feed, _count(one.age_ms), _count(one.limit_ms), "fresh" if one.fresh else "STALE")
            for one in chain.inputs
        ),
    )
    steps = grid(
        f"trade {chain.id}",
        ("market time", "step", "what", "actor", "release", "commit", "row", "booked by"),
        (
            (
                when(line.market_ms),
                line.step,
                line.text,
                line.actor,
                short(line.release) or "not recorded",
                short(line.commit),
                _count(line.sequence),
                short(line.booked_release),
            )
            for line in chain.lines
        ),
    )
    return Group(head, inputs, steps, problems_screen(chain.problems))


def problems_screen(problems: Sequence[Problem], checked: Sequence[str] = ()) -> RenderableType:
    """Name what is wrong; where nothing is, say what that rests on.

    `checked`: what the record was compared with; empty: only what the page was made from was read.
    """
    if not problems:
        if not checked:
            said = (
                "what this page was made from is undamaged; `midstride audit check` checks the rest"
            )
            return Text(said)
        return Text(f"nothing is damaged or missing in the record. Checked: {'; '.join(checked)}")
    rows = ((one.kind, one.subject, one.reason) for one in problems[:ROWS_MAX])
    return grid(f"{len(problems)} problems", ("kind", "subject", "reason"), rows)


def _count(value: int | None) -> str:
    return "never" if value is None else str(value)
