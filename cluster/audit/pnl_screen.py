"""Profit and loss for people: lines of at most 80 columns, and one HTML page with pictures."""

from collections.abc import Iterator
from typing import Final

from cluster.audit.pnl import By, PnlReport, PnlRow
from cluster.audit.screens import MICRO, when
from cluster.audit.winnings import winnings_line
from cluster.pictures.axes import Series
from cluster.pictures.chart import bar_chart, step_chart
from cluster.pictures.page import html_page, html_table
from cluster.terminal.counting import counted

NAME_WIDTH: Final = 18
RELEASE_SHOWN: Final = 12


def pnl_lines(report: PnlReport) -> Iterator[str]:
    """Yield the table, 80 columns wide, with its sums."""
    if not report.rows:
        yield "No trade has settled yet."
    else:
        yield (
            f"{report.by:<{NAME_WIDTH}} {'settled':>8} {'won':>6} {'fees USD':>11} "
            f"{'P&L USD':>13} {'total USD':>13}"
        )
        yield from (_line(report.by, row) for row in report.rows)
        yield (
            f"{'all':<{NAME_WIDTH}} {report.settled:>8} {report.won:>6} "
            f"{money(report.fee_micro_usd):>11} {signed(report.pnl_micro_usd):>13}"
        )
    if report.open_trades:
        yield (
            f"{counted(report.open_trades, 'filled trade')} not settled yet, bought "
            f"for {money(report.open_cost_micro_usd)} USD; not counted above."
        )
    if report.winnings is not None:
        yield f"Winnings: {winnings_line(report.winnings)}."


def pnl_html(report: PnlReport, notice: str) -> str:
    """Return the page: the running total as a line, each row as a bar, the table."""
    curve = Series(
        "total P&L, USD",
        tuple(float(point.settled_ms) for point in report.curve),
        tuple(point.total_micro_usd / MICRO for point in report.curve),
    )
    bars = [(_name(report.by, row), row.pnl_micro_usd / MICRO) for row in report.rows]
    names = (str(report.by), "settled", "won", "fees USD", "P&L USD", "total USD")
    rows = [
        (
            _name(report.by, row),
            str(row.settled),
            str(row.won),
            money(row.fee_micro_usd),
            signed(row.pnl_micro_usd),
            signed(row.total_micro_usd),
        )
        for row in report.rows
    ]
    subtitle = (
        f"{report.settled} settled trades, {signed(report.pnl_micro_usd)} USD after "
        f"{money(report.fee_micro_usd)} USD of fees. {notice}"
    )
    return html_page(
        "midstride: profit and loss",
        subtitle,
        (
            step_chart(
                "Total of all settled trades, market time (UTC)",
                [curve],
                lambda x: when(int(x))[5:16],
                lambda y: f"{y:,.2f}",
            ),
            bar_chart(f"By {report.by}, USD", bars, lambda y: f"{y:+,.2f}"),
            html_table(names, rows),
        ),
    )


def _line(by: By, row: PnlRow) -> str:
    return (
        f"{_name(by, row):<{NAME_WIDTH}} {row.settled:>8} {row.won:>6} "
        f"{money(row.fee_micro_usd):>11} {signed(row.pnl_micro_usd):>13} "
        f"{signed(row.total_micro_usd):>13}"
    )


def _name(by: By, row: PnlRow) -> str:
    return row.name[:RELEASE_SHOWN] if by is By.RELEASE else row.name


def money(micro: int) -> str:
    return f"{micro / MICRO:,.2f}"


def signed(micro: int) -> str:
    return f"{micro / MICRO:+,.2f}"
