"""The page of releases: side by side, what they earned and what can be said of it."""

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from cluster.audit.problem import Problem
from cluster.audit.release_curves import ReleaseCurves
from cluster.audit.release_pictures import alone, compared
from cluster.audit.release_screen import release_rows, verdict
from cluster.audit.releases import ReleaseReport
from cluster.web.views.texts import cut, drawn, short
from cluster.web.views.trades import problem_lines


class ReleaseCard(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    short: str
    verdict: str
    charts: tuple[Markup, ...]
    """SVG; every text in it is escaped."""


class ReleasesView(msgspec.Struct, frozen=True, kw_only=True):
    days: int
    """How many days of market time the page looks back."""
    since: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """A figure and its text for each release."""
    charts: tuple[Markup, ...]
    cards: tuple[ReleaseCard, ...]
    problems: tuple[str, ...]


def releases_view(
    reports: Sequence[ReleaseReport],
    curves: Sequence[ReleaseCurves],
    problems: Sequence[Problem],
    days: int,
    since: str,
) -> ReleasesView:
    """Lay the reports of a span of days out."""
    return ReleasesView(
        days=days,
        since=since,
        names=tuple(short(one.release) for one in reports),
        rows=tuple(tuple(cut(text) for text in row) for row in release_rows(reports)),
        charts=tuple(map(drawn, compared(reports, curves))),
        cards=tuple(
            ReleaseCard(
                release=report.release,
                short=short(report.release),
                verdict=verdict(report),
                charts=tuple(map(drawn, alone(curve))),
            )
            for report, curve in zip(reports, curves, strict=True)
        ),
        problems=problem_lines(problems),
    )
