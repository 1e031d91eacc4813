"""What the watcher does about a dead fleet, with Ray's part played by the test."""

from pathlib import Path

import pytest

from checkpoints.alarms import AlarmStore
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.errors import HeadError, JobError
from cluster.local import watcher
from cluster.local.restarts import Action
from cluster.local.state_folder import HeadPorts, RunRecord, StateFolder
from cluster.local.state_lock import hold

GONE = ProcessId(pid=2**22 + 1, start=1)
NEW = ProcessId.own()


class Ray:
    """Plays head and launch job; `faults` are raised first, in this order."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.calls: list[str] = []

    def ensure_head(self, state: StateFolder, ports: HeadPorts) -> RunRecord:
        self.calls.append(f"head on {ports.gcs}")
        self._fail(HeadError)
        return state.update_run(head=NEW, ports=ports)

    def launch_again(self, state: StateFolder, line: object) -> None:
        assert line is not None
        self.calls.append("launch")
        self._fail(JobError)
        state.update_run(launched=True, gave_up=False)

    def _fail(self, kind: type[Exception]) -> None:
        if self.faults and isinstance(self.faults[0], kind):
            raise self.faults.pop(0)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "s")
    folder.prepare()
    folder.update_run(
        head=GONE, sandbox=NEW, launched=True, ports=HeadPorts.starting_at(30_000), release="ab"
    )
    return folder


def play(monkeypatch: pytest.MonkeyPatch, ray: Ray) -> Ray:
    monkeypatch.setattr(watcher, "ensure_head", ray.ensure_head)
    monkeypatch.setattr(watcher, "launch_again", ray.launch_again)
    return ray


def restart(state: StateFolder) -> bool:
    return watcher._restart(state, state.read_run(), Action.RESTART_FLEET)


def kinds(state: StateFolder) -> list[str]:
    return [entry.alarm.kind for entry in AlarmStore(LocalStorage(state.storage)).latched()]


def test_a_dead_head_is_told_and_the_fleet_launched_on_a_new_one(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = play(monkeypatch, Ray())
    assert not watcher._seen(state.read_run()).fleet_lives
    assert restart(state)
    assert ray.calls == ["head on 30000", "launch"]
    assert watcher._seen(state.read_run()).fleet_lives
    assert kinds(state) == ["head_died"]


@pytest.mark.parametrize("fault", [HeadError("port taken"), JobError("the job failed")])
def test_a_restart_that_fails_leaves_the_fleet_dead_so_that_it_is_tried_again(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    play(monkeypatch, Ray(fault))
    assert restart(state)
    assert not watcher._seen(state.read_run()).fleet_lives
    monkeypatch.setattr(watcher, "end_head", lambda folder: folder.update_run(head=None))
    assert restart(state)
    assert watcher._seen(state.read_run()).fleet_lives


def test_one_death_is_one_alarm_however_often_the_launch_fails(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, Ray(HeadError("a"), JobError("b")))
    monkeypatch.setattr(watcher, "end_head", lambda folder: folder.update_run(head=None))
    assert [restart(state) for _ in range(3)] == [True, True, True]
    assert kinds(state) == ["head_died"]


def test_what_another_command_did_meanwhile_is_left_alone(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = play(monkeypatch, Ray())
    seen = state.read_run()
    state.update_run(head=NEW)
    assert not watcher._restart(state, seen, Action.RESTART_FLEET)
    monkeypatch.setattr(watcher, "LOCK_SECONDS", 0.0)
    with hold(state, "cluster run"):
        assert not restart(state)
    assert ray.calls == []


def test_a_storage_that_takes_no_alarm_keeps_nothing_from_being_started(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, Ray())
    (state.storage / "alarms").write_text("a file where a folder should be")
    assert restart(state)
    assert watcher._seen(state.read_run()).fleet_lives


def test_a_watcher_that_gives_up_says_so_and_leaves(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "next_action", lambda *_: Action.GIVE_UP)
    monkeypatch.setattr(watcher.signal, "signal", lambda *_: None)
    assert watcher.main([str(state.root)]) == 1
    assert state.read_run().gave_up
    assert kinds(state) == ["restart_gave_up"]
