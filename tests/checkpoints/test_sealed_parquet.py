"""Sealed Parquet: plain for any reader, and each flipped bit is found before it is read."""

import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints.arrow_file import open_table
from checkpoints.journal import JOURNAL_SCHEMA, encode_rows
from checkpoints.sealed_parquet import encode_sealed_parquet, parquet_damage
from tests.checkpoints.builders import row

ROWS = 40
TABLE = open_table(encode_rows([row(sequence) for sequence in range(1, ROWS + 1)]))
SEALED = encode_sealed_parquet(TABLE, {b"about": b"a test"})


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_any_reader_opens_it(tmp_path: Path) -> None:
    assert parquet_damage(SEALED) is None
    file = pq.ParquetFile(io.BytesIO(SEALED), page_checksum_verification=True)
    assert file.read().replace_schema_metadata(None) == TABLE.replace_schema_metadata(None)
    assert file.schema_arrow.metadata[b"about"] == b"a test"
    path = tmp_path / "day.parquet"
    path.write_bytes(SEALED)
    found = duckdb.sql(f"select count(*), max(sequence) from '{path}'").fetchall()
    assert found == [(ROWS, ROWS)]


@given(st.integers(0, 8 * len(SEALED) - 1))
@settings(max_examples=300, deadline=None)
def test_each_flipped_bit_is_found(bit: int) -> None:
    assert parquet_damage(flipped(SEALED, bit)) is not None


@given(st.integers(0, len(SEALED) - 1))
@settings(max_examples=50, deadline=None)
def test_each_torn_file_is_found(length: int) -> None:
    assert parquet_damage(SEALED[:length]) is not None
    assert parquet_damage(SEALED[:length] + bytes(len(SEALED) - length)) is not None


def test_what_is_not_read_is_not_verified_and_what_is_read_is_named() -> None:
    chunk = pq.read_metadata(io.BytesIO(SEALED)).row_group(0)
    place = JOURNAL_SCHEMA.get_field_index("payload")
    changed = flipped(SEALED, 8 * (chunk.column(place).data_page_offset + 30))
    assert parquet_damage(changed, {"slot", "release"}) is None
    assert parquet_damage(changed, {"slot", "payload"}) == (
        "flipped: column payload differs from its digest"
    )


def test_other_readers_find_a_flipped_page_by_its_checksum() -> None:
    chunk = pq.read_metadata(io.BytesIO(SEALED)).row_group(0)
    place = JOURNAL_SCHEMA.get_field_index("payload")
    meta = chunk.column(place)
    end = meta.data_page_offset + meta.total_compressed_size
    changed = flipped(SEALED, 8 * (end - 3))
    with pytest.raises((OSError, pa.ArrowException)):
        pq.ParquetFile(io.BytesIO(changed), page_checksum_verification=True).read()


def test_a_file_without_a_seal_is_read_page_by_page() -> None:
    plain = io.BytesIO()
    pq.write_table(TABLE, plain, compression="zstd", write_page_checksum=True)
    data = plain.getvalue()
    assert parquet_damage(data) is None
    assert parquet_damage(data[:4] + bytes(96) + data[100:]) is not None
