"""Closed days of the journal as Parquet, all of it as one dataset, retention, and the disk's mark.

``journal/<day>.parquet`` holds all slots of a closed day; its metadata says, per slot and fence, up
to which sequence it holds rows, so that a flush left over by a crash is not counted twice. Damaged
flushes, and damaged days with late flushes, are moved to ``damaged/journal/...``: never read as
rows, never forgotten.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from checkpoints.arrow_file import damage_in, open_table
from checkpoints.errors import Damage, MissingFileError
from checkpoints.journal import (
    COLUMNS,
    JOURNAL,
    JOURNAL_SCHEMA,
    NEVER_NULL,
    FlushName,
    own_columns,
    parse_flush_name,
)
from checkpoints.sealed_parquet import encode_sealed_parquet, parquet_damage
from checkpoints.storage import LocalStorage, Storage

DAMAGED: Final = "damaged"
COVERED_KEY: Final = b"midstride.covered"
JOURNAL_DAYS_KEPT: Final = 1_830
"""Five years: what MiFID II asks a firm to keep of its orders (RTS 24, article 10)."""
SNAPSHOT_DAYS_KEPT: Final = 30
"""About 55 MB a day at eight assets (21 to 25 KB each); beyond it a decision can no longer be
replayed."""
DISK_WARNING_BYTES: Final = 4 * 1024**3
"""More than a month of snapshots and journal at the default pace."""
DISK_CRITICAL_BYTES: Final = 512 * 1024**2

VERIFIED_BYTES: Final = 1024**3
"""Closed days up to this size together are verified with their payload: half a year, a second."""
PAYLOAD: Final = "payload"

Covered = dict[str, dict[str, int]]
"""Slot -> fence (as text) -> last sequence."""


class CompactedDay(msgspec.Struct, frozen=True, kw_only=True):
    day: str
    rows: int
    flushes: int
    """Newly taken in."""
    damaged: tuple[Damage, ...] = ()


class JournalDataset(msgspec.Struct, frozen=True, kw_only=True):
    dataset: Any
    """A `pyarrow.dataset.Dataset` with `JOURNAL_SCHEMA`; void rows are in."""
    damaged: tuple[Damage, ...] = ()


class ClosedDays(msgspec.Struct, frozen=True, kw_only=True):
    intact: dict[Path, Covered]
    """And what each has taken in; in order of days."""
    damaged: tuple[Damage, ...]


class DiskState(msgspec.Struct, frozen=True, kw_only=True):
    free_bytes: int
    warning: str | None
    """What to do, from the watermark on."""
    critical: bool = False
    """Too little to trade on: no new risk."""


def compact_day(storage: Storage, day: str, today: str) -> CompactedDay:
    """Turn a closed day's flushes into one Parquet file; run again, it takes in late ones.

    A crash at any point loses nothing and repeats nothing. `day` must be before `today` (market
    time, ``YYYY-MM-DD``).
    """
    assert day < today, "only a closed day is compacted"
    damaged: list[Damage] = []
    present = _read_day(storage, day)
    if isinstance(present, Damage):
        damaged.append(present)
        _move_aside(storage, present.name)
        present = JOURNAL_SCHEMA.empty_table()
    covered = _covered(present.schema.metadata)
    tables, taken = [own_columns(present)], 0
    for flush in _flushes(storage, day):
        if _is_covered(flush, covered):
            continue
        found = _read_flush(storage, flush.name)
        if isinstance(found, Damage):
            damaged.append(found)
            _move_aside(storage, flush.name)
        else:
            taken += 1
            tables.append(found)
    table = pa.concat_tables(tables)
    if taken:
        covered = _write_day(storage, day, table)
    storage.delete_all(f.name for f in _flushes(storage, day) if _is_covered(f, covered))
    return CompactedDay(day=day, rows=table.num_rows, flushes=taken, damaged=tuple(damaged))


def open_days(storage: Storage) -> list[str]:
    """Return the days that still have flushes."""
    return [day for day in storage.folders(JOURNAL) if storage.names(f"{JOURNAL}/{day}/")]


def journal_dataset(root: Path) -> JournalDataset:
    """Open the whole journal under a storage folder, closed and open days, damage named."""
    import pyarrow.dataset as ds  # imports pandas: 2 s and 58 MB that no actor needs

    storage = LocalStorage(root)
    closed = closed_days(root, deep=False)
    covered = {path.stem: held for path, held in closed.intact.items()}
    flushes: list[str] = []
    damaged = [*damaged_flushes(storage), *closed.damaged]
    for day in storage.folders(JOURNAL):
        for flush in _flushes(storage, day):
            if _is_covered(flush, covered.get(day, {})):
                continue
            wrong = damage_in(storage.read(flush.name))
            if wrong is None:
                flushes.append(str(root / flush.name))
            else:
                damaged.append(_damage(flush.name, wrong))
    days = [str(path) for path in closed.intact]
    parts = [
        ds.dataset(days, schema=JOURNAL_SCHEMA, format="parquet"),
        ds.dataset(flushes, schema=JOURNAL_SCHEMA, format="ipc"),
    ]
    return JournalDataset(dataset=ds.dataset(parts), damaged=tuple(damaged))


def _every_day(_day: str) -> bool:
    return True


def closed_days(
    root: Path, *, deep: bool, wanted: Callable[[str], bool] = _every_day
) -> ClosedDays:
    """Verify the closed days under a storage folder that are wanted, each by itself.

    All columns but the payload, which is most of the bytes and which no table needs, are verified
    always; the payload too if `deep`, or if all days together are at most `VERIFIED_BYTES`.
    """
    paths = [path for path in sorted((root / JOURNAL).glob("*.parquet")) if wanted(path.stem)]
    whole = deep or sum(path.stat().st_size for path in paths) <= VERIFIED_BYTES
    columns = None if whole else frozenset(COLUMNS) - {PAYLOAD}
    intact: dict[Path, Covered] = {}
    damaged: list[Damage] = []
    for path in paths:
        found = _verified(path, columns)
        if isinstance(found, str):
            damaged.append(_damage(f"{JOURNAL}/{path.name}", found))
        else:
            intact[path] = found
    return ClosedDays(intact=intact, damaged=tuple(damaged))


def day_damage(root: Path, day: str) -> Damage | None:
    """Verify one closed day, payload and all; None if it is intact or not closed."""
    path = root / _day_name(day)
    found = _verified(path, None) if path.exists() else None
    return _damage(_day_name(day), found) if isinstance(found, str) else None


def _verified(path: Path, columns: Collection[str] | None) -> Covered | str:
    """Return what a closed day has taken in, or what is wrong with it."""
    try:
        with pa.memory_map(str(path)) as file:
            data = file.read_buffer()
            wrong = parquet_damage(data, columns)
            if wrong is not None:
                return wrong
            schema = pq.read_schema(pa.BufferReader(data))
            absent = [name for name in NEVER_NULL if name not in schema.names]
            return f"not a journal: no column {absent[0]}" if absent else _covered(schema.metadata)
    except (pa.ArrowException, OSError, msgspec.DecodeError) as error:
        return f"unreadable: {error}"


def damaged_flushes(storage: Storage) -> list[Damage]:
    """Return the flushes that compaction moved aside."""
    names = storage.names(f"{DAMAGED}/{JOURNAL}/")
    return [_damage(name, "damaged when its day was closed") for name in names]


def drop_old_days(storage: Storage, journal_before: str, snapshots_before: str) -> list[str]:
    """Remove journal days and snapshots older than the two days given; return their names."""
    old = [
        name
        for name in storage.names(f"{JOURNAL}/")
        if name.removeprefix(f"{JOURNAL}/")[:10] < journal_before
    ]
    for day in storage.folders("snapshots"):
        if day < snapshots_before:
            old += storage.names(f"snapshots/{day}/")
    storage.delete_all(old)
    return old


def disk_state(storage: Storage) -> DiskState:
    """Say whether the disk is running full, before it is."""
    free = storage.free_bytes()
    if free >= DISK_WARNING_BYTES:
        return DiskState(free_bytes=free, warning=None)
    advice = (
        f"{free // 2**20} MB are free in the storage, below {DISK_WARNING_BYTES // 2**20} MB: "
        "free space, shorten the retention, or move `storage` to a larger disk"
    )
    return DiskState(free_bytes=free, warning=advice, critical=free < DISK_CRITICAL_BYTES)


def _flushes(storage: Storage, day: str) -> list[FlushName]:
    found = [parse_flush_name(name) for name in storage.names(f"{JOURNAL}/{day}/")]
    return [flush for flush in found if flush is not None]


def _read_flush(storage: Storage, name: str) -> Any:
    """Return a flush's table or its `Damage`."""
    data = storage.read(name)
    wrong = damage_in(data)
    if wrong is not None:
        return _damage(name, wrong)
    try:
        return own_columns(open_table(data))
    except (pa.ArrowException, ValueError) as error:
        return _damage(name, str(error))


