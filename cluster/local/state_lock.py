"""One at a time starts, ends or restarts the fleet of a state folder: a kernel lock with a name.

The kernel lets go of it when its holder dies, so there is no stale one. Its file names the holder
for whoever has to wait.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from checkpoints.errors import DamagedError
from checkpoints.process_id import ProcessId
from checkpoints.small_file import from_json
from cluster.errors import ClusterError
from cluster.local.durable_files import PRIVATE
from cluster.local.state_folder import StateFolder

POLL_SECONDS: Final = 0.1
HOLDER_BYTES_MAX: Final = 4_096


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    process: ProcessId
    command: str


class StateLockedError(ClusterError):
    """Another command starts or ends this fleet; wait for it."""


@contextmanager
def hold(state: StateFolder, command: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the state folder for one start or end; raise `StateLockedError` naming the holder."""
    try:
        descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT, PRIVATE)
    except OSError as error:
        raise ClusterError(
            f"{state.lock} cannot be written, free space or correct its permissions "
            f"({error.strerror})"
        ) from error
    try:
        _take(state, descriptor, time.monotonic() + wait_seconds)
        mine = Holder(process=ProcessId.own(), command=command)
        with contextlib.suppress(OSError):  # a full disk: the lock holds, only without a name
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(mine), 0)
        yield
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take(state: StateFolder, descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StateLockedError(_busy_text(state, holder_of(descriptor))) from None
            time.sleep(POLL_SECONDS)
        except OSError as error:
            raise ClusterError(
                f"{state.root} lies on a file system without locks ({error.strerror}): name a "
                "folder on a local disk with --state"
            ) from error
        else:
            return


def holder(state: StateFolder) -> Holder | None:
    """Return who starts or ends this fleet at the moment."""
    try:
        descriptor = os.open(state.lock, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return holder_of(descriptor)
    finally:
        os.close(descriptor)


def holder_of(descriptor: int) -> Holder | None:
    """Return who wrote its name into the lock's file, if that process lives."""
    try:
        found = from_json(os.pread(descriptor, HOLDER_BYTES_MAX, 0), Holder, "lock")
    except (DamagedError, OSError):
        return None
    return found if found.process.alive else None


def _busy_text(state: StateFolder, by: Holder | None) -> str:
    who = f"`{by.command}` (pid {by.process.pid})" if by else "another command"
    return f"{who} is starting or ending the fleet in {state.root}: wait until it is done"
