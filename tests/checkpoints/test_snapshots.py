"""Snapshots: equal bytes for equal snapshots, first durable one wins, verified on read."""

import math
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints.errors import DamagedSnapshotError, MissingFileError, RefusedValueError
from checkpoints.snapshots import (
    SnapshotStore,
    decode_snapshot,
    encode_snapshot,
    maker_of,
    snapshot_digest,
)
from signals.market import Asset
from signals.snapshot import FundingPoint, Interval, Snapshot, Ticks
from tests.checkpoints.builders import DAY, NOON_MS, candles, snapshot
from tests.checkpoints.memory_storage import MemoryStorage

reals = st.floats(allow_nan=False, allow_infinity=False)
series = st.lists(
    st.builds(candles, st.sampled_from(Interval), st.integers(0, 30), taker=st.booleans()),
    max_size=5,
).map(tuple)


@given(series, st.lists(reals).map(tuple), st.none() | st.integers(0, 2**50))
@settings(max_examples=50)
def test_a_snapshot_comes_back_bit_for_bit(
    candles_of: tuple[object, ...], twap: tuple[float, ...], funding_ms: int | None
) -> None:
    ticks = Ticks(observed_ms=tuple(range(len(twap))), twap=twap, spot=())
    before = snapshot(candles=candles_of, ticks=ticks, next_funding_ms=funding_ms)
    data = encode_snapshot(before)
    after = decode_snapshot(data)
    assert after == before
    assert encode_snapshot(after) == data
    assert math.copysign(1, after.funding[0].rate) == -1


def test_plain_arrow_reads_the_candles_and_the_rest() -> None:
    data = encode_snapshot(snapshot())
    table = pa.ipc.open_file(data).read_all()
    table.validate(full=True)
    assert table.num_rows == 63
    assert table["interval"].to_pylist()[-1] == "1h"
    assert table["taker_buy"].null_count == 2
    assert b'"price_to_beat":null' in table.schema.metadata[b"midstride.snapshot"]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_missing_is_none_never_nan(number: float) -> None:
    bad = [
        snapshot(ticks=Ticks(observed_ms=(1,), twap=(number,), spot=())),
        snapshot(ticks=Ticks(observed_ms=(1,), twap=(1.0,), spot=(number,))),
        snapshot(funding=(FundingPoint(time_ms=1, rate=number),)),
    ]
    for each in bad:
        with pytest.raises(RefusedValueError, match="btc 1767268800000"):
            encode_snapshot(each)


@dataclass
class LateClaim(MemoryStorage):
    """Another maker's snapshot becomes durable just before ours is claimed."""

    files: dict[str, bytes] = field(default_factory=dict)
    other: bytes = b""

    def create(self, name: str, data: bytes) -> bool:
        if name.endswith(".digest") and self.other:
            other, self.other = self.other, b""
            SnapshotStore(self).put(Asset.BTC, NOON_MS, other)
        return super().create(name, data)


def test_the_first_durable_snapshot_of_a_decision_point_wins() -> None:
    first, second = encode_snapshot(snapshot()), encode_snapshot(snapshot(taken_ms=NOON_MS + 9))
    storage = LateClaim(other=first)
    store = SnapshotStore(storage)
    assert store.winner(Asset.BTC, NOON_MS) is None
    assert store.put(Asset.BTC, NOON_MS, second) == (snapshot_digest(first), first)
    assert store.put(Asset.BTC, NOON_MS, second) == (snapshot_digest(first), first)
    assert store.put(Asset.BTC, NOON_MS, first) == (snapshot_digest(first), first)
    assert store.winner(Asset.BTC, NOON_MS) == snapshot_digest(first)
    assert storage.names("") == [
        f"snapshots/{DAY}/{snapshot_digest(first)}.arrow.zst",
        f"snapshots/{DAY}/btc-{NOON_MS}.digest",
    ]


