"""`audit day` as an operator uses it: in a process that steps behind all others."""

import json
import os
from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.commands import audit_day
from cluster.daily_audit import records
from cluster.daily_audit.__main__ import audit_alone
from tests.cluster.daily_audit.days import DAY, make_state

Capture = pytest.CaptureFixture[str]


def test_the_command_audits_keeps_and_shows_and_refuses_a_second_at_once(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = make_state(tmp_path / "fleet", trades=1)
    arguments = ["--state", str(state.root), "--json"]
    with records.alone(LocalStorage(state.storage)):
        before = (os.nice(0), os.sched_getscheduler(0), os.sched_getaffinity(0))
        assert run(["audit", "day", "--date", DAY, *arguments]) == 1  # in a process of its own
        assert (os.nice(0), os.sched_getscheduler(0), os.sched_getaffinity(0)) == before
    assert "another audit of this fleet is at work" in " ".join(capsys.readouterr().err.split())
    monkeypatch.setattr(audit_day, "_made", lambda folder, day, **_: audit_alone(folder, day))
    assert run(["audit", "day", "--date", DAY, *arguments]) == 1  # its venue does not answer
    made = json.loads(capsys.readouterr().out)
    states = {one["name"]: one["state"] for one in made["checks"]}
    assert states["decisions made again"] == states["record"] == "passed"
    assert states["venue"] == "not possible"
    assert run(["audit", "day", "--last", *arguments]) == 1
    assert json.loads(capsys.readouterr().out) == made
    assert not (state.root / "audit-work").exists()


def test_a_day_that_was_never_audited_a_future_one_and_no_fleet_are_refused(
    tmp_path: Path, capsys: Capture
) -> None:
    state = make_state(tmp_path / "fleet", trades=1)
    for arguments, expected in (
        (["--last"], "no day was audited"),
        (["--last", "--date", DAY], f"no audit of {DAY} is kept"),
        (["--date", "2999-01-01"], "2999-01-01 has not begun"),
        (["--date", "2026-02-30"], "2026-02-30"),
        (["--last", "--notify"], "--notify has nothing to send"),
    ):
        assert run(["audit", "day", *arguments, "--state", str(state.root)]) in {1, 2}
        assert expected in " ".join(capsys.readouterr().err.split())
    assert run(["audit", "day", "--state", str(tmp_path / "none")]) == 1
    assert "there is no fleet" in capsys.readouterr().err
