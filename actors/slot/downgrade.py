"""What an owner sends to a successor of an older release: its own state, in the older words.

Only the newer release knows the steps down, so it converts; the successor reads what it could have
written itself, and the logical hash is of that.
"""

import msgspec

from actors.slot.checkpoints import Taken
from actors.slot.versions import Schemas, Versions
from checkpoints.codec import CheckpointMeta
from checkpoints.record_set import Delta, RecordSet


class Downgrade:
    """A pinned base in older words, and every change since put into them."""

    def __init__(self, words: Schemas, target: Versions, taken: Taken) -> None:
        """Convert a full checkpoint; raise `UpgradePathError` if that cannot be read again."""
        self._words = words
        self._target = target
        self._before = taken.records
        """In own words, as pinned."""
        older = words.convert(taken.records, words.own, target)
        words.prove(older, target, words.own)  # what a release added is lost on purpose, only that
        self._sent = RecordSet(older)
        meta = self._dated(taken.meta, self._sent.logical_hash())
        self.base = Taken(meta=meta, records=self._sent.records())

    def change(self, meta: CheckpointMeta, delta: Delta) -> tuple[CheckpointMeta, Delta]:
        """Return the delta since the base, and what is said about it, in the older words."""
        older = self._words.convert_delta(self._before, delta, self._words.own, self._target)
        sent = RecordSet(self._sent.records())  # an answer that was lost is asked for again
        sent.apply(older)
        return self._dated(meta, sent.logical_hash()), older

    def _dated(self, meta: CheckpointMeta, logical_hash: str) -> CheckpointMeta:
        return msgspec.structs.replace(
            meta,
            schema_version=self._target.state,
            memory_version=self._target.memory,
            logical_hash=logical_hash,
        )
