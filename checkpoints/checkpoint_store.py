"""Where checkpoints are kept, and which one a restart begins from.

``checkpoints/<slot>/<sequence>.arrow`` are full ones, ``<sequence>-<handoff>.delta.arrow`` beside
them what a handoff sent. A damaged file is named and the one before it is taken; the journal makes
up the difference.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from checkpoints.arrow_file import digest_of
from checkpoints.codec import (
    SCHEMA_VERSION,
    Checkpoint,
    CheckpointKind,
    CheckpointMeta,
    apply_delta,
    decode_checkpoint,
    encode_checkpoint,
)
from checkpoints.errors import (
    Damage,
    DamagedCheckpointError,
    MissingFileError,
    StaleWriterError,
    damage_of,
)
from checkpoints.journal_rows import FenceBound, void_bounds
from checkpoints.record_set import Delta
from checkpoints.records import Records
from checkpoints.storage import Storage

CHECKPOINTS: Final = "checkpoints"
FULL_KEPT: Final = 24
"""Two hours at one checkpoint per 5-minute cycle: longer than the longest shadow of a handoff."""
DELTAS_KEPT: Final = 8
"""Per slot, newest: a delta counts only until its adopter's first full checkpoint."""
_NAME: Final = re.compile(r".*/(?P<sequence>\d+)(-(?P<handoff>[^/]+)\.delta)?\.arrow")


class LatestCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    checkpoint: Checkpoint | None
    """None: nothing usable is stored; the state begins empty, from the journal alone."""
    name: str | None = None
    """File it was read from, or the digest that named it."""
    damaged: tuple[Damage, ...] = ()
    """Newer files that had to be passed over, newest first."""


