"""The kernel lock: one holder, never waited for, ended only by its exact name."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from actors.gateway.authority.events import Holder
from actors.gateway.lock import (
    HALT_FILE,
    LOCK_FILE,
    GatewayLock,
    acquire,
    end_holder,
    halt_reason,
    stored_generation,
)
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage

WAIT_S = 90
HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def holder(pid: int, start: int, node: str = "n1") -> Holder:
    return Holder(name="gateway/1", fleet="f1", node=node, pid=pid, process_start=start, wire_ms=1)


def me() -> Holder:
    return holder(os.getpid(), ProcessId.own().start)


@contextmanager
def other_process(root: Path) -> Iterator[Holder]:
    """Hold the lock in another process, recorded as its holder."""
    path = root / LOCK_FILE
    path.parent.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    held_by = holder(process.pid, ProcessId.of(process.pid).start)
    path.write_bytes(msgspec.json.encode(held_by))
    try:
        yield held_by
    finally:
        process.kill()
        process.wait(WAIT_S)
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.close()


def test_a_held_lock_names_its_holder_and_a_released_one_is_free(tmp_path: Path) -> None:
    first = acquire(tmp_path, me())
    assert isinstance(first, GatewayLock)
    assert acquire(tmp_path, holder(1, 1)) == me()
    first.release()
    assert not first.held
    again = acquire(tmp_path, me())
    assert isinstance(again, GatewayLock)
    again.release()


def test_a_holder_that_did_not_write_its_name_yet_is_unknown(tmp_path: Path) -> None:
    lock = acquire(tmp_path, me())
    assert isinstance(lock, GatewayLock)
    (tmp_path / LOCK_FILE).write_bytes(b'{"name": "gat')
    assert acquire(tmp_path, me()) is None
    lock.release()


def test_a_disk_that_refuses_the_holders_name_leaves_the_lock_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            acquire(tmp_path, me())
    assert isinstance(acquire(tmp_path, me()), GatewayLock)


def test_a_hung_holder_is_ended_and_the_kernel_frees_its_lock(tmp_path: Path) -> None:
    with other_process(tmp_path) as hung:
        os.kill(hung.pid, signal.SIGSTOP)
        assert acquire(tmp_path, me()) == hung
        assert end_holder(hung, "n1")
        os.waitid(os.P_PID, hung.pid, os.WEXITED | os.WNOWAIT)
        lock = acquire(tmp_path, me())
        assert isinstance(lock, GatewayLock)
        lock.release()


@pytest.mark.parametrize("change", [{"process_start": 1}, {"node": "n2"}, {"pid": os.getpid()}])
def test_nobody_but_the_recorded_process_is_ended(
    tmp_path: Path, change: dict[str, object]
) -> None:
    with other_process(tmp_path) as held_by:
        assert not end_holder(msgspec.structs.replace(held_by, **change), "n1")
        assert acquire(tmp_path, me()) == held_by


def test_a_holder_that_is_gone_needs_no_end() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    gone = holder(process.pid, ProcessId.of(process.pid).start)
    process.wait(WAIT_S)
    assert not end_holder(gone, "n1")


def test_the_generation_is_nothing_before_the_first_gateway(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert stored_generation(storage) == 0
    storage.write("gateway/generation", b"41")
    assert stored_generation(storage) == 41


def test_a_halt_file_halts_even_when_empty_or_unreadable(tmp_path: Path) -> None:
    assert halt_reason(tmp_path) is None
    (tmp_path / HALT_FILE).write_text("fire drill\n")
    assert halt_reason(tmp_path) == "fire drill"
    (tmp_path / HALT_FILE).write_text("")
    assert halt_reason(tmp_path) == "HALT file"
    (tmp_path / HALT_FILE).unlink()
    (tmp_path / HALT_FILE).mkdir()
    assert "cannot be read" in str(halt_reason(tmp_path))
