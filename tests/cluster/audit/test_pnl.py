"""Profit and loss: every way of adding it up gives the slots' own sum."""

import json
from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.audit.journal_view import JournalView
from cluster.audit.pnl import By, pnl_report
from cluster.audit.pnl_screen import pnl_html, pnl_lines
from signals.market import Outcome
from tests.cluster.audit.builders import Story

OLD, NEW = "ab" * 32, "cd" * 32


@pytest.fixture
def profit(tmp_path: Path) -> int:
    """Two slots, four settled trades, two releases, one trade open; return the slots' own sum."""
    storage = LocalStorage(tmp_path / "storage")
    first, second = Story(storage, OLD), Story(storage, OLD, slot="eth-5m")
    first.trade(Outcome.UP)
    first.claim(NEW)
    first.trade(Outcome.DOWN)
    second.trade(Outcome.DOWN)
    second.trade(Outcome.UP)
    fact = second.want()
    second.fill(second.sign(fact))
    return first.state.realized_pnl_micro_usd + second.state.realized_pnl_micro_usd


@pytest.mark.parametrize("by", list(By))
def test_every_grouping_adds_up_to_the_slots_own_profit(
    profit: int, tmp_path: Path, by: By
) -> None:
    report = pnl_report(JournalView(tmp_path / "storage"), by)
    assert profit != 0
    assert report.pnl_micro_usd == report.rows[-1].total_micro_usd == profit
    assert report.curve[-1].total_micro_usd == profit
    assert (report.settled, report.open_trades) == (4, 1)
    assert report.open_cost_micro_usd > 0


def test_rows_are_named_by_what_was_asked(profit: int, tmp_path: Path) -> None:
    assert profit
    view = JournalView(tmp_path / "storage")
    assert [row.name for row in pnl_report(view, By.SLOT).rows] == ["btc-5m", "eth-5m"]
    assert {row.name for row in pnl_report(view, By.RELEASE).rows} == {OLD, NEW}
    assert pnl_report(view, By.HOUR).rows[0].name.endswith(":00")


def test_the_table_fits_80_columns_and_says_what_is_not_counted(
    profit: int, tmp_path: Path
) -> None:
    report = pnl_report(JournalView(tmp_path / "storage"), By.RELEASE)
    lines = list(pnl_lines(report))
    assert max(map(len, lines)) <= 80
    assert f"{profit / 1e6:+,.2f}" in lines[-2]
    assert "1 filled trade not settled yet" in lines[-1]


def test_a_fleet_without_a_settled_trade_says_so(tmp_path: Path) -> None:
    Story(LocalStorage(tmp_path), OLD).want()
    assert list(pnl_lines(pnl_report(JournalView(tmp_path), By.DAY))) == [
        "No trade has settled yet."
    ]


def test_the_page_is_one_file_that_loads_nothing_and_escapes_all_text(
    profit: int, tmp_path: Path
) -> None:
    assert profit
    report = pnl_report(JournalView(tmp_path / "storage"), By.SLOT)
    page = pnl_html(report, "<script>alert(1)</script>")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<path class=" in page


def test_the_command_prints_json_and_writes_the_page(
    profit: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path)]
    page = tmp_path / "pnl.html"
    assert run(["pnl", "--by", "slot", "--html", str(page), *state]) == 0
    assert page.read_text().startswith("<!doctype html>")
    capsys.readouterr()
    assert run(["pnl", "--json", *state]) == 0
    assert json.loads(capsys.readouterr().out)["pnl_micro_usd"] == profit
    assert run(["pnl", "--html", str(tmp_path / "none" / "x.html"), *state]) == 1
    assert run(["pnl", "--state", str(tmp_path / "none")]) == 1
