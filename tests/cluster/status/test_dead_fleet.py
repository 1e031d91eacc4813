"""A fleet that died is named by its storage alone; one that was stopped, or never was, is not."""

import json
import shutil
from pathlib import Path

import pytest

from actors.slot.facts import StoppedFact
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.status.dead_fleet import KIND, death_of, death_text
from tests.cluster.audit.builders import Story
from tests.cluster.audit.complete_record import make_record

RELEASE = "ab" * 32


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_record(tmp_path_factory.mktemp("record") / "storage", trades=1)


@pytest.fixture
def dead(recorded: Path, tmp_path: Path) -> Path:
    shutil.copytree(recorded, tmp_path / "storage")
    return tmp_path


@pytest.mark.parametrize("command", [("status",), ("update", "--yes"), ("rolling-update", "plan")])
def test_a_command_for_a_running_fleet_says_that_it_died(
    dead: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "--state", str(dead)]) == 1
    said = capsys.readouterr().err
    assert "the fleet died at 2026-01-01" in said
    assert "`midstride run` brings its slots back" in said
    assert "no fleet runs" not in said


def test_the_alarms_name_it_until_it_is_started(
    dead: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["alarms", "list", "--state", str(dead)]) == 0
    assert "CRITICAL  fleet_died" in capsys.readouterr().out
    assert run(["alarms", "list", "--json", "--state", str(dead)]) == 0
    assert [one["alarm"]["kind"] for one in json.loads(capsys.readouterr().out)["alarms"]] == [KIND]


def test_open_orders_are_counted_by_the_gateways_log(dead: Path) -> None:
    storage = LocalStorage(dead / "storage")
    found = death_of(storage)
    assert found is not None
    assert (found.slots, found.open_orders) == (2, 0)
    assert "no order was open" in death_text(found)
    shutil.rmtree(dead / "storage/gateway/log")
    found = death_of(storage)
    assert found is not None
    assert "whether orders rest at the venue is not known" in death_text(found)


def test_a_fleet_that_was_stopped_or_never_ran_did_not_die(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    assert death_of(storage) is None
    story = Story(storage, RELEASE)
    story.decide()
    assert death_of(storage) is not None
    story.record(StoppedFact(reason="by its operator"))
    assert death_of(storage) is None
    assert run(["status", "--state", str(tmp_path)]) == 1
    assert "no fleet runs" in capsys.readouterr().err
