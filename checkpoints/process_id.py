"""One process start, named for ever: its pid, and when the kernel says that it began.

A pid is given to another process once its own is gone; the start tells the two apart. What is
stored or sent names a process by both, as fields or as text ``<pid>-<start>``, its *life*.
"""

import os
import re
import signal
from pathlib import Path
from typing import Final

import msgspec

LIFE: Final = re.compile(r"([1-9][0-9]{0,9})-([0-9]{1,19})")
_STATE: Final = 0
_START: Final = 19
"""Fields of /proc/PID/stat behind the program's name, see proc(5)."""


class ProcessId(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    start: int
    """Clock ticks since boot."""

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Name a process that is there; raise `ProcessLookupError` if there is none."""
        return cls(pid=pid, start=int(_stat(pid)[_START]))

    @classmethod
    def own(cls) -> "ProcessId":
        return cls.of(os.getpid())

    @classmethod
    def parent(cls) -> "ProcessId":
        return cls.of(os.getppid())

    @classmethod
    def parse(cls, life: str) -> "ProcessId | None":
        """Read a life; None for any other text."""
        found = LIFE.fullmatch(life)
        return None if found is None else cls(pid=int(found[1]), start=int(found[2]))

    @property
    def life(self) -> str:
        return f"{self.pid}-{self.start}"

    @property
    def alive(self) -> bool:
        """Whether this very process runs on this machine; one that waits to be reaped does not."""
        try:
            stat = _stat(self.pid)
        except ProcessLookupError:
            return False
        return int(stat[_START]) == self.start and stat[_STATE] != "Z"

    @property
    def folder(self) -> Path | None:
        """The folder that it works in, by the kernel; None: it is gone, or another user's."""
        try:
            working = Path(f"/proc/{self.pid}/cwd").resolve(strict=True)
        except OSError:
            return None
        return working if self.alive else None

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to exactly this process; False if it is gone."""
        if not self.alive:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> bool:
        """SIGKILL exactly this process; False if it is gone or our own."""
        return self.pid != os.getpid() and self.signal(signal.SIGKILL)


def life_alive(life: str) -> bool:
    """Return whether the process of this life runs on this machine."""
    process = ProcessId.parse(life)
    return process is not None and process.alive


def _stat(pid: int) -> list[str]:
    """Return the fields behind the name, which may hold blanks and brackets itself."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None
    return text.rpartition(")")[2].split()


def end_life(life: str) -> bool:
    """SIGKILL the process of this life on this machine; never another one of the same id."""
    process = ProcessId.parse(life)
    return process is not None and process.end()
