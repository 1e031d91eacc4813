"""Keep every process of a fleet from posting: the HALT file, and the gateway's own lock.

Nothing here needs room on the disk. A gateway looks for the HALT file before each post, whatever it
holds, so an empty one or another name of an old file stops it as well. One that was stopped between
that look and its post would post when it goes on: who holds the gateway's lock and does not answer
is ended. While this process has the lock itself, no other gateway can take it.
"""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from actors.gateway.authority.events import Holder
from actors.gateway.lock import GENERATION_FILE, HALT_FILE, HOLDER_BYTES_MAX, LOCK_FILE
from actors.runtime import CONFIG_FILE
from checkpoints.errors import CheckpointsError
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage

OLD_FILES: Final = (GENERATION_FILE, CONFIG_FILE, LOCK_FILE)
"""One of them gets a second name where not even an empty file can be made."""
ENDED_S_MAX: Final = 5.0
"""Wire, from SIGKILL to the kernel's release of the lock; a process that waits for a dead disk
takes longer."""
POLL_S: Final = 0.02


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the HALT file is there."""

    stands: bool
    problem: str | None = None
    """Why it could not be written in full. It may stand all the same, without its reason."""


def set_mark(storage: LocalStorage, reason: str) -> Mark:
    """Make the HALT file by whatever way still works; never the folder that it belongs in."""
    if not storage.root.is_dir():
        return Mark(stands=False, problem=f"{storage.root} is gone")
    try:
        storage.write(HALT_FILE, f"{reason}\n".encode(errors="backslashreplace"))
    except CheckpointsError as error:
        path = storage.root / HALT_FILE
        return Mark(stands=_exists(path) or _empty(path) or _linked(path), problem=str(error))
    return Mark(stands=True)


def _exists(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.exists()
    return False


def _empty(path: Path) -> bool:
    """Make an empty file: on a full disk there is mostly room for a name."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError:
        return False
    return True


def _linked(path: Path) -> bool:
    """Give an old file a second name: where the disk has no room for another file."""
    for name in OLD_FILES:
        with contextlib.suppress(OSError):
            os.link(path.parent / name, path)
            return True
    return False


class Lock:
    """The gateway's lock, shared among halts: while one holds it, no gateway can begin."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        """None: no gateway ever ran here, so there is no lock."""

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


class LockHeld(msgspec.Struct, frozen=True):
    holder: Holder | None
    """None: the lock does not say who has it."""


def take_lock(root: Path) -> Lock | LockHeld:
    """Take the gateway's lock, or return who holds it. Writes nothing; raises `OSError`."""
    try:
        descriptor = os.open(root / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return Lock(None)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        held = LockHeld(_holder(os.pread(descriptor, HOLDER_BYTES_MAX, 0)))
        os.close(descriptor)
        return held
    return Lock(descriptor)


def _holder(data: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(data, type=Holder)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def end_and_take(root: Path, held: LockHeld) -> Lock | str:
    """End exactly the process that holds the lock, then take it; or say why that failed.

    Ray may start a gateway again meanwhile: one that was quicker than this is ended too.
    """
    limit_s = time.monotonic() + ENDED_S_MAX
    while time.monotonic() < limit_s:
        if held.holder is not None:
            ProcessId(pid=held.holder.pid, start=held.holder.process_start).end()
        got = take_lock(root)
        if isinstance(got, Lock):
            return got
        held = got
        time.sleep(POLL_S)
    if held.holder is None:
        return "the gateway's lock does not say which process holds it"
    return (
        f"the gateway's process {held.holder.pid} was ended and still holds its lock after "
        f"{ENDED_S_MAX:.0f} s"
    )
