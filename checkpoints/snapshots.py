"""Snapshots as bytes: an Arrow IPC file with the candles as its table, addressed by its SHA-256.

All that is not a candle is canonical JSON in the schema metadata, key ``midstride.snapshot``. The
digest is the SHA-256 of the file: equal snapshots of one maker have equal bytes and equal digests.

On the disk the file lies compressed, ``<digest>.arrow.zst``: Arrow stores the metadata twice and
knows no compression for it. Digest, decoder and all that travels stay those of the plain file, so
any release reads what it is sent; files of before, ``<digest>.arrow``, are read as they are.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from checkpoints.arrow_file import digest_of, encode_plain, open_table
from checkpoints.columns import build_column, column_values, text_column
from checkpoints.errors import DamagedSnapshotError, MissingFileError, RefusedValueError
from checkpoints.storage import Storage
from signals.market import Asset, day_of
from signals.snapshot import Candles, Interval, Snapshot

SNAPSHOTS: Final = "snapshots"
SNAPSHOT_VERSION: Final = 1
_REST: Final = b"midstride.snapshot"
_RUNS: Final = b"midstride.intervals"
_VERSION: Final = b"midstride.snapshot_version"
_MAKER: Final = b"midstride.release"
PLAIN_BYTES_MAX: Final = 16 * 1024 * 1024
"""A snapshot is about 100 KB; what unpacks to more than this is none."""
_PACKED: Final = ".zst"
_FLOAT_COLUMNS: Final = ("open", "high", "low", "close", "volume", "taker_buy")
SNAPSHOT_SCHEMA: Final = pa.schema(
    [
        pa.field("interval", pa.string(), nullable=False),
        pa.field("open_time_ms", pa.int64(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=name == "taker_buy") for name in _FLOAT_COLUMNS),
    ]
)
_json = msgspec.json.Encoder(order="sorted")
_snapshot_decoder = msgspec.json.Decoder(Snapshot)
_runs_decoder = msgspec.json.Decoder(list[tuple[Interval, int]])


def encode_snapshot(snapshot: Snapshot, release: str = "") -> bytes:
    """Encode; raise `RefusedValueError` for NaN or an infinity: what is missing is None.

    `release`: of the market data that made it, for those who ask later which code saw this.
    """
    _check_finite(snapshot)
    rest = _json.encode(msgspec.structs.replace(snapshot, candles=()))
    runs = _json.encode([(str(series.interval), len(series)) for series in snapshot.candles])
    metadata = {_REST: rest, _RUNS: runs, _VERSION: str(SNAPSHOT_VERSION).encode()}
    metadata |= {_MAKER: release.encode()} if release else {}
    names = [str(series.interval) for series in snapshot.candles for _ in range(len(series))]
    columns = [text_column(names)]
    for field in ("open_time_ms", *_FLOAT_COLUMNS):
        values = [value for series in snapshot.candles for value in getattr(series, field)]
        columns.append(build_column(SNAPSHOT_SCHEMA.field(field).type, values))
    schema = SNAPSHOT_SCHEMA.with_metadata(metadata)
    return encode_plain(pa.RecordBatch.from_arrays(columns, schema=schema))


def _check_finite(snapshot: Snapshot) -> None:
    series: list[tuple[str, Any]] = [
        (f"candles {candles.interval} {field}", getattr(candles, field))
        for candles in snapshot.candles
        for field in _FLOAT_COLUMNS
    ]
    series += [("ticks", snapshot.ticks.twap), ("ticks", snapshot.ticks.spot)]
    series += [("funding", [point.rate for point in snapshot.funding])]
    series += [("open interest", [point.base_units for point in snapshot.open_interest])]
    series += [("price to beat", [market.price_to_beat for market in snapshot.markets])]
    for name, values in series:
        if not _all_finite(values):
            raise RefusedValueError(f"{snapshot.asset} {snapshot.due_ms}: {name} is not finite")


def _all_finite(values: Sequence[Any]) -> bool:
    """Say whether all that are there are finite; several thousand numbers a snapshot."""
    try:
        return all(map(math.isfinite, values))
    except TypeError:
        return all(value is None or math.isfinite(value) for value in values)


def decode_snapshot(data: bytes) -> Snapshot:
    """Decode; raise `DamagedSnapshotError`."""
    try:
        table = open_table(data)
        metadata = table.schema.metadata or {}
        rest = _snapshot_decoder.decode(metadata[_REST])
        runs = _runs_decoder.decode(metadata[_RUNS])
        batch = table.to_batches()[0] if table.num_rows else None
        columns = [] if batch is None else [column_values(column) for column in batch.columns[1:]]
    except (pa.ArrowException, msgspec.DecodeError, KeyError, ValueError) as error:
        raise DamagedSnapshotError(f"not a snapshot: {error!r}") from error
    candles: list[Candles] = []
    start = 0
    for interval, length in runs:
        end = start + length
        parts = [tuple(column[start:end]) for column in columns] or [()] * 7
        candles.append(_candles(interval, parts))
        start = end
    return msgspec.structs.replace(rest, candles=tuple(candles))


def _candles(interval: Interval, parts: list[tuple[Any, ...]]) -> Candles:
    return Candles(
        interval=interval,
        open_time_ms=parts[0],
        open=parts[1],
        high=parts[2],
        low=parts[3],
        close=parts[4],
        volume=parts[5],
        taker_buy=parts[6],
    )


def maker_of(data: bytes) -> str | None:
    """Return the release of the market data that made an encoded snapshot; None: it did not say.

    Raises `DamagedSnapshotError`.
    """
    try:
        maker = (open_table(data).schema.metadata or {}).get(_MAKER)
    except (pa.ArrowException, ValueError) as error:
        raise DamagedSnapshotError(f"not a snapshot: {error!r}") from error
    return None if maker is None else maker.decode()


def snapshot_digest(data: bytes) -> str:
    """Return the SHA-256 of an encoded snapshot, hex."""
    return hashlib.sha256(data).hexdigest()


class SnapshotStore:
    """Snapshots by digest, and for each (asset, decision point) which one counts."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def put(self, asset: Asset, due_ms: int, data: bytes) -> tuple[str, bytes]:
        """Store a snapshot; return the digest and bytes of the one that counts.

        The first durable one per (asset, due point) wins, so that two makers serve the same.
        Raises `DamagedSnapshotError` if the winner is damaged: another may not take its place.
        """
        digest, day = snapshot_digest(data), day_of(due_ms)
        name = _name(day, digest)
        fresh = self._storage.create(name, pa.compress(data, "zstd", asbytes=True))
        claim = f"{SNAPSHOTS}/{day}/{asset}-{due_ms}.digest"
        if self._storage.create(claim, digest.encode()):
            return digest, data
        winner = self._storage.read(claim).decode()
        if winner == digest:
            return digest, data
        if fresh:
            self._storage.delete(name)
        return winner, self.get(winner, day)

    def winner(self, asset: Asset, due_ms: int) -> str | None:
        """Return the digest that counts at a decision point, None if there is none yet."""
        try:
            return self._storage.read(
                f"{SNAPSHOTS}/{day_of(due_ms)}/{asset}-{due_ms}.digest"
            ).decode()
        except MissingFileError:
            return None

    def get(self, digest: str, day: str | None = None) -> bytes:
        """Return a snapshot's bytes, verified; without a day all days are searched, newest first.

        Raises `MissingFileError` and `DamagedSnapshotError`.
        """
        days = [day] if day else reversed(self._storage.folders(SNAPSHOTS))
        for candidate in days:
            for name in (_name(candidate, digest), _plain_name(candidate, digest)):
                try:
                    stored = self._storage.read(name)
                except MissingFileError:
                    continue
                data = _unpacked(name, stored)
                if digest_of(data) != digest:
                    raise DamagedSnapshotError(f"{name}: bytes differ from digest")
                return data
        raise MissingFileError(f"snapshot {digest} is not stored" + (f" on {day}" if day else ""))


def _unpacked(name: str, stored: bytes) -> bytes:
    """Return the plain file; what cannot be unpacked is damaged."""
    if not name.endswith(_PACKED):
        return stored
    try:
        with pa.CompressedInputStream(pa.BufferReader(stored), "zstd") as stream:
            return bytes(stream.read(PLAIN_BYTES_MAX))
    except (pa.ArrowException, OSError) as error:
        raise DamagedSnapshotError(f"{name}: cannot be unpacked: {error}") from error


def _name(day: str, digest: str) -> str:
    return f"{SNAPSHOTS}/{day}/{digest}.arrow{_PACKED}"


def _plain_name(day: str, digest: str) -> str:
    return f"{SNAPSHOTS}/{day}/{digest}.arrow"
