"""A rollout's report as a page: each slot with its dark time and checks, foreign text as text."""

from pathlib import Path

from click.testing import CliRunner
from msgspec.structs import replace

from actors.rollout.record import write_report
from actors.rollout.report import Report, SlotReport
from checkpoints.storage import LocalStorage
from cluster.commands.rolling_update import command
from cluster.rolling_update.report_picture import report_page

SLOT = SlotReport(
    slot="btc-5m",
    step="done",
    incarnation=2,
    fence=5,
    dark_ms=12.34,
    hash_equal=True,
    shadow_compared=3,
    shadow_differing=1,
    failure=None,
)
REPORT = Report(
    rollout="r0001",
    to_release="ab" * 32,
    outcome="done",
    failure=None,
    slots=(SLOT, replace(SLOT, slot="eth-5m", step="taking_back", hash_equal=False)),
    switched=1,
    submit_to_last_adopt_ms=31_000.0,
    submit_to_last_confirm_ms=112_900.0,
    dark_ms_median=12.34,
    dark_ms_max=12.34,
    waited_ms={"confirm": 80_400.0},
)


def test_the_page_has_each_slots_dark_time_hash_check_and_agreement() -> None:
    page = report_page(REPORT, None)
    for text in ("btc-5m", "12.3", "equal", "DIFFERS", "2 of 3", "taking back", "112.9", "80.4"):
        assert text in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_failure_of_a_megabyte_with_script_in_it_is_cut_and_escaped() -> None:
    bad = "<script>alert(1)</script>" + "x" * 1_000_000
    slots = (replace(SLOT, failure=bad),)
    page = report_page(replace(REPORT, failure=bad, outcome="stopped", slots=slots), None)
    assert "<script>" not in page
    assert len(page) < 20_000


def test_status_writes_the_page_of_the_last_roll_that_ended(tmp_path: Path) -> None:
    storage, file = LocalStorage(tmp_path / "storage"), tmp_path / "roll.html"
    (tmp_path / "storage").mkdir()
    words = ["status", "--state", str(tmp_path), "--html", str(file)]
    nothing = CliRunner().invoke(command, words)
    assert "no roll has ended yet" in str(nothing.exception)
    write_report(storage, REPORT)
    assert CliRunner().invoke(command, words).exit_code == 0
    assert "r0001" in file.read_text(encoding="utf-8")
