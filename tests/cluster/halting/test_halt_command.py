"""`trading halt` as a person types it, in folders that are damaged."""

from pathlib import Path

import pytest

from actors.gateway.lock import (
    HALT_FILE,
)
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.halting import fence
from cluster.halting.halt import TradingSet

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_a_damaged_configuration_keeps_no_halt_from_its_file(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    storage.write("config/current.json", content)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == 3
    assert (tmp_path / "storage" / HALT_FILE).exists()
    assert "NOT PROVEN" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["run.json", "storage/config/current.json"])
def test_a_folder_in_a_files_place_keeps_no_halt_from_its_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    LocalStorage(tmp_path / "storage").write("config/source", b"x")
    (tmp_path / name).mkdir(parents=True)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == (0 if name == "run.json" else 3)
    assert (tmp_path / "storage" / HALT_FILE).exists()
    assert "fault of its own" not in capsys.readouterr().err


def test_a_storage_that_is_gone_keeps_no_halt_from_the_fleet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "launched.toml").write_text("{", encoding="utf-8")
    assert run(["trading", "halt", "--state", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert "NOT PROVEN" in said
    assert "--config" in said
    assert not (tmp_path / "storage").exists()


def test_a_folder_without_a_fleet_names_both_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["trading", "halt", "--state", str(tmp_path / "typo")]) == 1
    said = capsys.readouterr().err
    assert "--state names another folder" in said
    assert "--config names its configuration" in said


def test_ctrl_c_ends_the_waiting_and_not_the_halt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    LocalStorage(tmp_path / "storage").write("config/current.json", b"{")

    def interrupted(*_: object) -> TradingSet:
        fence.set_mark(LocalStorage(tmp_path / "storage"), "drill")
        raise KeyboardInterrupt

    monkeypatch.setattr("cluster.commands.trading.halt", interrupted)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == 3
    assert "NOT PROVEN" in capsys.readouterr().err