def _read_day(storage: Storage, day: str) -> Any:
    """Return a day's table, empty if there is none yet, or its `Damage`."""
    try:
        data = storage.read(_day_name(day))
    except MissingFileError:
        return JOURNAL_SCHEMA.empty_table()
    wrong = parquet_damage(data)
    if wrong is not None:
        return _damage(_day_name(day), wrong)
    return pq.ParquetFile(pa.BufferReader(data)).read()


def _write_day(storage: Storage, day: str, table: Any) -> Covered:
    """Write a day in order of slot, sequence and fence; return what it has taken in."""
    keys = [(name, "ascending") for name in ("slot", "sequence", "fence")]
    ordered = table.take(pc.sort_indices(table, sort_keys=keys))
    covered: Covered = {}
    ends = (ordered.column(name).to_pylist() for name in ("slot", "fence", "sequence"))
    for slot, fence, sequence in zip(*ends, strict=True):
        covered.setdefault(slot, {})[str(fence)] = sequence
    metadata = {COVERED_KEY: msgspec.json.encode(covered, order="sorted")}
    storage.write(_day_name(day), encode_sealed_parquet(ordered, metadata))
    return covered


def _covered(metadata: dict[bytes, bytes] | None) -> Covered:
    text = (metadata or {}).get(COVERED_KEY, b"{}")
    return msgspec.json.decode(text, type=Covered)


def _is_covered(flush: FlushName, covered: Covered) -> bool:
    """One writer per slot and fence, in order: what is below the last row was taken in."""
    return flush.first <= covered.get(flush.slot, {}).get(str(flush.fence), 0)


def _move_aside(storage: Storage, name: str) -> None:
    storage.write(f"{DAMAGED}/{name}", storage.read(name))
    storage.delete(name)


def _damage(name: str, reason: str) -> Damage:
    return Damage(name=name, kind="DamagedJournalError", reason=reason)


def _day_name(day: str) -> str:
    return f"{JOURNAL}/{day}.parquet"
