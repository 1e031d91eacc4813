"""Curves of a release: what they end in is what the report says, and the page holds all of it."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import JournalView
from cluster.audit.release_curves import reports_and_curves
from cluster.audit.release_pictures import releases_page
from cluster.audit.release_screen import verdict
from signals.market import Outcome
from tests.cluster.audit.builders import Story

OLD, NEW = "ab" * 32, "cd" * 32


@pytest.fixture
def story(tmp_path: Path) -> Story:
    found = Story(LocalStorage(tmp_path), OLD)
    for winner in (Outcome.UP, Outcome.DOWN, Outcome.UP):
        found.trade(winner)
    return found


def test_a_curve_ends_where_the_report_stands(story: Story, tmp_path: Path) -> None:
    story.claim(NEW, "beef")
    reports, curves = reports_and_curves(JournalView(tmp_path))
    for report, curve in zip(reports, curves, strict=True):
        assert report.edge is not None
        assert curve.total_micro_usd[-1] == report.pnl_micro_usd
        assert curve.edge[-1] == pytest.approx(report.edge.estimate)
        assert (curve.edge_low[-1], curve.edge_high[-1]) == pytest.approx(
            (report.edge.low, report.edge.high)
        )
        assert sum(one.forecasts for one in curve.calibration) == report.scores.decisions
        for one in curve.calibration:
            assert one.low <= one.mean_forecast <= one.low + 0.1
            assert one.share_up.low <= one.share_up.estimate <= one.share_up.high


def test_a_release_without_a_settled_trade_has_empty_curves_and_says_so(tmp_path: Path) -> None:
    Story(LocalStorage(tmp_path), OLD).decide()
    reports, curves = reports_and_curves(JournalView(tmp_path))
    assert curves[0].settled_ms == ()
    assert verdict(reports[0]) == "too few to tell: no trade has settled"
    assert "nothing to show yet" in releases_page(reports, curves)


@pytest.mark.usefixtures("story")
def test_three_trades_are_too_few_to_tell_and_the_page_says_it(tmp_path: Path) -> None:
    reports, curves = reports_and_curves(JournalView(tmp_path))
    assert verdict(reports[0]).startswith("too few to tell")
    page = releases_page(reports, curves)
    assert "too few to tell" in page
    assert page.count("<svg") == 5
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
