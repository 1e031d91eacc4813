"""Releases side by side as charts: the console's page and `audit releases --html` show the same."""

from collections.abc import Iterator, Sequence

from cluster.audit.release_curves import ReleaseCurves
from cluster.audit.release_screen import NOTE, release_rows
from cluster.audit.releases import ReleaseReport
from cluster.audit.screens import MICRO, short, when
from cluster.pictures.axes import Series
from cluster.pictures.band import Band, band_chart
from cluster.pictures.chart import interval_chart, step_chart
from cluster.pictures.page import html_page, html_table


def releases_page(reports: Sequence[ReleaseReport], curves: Sequence[ReleaseCurves]) -> str:
    """Return one self-contained page: the table of the command, and the charts."""
    names = ("", *(short(one.release) for one in reports))
    parts = [
        html_table(names, release_rows(reports), text_columns=len(names)),
        *compared(reports, curves),
        *(chart for one in curves for chart in alone(one)),
    ]
    title = f"midstride: {len(reports)} release{'' if len(reports) == 1 else 's'}"
    return html_page(title, NOTE, parts)


def compared(reports: Sequence[ReleaseReport], curves: Sequence[ReleaseCurves]) -> Iterator[str]:
    """Yield the charts that put all releases side by side."""
    edges = [
        (short(one.release), one.edge.low, one.edge.estimate, one.edge.high)
        for one in reports
        if one.edge is not None
    ]
    yield interval_chart(
        "Outcome minus price paid, USD a share; lines are the confidence sequence of 95 %",
        edges,
        lambda value: f"{value:+.4f}",
    )
    wins = [
        (f"{short(one.release)} n={one.win_rate.n}", one.win_rate.low, one.win_rate.estimate,
         one.win_rate.high)
        for one in reports
        if one.win_rate is not None
    ]  # fmt: skip
    yield interval_chart(
        "Win rate; lines are intervals of 95 %", wins, lambda v: f"{100 * v:.1f} %"
    )
    lines = [
        Series(
            short(one.release),
            tuple(map(float, one.settled_ms)),
            tuple(total / MICRO for total in one.total_micro_usd),
        )
        for one in curves
        if one.settled_ms
    ]
    yield step_chart(
        "P&L of each release, USD", lines, _day_and_time, lambda value: f"{value:+.2f}"
    )


def alone(curves: ReleaseCurves) -> Iterator[str]:
    """Yield the charts of one release."""
    band = Band(
        name="mean so far, in its bounds",
        x=tuple(map(float, curves.settled_ms)),
        low=curves.edge_low,
        value=curves.edge,
        high=curves.edge_high,
    )
    yield band_chart(
        f"{short(curves.release)}: outcome minus price paid, USD a share, as it was known",
        band,
        _day_and_time,
        lambda value: f"{value:+.2f}",
    )
    rows = [
        (
            f"forecast {one.mean_forecast:.2f} ({one.forecasts})",
            one.share_up.low,
            one.share_up.estimate,
            one.share_up.high,
        )
        for one in curves.calibration
    ]
    yield interval_chart(
        f"{short(curves.release)}: how often Up happened, by what was forecast",
        rows,
        lambda value: f"{value:.2f}",
    )


def _day_and_time(time_ms: float) -> str:
    return when(int(time_ms))[5:16]
