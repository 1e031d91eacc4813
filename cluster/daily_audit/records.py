"""Where audits are kept: ``audits/<day>.json`` in the storage, the newest audit of each day.

A kernel lock lets one audit at a time run. It ends with its process, so a killed audit blocks
nobody and leaves the record of before.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Final

import msgspec

from checkpoints.audit_days import FOLDER, SINCE_FILE, Since, audited_days, owed_since
from checkpoints.errors import DamagedError, MissingFileError, StorageError
from checkpoints.journal import JOURNAL
from checkpoints.journal_days import JOURNAL_DAYS_KEPT
from checkpoints.small_file import from_json
from checkpoints.storage import LocalStorage
from cluster.daily_audit.calendar import CATCH_UP_DAYS_MAX, Known
from cluster.daily_audit.errors import AuditRunsError
from cluster.daily_audit.report import DayAudit

LOCK_FILE: Final = f"{FOLDER}/lock"
DAYS_KEPT: Final = JOURNAL_DAYS_KEPT
RECENT_DAYS: Final = 3 * CATCH_UP_DAYS_MAX
"""Records that are read to know what is due: more than the days that can be."""
AHEAD_MS_MAX: Final = 300_000
"""Wire. A record from further ahead was made under a clock that was wrong."""
SET_ASIDE: Final = "damaged"
"""Folder of what is kept and not believed."""


@contextlib.contextmanager
def alone(storage: LocalStorage) -> Iterator[None]:
    """Hold the lock of audits; raise `AuditRunsError` where another process does."""
    path = storage.root / LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AuditRunsError(
            "another audit of this fleet is at work: wait for it, `midstride audit day --last` "
            "shows what it found"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


def keep(storage: LocalStorage, audit: DayAudit) -> None:
    """Store the audit of a day in place of an earlier one; raise `StorageError`."""
    before = read(storage, audit.day)
    scheduled = audit.scheduled or (before is not None and before.scheduled)
    kept = msgspec.structs.replace(audit, scheduled=scheduled)
    storage.write(_file(audit.day), msgspec.json.encode(kept))
    storage.delete_all(_file(day) for day in audited_days(storage)[:-DAYS_KEPT])


def read(storage: LocalStorage, day: str) -> DayAudit | None:
    """Return what is known of a day's audit; None: nothing that can be read."""
    try:
        return from_json(storage.read(_file(day)), DayAudit, _file(day))
    except (MissingFileError, DamagedError, StorageError):
        return None


def latest(storage: LocalStorage) -> DayAudit | None:
    """Return the audit of the newest day that has a readable one."""
    days = reversed(audited_days(storage))
    return next((one for day in days if (one := read(storage, day))), None)


def known(storage: LocalStorage, now_wire_ms: int, today: str) -> Known:
    """Return what is owed and done; days are owed from the one on which this was first asked."""
    recent = audited_days(storage)[-RECENT_DAYS:]
    audited = frozenset(day for day in recent if _counts(storage, day, now_wire_ms))
    return Known(since=_since(storage, today), audited=audited, with_rows=days_with_rows(storage))


def days_with_rows(storage: LocalStorage) -> frozenset[str]:
    closed = (file.stem for file in (storage.root / JOURNAL).glob("*.parquet"))
    return frozenset((*storage.folders(JOURNAL), *closed))


def _since(storage: LocalStorage, today: str) -> str:
    since = owed_since(storage)
    if since is None or since > today:  # a clock that was ahead when it was written
        since = min([today, *audited_days(storage)])
        storage.write(SINCE_FILE, msgspec.json.encode(Since(day=since)))
    return since


def _counts(storage: LocalStorage, day: str, now_wire_ms: int) -> bool:
    """Say whether the fleet's own audit of a day stands; one from the future is put aside."""
    found = read(storage, day)
    if found is None or not found.scheduled:
        return False
    if found.began_wire_ms <= now_wire_ms + AHEAD_MS_MAX:
        return True
    storage.write(f"{SET_ASIDE}/{_file(day)}", msgspec.json.encode(found))
    storage.delete(_file(day))
    return False


def _file(day: str) -> str:
    return f"{FOLDER}/{day}.json"
