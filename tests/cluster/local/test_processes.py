import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoints.process_id import ProcessId
from cluster.local.processes import MARK, end_all, in_session, marked, wait_until

WAIT_SECONDS = 90.0
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[str]:
    name = f"{tmp_path}#test"
    yield name
    end_all(lambda: marked(name), 0)


def start(command: list[str], owner: str) -> ProcessId:
    environment = {**os.environ, MARK: owner}
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    return ProcessId.of(child.pid)


def test_a_process_and_its_children_are_found_by_the_mark(owner: str) -> None:
    parent = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
    first = start([sys.executable, "-c", parent, *SLEEPER], owner)
    assert first in marked(owner)
    assert wait_until(lambda: len(marked(owner)) == 2, WAIT_SECONDS)
    first.signal(signal.SIGKILL)
    end_all(lambda: [entry for entry in marked(owner) if entry == first], WAIT_SECONDS)
    end_all(lambda: marked(owner), 0)
    assert marked(owner) == []


def test_another_owners_process_is_never_found_nor_ended(owner: str, tmp_path: Path) -> None:
    theirs = f"{tmp_path}#other"
    other = start(SLEEPER, theirs)
    end_all(lambda: marked(owner), 0)
    assert other.alive
    end_all(lambda: marked(theirs), 0)
    assert not other.alive


def test_a_process_that_ignores_the_polite_signal_is_killed_after_the_grace(owner: str) -> None:
    record = start([sys.executable, "-c", STUBBORN], owner)
    assert wait_until(lambda: record in marked(owner), WAIT_SECONDS)
    end_all(lambda: marked(owner), 0.2)
    assert not record.alive


def test_a_pid_with_another_start_is_another_process_and_is_left_alone(owner: str) -> None:
    record = start(SLEEPER, owner)
    stranger = ProcessId(pid=record.pid, start=record.start + 1)
    stranger.signal(signal.SIGKILL)
    assert not stranger.alive
    assert record.alive


def test_what_lost_its_mark_is_found_by_its_session_and_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "ours", tmp_path / "theirs"
    inside.mkdir()
    outside.mkdir()
    source = (
        "import subprocess, sys, time\n"
        "for folder in sys.argv[1:3]: subprocess.Popen(sys.argv[3:], cwd=folder)\n"
        "time.sleep(600)"
    )
    command = [sys.executable, "-c", source, str(inside), str(outside), *SLEEPER]
    leader = subprocess.Popen(command, start_new_session=True)
    session = ProcessId.of(leader.pid)
    try:
        assert wait_until(lambda: len(in_session(session, tmp_path)) == 2, WAIT_SECONDS)
        leader.kill()
        leader.wait()
        (stranger,) = in_session(session, outside)
        (orphan,) = in_session(session, inside)
        later = ProcessId(pid=session.pid, start=session.start + 10**9)
        assert in_session(later, inside) == []
        end_all(lambda: in_session(session, inside), 0)
        assert stranger.alive
        assert not orphan.alive
    finally:
        leader.kill()
        end_all(lambda: in_session(session, tmp_path), 0)
