"""The journal: one writer, flushes that are complete or absent, void rows, damage named."""

from types import NoneType
from typing import Any, get_args

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints.errors import StaleWriterError
from checkpoints.journal import (
    COLUMNS,
    JOURNAL_SCHEMA,
    NEVER_NULL,
    Journal,
    decode_rows,
    encode_rows,
    rows_after,
)
from checkpoints.journal_rows import JournalRow, RowKind, valid_rows
from signals.market import DAY_MS
from tests.checkpoints.builders import DAY, NOON_MS, row
from tests.checkpoints.memory_storage import MemoryStorage


class Bound(msgspec.Struct, frozen=True):
    slot: str
    fence: int
    journal_sequence: int


every_value = {
    RowKind: st.sampled_from(RowKind),
    str: st.text(max_size=4),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=9),
}


def rows_with(optional: st.SearchStrategy[None]) -> st.SearchStrategy[JournalRow]:
    """Make rows whose every field has a value, or one of `optional` where it may be null."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in msgspec.structs.fields(JournalRow):
        kinds = [kind for kind in get_args(field.type) or (field.type,) if kind is not NoneType]
        (kind,) = kinds
        value = every_value[kind]
        fields[field.name] = value if field.required else optional | value
    return st.builds(JournalRow, **fields)


@given(st.lists(rows_with(st.nothing()), min_size=1, max_size=3))
def test_rows_with_every_field_filled_come_back_from_a_flush(rows: list[JournalRow]) -> None:
    assert all(getattr(each, name) is not None for each in rows for name in COLUMNS)
    assert decode_rows(encode_rows(rows)) == rows


@given(st.lists(rows_with(st.none()), max_size=5))
def test_rows_come_back_from_a_flush(rows: list[JournalRow]) -> None:
    assert decode_rows(encode_rows(rows)) == rows


def test_the_schema_has_each_field_once_and_only_appends() -> None:
    assert tuple(JOURNAL_SCHEMA.names) == JournalRow.__struct_fields__
    required = [field.name for field in JOURNAL_SCHEMA if not field.nullable]
    optional = {f.name for f in msgspec.structs.fields(JournalRow) if not f.required}
    assert required == [name for name in JOURNAL_SCHEMA.names if name not in optional]
    assert tuple(required) == NEVER_NULL
    assert len(required) == 11, "rows of earlier releases have no other column without nulls"


def test_a_flush_opens_in_plain_pyarrow() -> None:
    table = pa.ipc.open_file(encode_rows([row(1), row(2, reason="stale: ticks")])).read_all()
    assert table.schema.equals(JOURNAL_SCHEMA)
    assert table["reason"].to_pylist() == [None, "stale: ticks"]
    table.validate(full=True)


def test_appended_rows_are_found_after_a_sequence() -> None:
    storage = MemoryStorage()
    journal = Journal(storage, "btc-5m")
    journal.append([row(1), row(2), row(3)])
    journal.append([])
    journal.append([row(4)])
    assert storage.names("") == [
        f"journal/{DAY}/btc-5m/000000000001-00000001.arrow",
        f"journal/{DAY}/btc-5m/000000000004-00000001.arrow",
    ]
    assert [found.sequence for found in journal.rows_after(0).rows] == [1, 2, 3, 4]
    assert [found.sequence for found in journal.rows_after(2).rows] == [3, 4]
    assert rows_after(storage, "btc-5m", 4).rows == ()
    assert rows_after(storage, "eth-5m", 0).rows == ()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.integers(0, 40), st.integers(0, 3))
def test_rows_after_reads_no_more_files_than_it_needs(
    flushes: list[int], after: int, midnights: int
) -> None:
    read: list[str] = []

    class Counting(MemoryStorage):
        def read(self, name: str) -> bytes:
            read.append(name)
            return super().read(name)

    storage = Counting()
    journal, last = Journal(storage, "btc-5m"), 0
    for place, count in enumerate(flushes):
        day_ms = DAY_MS * (place * midnights // len(flushes))
        flush = [row(last + 1 + i, market_ms=NOON_MS + day_ms) for i in range(count)]
        journal.append(flush)
        last += count
    found = [each.sequence for each in journal.rows_after(after).rows]
    assert found == list(range(after + 1, last + 1))
    assert len(read) <= len(found) + 1


def test_a_second_writer_of_a_fence_is_refused() -> None:
    storage = MemoryStorage()
    Journal(storage, "btc-5m").append([row(1, fence=2)])
    with pytest.raises(StaleWriterError, match="another life writes with fence 2"):
        Journal(storage, "btc-5m").append([row(1, fence=2)])
    Journal(storage, "btc-5m").append([row(1, fence=3)])


@pytest.mark.parametrize(
    "rows", [[row(1), row(3)], [row(1), row(2, fence=2)], [row(1, slot="eth-5m")]]
)
def test_a_flush_with_a_gap_or_of_two_writers_is_a_programming_error(rows: Any) -> None:
    with pytest.raises(AssertionError):
        Journal(MemoryStorage(), "btc-5m").append(rows)


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "stream"])
def test_a_damaged_flush_is_named_and_the_rest_is_read(damage: str) -> None:
    storage = MemoryStorage()
    journal = Journal(storage, "btc-5m")
    for sequence in (1, 2, 3):
        journal.append([row(sequence)])
    name = storage.names("")[1]
    match damage:
        case "flip":
            storage.flip(name, 12_345)
        case "truncate":
            storage.truncate(name, len(storage.files[name]) - 1)
        case "empty":
            storage.truncate(name, 0)
        case _:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, JOURNAL_SCHEMA) as writer:
                writer.write_table(JOURNAL_SCHEMA.empty_table())
            storage.files[name] = bytes(sink.getvalue())
    found = journal.rows_after(0)
    assert [each.sequence for each in found.rows] == [1, 3]
    assert [each.name for each in found.damaged] == [name]


def test_every_flipped_bit_of_a_flush_is_found() -> None:
    data = encode_rows([row(1)])
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        assert isinstance(decode_rows(bytes(damaged)), str)


def test_rows_beyond_a_later_fences_sequence_are_void() -> None:
    rows = [row(1, 1), row(2, 1), row(3, 1), row(3, 2), row(4, 2), row(5, 2), row(4, 3)]
    bounds = [Bound("btc-5m", 2, 2), Bound("btc-5m", 3, 3), Bound("eth-5m", 9, 0)]
    kept = [(found.sequence, found.fence) for found in valid_rows(rows, bounds)]
    assert kept == [(1, 1), (2, 1), (3, 2), (4, 3)]


fences = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9)), max_size=6)


@given(fences, st.lists(st.tuples(st.integers(1, 9), st.integers(0, 6)), max_size=20))
def test_void_rows_are_those_that_any_later_fence_bounds(
    bounds: list[tuple[int, int]], written: list[tuple[int, int]]
) -> None:
    rows = [row(sequence, fence) for sequence, fence in written]
    kept = valid_rows(rows, [Bound("btc-5m", fence, last) for fence, last in bounds])
    assert kept == [
        each
        for each in rows
        if all(each.fence >= fence or each.sequence <= last for fence, last in bounds)
    ]
