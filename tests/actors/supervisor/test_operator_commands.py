"""The operator's rollback, run by the supervisor: from its own archived code, or not at all."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from actors.ray_job import JOB_MARK
from actors.supervisor.operator_commands import Fleet, roll_back
from checkpoints.archive import archive_release
from checkpoints.storage import LocalStorage

TOLD = """#!/bin/sh
echo "$@" > {folder}/words
pwd -P > {folder}/where
ls cluster > {folder}/files
echo "$RAY_ADDRESS ${job}" > {folder}/env
echo "stopped: no quiet moment"
exit {code}
"""
"""Stands in for Python: keeps how it was called."""


def ask(storage: Path, release: str) -> str | None:
    fleet = Fleet(storage_root=str(storage), address="127.0.0.1:9")
    return asyncio.run(roll_back(fleet, release, "b2" * 32, ("btc-5m", "eth-5m"), 180.0))


def archived(folder: Path) -> str:
    tree = folder / "tree"
    (tree / "cluster").mkdir(parents=True)
    (tree / "cluster/__main__.py").write_text("pass\n")
    return archive_release(LocalStorage(folder / "storage"), tree, "c").release


def stand_in(folder: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "python"
    program.write_text(TOLD.format(folder=folder, job=JOB_MARK, code=code))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_the_command_runs_as_a_job_of_the_verified_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = archived(tmp_path)
    stand_in(tmp_path, 0, monkeypatch)
    assert ask(tmp_path / "storage", release) is None
    words = (tmp_path / "words").read_text().split()
    assert words[:4] == ["-m", "cluster", "rolling-update", "rollback"]
    assert f"--state={tmp_path}" in words
    assert {f"--to={'b2' * 32}", "--slots=btc-5m,eth-5m", "--shadow=0"} <= set(words)
    assert (tmp_path / "files").read_text() == "__main__.py\n"
    assert not Path((tmp_path / "where").read_text().strip()).exists(), "its room is gone"
    address, _, job = (tmp_path / "env").read_text().partition(" ")
    zipped = f"file://{tmp_path}/storage/releases/{release}.zip"
    assert address == "127.0.0.1:9"
    assert msgspec.json.decode(job) == {"runtime_env": {"working_dir": zipped}}


def test_what_it_said_is_why_it_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = archived(tmp_path)
    stand_in(tmp_path, 1, monkeypatch)
    assert ask(tmp_path / "storage", release) == "stopped: no quiet moment\n"


def test_altered_code_drives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = archived(tmp_path)
    stand_in(tmp_path, 0, monkeypatch)
    LocalStorage(tmp_path / "storage").write(f"releases/{release}.zip", b"other")
    assert "DamagedArchiveError" in str(ask(tmp_path / "storage", release))
    assert not (tmp_path / "words").exists()


def test_a_storage_outside_a_state_folder_is_left_to_a_person(tmp_path: Path) -> None:
    assert "by hand" in str(ask(tmp_path / "elsewhere", "a1" * 32))
