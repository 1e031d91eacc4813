"""A slot's stored words: which versions of state and memory this release reads, and how.

Reading goes up: what an older release stored is converted to this release's words. Handing over to
an older release goes down: only the newer one knows the steps, so the sender converts. The logical
hash is always of the older words, the ones that both releases know.
"""

import ast
import io
import zipfile
from typing import Any, Final

import msgspec

from actors.slot.state import STATE_VERSION
from checkpoints.archive import load_archive
from checkpoints.codec import CheckpointMeta
from checkpoints.errors import CheckpointsError
from checkpoints.record_set import Delta, logical_hash_of
from checkpoints.records import Records
from checkpoints.storage import Storage
from checkpoints.upgrades import MEMORY_PREFIX, SLOT_STATE, UpgradeChain, memory_chain
from signals.strategy import Strategy

NO_MEMORY: Final = UpgradeChain(name="memory", prefix=MEMORY_PREFIX)


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """Of the words that some records are in."""

    state: int = STATE_VERSION
    memory: int = 1

    def older(self, other: "Versions") -> "Versions":
        """Return the words that both know."""
        return Versions(state=min(self.state, other.state), memory=min(self.memory, other.memory))


class Schemas(msgspec.Struct, frozen=True, kw_only=True):
    """All versions that this release knows."""

    state: UpgradeChain = SLOT_STATE
    memory: UpgradeChain = NO_MEMORY

    @property
    def own(self) -> Versions:
        return Versions(state=self.state.newest, memory=self.memory.newest)

    def of(self, meta: CheckpointMeta, strategy: str) -> Versions:
        """Return a checkpoint's versions; another strategy's memory is never converted."""
        own_memory = meta.strategy == strategy and meta.memory_version is not None
        memory = meta.memory_version if own_memory else self.memory.newest
        return Versions(state=meta.schema_version, memory=memory or self.memory.newest)

    def convert(self, records: Records, source: Versions, target: Versions) -> Records:
        """Return all records in other words; raise `UpgradePathError`."""
        records = self.state.convert(records, source.state, target.state)
        return self.memory.convert(records, source.memory, target.memory)

    def prove(self, records: Records, source: Versions, target: Versions) -> Records:
        """Convert there and back; raise `UpgradePathError` unless nothing is lost."""
        records = self.state.prove(records, source.state, target.state)
        return self.memory.prove(records, source.memory, target.memory)

    def convert_delta(
        self, base: Records, delta: Delta, source: Versions, target: Versions
    ) -> Delta:
        """Return a delta in other words, at the cost of what it touches.

        `base`: at least the records that it touches, as they were, in the source's words.
        """
        if source == target:
            return delta
        touched = {key: base[key] for key in (*delta.upserts, *delta.deletes) if key in base}
        delta = self.state.convert_delta(base, delta, source.state, target.state)
        base = self.state.convert(touched, source.state, target.state)
        return self.memory.convert_delta(base, delta, source.memory, target.memory)

    def hashes(self, records: Records) -> frozenset[str]:
        """Return the logical hash of records in own words, and in all older ones."""
        return frozenset(
            logical_hash_of(self.convert(records, self.own, Versions(state=state, memory=memory)))
            for state in range(1, self.state.newest + 1)
            for memory in range(1, self.memory.newest + 1)
        )


def schemas_of(name: str, strategy: Strategy) -> Schemas:
    """Return the words of a slot that runs this strategy; raise `UpgradePathError`."""
    steps: Any = getattr(strategy, "MEMORY_UPGRADES", ())
    return Schemas(memory=memory_chain(name, strategy.MEMORY_VERSION, steps))


def versions_of_release(storage: Storage, release: str, strategy: str) -> Versions | None:
    """Return what an archived release writes and reads; None where that is not known."""
    try:
        archive = load_archive(storage, release)
    except CheckpointsError:
        return None
    try:
        memory = _memory_version(archive.data, f"signals/strategies/{strategy}.py")
    except SyntaxError:
        return None  # it cannot start either, and will say where it is broken
    return Versions(state=archive.manifest.schema_version, memory=memory)


def _memory_version(data: bytes, path: str) -> int:
    """Read ``MEMORY_VERSION = n`` from a strategy's text: nothing of the release is run."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            text = archive.read(path)
        except KeyError:
            return 1
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = any(isinstance(each, ast.Name) and each.id == "MEMORY_VERSION" for each in targets)
        value = getattr(node, "value", None)
        if named and isinstance(value, ast.Constant) and isinstance(value.value, int):
            return value.value
    return 1
