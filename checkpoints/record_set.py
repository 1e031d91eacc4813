"""A mutable set of records that knows what changed since a mark, and its own hash, incrementally.

The blackout of a handoff must not grow with the state: taking the delta and the logical hash costs
what changed, not what is there.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NewType

import msgspec

from checkpoints.errors import StaleMarkError
from checkpoints.records import HEAD, RecordKey, Records, canonical_json, head_record, layout_of

Mark = NewType("Mark", int)
"""A moment in the life of one `RecordSet`."""
REMEMBERED_DELETES_MAX: Final = 100_000
"""Deleted keys that are remembered for deltas: days of closed windows, about 20 MB at most."""
_MODULUS: Final = 1 << 256


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What changed: the last value of each changed record, and the keys that are gone."""

    upserts: Records
    deletes: tuple[RecordKey, ...] = ()


class RecordSet:
    """Records by (segment, key), with changes since any mark and a hash per segment.

    The hash of a segment is the sum of its records' SHA-256 modulo 2**256: equal sets have equal
    sums whatever the order of changes. It finds faults, not forgers.
    """

    def __init__(self, records: Mapping[RecordKey, bytes] | None = None) -> None:
        self._records: Records = {}
        self._sums: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._changed: dict[RecordKey, int] = {}
        """Key -> number of its last change, oldest first."""
        self._deleted = 0
        self._now = 0
        self._horizon = 0
        """Changes up to this number may be forgotten."""
        self._applied: dict[str, msgspec.Struct] = {}
        for (segment, key), value in (records or {}).items():
            self._set(segment, key, value)

    def __len__(self) -> int:
        return len(self._records)

    def get(self, segment: str, key: str) -> bytes | None:
        return self._records.get((segment, key))

    def records(self) -> Records:
        """Return all records (a copy)."""
        return dict(self._records)

    def put(self, segment: str, key: str, value: bytes) -> None:
        """Set one record; an equal value is no change."""
        self._applied.clear()
        self._put(segment, key, value)

    def delete(self, segment: str, key: str) -> None:
        """Remove one record; removing what is not there is no change."""
        self._applied.clear()
        self._delete(segment, key)

    def _put(self, segment: str, key: str, value: bytes) -> None:
        record_key = (segment, key)
        old = self._records.get(record_key)
        if old == value:
            return
        if old is None and record_key in self._changed:
            self._deleted -= 1
        self._set(segment, key, value)
        self._touch(record_key)

    def _delete(self, segment: str, key: str) -> None:
        old = self._records.pop((segment, key), None)
        if old is None:
            return
        self._sums[segment] = (self._sums[segment] - _element(segment, key, old)) % _MODULUS
        self._counts[segment] -= 1
        self._deleted += 1
        self._touch((segment, key))
        self._forget()

    def apply(self, delta: Delta) -> None:
        for segment, key in delta.deletes:
            self.delete(segment, key)
        for (segment, key), value in delta.upserts.items():
            self.put(segment, key, value)

    def apply_struct(self, struct: msgspec.Struct, prefix: str = "") -> None:
        """Make the records of this prefix equal to the struct, at the cost of what changed.

        What is the same object as at the last call is taken as unchanged: state is replaced, never
        altered in place. Raises `RefusedValueError`.
        """
        layout = layout_of(type(struct))
        last = self._applied.pop(prefix, None)  # put back at the end: a refusal forgets it
        old = last if type(last) is type(struct) else None
        if old is None or any(getattr(struct, f) is not getattr(old, f) for f, _ in layout.head):
            self._put(prefix + HEAD, "", head_record(struct))
        for field, name in layout.segments:
            before = self._before(prefix + name) if old is None else getattr(old, field)
            self._apply_segment(prefix + name, before, getattr(struct, field))
        self._applied[prefix] = struct

    def _before(self, segment: str) -> dict[str, Any]:
        """Name the keys of a segment whose values were not applied as objects."""
        return {key: None for (name, key) in self._records if name == segment}

    def _apply_segment(self, segment: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if new is old:
            return
        absent = object()
        for key, value in new.items():
            if value is None or old.get(key, absent) is not value:
                self._put(segment, key, canonical_json(value))
        if len(old) != len(new) or old.keys() != new.keys():
            for key in [key for key in old if key not in new]:
                self._delete(segment, key)

    def mark(self) -> Mark:
        return Mark(self._now)

    def changes_since(self, mark: Mark) -> Delta:
        """Return what changed after `mark`; raise `StaleMarkError` if that is forgotten."""
        if mark < self._horizon:
            raise StaleMarkError(f"changes before {self._horizon} are forgotten, asked {mark}")
        upserts: Records = {}
        deletes: list[RecordKey] = []
        for record_key in reversed(self._changed):
            if self._changed[record_key] <= mark:
                break
            value = self._records.get(record_key)
            if value is None:
                deletes.append(record_key)
            else:
                upserts[record_key] = value
        return Delta(upserts=upserts, deletes=tuple(deletes))

    def segment_hashes(self) -> dict[str, str]:
        """Return the hash of each segment that has records, hex."""
        return {name: f"{self._sums[name]:064x}" for name in self._sums if self._counts[name]}

    def logical_hash(self) -> str:
        """Return one hash over all segments, hex."""
        return combine_hashes(self.segment_hashes())

    def _set(self, segment: str, key: str, value: bytes) -> None:
        total = self._sums.get(segment, 0) + _element(segment, key, value)
        old = self._records.get((segment, key))
        if old is None:
            self._counts[segment] = self._counts.get(segment, 0) + 1
        else:
            total -= _element(segment, key, old)
        self._sums[segment] = total % _MODULUS
        self._records[(segment, key)] = value

    def _touch(self, record_key: RecordKey) -> None:
        self._now += 1
        self._changed.pop(record_key, None)
        self._changed[record_key] = self._now

    def _forget(self) -> None:
        """Drop the oldest half of the changes once too many deleted keys are remembered."""
        if self._deleted <= REMEMBERED_DELETES_MAX:
            return
        for record_key in list(self._changed)[: len(self._changed) // 2 + 1]:
            self._horizon = self._changed.pop(record_key)
        self._deleted = sum(key not in self._records for key in self._changed)


def combine_hashes(segment_hashes: Mapping[str, str]) -> str:
    """Combine hashes of segments into one, whatever their order."""
    lines = sorted(f"{len(name)}:{name}={value}\n" for name, value in segment_hashes.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def logical_hash_of(records: Mapping[RecordKey, bytes], segments: Iterable[str] = ()) -> str:
    """Hash records from scratch; with `segments`, only those."""
    chosen = frozenset(segments)
    sums: dict[str, int] = {}
    for (segment, key), value in records.items():
        if not chosen or segment in chosen:
            sums[segment] = (sums.get(segment, 0) + _element(segment, key, value)) % _MODULUS
    return combine_hashes({name: f"{total:064x}" for name, total in sums.items()})


def _element(segment: str, key: str, value: bytes) -> int:
    """Hash one record; lengths in front keep ("ab", "c") apart from ("a", "bc")."""
    text = f"{len(segment)}:{segment}{len(key)}:{key}".encode()
    return int.from_bytes(hashlib.sha256(text + value).digest(), "big")
