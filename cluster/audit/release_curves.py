"""How each release did over time: money, the bounds of its edge as they narrow, its calibration.

The same trades, settlement times and windows as in the report (`cluster.audit.releases`).
"""

from typing import Final

import msgspec
import numpy as np

from cluster.audit.journal_view import JournalView
from cluster.audit.releases import (
    EDGE_HIGH,
    EDGE_LOW,
    ReleaseReport,
    prepare,
    release_reports,
    traded,
)
from cluster.audit.statistics import Interval, confidence_bounds, wilson

POINTS_MAX: Final = 400
"""Of one curve: more than two a pixel cannot be seen on a page."""
BINS: Final = 10
_BINS: Final = """
select least(9, floor(probability_up * 10))::int as place, count(*), avg(probability_up),
  avg(up::int), count(distinct window_open_ms)
from scored where release = ? group by place order by place
"""


class CalibrationBin(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts of one tenth, and how often Up happened then."""

    low: float
    forecasts: int
    mean_forecast: float
    share_up: Interval
    """`n` counts the times of opening: windows that open together are nearly one observation."""


class ReleaseCurves(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    settled_ms: tuple[int, ...]
    total_micro_usd: tuple[int, ...]
    """P&L after each settlement time; mixed windows are left out."""
    edge: tuple[float, ...]
    edge_low: tuple[float, ...]
    edge_high: tuple[float, ...]
    """Outcome minus price paid, so far, with its confidence sequence."""
    calibration: tuple[CalibrationBin, ...]


def reports_and_curves(
    view: JournalView,
) -> tuple[tuple[ReleaseReport, ...], tuple[ReleaseCurves, ...]]:
    """Read the reports of all releases, and the curves that belong to them."""
    reports = release_reports(view)
    return reports, tuple(release_curves(view, one.release) for one in reports)


def release_curves(view: JournalView, release: str) -> ReleaseCurves:
    """Read the curves of one release."""
    prepare(view)
    found = traded(view, release)
    kept = _kept(len(found.settlements))
    bounds = confidence_bounds(found.edges, EDGE_LOW, EDGE_HIGH)
    totals = np.cumsum(found.sums)
    return ReleaseCurves(
        release=release,
        settled_ms=tuple(int(found.settlements[place]) for place in kept),
        total_micro_usd=tuple(int(totals[place]) for place in kept),
        edge=tuple(float(bounds.mean[place]) for place in kept),
        edge_low=tuple(float(bounds.low[place]) for place in kept),
        edge_high=tuple(float(bounds.high[place]) for place in kept),
        calibration=_calibration(view, release),
    )


def _kept(count: int) -> list[int]:
    """Return places spread evenly, the last among them."""
    if not count:
        return []
    step = max(1, -(-count // POINTS_MAX))
    return sorted({*range(0, count, step), count - 1})


def _calibration(view: JournalView, release: str) -> tuple[CalibrationBin, ...]:
    bins = []
    for place, forecasts, mean, share, openings in view.fetch(_BINS, release):
        interval = wilson(round(share * openings), openings)
        assert interval is not None, "a bin has a forecast"
        bins.append(
            CalibrationBin(
                low=place / BINS,
                forecasts=forecasts,
                mean_forecast=mean,
                share_up=msgspec.structs.replace(interval, estimate=share),
            )
        )
    return tuple(bins)
