"""Processes that this program started: named for ever by pid and start time, found again by a mark.

The mark is an environment variable that the Ray head and the sandbox are started with and that all
their children inherit. So what is left of a killed head is found and ended, and nothing else is.
A process that gives itself a title (Ray's dashboard agent does) writes over the start of its own
environment, the mark with it; such a one is found by its session, which it cannot lose.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from checkpoints.process_id import ProcessId

MARK: Final = "MIDSTRIDE_OWNER"
POLL_SECONDS: Final = 0.1
KILL_WAIT_SECONDS: Final = 10.0
"""After SIGKILL a process leaves within milliseconds unless the kernel holds it in a disk wait."""


def marked(owner: str) -> list[ProcessId]:
    """Return the living processes of this user that carry the owner's mark."""
    wanted = f"{MARK}={owner}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(ProcessId.of(int(entry.name)))
        except (OSError, ProcessLookupError):
            continue  # it ended meanwhile, or it is another user's
    return [record for record in found if record.alive]


def in_session(leader: ProcessId, *folders: Path) -> list[ProcessId]:
    """Return the living processes of a session, its leader dead or not, that work in these folders.

    The kernel gives nobody a pid that still names a session. After the last of it is gone the pid
    may lead a stranger's session; a stranger does not work in our folder.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if os.getsid(int(entry.name)) != leader.pid:
                continue
            cwd = (entry / "cwd").readlink()
            if not any(cwd.is_relative_to(folder.resolve()) for folder in folders):
                continue
            found.append(ProcessId.of(int(entry.name)))
        except (OSError, ProcessLookupError):
            continue  # it ended meanwhile, or it is another user's
    return [record for record in found if record.alive and record.start >= leader.start]


def end_all(find: Callable[[], Iterable[ProcessId]], grace_seconds: float) -> None:
    """Wait until `find` returns nothing, SIGKILL what is left after the grace, wait again."""
    if wait_until(lambda: not list(find()), grace_seconds):
        return
    deadline = time.monotonic() + KILL_WAIT_SECONDS
    while (left := list(find())) and time.monotonic() < deadline:
        for record in left:
            record.signal(signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def wait_until(condition: Callable[[], bool], limit_seconds: float) -> bool:
    """Poll a condition; False if it did not hold within the limit."""
    deadline = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
