"""A checkpoint as one Arrow IPC file: rows of records, and in the schema metadata all about them.

Columns ``segment, key, value (UTF-8 JSON), deleted``; metadata keys ``midstride.<field>`` for each
field of `CheckpointMeta`. A full checkpoint has every record; a delta has what changed since its
base, deleted keys marked. Any Arrow reader opens both.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec
import pyarrow as pa

from checkpoints.arrow_file import (
    TORN,
    TRUNCATED,
    damage_in,
    digest_of,
    encode_sealed,
    metadata_of,
    open_table,
)
from checkpoints.columns import bool_column, bytes_column, text_column
from checkpoints.errors import (
    DamagedCheckpointError,
    FlippedCheckpointError,
    NewerSchemaError,
    TornCheckpointError,
    TruncatedCheckpointError,
    WrongHashError,
)
from checkpoints.record_set import Delta, RecordSet, logical_hash_of
from checkpoints.records import RecordKey, Records

CODEC_VERSION: Final = 1
"""Of the file's layout; `CheckpointMeta.schema_version` is that of the state inside."""
SCHEMA_VERSION: Final = 1
"""Newest version of the slot's state that this code reads and writes."""
_PREFIX: Final = "midstride."
CHECKPOINT_SCHEMA: Final = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("deleted", pa.bool_(), nullable=False),
    ]
)


class CheckpointKind(StrEnum):
    FULL = "full"
    DELTA = "delta"


class CheckpointMeta(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: int
    slot: str
    release: str
    commit: str
    params: str
    incarnation: int
    fence: int
    sequence: int
    """Of the last journal row that is part of this state."""
    outbox_sequence: int
    time_ms: int
    """Market time."""
    logical_hash: str
    """Of the whole state: for a delta, of the state after it is applied."""
    kind: CheckpointKind = CheckpointKind.FULL
    base: str | None = None
    """Digest of the full checkpoint that a delta changes."""
    base_sequence: int | None = None
    strategy: str | None = None
    memory_version: int | None = None
    """Of the strategy's memory inside."""
    handoff: str | None = None
    previous_sequence: int | None = None
    """Of the full checkpoint that this life took before: a lost one in between is found."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as read: `upserts` of a full one are all its records."""

    meta: CheckpointMeta
    upserts: Records
    deletes: tuple[RecordKey, ...] = ()
    digest: str
    """SHA-256 of the file."""

    @property
    def delta(self) -> Delta:
        return Delta(upserts=self.upserts, deletes=self.deletes)


def encode_checkpoint(meta: CheckpointMeta, rows: Records | Delta) -> bytes:
    """Encode all records of a full checkpoint, or a delta, as `meta.kind` says."""
    delta = rows if isinstance(rows, Delta) else Delta(upserts=rows)
    assert isinstance(rows, Delta) == (meta.kind is CheckpointKind.DELTA)
    assert (meta.base is not None) == (meta.kind is CheckpointKind.DELTA)
    keys = [*delta.upserts, *delta.deletes]
    values: list[bytes | None] = [*delta.upserts.values(), *[None] * len(delta.deletes)]
    columns = [
        text_column([segment for segment, _ in keys]),
        text_column([key for _, key in keys]),
        bytes_column(values, pa.string()),
        bool_column([value is None for value in values]),
    ]
    return encode_sealed(CHECKPOINT_SCHEMA, columns, _metadata(meta))


def _metadata(meta: CheckpointMeta) -> dict[str, str]:
    fields = {name: getattr(meta, name) for name in meta.__struct_fields__}
    metadata = {_PREFIX + name: str(value) for name, value in fields.items() if value is not None}
    return {_PREFIX + "codec_version": str(CODEC_VERSION), **metadata}


def decode_checkpoint(data: bytes, newest_schema: int = SCHEMA_VERSION) -> Checkpoint:
    """Decode and verify; raise the leaf of `DamagedCheckpointError` that says what is wrong.

    `newest_schema`: newest state version that the caller can read or downgrade.
    """
    wrong = damage_in(data)
    if wrong is not None:
        raise _damage_error(wrong)
    try:
        table = open_table(data)
        meta = _meta_of(table, newest_schema)
        upserts, deletes = _rows_of(table)
    except (pa.ArrowException, msgspec.ValidationError, KeyError, ValueError) as error:
        raise DamagedCheckpointError(f"not a checkpoint: {error}") from error
    if meta.kind is CheckpointKind.FULL and logical_hash_of(upserts) != meta.logical_hash:
        raise WrongHashError(f"the rows do not add up to the logical hash {meta.logical_hash}")
    return Checkpoint(meta=meta, upserts=upserts, deletes=deletes, digest=digest_of(data))


def apply_delta(base: Checkpoint, delta: Checkpoint) -> Checkpoint:
    """Apply a delta to its base; raise `WrongHashError` unless base and result are as declared."""
    if delta.meta.base != base.digest:
        raise WrongHashError(f"the delta is of base {delta.meta.base}, not of {base.digest}")
    records = RecordSet(base.upserts)
    records.apply(delta.delta)
    if records.logical_hash() != delta.meta.logical_hash:
        raise WrongHashError(f"base and delta do not add up to {delta.meta.logical_hash}")
    meta = msgspec.structs.replace(
        delta.meta, kind=CheckpointKind.FULL, base=None, base_sequence=None
    )
    return Checkpoint(meta=meta, upserts=records.records(), digest=delta.digest)


def _damage_error(wrong: str) -> DamagedCheckpointError:
    if wrong == TORN:
        return TornCheckpointError(wrong)
    return TruncatedCheckpointError(wrong) if wrong == TRUNCATED else FlippedCheckpointError(wrong)


def _meta_of(table: Any, newest_schema: int) -> CheckpointMeta:
    fields = {
        key.removeprefix(_PREFIX): value
        for key, value in metadata_of(table).items()
        if key.startswith(_PREFIX)
    }
    codec, schema = int(fields["codec_version"]), int(fields["schema_version"])
    if codec > CODEC_VERSION or schema > newest_schema:
        raise NewerSchemaError(
            f"written by release {fields.get('release')} with layout {codec} and schema {schema}; "
            f"this code reads up to layout {CODEC_VERSION} and schema {newest_schema}"
        )
    return msgspec.convert(fields, CheckpointMeta, strict=False)


def _rows_of(table: Any) -> tuple[Records, tuple[RecordKey, ...]]:
    names = zip(table["segment"].to_pylist(), table["key"].to_pylist(), strict=True)
    values = table["value"].cast(pa.binary()).to_pylist()
    upserts: Records = {}
    deletes: list[RecordKey] = []
    for name, value, deleted in zip(names, values, table["deleted"].to_pylist(), strict=True):
        if deleted:
            deletes.append(name)
        else:
            upserts[name] = value
    return upserts, tuple(deletes)
