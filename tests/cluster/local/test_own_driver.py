"""The operator's own process as the driver of a way back: what it needs, and what it is told."""

import os
from pathlib import Path

import pytest

from cluster.errors import FleetError
from cluster.local.own_driver import (
    archive_of,
    drive_from_here,
    know_head_of,
    tolerant,
)
from cluster.local.state_folder import StateFolder


def test_without_a_fleet_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="no fleet runs"):
        drive_from_here(StateFolder(tmp_path), "aa")


def test_an_archive_is_found_by_its_beginning_or_named_as_missing(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    releases.mkdir()
    for name in ("aab1", "aac2"):
        (releases / f"{name}.zip").touch()
    assert archive_of(tmp_path, "aab") == releases / "aab1.zip"
    with pytest.raises(FleetError, match="not in the archive"):
        archive_of(tmp_path, "bb")
    with pytest.raises(FleetError, match="more than one"):
        archive_of(tmp_path, "aa")


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    def gone(_: str) -> None:
        raise BrokenPipeError

    tolerant(gone)("btc-5m done")


def test_a_command_of_the_supervisor_finds_the_heads_token_by_its_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front door takes away what the supervisor's own process knew of the head."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    try:
        know_head_of(tmp_path / "elsewhere")
        assert "RAY_AUTH_TOKEN_PATH" not in os.environ
        know_head_of(tmp_path / "storage")
        assert os.environ["RAY_AUTH_TOKEN_PATH"] == str(StateFolder(tmp_path).token)
    finally:
        os.environ.clear()
        os.environ.update(before)
