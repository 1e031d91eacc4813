"""Closed days as Parquet: nothing lost, nothing twice, at whatever point a crash comes."""

import contextlib
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints.arrow_file import encode_sealed, open_table
from checkpoints.journal import COLUMNS, Journal, encode_rows, rows_of_table
from checkpoints.journal_days import (
    DISK_CRITICAL_BYTES,
    DISK_WARNING_BYTES,
    compact_day,
    damaged_flushes,
    disk_state,
    drop_old_days,
    journal_dataset,
    open_days,
)
from checkpoints.journal_rows import JournalRow
from checkpoints.storage import LocalStorage
from signals.market import DAY_MS
from tests.checkpoints.builders import DAY, NOON_MS, row
from tests.checkpoints.memory_storage import MemoryStorage

NEXT = "2026-01-02"


class CrashError(BaseException):
    """The process ends here."""


class CrashingStorage(MemoryStorage):
    """Dies before the change number `crash_at`."""

    def __init__(self, files: dict[str, bytes], crash_at: int) -> None:
        super().__init__()
        self.files = files
        self._left = crash_at

    def write(self, name: str, data: bytes) -> None:
        self._change()
        super().write(name, data)

    def delete(self, name: str) -> None:
        self._change()
        super().delete(name)

    def _change(self) -> None:
        if self._left == 0:
            raise CrashError
        self._left -= 1


def fill(storage: MemoryStorage | LocalStorage) -> None:
    for slot in ("btc-5m", "eth-5m"):
        journal = Journal(storage, slot)
        journal.append([row(1, slot=slot), row(2, slot=slot)])
        journal.append([row(3, slot=slot)])
        journal.append([row(3, slot=slot, fence=2)])
        journal.append([row(4, slot=slot, fence=2, market_ms=NOON_MS + DAY_MS)])


EXPECTED = sorted(
    (slot, sequence, fence)
    for slot in ("btc-5m", "eth-5m")
    for sequence, fence in ((1, 1), (2, 1), (3, 1), (3, 2), (4, 2))
)


def stored(root: Path) -> list[tuple[str, int, int]]:
    table = journal_dataset(root).dataset.to_table()
    return sorted((found.slot, found.sequence, found.fence) for found in rows_of_table(table))


def rows_at(root: Path) -> list[JournalRow]:
    return rows_of_table(journal_dataset(root).dataset.to_table())


