"""What the supervisor does for the disk: closed days, retention, the watermark, left-over files.

All of it is file work in a thread of its own, one day at a time, so that watching never waits. A
kernel lock keeps two supervisors from closing the same day while the turn is passed on.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.detectors.registry import new_alarm
from actors.runtime import log_event
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.errors import CheckpointsError
from checkpoints.journal import JOURNAL, FlushName, decode_rows, parse_flush_name
from checkpoints.journal_days import (
    JOURNAL_DAYS_KEPT,
    SNAPSHOT_DAYS_KEPT,
    CompactedDay,
    DiskState,
    compact_day,
    disk_state,
    drop_old_days,
    open_days,
)
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage, Storage
from signals.market import DAY_MS, day_of

ROUND_SECONDS: Final = 60.0
"""Wire. At the default pace a disk takes days from the warning to full."""
CLOSE_AFTER_MS: Final = 7_200_000
"""Market time into the new day: by then all checkpoints that are kept are younger than the day, so
that no recovery needs its rows."""
LOCK_FILE: Final = "supervisor/upkeep.lock"
DISK_KIND: Final = "disk_low"
FAILED_KIND: Final = "upkeep_failed"
DAMAGED_KIND: Final = "journal_damaged"


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the disk and what came of it."""

    disk: DiskState
    closed: tuple[CompactedDay, ...] = ()
    waits: str | None = None
    """Why a day that is over is not closed yet."""
    dropped: int = 0


def keep_up(storage: LocalStorage, market_ms: int) -> Round | None:
    """Do one round; None while another supervisor does. Raises `CheckpointsError`."""
    with _alone(storage) as alone:
        if not alone:
            return None
        disk = disk_state(storage)
        today = day_of(market_ms)
        over = [day for day in open_days(storage) if day < day_of(market_ms - CLOSE_AFTER_MS)]
        closed: tuple[CompactedDay, ...] = ()
        waits = None
        if over:
            waits = uncovered(storage, over[0])
            if waits is None:
                closed = (compact_day(storage, over[0], today),)
        dropped = drop_old_days(
            storage,
            journal_before=day_of(market_ms - JOURNAL_DAYS_KEPT * DAY_MS),
            snapshots_before=day_of(market_ms - SNAPSHOT_DAYS_KEPT * DAY_MS),
        )
        return Round(disk=disk, closed=closed, waits=waits, dropped=len(dropped))


@contextmanager
def _alone(storage: LocalStorage) -> Iterator[bool]:
    path = storage.root / LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def uncovered(storage: Storage, day: str) -> str | None:
    """Return why a day may not be closed: a recovery would still need rows of it.

    Recovery reads open flushes only; a closed day holds what a checkpoint has.
    """
    store = CheckpointStore(storage)
    for slot in storage.folders(f"{JOURNAL}/{day}"):
        last = _last_sequence(storage, day, slot)
        checkpoint = store.latest(slot).checkpoint
        reached = 0 if checkpoint is None else checkpoint.meta.sequence
        if reached < last:
            return f"{slot} has rows up to {last} on {day} and a checkpoint of {reached}"
    return None


def _last_sequence(storage: Storage, day: str, slot: str) -> int:
    """Return the last row of a day; of a damaged flush only its first row is known."""
    last_of_fence: dict[int, FlushName] = {}
    for name in storage.names(f"{JOURNAL}/{day}/{slot}/"):
        flush = parse_flush_name(name)
        if flush is not None:
            last_of_fence[flush.fence] = flush  # names are sorted by first sequence
    last = 0
    for flush in last_of_fence.values():
        rows = decode_rows(storage.read(flush.name))
        known = flush.first if isinstance(rows, str) else rows[-1].sequence
        last = max(last, known)
    return last


def alarms_of(done: Round) -> tuple[Alarm, ...]:
    """Return what of a round a person must know; `raised_wire_ms` is filled in by the caller."""
    found: list[Alarm] = []
    if done.disk.warning is not None:
        critical = done.disk.critical
        alarm = new_alarm(
            DISK_KIND,
            "critical" if critical else "storage",
            {"free_bytes": str(done.disk.free_bytes)},
            action=done.disk.warning,
            wire_ms=0,
        )
        found.append(replace(alarm, severity=Severity.CRITICAL) if critical else alarm)
    for day in done.closed:
        if day.damaged:
            named = "; ".join(f"{damage.name}: {damage.reason}" for damage in day.damaged)
            found.append(new_alarm(DAMAGED_KIND, day.day, {"files": named[:1000]}, wire_ms=0))
    return tuple(found)


def failure_alarm(reason: str) -> Alarm:
    return new_alarm(FAILED_KIND, "storage", {"reason": reason[:1000]}, wire_ms=0)


class Upkeep:
    """Rounds for as long as this supervisor watches."""

    def __init__(
        self,
        storage: LocalStorage,
        clock: Callable[[], tuple[int, int]],
        keep: Callable[[LocalStorage, int], Round | None] = keep_up,
    ) -> None:
        self._storage = storage
        self._clock = clock
        """Wire and market ms."""
        self._keep = keep
        self._said: frozenset[str] = frozenset()
        """What held at the last round: once cleared it is not raised again while it holds."""

    async def run(self) -> None:
        """Sweep once, then do a round a minute until cancelled."""
        await asyncio.to_thread(self.sweep)
        while True:
            await asyncio.to_thread(self.round)
            await asyncio.sleep(ROUND_SECONDS)

    def sweep(self) -> None:
        """Remove what writers that died have left half written."""
        try:
            log_event("storage_swept", files=self._storage.sweep())
        except OSError as error:
            log_event("storage_not_swept", reason=str(error))

    def round(self) -> None:
        """Do one round and raise what it found, once for as long as it holds."""
        wire_ms, market_ms = self._clock()
        try:
            done = self._keep(self._storage, market_ms)
        except (CheckpointsError, OSError) as error:
            found: tuple[Alarm, ...] = (failure_alarm(f"{type(error).__name__}: {error}"),)
        else:
            if done is None:
                return
            found = alarms_of(done)
            if done.closed or done.dropped or done.waits:
                days = ", ".join(day.day for day in done.closed)
                log_event("upkeep", closed=days, dropped=done.dropped, waits=done.waits)
        said = self._said
        self._said = frozenset(f"{alarm.kind}/{alarm.subject}" for alarm in found)
        for alarm in found:
            if f"{alarm.kind}/{alarm.subject}" not in said:
                self._raise(alarm, wire_ms, market_ms)

    def _raise(self, alarm: Alarm, wire_ms: int, market_ms: int) -> None:
        dated = replace(alarm, raised_wire_ms=wire_ms, market_ms=market_ms)
        try:
            AlarmStore(self._storage).raise_alarm(dated)
        except CheckpointsError as error:
            log_event("alarm_not_stored", kind=alarm.kind, reason=str(error))
