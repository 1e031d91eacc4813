"""The journal: what each slot decided and what became of it, append-only, plain Arrow.

One flush is one complete small Arrow IPC file, named
``journal/<day>/<slot>/<first sequence>-<fence>.arrow`` (the day of its first row's market time).
One writer per (slot, fence): a name that is taken refuses the second. Closed days
become Parquet, see `checkpoints.journal_days`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from checkpoints.arrow_file import damage_in, encode_sealed, open_table
from checkpoints.columns import build_column, schema_of
from checkpoints.errors import Damage, MissingFileError, StaleWriterError
from checkpoints.journal_rows import JournalRow
from checkpoints.storage import Storage
from signals.market import day_of

JOURNAL: Final = "journal"
JOURNAL_VERSION: Final = 1
FLUSH_NAME: Final = re.compile(
    r"journal/(?P<day>[0-9-]{10})/(?P<slot>[^/]+)/(?P<first>\d+)-(?P<fence>\d+)\.arrow"
)
COLUMNS: Final = JournalRow.__struct_fields__
JOURNAL_SCHEMA: Final = schema_of(JournalRow)
"""Fields are appended only."""
NEVER_NULL: Final = tuple(field.name for field in JOURNAL_SCHEMA if not field.nullable)
"""On every row of every release: a column that is appended can be null."""
_FIELDS: Final = tuple((name, JOURNAL_SCHEMA.field(name).type) for name in COLUMNS)


class JournalRead(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[JournalRow, ...]
    """By sequence, then fence; void rows are still in, see `valid_rows`."""
    damaged: tuple[Damage, ...] = ()


class FlushName(msgspec.Struct, frozen=True, kw_only=True):
    """What a flush's name says."""

    name: str
    day: str
    slot: str
    first: int
    fence: int


def flush_name(day: str, slot: str, first: int, fence: int) -> str:
    return f"{JOURNAL}/{day}/{slot}/{first:012d}-{fence:08d}.arrow"


def parse_flush_name(name: str) -> FlushName | None:
    match = FLUSH_NAME.fullmatch(name)
    if match is None:
        return None
    first, fence = int(match["first"]), int(match["fence"])
    return FlushName(name=name, day=match["day"], slot=match["slot"], first=first, fence=fence)


class Journal:
    """The journal of one slot."""

    def __init__(self, storage: Storage, slot: str) -> None:
        self._storage = storage
        self._slot = slot

    def append(self, rows: Sequence[JournalRow]) -> None:
        """Write all rows durably, or none; raise `StaleWriterError` where another wrote first.

        Rows: of this slot and one fence, sequences without a gap.
        """
        if not rows:
            return
        first = rows[0]
        for place, row in enumerate(rows):
            assert (row.slot, row.fence) == (self._slot, first.fence), "one writer per flush"
            assert row.sequence == first.sequence + place, "sequences have no gap"
        day = day_of(first.market_ms)
        name = flush_name(day, self._slot, first.sequence, first.fence)
        if not self._storage.create(name, encode_rows(rows)):
            raise StaleWriterError(f"{name} exists: another life writes with fence {first.fence}")

    def rows_after(self, sequence: int) -> JournalRead:
        """Return the rows with a higher sequence that are not in closed days' Parquet.

        Damaged files are named and skipped. Closed days hold only what a checkpoint has.
        """
        rows: list[JournalRow] = []
        damaged: list[Damage] = []
        for flush in self._flushes_after(sequence):
            try:
                found = decode_rows(self._storage.read(flush.name))
            except MissingFileError:
                continue  # compacted since it was listed
            if isinstance(found, str):
                damaged.append(Damage(name=flush.name, kind="DamagedJournalError", reason=found))
            else:
                rows += [row for row in found if row.sequence > sequence]
        rows.sort(key=lambda row: (row.sequence, row.fence))
        return JournalRead(rows=tuple(rows), damaged=tuple(damaged))

    def _flushes_after(self, sequence: int) -> Iterator[FlushName]:
        """Yield the flushes that may hold later rows: of each fence, from the last one before."""
        by_fence: dict[int, list[FlushName]] = {}
        for day in self._storage.folders(JOURNAL):
            for name in self._storage.names(f"{JOURNAL}/{day}/{self._slot}/"):
                flush = parse_flush_name(name)
                if flush is not None:
                    by_fence.setdefault(flush.fence, []).append(flush)
        for flushes in by_fence.values():
            flushes.sort(key=lambda flush: flush.first)
            for flush, following in zip(flushes, [*flushes[1:], None], strict=True):
                if following is None or following.first > sequence + 1:
                    yield flush


def rows_after(storage: Storage, slot: str, sequence: int) -> JournalRead:
    return Journal(storage, slot).rows_after(sequence)


def encode_rows(rows: Sequence[JournalRow]) -> bytes:
    """Write rows as one sealed Arrow IPC file."""
    columns = [build_column(kind, [getattr(row, name) for row in rows]) for name, kind in _FIELDS]
    return encode_sealed(
        JOURNAL_SCHEMA, columns, {"midstride.journal_version": str(JOURNAL_VERSION)}
    )


def decode_rows(data: bytes) -> list[JournalRow] | str:
    """Read a flush; what is wrong with it comes back as text."""
    wrong = damage_in(data)
    if wrong is not None:
        return wrong
    try:
        return rows_of_table(open_table(data))
    except (pa.ArrowInvalid, msgspec.ValidationError, ValueError) as error:
        return f"unreadable: {error}"


def own_columns(table: Any) -> Any:
    """Bring any release's rows to today's columns: newer ones are left out, absent ones are null.

    Raises `pa.ArrowException` where a column is of another type, `ValueError` without one of the
    columns that are on every row.
    """
    plain = table.replace_schema_metadata(None)
    if plain.schema.equals(JOURNAL_SCHEMA):
        return plain
    present = set(plain.column_names)
    absent = [field.name for field in JOURNAL_SCHEMA if field.name not in present]
    never_null = [name for name in absent if name in NEVER_NULL]
    if never_null:
        raise ValueError(f"no column {never_null[0]}")
    columns = [
        pa.nulls(plain.num_rows, field.type)
        if field.name in absent
        else plain.column(field.name).cast(field.type)
        for field in JOURNAL_SCHEMA
    ]
    return pa.table(columns, schema=JOURNAL_SCHEMA)


def rows_of_table(table: Any) -> list[JournalRow]:
    """Make rows of any table with the journal's columns; columns of newer code are left out."""
    present = frozenset(table.column_names)
    names = [name for name in COLUMNS if name in present]
    columns = [table.column(name).to_pylist() for name in names]
    return [
        msgspec.convert(dict(zip(names, values, strict=True)), JournalRow)
        for values in zip(*columns, strict=True)
    ]
