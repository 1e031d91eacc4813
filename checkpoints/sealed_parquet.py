"""Complete Parquet files in memory, sealed so that a change of any byte is found before it is read.

Two keys of the file's own metadata hold digests. ``midstride.chunks``: one SHA-256 for each column
chunk, row group by row group, so that a reader verifies exactly the bytes that it is going to read,
at the speed of the disk and without decoding them. ``midstride.seal``: one over the footer, where
sizes, places, statistics and those digests are, computed with its own digits zeroed. Pages carry
their checksums too, for readers that know nothing of this. The file stays plain Parquet.
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

CHUNKS_KEY: Final = "midstride.chunks"
SEAL_KEY: Final = "midstride.seal"
_CHUNKS_MARK: Final = b"midstride-chunks:"
_SEAL_MARK: Final = b"midstride-footer:"
_DIGITS: Final = 64
_TAIL_BYTES: Final = 8
"""Length of the footer, and the magic."""
MAGIC: Final = b"PAR1"
ROW_GROUP_ROWS: Final = 65_536
"""A day of sixteen slots is about 10,000 rows: one row group."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Where one column of one row group lies in the file."""

    column: str
    begin: int
    end: int


def encode_sealed_parquet(table: Any, metadata: dict[bytes, bytes]) -> bytes:
    """Write a table that has rows as one sealed Parquet file; `metadata` becomes its schema's."""
    assert table.num_rows, "a day without rows is no file"
    ordered = table.replace_schema_metadata(metadata)
    groups = -(-table.num_rows // ROW_GROUP_ROWS)
    blank = "0" * _DIGITS
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink, ordered.schema, compression="zstd", write_page_checksum=True
    ) as writer:
        writer.write_table(ordered, row_group_size=ROW_GROUP_ROWS)
        digests = blank * groups * table.num_columns
        writer.add_key_value_metadata(
            {CHUNKS_KEY: _CHUNKS_MARK.decode() + digests, SEAL_KEY: _SEAL_MARK.decode() + blank}
        )
    data = bytearray(sink.getvalue())
    found = pq.read_metadata(pa.BufferReader(pa.py_buffer(data)))
    footer = len(data) - _TAIL_BYTES - found.serialized_size
    chunks = list(_chunks(found))
    assert _contiguous(chunks, footer), "each byte between head and footer is some column's"
    at = data.index(_CHUNKS_MARK, footer) + len(_CHUNKS_MARK)
    text = "".join(_digest(data, chunk) for chunk in chunks).encode()
    data[at : at + len(text)] = text
    at = data.index(_SEAL_MARK, footer) + len(_SEAL_MARK)
    data[at : at + _DIGITS] = hashlib.sha256(memoryview(data)[footer:]).hexdigest().encode()
    return bytes(data)


def parquet_damage(data: Any, columns: Collection[str] | None = None) -> str | None:
    """Return what is wrong with a Parquet file in a buffer, or None.

    `columns`: only these are verified, None: all. Of a file that was written without a seal each
    page is read instead. Reading `data` may touch only what is verified: a memory map is welcome.
    """
    try:
        found = pq.read_metadata(pa.BufferReader(pa.py_buffer(data)))
        if _is_sealed(memoryview(data), found):
            return _damage_by_seal(memoryview(data), found, columns)
        return _damage_by_reading(data, columns)
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"unreadable: {error}"


def _is_sealed(view: memoryview, found: Any) -> bool:
    """Look for the marks themselves: no single flip hides both, as one of a thrift field could."""
    footer = bytes(view[len(view) - _TAIL_BYTES - found.serialized_size :])
    return _CHUNKS_MARK in footer or _SEAL_MARK in footer


def _damage_by_seal(view: memoryview, found: Any, columns: Collection[str] | None) -> str | None:
    footer = len(view) - _TAIL_BYTES - found.serialized_size
    if not _seal_fits(bytes(view[footer:])):
        return "flipped: the footer differs from its seal"
    chunks = list(_chunks(found))
    if bytes(view[: len(MAGIC)]) != MAGIC or not _contiguous(chunks, footer):
        return "flipped: the file's parts are not where its footer has them"
    text = found.metadata[CHUNKS_KEY.encode()].removeprefix(_CHUNKS_MARK).decode()
    for place, chunk in enumerate(chunks):
        if columns is not None and chunk.column not in columns:
            continue
        if _digest(view, chunk) != text[place * _DIGITS : (place + 1) * _DIGITS]:
            return f"flipped: column {chunk.column} differs from its digest"
    return None


def _seal_fits(footer: bytes) -> bool:
    before, mark, rest = footer.partition(_SEAL_MARK)
    blank = b"".join((before, mark, b"0" * _DIGITS, rest[_DIGITS:]))
    return hashlib.sha256(blank).hexdigest().encode() == rest[:_DIGITS]


def _chunks(found: Any) -> Iterator[Chunk]:
    for group in range(found.num_row_groups):
        row_group = found.row_group(group)
        for column in range(row_group.num_columns):
            meta = row_group.column(column)
            begin = meta.data_page_offset
            if meta.has_dictionary_page:
                begin = min(begin, meta.dictionary_page_offset)
            end = begin + meta.total_compressed_size
            yield Chunk(column=meta.path_in_schema, begin=begin, end=end)


def _contiguous(chunks: list[Chunk], footer: int) -> bool:
    ends = [len(MAGIC), *(chunk.end for chunk in chunks)]
    return ends == [*(chunk.begin for chunk in chunks), footer]


def _digest(data: Any, chunk: Chunk) -> str:
    return hashlib.sha256(memoryview(data)[chunk.begin : chunk.end]).hexdigest()


def _damage_by_reading(data: Any, columns: Collection[str] | None) -> str | None:
    """Read every page; checksums are verified where the writer made some."""
    source = pa.BufferReader(pa.py_buffer(data))
    with pq.ParquetFile(source, page_checksum_verification=True) as file:
        names = [name for name in file.schema_arrow.names if columns is None or name in columns]
        for _ in file.iter_batches(columns=names):
            pass
    return None
