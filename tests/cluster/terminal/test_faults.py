"""No traceback reaches a person: what was not foreseen is one line, and a file has the rest."""

from pathlib import Path

import pytest

from checkpoints.errors import StorageError
from cluster import __main__ as front
from cluster.terminal.faults import FAULTS_KEPT, report


def fault(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as raised:  # so that it has a traceback
        return raised


def test_a_fault_of_ours_is_one_line_and_its_traceback_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDSTRIDE_STATE", str(tmp_path))
    line = report(["status"], fault(KeyError("x")))
    assert line.startswith("error: midstride met a fault of its own")
    assert "Traceback" not in line
    assert "\n" not in line
    (kept,) = (tmp_path / "logs").glob("fault-*.txt")
    assert str(kept) in line
    assert "KeyError" in kept.read_text()
    assert kept.read_text().startswith("midstride status\n")


def test_what_the_system_or_the_storage_refuses_is_named_as_it_is(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert report([], FileNotFoundError(2, "No such file", str(missing))) == (
        f"error: {missing}: No such file"
    )
    assert report([], StorageError("the disk is full")) == "error: the disk is full"


def test_reports_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDSTRIDE_STATE", str(tmp_path))
    (tmp_path / "logs").mkdir()
    for number in range(FAULTS_KEPT + 5):
        (tmp_path / "logs" / f"fault-{number:013d}-1.txt").write_text("old")
    report(["status"], fault(ValueError("new")))
    kept = sorted((tmp_path / "logs").glob("fault-*.txt"))
    assert len(kept) == FAULTS_KEPT
    assert "new" in kept[-1].read_text()


def test_an_unforeseen_error_of_a_command_exits_1_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_name: str) -> None:
        raise RuntimeError("surprise\nwith two lines")

    monkeypatch.setenv("MIDSTRIDE_STATE", str(tmp_path))
    monkeypatch.setattr(front.importlib, "import_module", broken)
    assert front.run(["status"]) == 1
    said = capsys.readouterr().err
    assert "RuntimeError: surprise)" in said
    assert "Traceback" not in said
