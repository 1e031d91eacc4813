"""The release and window reports for people, and flat for Parquet."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from cluster.audit.releases import ReleaseReport
from cluster.audit.screens import grid, short, usd, when
from cluster.audit.statistics import Drawdown, Interval
from cluster.audit.windows import WindowReport
from cluster.terminal.counting import counted

HOUR_MS: Final = 3_600_000
WINDOWS_MAX: Final = 200
SHARPE_SETTLEMENTS_MIN: Final = 30
"""Below it the interval of a Sharpe ratio is wider than any that was ever real."""


def _live(report: ReleaseReport) -> str:
    """Return the hours of all slots together, and the shortest and longest of one."""
    hours = sorted(lived_ms / HOUR_MS for lived_ms in report.live_ms.values())
    total = f"{report.live_total_ms / HOUR_MS:.2f} in {counted(len(hours), 'slot')}"
    return f"{total}, {hours[0]:.2f} to {hours[-1]:.2f} each" if len(hours) > 1 else total


def _settled(report: ReleaseReport) -> str:
    if not report.cut:
        return str(report.settled)
    return (
        f"{report.settled}; {report.cut} left out of the statistics: two releases decided in their "
        "window"
    )


def _pnl(report: ReleaseReport) -> str:
    left_out = f" ({usd(report.pnl_cut_micro_usd)} of it left out)" if report.cut else ""
    return f"{usd(report.pnl_micro_usd)}{left_out}"


def verdict(report: ReleaseReport) -> str:
    """Say what the trades of a release show of it, or that they are too few to tell."""
    edge = report.edge
    if edge is None:
        return "too few to tell: no trade has settled"
    if edge.low > 0:
        return f"earns more than it pays, by {edge.n} settlement times"
    if edge.high < 0:
        return f"pays more than it earns, by {edge.n} settlement times"
    return f"too few to tell: after {edge.n} settlement times the bounds still hold zero"


Cell = Callable[[ReleaseReport], str]
_ROWS: Final[tuple[tuple[str, Cell], ...]] = (
    ("verdict", verdict),
    ("commit", lambda r: short(r.commit)),
    ("parameters", lambda r: " ".join(map(short, r.params))),
    ("first decision", lambda r: when(r.first_ms)),
    ("last decision", lambda r: when(r.last_ms)),
    ("hours live", _live),
    ("decisions", lambda r: f"{r.decisions}, {r.complete} from complete snapshots"),
    ("orders / filled", lambda r: f"{r.orders} / {r.trades}"),
    ("settled trades", _settled),
    ("P&L USD", _pnl),
    ("outcome minus price paid", lambda r: _interval(r.edge, "settlement times")),
    ("win rate", lambda r: _interval(r.win_rate, "trades")),
    ("Sharpe per settlement time", lambda r: _sharpe(r.sharpe)),
    ("Sharpe, annual", lambda r: _sharpe(r.sharpe_annual)),
    ("drawdown", lambda r: _drawdown(r.drawdown)),
    ("log-loss, ours / market", lambda r: _pair(r.scores.log_loss, r.scores.market_log_loss)),
    ("Brier, ours / market", lambda r: _pair(r.scores.brier, r.scores.market_brier)),
    ("decisions scored", lambda r: str(r.scores.decisions)),
    ("slippage, USD per share", lambda r: _number(r.slippage_micro_usd, 1e-6)),
    ("fills unconfirmed", lambda r: f"{_number(r.unconfirmed_share, 100)} % of {r.fills}"),
    ("fills failed", lambda r: str(r.failed_fills)),
)
NOTE: Final = (
    "Intervals are 95 %. Outcome minus price paid is a confidence sequence with one observation "
    "per settlement time: look as often as you like. In the sandbox P&L means nothing: its makers "
    "are beatable on purpose."
)


def release_rows(reports: Sequence[ReleaseReport]) -> list[tuple[str, ...]]:
    """Return a row a figure: its name, then its text for each release."""
    return [(name, *(cell(report) for report in reports)) for name, cell in _ROWS]


def releases_screen(reports: Sequence[ReleaseReport]) -> RenderableType:
    rows = release_rows(reports)
    title = f"{len(reports)} release{'' if len(reports) == 1 else 's'}"
    return Group(grid(title, ("", *(short(r.release) for r in reports)), rows), Text(NOTE))


def windows_screen(reports: Sequence[WindowReport]) -> RenderableType:
    mixed = sum(report.mixed for report in reports)
    names = ("window", "timeframe", "slots", "decisions", "releases", "", "mixed within the slot")
    rows = (
        (
            when(one.window_open_ms),
            one.timeframe,
            str(one.slots),
            str(one.decisions),
            " ".join(map(short, one.releases)),
            "MIXED" if one.mixed else "",
            " ".join(one.mixed_slots),
        )
        for one in reports[-WINDOWS_MAX:]
    )
    shown = f", the last {WINDOWS_MAX} shown" if len(reports) > WINDOWS_MAX else ""
    return grid(f"{counted(len(reports), 'window')}, {mixed} mixed{shown}", names, rows)


def flat_release(report: ReleaseReport) -> dict[str, Any]:
    """Return a report as one row: nested values become columns of their own."""
    row: dict[str, Any] = {}
    for name in report.__struct_fields__:
        value = getattr(report, name)
        if isinstance(value, msgspec.Struct):
            inner = msgspec.structs.asdict(value)
            row |= {f"{name}_{key}": number for key, number in inner.items()}
        elif isinstance(value, dict | tuple):
            row[name] = msgspec.json.encode(value).decode()
        else:
            row[name] = value
    for name in ("edge", "win_rate", "sharpe", "sharpe_annual"):
        if getattr(report, name) is None:
            row.pop(name)
            row |= {f"{name}_{key}": None for key in Interval.__struct_fields__}
    return row | {"live_total_ms": report.live_total_ms}


def _sharpe(found: Interval | None) -> str:
    """Return a Sharpe ratio only where enough settlement times stand behind it."""
    if found is not None and found.n < SHARPE_SETTLEMENTS_MIN:
        return f"too few: {found.n} settlement times, shown from {SHARPE_SETTLEMENTS_MIN} on"
    return _interval(found, "settlement times")


def _interval(found: Interval | None, what: str) -> str:
    if found is None:
        return "too few"
    return f"{found.estimate:.4f} [{found.low:.4f}, {found.high:.4f}], {found.n} {what}"


def _drawdown(found: Drawdown) -> str:
    if found.depth_micro_usd == 0:
        return "none"
    if found.recovery_ms is None:
        back = "not recovered"
    else:
        back = f"recovered after {found.recovery_ms / HOUR_MS:.1f} h"
    return f"{usd(-found.depth_micro_usd)} USD, {back}"


def _pair(ours: float | None, market: float | None) -> str:
    return "too few" if ours is None or market is None else f"{ours:.4f} / {market:.4f}"


def _number(value: float | None, factor: float) -> str:
    return "no" if value is None else f"{value * factor:.4f}"
