"""The watcher with a real exchange and, for a head, a process that only sleeps."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.local.ending import end_watcher, watcher_mark
from cluster.local.processes import marked, wait_until
from cluster.local.sandbox_process import SandboxOptions, end_sandbox, ensure_sandbox, read_ready
from cluster.local.state_folder import StateFolder
from cluster.local.state_lock import hold
from cluster.local.watcher import start_watcher

pytestmark = [pytest.mark.exchange, pytest.mark.timeout(300)]
WAIT_SECONDS = 90.0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    """Return a state folder with a living exchange and a head that is one."""
    folder = StateFolder(tmp_path / "s")
    folder.prepare()
    head = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        ensure_sandbox(folder, SandboxOptions(speed=30, seed=1))
        folder.update_run(head=ProcessId.of(head.pid), launched=True)
        yield folder
    finally:
        end_watcher(folder)
        end_sandbox(folder)
        head.kill()
        head.wait()
    assert marked(watcher_mark(folder)) == []
    assert marked(f"{folder.owner}#sandbox") == []


def alarms(state: StateFolder) -> list[Alarm]:
    return [entry.alarm for entry in AlarmStore(LocalStorage(state.storage)).latched()]


def test_a_dead_exchange_is_told_and_comes_back_on_its_port_and_by_its_clock(
    state: StateFolder,
) -> None:
    before, ready = state.read_run(), read_ready(state.sandbox_ready)
    assert before.sandbox is not None
    watcher = start_watcher(state)
    before.sandbox.signal(signal.SIGKILL)
    assert wait_until(lambda: _serves_anew(state, before.sandbox), WAIT_SECONDS)
    again = read_ready(state.sandbox_ready)
    assert (again.port, again.speed) == (ready.port, ready.speed)
    assert again.clock == ready.clock
    (alarm,) = alarms(state)
    assert (alarm.kind, alarm.subject) == ("exchange_died", f"pid-{before.sandbox.pid}")
    assert watcher.poll() is None


def _serves_anew(state: StateFolder, before: object) -> bool:
    new = state.read_run().sandbox
    return new is not None and new != before and new.alive and state.sandbox_ready.exists()


def test_nothing_is_started_again_while_another_command_holds_the_folder(
    state: StateFolder,
) -> None:
    before = state.read_run()
    assert before.sandbox is not None
    start_watcher(state)
    with hold(state, "cluster stop"):
        before.sandbox.signal(signal.SIGKILL)
        log = state.logs / "watcher.log"
        assert wait_until(lambda: "not now" in log.read_text(), WAIT_SECONDS)
        assert state.read_run().sandbox == before.sandbox
    assert wait_until(lambda: _serves_anew(state, before.sandbox), WAIT_SECONDS)


def test_a_watcher_that_is_replaced_leaves_and_only_one_watches(state: StateFolder) -> None:
    first = start_watcher(state)
    second = start_watcher(state)
    assert first.wait(WAIT_SECONDS) == 0
    assert [entry.pid for entry in marked(watcher_mark(state))] == [second.pid]
    state.update_run(watcher=None)
    assert second.wait(WAIT_SECONDS) == 0