def test_closed_and_open_days_are_one_dataset(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert stored(tmp_path) == []
    fill(storage)
    assert stored(tmp_path) == EXPECTED
    assert open_days(storage) == [DAY, NEXT]
    compacted = compact_day(storage, DAY, NEXT)
    assert (compacted.rows, compacted.flushes) == (8, 6)
    assert open_days(storage) == [NEXT]
    assert storage.names(f"journal/{DAY}") == [f"journal/{DAY}.parquet"]
    assert stored(tmp_path) == EXPECTED
    assert compact_day(storage, DAY, NEXT).flushes == 0


def test_a_late_flush_is_read_and_taken_in(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    compact_day(storage, DAY, NEXT)
    Journal(storage, "btc-5m").append([row(9, fence=7)])
    late = sorted([*EXPECTED, ("btc-5m", 9, 7)])
    assert stored(tmp_path) == late
    assert compact_day(storage, DAY, NEXT).flushes == 1
    assert stored(tmp_path) == late


@given(st.integers(0, 20))
@settings(max_examples=21)
def test_a_crash_at_each_point_of_a_compaction_loses_and_repeats_nothing(
    tmp_path_factory: pytest.TempPathFactory, crash_at: int
) -> None:
    memory = MemoryStorage()
    fill(memory)
    with contextlib.suppress(CrashError):
        compact_day(CrashingStorage(memory.files, crash_at), DAY, NEXT)
    root = tmp_path_factory.mktemp("storage")
    disk = LocalStorage(root)
    for name, data in memory.files.items():
        disk.write(name, data)
    assert stored(root) == EXPECTED
    compact_day(disk, DAY, NEXT)
    assert stored(root) == EXPECTED
    assert open_days(disk) == [NEXT]


def test_a_damaged_flush_is_named_moved_aside_and_stays_named(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    name = storage.names(f"journal/{DAY}/btc-5m/")[0]
    (tmp_path / name).write_bytes(storage.read(name)[:-9])
    assert [found.name for found in journal_dataset(tmp_path).damaged] == [name]
    compacted = compact_day(storage, DAY, NEXT)
    assert [found.name for found in compacted.damaged] == [name]
    aside = [f"damaged/{name}"]
    assert [found.name for found in damaged_flushes(storage)] == aside
    assert [found.name for found in journal_dataset(tmp_path).damaged] == aside
    assert len(stored(tmp_path)) == len(EXPECTED) - 2


@pytest.mark.parametrize("damage", ["torn", "flipped", "empty"])
def test_a_damaged_day_is_named_and_the_rest_is_read(tmp_path: Path, damage: str) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    compact_day(storage, DAY, NEXT)
    file = tmp_path / f"journal/{DAY}.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes({"torn": data[:-9], "flipped": data, "empty": b""}[damage])
    assert [found.name for found in journal_dataset(tmp_path).damaged] == [f"journal/{DAY}.parquet"]
    assert stored(tmp_path) == [("btc-5m", 4, 2), ("eth-5m", 4, 2)]


def test_a_damaged_day_is_kept_aside_and_its_late_flushes_are_closed_without_it(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    compact_day(storage, DAY, NEXT)
    file = tmp_path / f"journal/{DAY}.parquet"
    damaged = file.read_bytes()[:-1]
    file.write_bytes(damaged)
    Journal(storage, "btc-5m").append([row(9, fence=7)])
    compacted = compact_day(storage, DAY, NEXT)
    assert [found.name for found in compacted.damaged] == [f"journal/{DAY}.parquet"]
    assert stored(tmp_path) == [("btc-5m", 4, 2), ("btc-5m", 9, 7), ("eth-5m", 4, 2)]
    aside = f"damaged/journal/{DAY}.parquet"
    assert [found.name for found in journal_dataset(tmp_path).damaged] == [aside]
    assert storage.read(aside) == damaged


def test_flushes_and_days_of_a_release_with_fewer_columns_are_closed_with_nulls(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path)
    flush = open_table(encode_rows([row(1)]))
    older = flush.select(COLUMNS[:-1]).replace_schema_metadata(None)
    columns = [older.column(name).combine_chunks() for name in older.column_names]
    data = encode_sealed(older.schema, columns, {})
    storage.write(f"journal/{DAY}/btc-5m/{1:012d}-{1:08d}.arrow", data)
    day = io.BytesIO()
    pq.write_table(older.slice(0, 1), day)
    storage.write(f"journal/{NEXT}.parquet", day.getvalue())
    assert compact_day(storage, DAY, NEXT).damaged == ()
    assert [found.gateway_release for found in rows_at(tmp_path)] == [None, None]
    assert journal_dataset(tmp_path).damaged == ()


def test_only_a_closed_day_is_compacted() -> None:
    with pytest.raises(AssertionError):
        compact_day(MemoryStorage(), DAY, DAY)


def test_recovery_reads_the_open_days(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fill(storage)
    compact_day(storage, DAY, NEXT)
    assert [found.sequence for found in Journal(storage, "btc-5m").rows_after(3).rows] == [4]


def test_old_days_are_dropped_by_name() -> None:
    storage = MemoryStorage()
    fill(storage)
    compact_day(storage, DAY, NEXT)
    for day in (DAY, NEXT):
        storage.write(f"snapshots/{day}/x.arrow", b"")
    assert drop_old_days(storage, journal_before=DAY, snapshots_before=NEXT) == [
        f"snapshots/{DAY}/x.arrow"
    ]
    dropped = drop_old_days(storage, journal_before=NEXT, snapshots_before=NEXT)
    assert dropped == [f"journal/{DAY}.parquet"]
    assert open_days(storage) == [NEXT]


@pytest.mark.parametrize(
    ("free", "warns", "critical"),
    [
        (DISK_WARNING_BYTES, False, False),
        (DISK_WARNING_BYTES - 1, True, False),
        (DISK_CRITICAL_BYTES - 1, True, True),
    ],
)
def test_the_disk_warns_before_it_is_full(
    free: int,
    warns: bool,  # noqa: FBT001 a table
    critical: bool,  # noqa: FBT001 a table
) -> None:
    class Disk(MemoryStorage):
        def free_bytes(self) -> int:
            return free

    state = disk_state(Disk())
    assert (state.warning is not None, state.critical) == (warns, critical)