class CheckpointStore:
    """Checkpoints of all slots in one storage."""

    def __init__(self, storage: Storage, newest_schema: int = SCHEMA_VERSION) -> None:
        self._storage = storage
        self._newest_schema = newest_schema

    def save(self, slot: str, meta: CheckpointMeta, rows: Records | Delta) -> str:
        """Store durably; return the digest. Raises `StaleWriterError` for an overtaken fence."""
        assert meta.slot == slot
        return self.save_encoded(meta, encode_checkpoint(meta, rows))

    def save_encoded(self, meta: CheckpointMeta, data: bytes) -> str:
        """Store what `encode_checkpoint` made of it; as `save`."""
        name = _name(meta)
        digest = digest_of(data)
        if not self._storage.create(name, data):
            digest = self._replace(name, meta, data)
        return digest

    def _replace(self, name: str, meta: CheckpointMeta, data: bytes) -> str:
        """Overwrite a checkpoint of the same sequence, unless a later fence wrote it.

        One of the same state stays, and its digest is returned: it may be a handoff's base.
        """
        try:
            present = decode_checkpoint(self._storage.read(name), self._newest_schema).meta
        except (DamagedCheckpointError, MissingFileError):
            present = None
        if present is not None and present.fence > meta.fence:
            raise StaleWriterError(f"{name} is of fence {present.fence}, this one of {meta.fence}")
        if present is not None and _state(present) == _state(meta):
            return digest_of(self._storage.read(name))
        self._storage.write(name, data)
        return digest_of(data)

    def load(self, slot: str, sequence: int) -> Checkpoint:
        """Return a full checkpoint; raise `MissingFileError` or `DamagedCheckpointError`."""
        data = self._storage.read(f"{CHECKPOINTS}/{slot}/{sequence:012d}.arrow")
        return decode_checkpoint(data, self._newest_schema)

    def sequences(self, slot: str) -> list[int]:
        """Return the sequences of the full checkpoints that are kept, ascending."""
        return [_sequence(name) for name in self._fulls(slot)]

    def latest(
        self, slot: str, fence_records: Iterable[FenceBound] = (), before: int | None = None
    ) -> LatestCheckpoint:
        """Return the newest full checkpoint that is intact, and the newer ones that are not.

        With the slot's fence records, a checkpoint that an overtaken owner wrote from void rows is
        passed over too. `before`: only those of lower sequences are looked at.
        """
        bounds = void_bounds(fence_records).get(slot, ())
        damaged: list[Damage] = []
        for name in reversed(self._fulls(slot)):
            if before is not None and _sequence(name) >= before:
                continue
            try:
                checkpoint = decode_checkpoint(self._storage.read(name), self._newest_schema)
            except (DamagedCheckpointError, MissingFileError) as error:
                damaged.append(damage_of(name, error))
                continue
            meta = checkpoint.meta
            if not any(meta.fence < fence and meta.sequence > last for fence, last in bounds):
                return LatestCheckpoint(checkpoint=checkpoint, name=name, damaged=tuple(damaged))
        return LatestCheckpoint(checkpoint=None, damaged=tuple(damaged))

    def recover(
        self, slot: str, fence_records: Iterable[FenceBound] = (), named: str | None = None
    ) -> LatestCheckpoint:
        """Return where a restart begins: the latest, or what the owner's fence record names.

        `named`: digest in the owner's fence record, a delta as a rule. The newer state wins; what
        is named and cannot be restored counts as damage, and the journal makes up the difference.
        """
        latest = self.latest(slot, fence_records)
        if named is None:
            return latest
        try:
            checkpoint = self.restore(slot, named)
        except (DamagedCheckpointError, MissingFileError) as error:
            return msgspec.structs.replace(
                latest, damaged=(*latest.damaged, damage_of(f"{slot} {named}", error))
            )
        if latest.checkpoint is not None and _age(latest.checkpoint) >= _age(checkpoint):
            return latest
        return LatestCheckpoint(checkpoint=checkpoint, name=named, damaged=latest.damaged)

    def restore(self, slot: str, digest: str) -> Checkpoint:
        """Return the state that a digest names: a full checkpoint, or a delta upon its base.

        Raises `MissingFileError` (of the digest or of the base) and `DamagedCheckpointError`.
        """
        found = self._find(slot, digest)
        if found.meta.kind is CheckpointKind.FULL:
            return found
        assert found.meta.base is not None
        return apply_delta(self._find(slot, found.meta.base), found)

    def _find(self, slot: str, digest: str) -> Checkpoint:
        for name in reversed(self._storage.names(f"{CHECKPOINTS}/{slot}/")):
            try:
                data = self._storage.read(name)
            except MissingFileError:
                continue  # pruned since it was listed
            if digest_of(data) == digest:
                return decode_checkpoint(data, self._newest_schema)
        raise MissingFileError(f"no checkpoint of {slot} has the digest {digest}")

    def _fulls(self, slot: str) -> list[str]:
        names = self._storage.names(f"{CHECKPOINTS}/{slot}/")
        return [name for name in names if not name.endswith(".delta.arrow")]

    def prune(self, slot: str) -> None:
        """Keep the newest full ones and deltas, and each kept delta's base.

        Beside what anybody waits for: a handoff's delta is stored while its slot is dark.
        """
        names = self._storage.names(f"{CHECKPOINTS}/{slot}/")
        deltas = [name for name in names if name.endswith(".delta.arrow")]
        fulls = [name for name in names if not name.endswith(".delta.arrow")]
        if len(fulls) <= FULL_KEPT and len(deltas) <= DELTAS_KEPT:
            return
        bases = set(self._bases(deltas[-DELTAS_KEPT:]))
        old = [name for name in fulls[:-FULL_KEPT] if _sequence(name) not in bases]
        self._storage.delete_all([*old, *deltas[:-DELTAS_KEPT]])

    def _bases(self, deltas: list[str]) -> Iterator[int]:
        for name in deltas:
            try:
                meta = decode_checkpoint(self._storage.read(name), self._newest_schema).meta
            except (DamagedCheckpointError, MissingFileError):
                continue
            if meta.base_sequence is not None:
                yield meta.base_sequence


def _name(meta: CheckpointMeta) -> str:
    stem = f"{CHECKPOINTS}/{meta.slot}/{meta.sequence:012d}"
    if meta.kind is CheckpointKind.FULL:
        return f"{stem}.arrow"
    assert meta.handoff is not None, "a delta belongs to a handoff"
    return f"{stem}-{meta.handoff}.delta.arrow"


def _state(meta: CheckpointMeta) -> tuple[object, ...]:
    """Return what tells two files of one name apart but for when and after what they were made."""
    return msgspec.structs.astuple(msgspec.structs.replace(meta, time_ms=0, previous_sequence=None))


def _age(checkpoint: Checkpoint) -> tuple[int, int]:
    return checkpoint.meta.sequence, checkpoint.meta.fence


def _sequence(name: str) -> int:
    match = _NAME.fullmatch(name)
    return int(match["sequence"]) if match else -1
