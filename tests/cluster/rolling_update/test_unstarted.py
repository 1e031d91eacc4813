"""A roll whose job dies of its own code is an alarm; one that refuses, or begins, is none."""

import shutil
from pathlib import Path

import pytest

from actors.ray_job import JOB_MARK
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster import __main__ as front
from cluster.errors import JobError
from cluster.local.state_folder import RunRecord, StateFolder
from cluster.rolling_update import unstarted
from cluster.rolling_update.unstarted import report_unstarted, submit_roll_job
from tests.cluster.audit.complete_record import make_record
from tests.rolling_update.trees import ROOT

TRACE = ("Traceback (most recent call last):", '  File "actors/slot/actor.py"', "SyntaxError: bad")


def latched(root: Path) -> list[tuple[str, str]]:
    states = AlarmStore(LocalStorage(root)).latched()
    return [(state.alarm.kind, state.alarm.evidence["said"]) for state in states]


def test_a_job_that_died_of_its_code_is_an_alarm_once(tmp_path: Path) -> None:
    for _ in range(2):
        assert report_unstarted(LocalStorage(tmp_path), ROOT, TRACE)
    ((kind, said),) = latched(tmp_path)
    assert kind == unstarted.KIND
    assert "SyntaxError: bad" in said


def test_a_job_that_refuses_or_whose_rollout_began_is_none(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert not report_unstarted(storage, ROOT, (*TRACE, "error: refused: an alarm is not cleared"))
    storage.write(unstarted.ACTIVE, b"{}")
    assert not report_unstarted(storage, ROOT, TRACE)
    assert latched(tmp_path) == []


def test_the_process_that_submitted_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFolder(tmp_path)
    monkeypatch.setattr(StateFolder, "read_run", lambda _self: RunRecord())

    def dies(_state: object, _ports: object, _words: object, line: object, _name: str) -> None:
        for text in TRACE:
            line(text)  # type: ignore[operator]
        raise JobError("the job failed")

    monkeypatch.setattr(unstarted, "submit", dies)
    monkeypatch.setattr(unstarted, "head_lives", lambda _state: True)
    heard: list[str] = []
    with pytest.raises(JobError):
        submit_roll_job(state, ["rolling-update", "apply"], heard.append)
    assert tuple(heard) == TRACE
    assert len(latched(state.storage)) == 1


def test_the_job_tells_itself_where_its_front_door_still_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_name: str) -> None:
        raise SyntaxError("actors/config.py does not parse")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(front.importlib, "import_module", broken)
    words = ["rolling-update", "apply", f"--state={tmp_path}"]
    assert front.run(words) == 1
    assert latched(tmp_path / "storage") == [], "not inside a job: it is on the screen"
    monkeypatch.setenv(JOB_MARK, "{}")
    assert front.run(words) == 1
    assert latched(tmp_path / "storage") == [
        (unstarted.KIND, "SyntaxError: actors/config.py does not parse")
    ]
    shutil.rmtree(tmp_path / "storage")
    assert front.run(["status", f"--state={tmp_path}"]) == 1
    assert not (tmp_path / "storage").exists()


def test_a_job_that_no_head_could_run_says_nothing_of_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFolder(make_record(tmp_path / "storage").parent)

    def dies(*_words: object) -> None:
        raise JobError("the job failed")

    monkeypatch.setattr(unstarted, "submit", dies)
    with pytest.raises(JobError, match="nothing was rolled out: the fleet died at 2026-01-01"):
        submit_roll_job(state, ["rolling-update", "apply"], print)
    assert latched(state.storage) == []
