"""Closed days, retention and the disk's watermark: done in order, said once, never by two."""

import asyncio
import threading
from pathlib import Path

import pytest

from actors.supervisor.upkeep import (
    CLOSE_AFTER_MS,
    DISK_KIND,
    FAILED_KIND,
    Round,
    Upkeep,
    _alone,
    keep_up,
    uncovered,
)
from checkpoints.alarms import AlarmStore
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.errors import StorageError
from checkpoints.journal import Journal
from checkpoints.journal_days import (
    SNAPSHOT_DAYS_KEPT,
    DiskState,
    journal_dataset,
    open_days,
)
from checkpoints.record_set import logical_hash_of
from checkpoints.records import Records
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from signals.market import DAY_MS, day_of
from tests.checkpoints.builders import DAY, NOON_MS, meta, row

MIDNIGHT_MS = NOON_MS + DAY_MS // 2
LATER_MS = MIDNIGHT_MS + CLOSE_AFTER_MS
SLOTS = ("btc-5m", "eth-5m")
RECORDS: Records = {("head", ""): b"{}"}


def fill(storage: LocalStorage, market_ms: int = NOON_MS, first: int = 1) -> None:
    for slot in SLOTS:
        rows = [row(n, slot=slot, market_ms=market_ms) for n in range(first, first + 3)]
        Journal(storage, slot).append(rows[:2])
        Journal(storage, slot).append(rows[2:])


def checkpoint(storage: LocalStorage, slot: str, sequence: int) -> None:
    digest = logical_hash_of(RECORDS)
    made = meta(slot=slot, sequence=sequence, logical_hash=digest)
    CheckpointStore(storage).save(slot, made, RECORDS)


def covered(storage: LocalStorage, sequence: int = 3) -> None:
    for slot in SLOTS:
        checkpoint(storage, slot, sequence)


def test_a_day_that_is_over_and_covered_is_closed_and_an_open_one_is_not(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    covered(storage)
    fill(storage, MIDNIGHT_MS + 1, first=4)
    for market_ms in (NOON_MS, MIDNIGHT_MS, LATER_MS - 1):
        done = keep_up(storage, market_ms)
        assert done is not None
        assert done.closed == ()
    done = keep_up(storage, LATER_MS)
    assert done is not None
    assert [day.day for day in done.closed] == [DAY]
    assert open_days(storage) == [day_of(MIDNIGHT_MS)]
    assert journal_dataset(tmp_path).dataset.count_rows() == 12
    assert Journal(storage, "btc-5m").rows_after(3).rows[0].sequence == 4


def test_a_day_whose_rows_a_recovery_still_needs_waits(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    checkpoint(storage, "btc-5m", 3)
    checkpoint(storage, "eth-5m", 2)
    done = keep_up(storage, LATER_MS)
    assert done is not None
    assert done.closed == ()
    assert done.waits == f"eth-5m has rows up to 3 on {DAY} and a checkpoint of 2"
    assert open_days(storage) == [DAY]
    checkpoint(storage, "eth-5m", 3)
    assert uncovered(storage, DAY) is None


def test_a_damaged_checkpoint_covers_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    covered(storage)
    (newest,) = storage.names("checkpoints/eth-5m/")
    storage.write(newest, storage.read(newest)[:-9])
    assert "checkpoint of 0" in str(uncovered(storage, DAY))


def test_old_snapshots_are_dropped_and_young_ones_stay(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    old = day_of(NOON_MS - (SNAPSHOT_DAYS_KEPT + 1) * DAY_MS)
    for day in (old, DAY):
        storage.write(f"snapshots/{day}/aa.arrow", b"x")
    done = keep_up(storage, NOON_MS)
    assert done is not None
    assert done.dropped == 1
    assert storage.folders("snapshots") == [old, DAY]
    assert storage.names("snapshots/") == [f"snapshots/{DAY}/aa.arrow"]


def test_two_supervisors_never_close_days_at_once(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with _alone(storage) as alone:
        assert alone
        assert keep_up(storage, NOON_MS) is None
    assert keep_up(storage, NOON_MS) is not None


def upkeep(storage: LocalStorage, *rounds: Round | Exception) -> Upkeep:
    left = list(rounds)

    def keep(_storage: LocalStorage, _market_ms: int) -> Round | None:
        done = left.pop(0)
        if isinstance(done, Exception):
            raise done
        return done

    return Upkeep(storage, lambda: (7, NOON_MS), keep)


GOOD = Round(disk=DiskState(free_bytes=9, warning=None))
LOW = Round(disk=DiskState(free_bytes=9, warning="free space"))
FULL = Round(disk=DiskState(free_bytes=1, warning="free space", critical=True))


def test_the_disk_is_said_before_it_is_full_and_once_while_it_lasts(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    store = AlarmStore(storage)
    chores = upkeep(storage, GOOD, LOW, LOW, FULL, GOOD, LOW)
    chores.round()
    assert store.latched() == []
    chores.round()
    (warning,) = store.latched()
    assert (warning.alarm.kind, warning.alarm.severity) == (DISK_KIND, Severity.WARNING)
    assert (warning.alarm.raised_wire_ms, warning.alarm.market_ms) == (7, NOON_MS)
    store.clear(warning.alarm.id, "seen", "test")
    chores.round()
    assert store.latched() == [], "it still holds and was cleared"
    chores.round()
    assert [state.alarm.severity for state in store.latched()] == [Severity.CRITICAL]
    chores.round()
    chores.round()
    assert len(store.latched()) == 2


def test_a_round_that_fails_is_an_alarm_and_the_next_one_is_tried(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    chores = upkeep(storage, StorageError("no space"), OSError("gone"), GOOD)
    for _ in range(3):
        chores.round()
    (failed,) = AlarmStore(storage).latched()
    assert failed.alarm.kind == FAILED_KIND
    assert "no space" in failed.alarm.evidence["reason"]


def test_a_damaged_flush_of_a_closed_day_is_named(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    covered(storage)
    name = storage.names(f"journal/{DAY}/btc-5m/")[0]
    storage.write(name, storage.read(name)[:-20])
    Upkeep(storage, lambda: (7, LATER_MS)).round()
    (damaged,) = AlarmStore(storage).latched()
    assert damaged.alarm.subject == DAY
    assert name in damaged.alarm.evidence["files"]


def test_a_slow_disk_holds_up_nobody(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    release = threading.Event()
    begun = threading.Event()

    def slow(_storage: LocalStorage, _market_ms: int) -> Round | None:
        begun.set()
        release.wait(180)
        return None

    async def play() -> None:
        running = asyncio.create_task(Upkeep(storage, lambda: (7, NOON_MS), slow).run())
        async with asyncio.timeout(90):
            while not begun.is_set():  # noqa: ASYNC110 a thread says so
                await asyncio.sleep(0.001)
        running.cancel()  # answered at once: the thread is not waited for
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 90)
        release.set()

    asyncio.run(play())


def test_left_over_files_of_dead_writers_are_swept_at_the_start(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    left = tmp_path / "journal" / ".999999999-1.tmp"
    left.parent.mkdir()
    left.write_bytes(b"half")
    Upkeep(storage, lambda: (7, NOON_MS)).sweep()
    assert not left.exists()
