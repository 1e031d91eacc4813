"""Nothing of a record is lost or rewritten without a word; a whole one is said to be whole."""

import shutil
from pathlib import Path

import msgspec
import pytest

from actors.slot.facts import Entry, apply_entry
from actors.slot.state import SlotState
from checkpoints.journal_days import compact_day, open_days
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.audit import recompute
from cluster.audit.completeness import check_record, read_beside, read_proven
from cluster.audit.journal_view import JournalView
from cluster.audit.problem import Problem
from signals.units import MicroUsd
from tests.cluster.audit.complete_record import SLOTS, make_record
from tests.cluster.audit.losses import FAR, LOSSES

SLOT = SLOTS[1]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_record(tmp_path_factory.mktemp("record") / "storage")


@pytest.fixture
def record(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "storage"))


def problems(root: Path, *, deep: bool = False) -> list[Problem]:
    _, record = read_proven(root, lambda _view: None, deep=deep)
    return list(record.problems)


@pytest.mark.parametrize("deep", [False, True])
def test_a_whole_record_has_no_problem(record: Path, *, deep: bool) -> None:
    assert problems(record, deep=deep) == []


def test_a_whole_record_stays_whole_when_its_days_are_closed(record: Path) -> None:
    for day in open_days(LocalStorage(record)):
        compact_day(LocalStorage(record), day, FAR)
    assert problems(record, deep=True) == []


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_named(record: Path, name: str) -> None:
    lose, begins = LOSSES[name]
    lose(record, SLOT)
    named = [f"{one.subject}: {one.reason}" for one in problems(record)]
    assert any(begins.format(slot=SLOT) in text for text in named), named


def test_a_lost_journal_is_not_called_a_fleet_that_never_decided(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(record / "journal")
    assert run(["audit", "trades", "--state", str(record.parent)]) == 1
    assert "is gone, and checkpoints and gateway tell of a fleet" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["trades", "releases", "windows", "check"])
def test_each_table_says_what_was_checked_and_names_what_is_missing(
    record: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["audit", command, "--state", str(record.parent)]
    assert run(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "nothing is damaged or missing in the record. Checked:" in said
    for part in ("gateway's log", "checkpoints", "schedule", "snapshots", "1 release and"):
        assert part in said
    lose, _ = LOSSES["last_three_flushes"]
    lose(record, SLOT)
    assert run(words) == (1 if command == "check" else 0)
    said = capsys.readouterr().out
    assert "nothing is damaged" not in said
    assert SLOT in said


def test_rows_that_another_release_added_up_otherwise_are_not_called_altered(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule of rounding changed between two releases: both were right in their time."""

    def dearer(state: SlotState, entry: Entry) -> SlotState:
        after = apply_entry(state, entry)
        return msgspec.structs.replace(after, realized_pnl_micro_usd=MicroUsd(7))

    monkeypatch.setattr(recompute, "apply_entry", dearer)
    assert any(one.kind == "altered" for one in problems(record, deep=True))
    monkeypatch.setattr(recompute.SameFold, "_is_same", lambda *_: False)
    assert problems(record, deep=True) == []


def test_what_a_running_fleet_writes_between_two_looks_is_not_missing(record: Path) -> None:
    """Checkpoints and log are read before the journal, which may be ahead of them."""
    now = Path(shutil.copytree(record, record.parent / "now"))
    for name in ("the_newest_checkpoint", "the_end_of_the_gateways_log"):
        LOSSES[name][0](record, SLOT)
    beside = read_beside(LocalStorage(record))
    view = JournalView(now)
    assert check_record(view, beside).problems == ()
