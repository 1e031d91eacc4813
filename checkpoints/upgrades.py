"""Schema upgrades: chains of pure row functions, one step up and one down per version.

A step turns one record of version n into records of version n + 1, or back. Because it sees one
record at a time, an adopter upgrades only what a delta touched, and its dark time does not grow
with the state. What a step adds has a declared initial value; what it takes away must be derivable
on the way down, or the round trip, which is proved at warm before anything is touched, refuses it.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from checkpoints.codec import SCHEMA_VERSION
from checkpoints.errors import UpgradePathError
from checkpoints.record_set import Delta, logical_hash_of
from checkpoints.records import RecordKey, Records, canonical_json

Row = tuple[str, str, Any]
"""(segment without prefix, key, value as JSON types)."""
RowFunction = Callable[[Row], Iterable[Row]]
MEMORY_PREFIX: Final = "memory."


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """A field that a step adds to the records of a segment, and what it holds at first."""

    segment: str
    field: str
    initial: Any


class Step(msgspec.Struct, frozen=True, kw_only=True):
    up: RowFunction
    down: RowFunction
    added: tuple[Added, ...] = ()


class UpgradeChain(msgspec.Struct, frozen=True, kw_only=True):
    """All versions of one kind of state; `steps[i]` lies between version i + 1 and i + 2."""

    name: str
    steps: tuple[Step, ...] = ()
    prefix: str = ""
    """Segments that begin with it are meant; without one, those that have no prefix."""

    @property
    def newest(self) -> int:
        return len(self.steps) + 1

    def covers(self, segment: str) -> bool:
        return segment.startswith(self.prefix) if self.prefix else "." not in segment

    def check_path(self, source: int, target: int) -> None:
        """Raise `UpgradePathError` unless both versions are known here."""
        for version in (source, target):
            if not 1 <= version <= self.newest:
                raise UpgradePathError(
                    f"{self.name} version {version} is not known here (newest: {self.newest}): "
                    "use a release that has the step, or roll through one that lies between"
                )

    def convert(self, records: Records, source: int, target: int) -> Records:
        """Return the records at another version; others than this chain's are left as they are."""
        self.check_path(source, target)
        if source == target:
            return dict(records)
        converted: Records = {}
        for record_key, value in records.items():
            for new_key, new_value in self._convert_one(record_key, value, source, target):
                if new_key in converted:
                    raise UpgradePathError(f"{self.name}: two records become {new_key}")
                converted[new_key] = new_value
        return converted

    def convert_delta(self, base: Records, delta: Delta, source: int, target: int) -> Delta:
        """Return a delta at another version; `base`: the records it changes, as of `source`.

        Costs what the delta touches, not what the base holds.
        """
        self.check_path(source, target)
        upserts: Records = {}
        gone: dict[RecordKey, None] = {}
        for record_key in [*delta.deletes, *delta.upserts]:
            old = base.get(record_key)
            if old is not None:
                gone.update(
                    (key, None) for key, _ in self._convert_one(record_key, old, source, target)
                )
        for record_key, value in delta.upserts.items():
            upserts.update(self._convert_one(record_key, value, source, target))
        deletes = tuple(key for key in gone if key not in upserts)
        return Delta(upserts=upserts, deletes=deletes)

    def prove(self, records: Records, source: int, target: int) -> Records:
        """Convert there and back; raise `UpgradePathError` unless nothing was lost on the way.

        Going up, added fields must hold their declared initial values. Returns the converted.
        """
        there = self.convert(records, source, target)
        back = self.convert(there, target, source)
        if logical_hash_of(back) != logical_hash_of(records):
            change = _first_change(records, back)
            raise UpgradePathError(
                f"{self.name}: {source} -> {target} -> {source} changes {change}"
            )
        if target == source + 1:
            self._check_added(there, self.steps[source - 1].added)
        return there

    def _check_added(self, records: Records, added: tuple[Added, ...]) -> None:
        for each in added:
            for (segment, key), value in records.items():
                if segment != self.prefix + each.segment:
                    continue
                found = msgspec.json.decode(value).get(each.field, msgspec.UNSET)
                if found != each.initial:
                    raise UpgradePathError(
                        f"{self.name}: {segment} {key!r} begins with {each.field} = {found!r}, "
                        f"declared {each.initial!r}"
                    )

    def _convert_one(
        self, record_key: RecordKey, value: bytes, source: int, target: int
    ) -> list[tuple[RecordKey, bytes]]:
        segment, key = record_key
        if source == target or not self.covers(segment):
            return [(record_key, value)]
        rows: list[Row] = [(segment.removeprefix(self.prefix), key, msgspec.json.decode(value))]
        for function in self._functions(source, target):
            rows = [new for row in rows for new in function(row)]
        return [((self.prefix + new, name), canonical_json(item)) for new, name, item in rows]

    def _functions(self, source: int, target: int) -> list[RowFunction]:
        if source < target:
            return [step.up for step in self.steps[source - 1 : target - 1]]
        return [step.down for step in reversed(self.steps[target - 1 : source - 1])]


def _first_change(before: Records, after: Records) -> str:
    changed = (key for key in {**before, **after} if before.get(key) != after.get(key))
    segment, key = next(changed)
    was, now = before.get((segment, key)), after.get((segment, key))
    return f"{segment} {key!r} from {was!r} to {now!r}"


def memory_chain(
    name: str, version: int, steps: Iterable[tuple[RowFunction, RowFunction]]
) -> UpgradeChain:
    """Make the chain of a strategy's memory from the (up, down) pairs of its module.

    A strategy module that raised ``MEMORY_VERSION`` to n lists n - 1 pairs as ``MEMORY_UPGRADES``.
    Raises `UpgradePathError` if there are not as many.
    """
    pairs = tuple(Step(up=up, down=down) for up, down in steps)
    if len(pairs) != version - 1:
        raise UpgradePathError(
            f"strategy {name} has memory version {version} and {len(pairs)} upgrade steps; "
            f"MEMORY_UPGRADES needs {version - 1}"
        )
    return UpgradeChain(name=f"memory of {name}", steps=pairs, prefix=MEMORY_PREFIX)


SLOT_STATE: Final = UpgradeChain(name="slot state", steps=())
"""Of a slot's own state. To change it: append a `Step` and raise `SCHEMA_VERSION`."""

assert SLOT_STATE.newest == SCHEMA_VERSION, "each version of the state has its step"
