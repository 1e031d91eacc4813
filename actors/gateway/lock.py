"""The gateway's authority: one kernel lock, one stored generation, one HALT file.

The lock is an exclusive `flock` on ``gateway/lock``, held by whoever may append to the log or post
an order. The kernel releases it when the holder's process is gone and never before: a name can be
free while the process still runs, a lock cannot. The file is never removed or replaced, it only
says who holds it. The folder must be on a local disk.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from actors.gateway.authority.events import Holder
from checkpoints.errors import MissingFileError
from checkpoints.process_id import ProcessId
from checkpoints.small_file import read_file
from checkpoints.storage import Storage

LOCK_FILE: Final = "gateway/lock"
GENERATION_FILE: Final = "gateway/generation"
CURRENT_FILE: Final = "gateway/current"
HALT_FILE: Final = "HALT"
"""In the storage's root; its text is the reason. `trading resume` removes it."""
HOLDER_BYTES_MAX: Final = 4_096


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers find the live gateway; written last, when it serves."""

    name: str
    generation: int


class GatewayLock:
    """A held lock. Release it by `release`; the kernel does it for a process that dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def held(self) -> bool:
        return self._descriptor >= 0

    def release(self) -> None:
        if self.held:
            os.close(self._descriptor)
        self._descriptor = -1


class FileLock:
    """The lock as one process sees it."""

    def __init__(self, root: Path, holder: Holder) -> None:
        self._root = root
        self._own = holder
        self._lock: GatewayLock | None = None
        self._holder: Holder | None = None

    @property
    def held(self) -> bool:
        return self._lock is not None and self._lock.held

    def take(self) -> bool:
        """Take it; True too where this process has it already. Raises `OSError`."""
        if self.held:
            return True
        got = acquire(self._root, self._own)
        if isinstance(got, GatewayLock):
            self._lock = got
            return True
        self._holder = got
        return False

    def holder(self) -> Holder | None:
        """Return who refused it just now; None: it has not said so yet."""
        return self._holder

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
        self._lock = None

    def end(self, holder: Holder) -> bool:
        """End the holder's process; False where it is gone, or runs on another node."""
        return end_holder(holder, self._own.node)


def acquire(root: Path, holder: Holder) -> GatewayLock | Holder | None:
    """Take the lock, or return who holds it (None: it has not said so yet). Never waits.

    Raises `OSError` where the disk refuses the holder's record; then the lock is free again.
    """
    path = root / LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = _read_holder(descriptor)
        os.close(descriptor)
        return other
    lock = GatewayLock(descriptor)
    try:
        _write_holder(descriptor, holder)
    except OSError:
        lock.release()
        raise
    return lock


def _write_holder(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, msgspec.json.encode(holder), 0)
    os.fsync(descriptor)


def _read_holder(descriptor: int) -> Holder | None:
    data = os.pread(descriptor, HOLDER_BYTES_MAX, 0)
    try:
        return msgspec.json.decode(data, type=Holder)
    except msgspec.DecodeError:
        return None


def end_holder(holder: Holder, node: str) -> bool:
    """SIGKILL exactly the process that the lock names; False if it is gone or on another node."""
    return holder.node == node and ProcessId(pid=holder.pid, start=holder.process_start).end()


def stored_generation(storage: Storage) -> int:
    """Return the generation that rules now; 0 before the first gateway."""
    try:
        return int(storage.read(GENERATION_FILE))
    except MissingFileError:
        return 0


def halt_reason(root: Path) -> str | None:
    """Return the HALT file's text, or None if there is no such file.

    A file that cannot be read halts too.
    """
    path = root / HALT_FILE
    if not path.exists():
        return None
    try:
        return read_file(path).decode(errors="replace").strip()[:200] or "HALT file"
    except OSError as error:
        return f"HALT file that cannot be read: {error.strerror}"
