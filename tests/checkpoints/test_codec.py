"""Checkpoint files: round trips, damage of every kind named, and plain Arrow for everyone else."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints.arrow_file import encode_sealed
from checkpoints.codec import (
    CHECKPOINT_SCHEMA,
    CheckpointKind,
    CheckpointMeta,
    apply_delta,
    decode_checkpoint,
    encode_checkpoint,
)
from checkpoints.errors import (
    DamagedCheckpointError,
    FlippedCheckpointError,
    NewerSchemaError,
    TornCheckpointError,
    TruncatedCheckpointError,
    WrongHashError,
)
from checkpoints.record_set import Delta, RecordSet, logical_hash_of
from checkpoints.records import Records
from tests.checkpoints.builders import meta

names = st.tuples(st.text(max_size=5), st.text(max_size=5))
values = st.text(max_size=9).map(str.encode)
rows = st.dictionaries(names, values, max_size=12)
ROWS: Records = {("head", ""): b'{"a":1}', ("lots", "x"): b"2", ("lots", "\u00fc"): b'"\xc3\xbc"'}


def full(records: Records, **changes: Any) -> tuple[CheckpointMeta, bytes]:
    about = meta(logical_hash=logical_hash_of(records), **changes)
    return about, encode_checkpoint(about, records)


@given(rows)
def test_a_full_checkpoint_comes_back(records: Records) -> None:
    about, data = full(records)
    read = decode_checkpoint(data)
    assert (read.meta, read.upserts, read.deletes) == (about, records, ())


def test_every_field_of_the_metadata_comes_back() -> None:
    about = meta(
        logical_hash=logical_hash_of(ROWS),
        strategy="five_factor",
        memory_version=2,
        handoff="h1",
        commit="null",
        params="12",
    )
    assert decode_checkpoint(encode_checkpoint(about, ROWS)).meta == about


@given(rows, rows, st.sets(names, max_size=4))
def test_base_and_delta_give_the_state(base: Records, upserts: Records, gone: set[Any]) -> None:
    _, data = full(base)
    before = decode_checkpoint(data)
    records = RecordSet(base)
    delta = Delta(upserts=upserts, deletes=tuple(gone - upserts.keys()))
    records.apply(delta)
    about = meta(
        logical_hash=records.logical_hash(),
        kind=CheckpointKind.DELTA,
        base=before.digest,
        base_sequence=10,
        handoff="h1",
    )
    read = decode_checkpoint(encode_checkpoint(about, delta))
    after = apply_delta(before, read)
    assert after.upserts == records.records()
    assert after.meta.kind is CheckpointKind.FULL


def test_a_delta_on_another_base_or_with_another_sum_is_refused() -> None:
    _, data = full(ROWS)
    base = decode_checkpoint(data)
    changed: dict[str, Any] = {"kind": CheckpointKind.DELTA, "handoff": "h", "base_sequence": 1}
    other = meta(logical_hash=base.meta.logical_hash, base="00", **changed)
    wrong = meta(logical_hash="11", base=base.digest, **changed)
    for about in (other, wrong):
        with pytest.raises(WrongHashError):
            apply_delta(base, decode_checkpoint(encode_checkpoint(about, Delta(upserts={}))))


def test_plain_arrow_opens_it_with_all_metadata() -> None:
    about, data = full(ROWS)
    table = pa.ipc.open_file(data).read_all()
    assert table.column_names == ["segment", "key", "value", "deleted"]
    assert table["value"].to_pylist() == ['{"a":1}', "2", '"\u00fc"']
    stored = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert stored["midstride.slot"] == "btc-5m"
    assert stored["midstride.sequence"] == "10"
    assert stored["midstride.logical_hash"] == about.logical_hash
    table.validate(full=True)


def test_every_flipped_bit_is_found() -> None:
    _, data = full(ROWS)
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            with pytest.raises(DamagedCheckpointError):
                decode_checkpoint(bytes(damaged))


def test_every_truncation_is_named() -> None:
    _, data = full(ROWS)
    for length in range(1, len(data)):
        with pytest.raises((TruncatedCheckpointError, TornCheckpointError, FlippedCheckpointError)):
            decode_checkpoint(data[:length])
    with pytest.raises(TruncatedCheckpointError):
        decode_checkpoint(data[: len(data) // 3 | 1].rstrip(b"\0") + b"x")


@pytest.mark.parametrize("written", [0, 100, 512])
def test_blocks_that_never_reached_the_disk_are_named_torn(written: int) -> None:
    _, data = full(ROWS)
    with pytest.raises(TornCheckpointError):
        decode_checkpoint(data[:written] + bytes(len(data) - written))


def test_a_flip_is_named_a_flip() -> None:
    _, data = full(ROWS)
    place = data.index(b'{"a":1}')
    with pytest.raises(FlippedCheckpointError):
        decode_checkpoint(data[:place] + b"[" + data[place + 1 :])


def test_intact_rows_of_another_state_are_named() -> None:
    with pytest.raises(WrongHashError):
        decode_checkpoint(encode_checkpoint(meta(logical_hash="0" * 64), ROWS))


def test_a_newer_schema_is_named_with_its_release_unless_asked_for() -> None:
    _, data = full(ROWS, schema_version=2, release="feed")
    with pytest.raises(NewerSchemaError, match="release feed with layout 1 and schema 2"):
        decode_checkpoint(data)
    assert decode_checkpoint(data, newest_schema=2).upserts == ROWS


def test_another_sealed_arrow_file_is_not_a_checkpoint() -> None:
    empty = [pa.array([], field.type) for field in CHECKPOINT_SCHEMA]
    with pytest.raises(DamagedCheckpointError, match="not a checkpoint"):
        decode_checkpoint(encode_sealed(CHECKPOINT_SCHEMA, empty, {}))


@given(st.binary(max_size=200))
def test_strange_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DamagedCheckpointError):
        decode_checkpoint(data)


def test_a_record_that_holds_the_seals_own_mark_comes_back() -> None:
    records: Records = {("head", ""): b'"midstride-seal:' + b"0" * 64 + b'"'}
    _, data = full(records)
    assert decode_checkpoint(data).upserts == records