def test_a_snapshot_is_found_by_digest_and_verified() -> None:
    storage = MemoryStorage()
    store = SnapshotStore(storage)
    data = encode_snapshot(snapshot())
    digest, _ = store.put(Asset.BTC, NOON_MS, data)
    later = encode_snapshot(snapshot(due_ms=NOON_MS + 86_400_000))
    store.put(Asset.BTC, NOON_MS + 86_400_000, later)
    assert store.get(digest) == store.get(digest, DAY) == data
    with pytest.raises(MissingFileError, match="on 2026-01-02"):
        store.get(digest, "2026-01-02")
    with pytest.raises(MissingFileError, match="is not stored"):
        store.get("00")
    storage.flip(f"snapshots/{DAY}/{digest}.arrow.zst", 11_000)
    with pytest.raises(DamagedSnapshotError, match=digest):
        store.get(digest)
    with pytest.raises(DamagedSnapshotError):
        store.put(Asset.BTC, NOON_MS, later)


def test_a_flipped_bit_anywhere_in_a_stored_snapshot_is_found_or_changes_nothing() -> None:
    storage = MemoryStorage()
    data = encode_snapshot(snapshot())
    digest, _ = SnapshotStore(storage).put(Asset.BTC, NOON_MS, data)
    (name,) = storage.names(f"snapshots/{DAY}/{digest}")
    intact = storage.read(name)
    found = 0
    for bit in range(0, 8 * len(intact), 8 * len(intact) // 400):
        damaged = bytearray(intact)
        damaged[bit // 8] ^= 1 << bit % 8
        storage.write(name, bytes(damaged))
        try:
            assert SnapshotStore(storage).get(digest) == data
        except DamagedSnapshotError:
            found += 1
    assert found >= 400


def test_a_snapshot_that_an_earlier_release_stored_plain_is_read_as_it_is() -> None:
    storage = MemoryStorage()
    data = encode_snapshot(snapshot())
    digest = snapshot_digest(data)
    storage.write(f"snapshots/{DAY}/{digest}.arrow", data)
    storage.write(f"snapshots/{DAY}/btc-{NOON_MS}.digest", digest.encode())
    store = SnapshotStore(storage)
    assert store.get(digest) == data
    later = encode_snapshot(snapshot(taken_ms=NOON_MS + 9))
    assert store.put(Asset.BTC, NOON_MS, later) == (digest, data)


def test_a_snapshot_lies_on_the_disk_in_less_than_half_of_its_bytes_and_any_tool_unpacks_it() -> (
    None
):
    storage = MemoryStorage()
    data = encode_snapshot(snapshot())
    digest, _ = SnapshotStore(storage).put(Asset.BTC, NOON_MS, data)
    (name,) = storage.names(f"snapshots/{DAY}/{digest}")
    stored = storage.read(name)
    assert len(stored) < len(data) / 2
    with pa.CompressedInputStream(pa.BufferReader(stored), "zstd") as stream:
        assert pa.ipc.open_file(pa.py_buffer(stream.read())).read_all().num_rows == 63


def test_a_snapshot_says_which_release_made_it() -> None:
    assert maker_of(encode_snapshot(snapshot())) is None
    made = encode_snapshot(snapshot(), "ab" * 32)
    assert maker_of(made) == "ab" * 32
    assert decode_snapshot(made) == snapshot()
    with pytest.raises(DamagedSnapshotError):
        maker_of(made[:-1])


@given(st.binary(max_size=100))
def test_strange_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DamagedSnapshotError):
        decode_snapshot(data)


def test_a_truncated_snapshot_is_refused() -> None:
    data = encode_snapshot(snapshot())
    for length in range(0, len(data), 97):
        with pytest.raises(DamagedSnapshotError):
            decode_snapshot(data[:length])


def test_a_snapshot_with_no_candles_comes_back() -> None:
    empty: Snapshot = snapshot(candles=())
    assert decode_snapshot(encode_snapshot(empty)) == empty
