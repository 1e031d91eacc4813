"""One identity of a process: pid and start; nobody else is ever taken for it, nor ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoints.process_id import ProcessId, life_alive

PACKAGES = ("actors", "checkpoints", "cluster", "signals")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=os.path.realpath("/tmp")
    )
    yield started
    started.kill()
    started.communicate()


def test_a_process_is_named_as_text_and_back(child: subprocess.Popen[bytes]) -> None:
    named = ProcessId.of(child.pid)
    assert named.alive
    assert ProcessId.parse(named.life) == named
    assert named.folder == Path("/tmp").resolve()
    assert life_alive(named.life)
    assert ProcessId.own().pid == os.getpid()
    assert ProcessId.parent().pid == os.getppid()


def test_another_start_of_the_same_pid_is_another_process(child: subprocess.Popen[bytes]) -> None:
    other = ProcessId(pid=child.pid, start=ProcessId.of(child.pid).start + 1)
    assert not other.alive
    assert other.folder is None
    assert not other.end()
    assert not other.signal(signal.SIGTERM)
    assert child.poll() is None


def test_exactly_the_named_process_is_ended_once(child: subprocess.Popen[bytes]) -> None:
    named = ProcessId.of(child.pid)
    assert named.end()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has reaped it
    assert not named.alive
    assert not named.end()
    child.wait()
    assert not named.alive
    assert named.folder is None
    with pytest.raises(ProcessLookupError):
        ProcessId.of(child.pid)


def test_nobody_ends_itself() -> None:
    assert not ProcessId.own().end()


@pytest.mark.parametrize(
    "life",
    [
        "",
        "-",
        "7",
        "7-",
        "-7",
        "0-5",
        "-1-5",
        "7-5-3",
        " 7-5",
        "7-5\n",
        "a-5",
        "7-x",
        "\u0667-5",
        "07-5",
    ],
)
def test_what_is_no_life_names_no_process(life: str) -> None:
    assert ProcessId.parse(life) is None
    assert not life_alive(life)


def test_a_name_with_brackets_and_blanks_is_no_field(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.write_text("#!/bin/sh\nread line\n")
    program.chmod(0o700)
    started = subprocess.Popen([program], stdin=subprocess.PIPE)
    try:
        assert ProcessId.of(started.pid).alive
    finally:
        started.kill()
        started.communicate()


def test_one_file_reads_the_kernels_books_of_a_process() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if '/stat"' in path.read_text(encoding="utf-8")
    ]
    assert found == ["checkpoints/process_id.py"]
