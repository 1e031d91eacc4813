"""Complete Arrow IPC files in memory, sealed so that a change of any byte is found.

The seal is a SHA-256 over the whole file, kept in the schema metadata, which Arrow stores twice:
at the head and in the footer. It is computed with both places zeroed, so that the file stays
plain Arrow: no trailer, no second file, and any reader opens it.
"""

import hashlib
from typing import Any, Final

import pyarrow as pa

MAGIC: Final = b"ARROW1"
_MARK: Final = b"midstride-seal:"
_ZEROS: Final = b"0" * 64
SEAL_KEY: Final = "midstride.seal"
TORN: Final = "torn: the file ends in zeros that were never written"
TRUNCATED: Final = "truncated: the end of the Arrow file is missing"
FLIPPED: Final = "flipped: the bytes differ from the file's seal"


def encode_sealed(fields: Any, columns: list[Any], metadata: dict[str, str]) -> bytes:
    """Write one record batch as a sealed Arrow IPC file.

    `fields`: a pyarrow schema; `columns`: its arrays; `metadata` becomes schema metadata.
    """
    schema = fields.with_metadata({**metadata, SEAL_KEY: (_MARK + _ZEROS).decode()})
    data = encode_plain(pa.RecordBatch.from_arrays(columns, schema=schema))
    first, last = _places(data)
    seal = _seal(data, first, last)
    return b"".join((data[:first], seal, data[first + 64 : last], seal, data[last + 64 :]))


def encode_plain(batch: Any) -> bytes:
    """Write one record batch as an Arrow IPC file without a seal."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def damage_in(data: bytes) -> str | None:
    """Return what is wrong with a sealed file (one of the three constants), or None."""
    if not data.strip(b"\0") or data.endswith(b"\0" * len(MAGIC)):
        return TORN
    if not data.endswith(MAGIC):
        return TRUNCATED if data.startswith(MAGIC) else FLIPPED
    first, last = _places(data)
    if not len(MAGIC) < first < last:
        return FLIPPED
    seal = _seal(data, first, last)
    intact = data[first : first + 64] == data[last : last + 64] == seal
    return None if intact else FLIPPED


def open_table(data: bytes) -> Any:
    """Open a complete Arrow IPC file; an open stream or a broken one raises `pa.ArrowInvalid`."""
    with pa.ipc.open_file(pa.py_buffer(data)) as reader:
        return reader.read_all()


def metadata_of(table: Any) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a file, hex."""
    return hashlib.sha256(data).hexdigest()


def _places(data: bytes) -> tuple[int, int]:
    """Return where the seal's digits begin at the head and in the footer."""
    return data.find(_MARK) + len(_MARK), data.rfind(_MARK) + len(_MARK)


def _seal(data: bytes, first: int, last: int) -> bytes:
    view = memoryview(data)
    state = hashlib.sha256(view[:first])
    state.update(_ZEROS)
    state.update(view[first + 64 : last])
    state.update(_ZEROS)
    state.update(view[last + 64 :])
    return state.hexdigest().encode()
