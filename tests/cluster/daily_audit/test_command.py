"""`audit day` as an operator uses it: in a process that steps behind all others."""

import json
import os
from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.daily_audit import records
from tests.cluster.daily_audit.days import DAY, make_state

Capture = pytest.CaptureFixture[str]


def test_the_command_audits_keeps_and_shows_and_leaves_its_own_priority(
    tmp_path: Path, capsys: Capture
) -> None:
    state = make_state(tmp_path / "fleet", trades=1)
    before = (os.nice(0), os.sched_getscheduler(0), os.sched_getaffinity(0))
    arguments = ["--state", str(state.root), "--json"]
    assert run(["audit", "day", "--date", DAY, *arguments]) == 1  # its venue does not answer
    made = json.loads(capsys.readouterr().out)
    assert (os.nice(0), os.sched_getscheduler(0), os.sched_getaffinity(0)) == before
    states = {one["name"]: one["state"] for one in made["checks"]}
    assert states["decisions made again"] == states["record"] == "passed"
    assert states["venue"] == "not possible"
    assert run(["audit", "day", "--last", *arguments]) == 1
    assert json.loads(capsys.readouterr().out) == made
    assert not (state.root / "audit-work").exists()
    with records.alone(LocalStorage(state.storage)):
        assert run(["audit", "day", "--date", DAY, *arguments]) == 1
    assert "another audit of this fleet is at work" in capsys.readouterr().err


def test_a_day_that_was_never_audited_a_future_one_and_no_fleet_are_refused(
    tmp_path: Path, capsys: Capture
) -> None:
    state = make_state(tmp_path / "fleet", trades=1)
    for arguments, expected in (
        (["--last"], "no day was audited"),
        (["--last", "--date", DAY], f"no audit of {DAY} is kept"),
        (["--date", "2999-01-01"], "2999-01-01 has not begun"),
        (["--date", "2026-02-30"], "2026-02-30"),
    ):
        assert run(["audit", "day", *arguments, "--state", str(state.root)]) in {1, 2}
        assert expected in " ".join(capsys.readouterr().err.split())
    assert run(["audit", "day", "--state", str(tmp_path / "none")]) == 1
    assert "there is no fleet" in capsys.readouterr().err
