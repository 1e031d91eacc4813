"""The gateway's log, so that no record is written once this process has let go of the lock."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from actors.runtime import log_event
from checkpoints.errors import StorageError
from checkpoints.log import RecordLog

LOG_FOLDER: Final = "gateway/log"


class OpenLog(Protocol):
    """What a session needs of `checkpoints.log.RecordLog`."""

    def append(self, records: list[bytes]) -> None: ...
    def rotate(self, base: bytes) -> None: ...
    def close(self) -> None: ...


class GuardedLog:
    """A log that is written to by this process only while it may.

    A thread that writes cannot be broken off: `close` waits for it, and refuses what comes later.
    """

    def __init__(self, log: OpenLog, why_not: Callable[[], str | None]) -> None:
        """`why_not`: why nothing may be written now; None: it may."""
        self.log = log
        self._why_not = why_not
        self._writing = threading.Lock()
        self._closed = False

    def append(self, records: list[bytes]) -> None:
        with self._writing:
            self._check()
            self.log.append(records)

    def rotate(self, base: bytes) -> None:
        with self._writing:
            self._check()
            self.log.rotate(base)

    def close(self) -> None:
        with self._writing:
            self._closed = True
            self.log.close()

    def _check(self) -> None:
        reason = "it was closed" if self._closed else self._why_not()
        if reason is not None:
            raise StorageError(f"cannot write to the gateway's log: {reason}")


def open_log(root: Path) -> tuple[RecordLog, list[bytes]]:
    """Return the log and its records; raise `DamagedLogError`."""
    log, records, tail = RecordLog.open(root / LOG_FOLDER)
    log_event("gateway_log_read", records=len(records), tail=type(tail).__name__)
    return log, records if log.base is None else [log.base, *records]
