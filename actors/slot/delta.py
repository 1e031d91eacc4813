"""What an owner sends at the switch: the changes since the base that it pinned, encoded once."""

import msgspec

from actors.slot.checkpoints import take_meta, take_records
from actors.slot.downgrade import Downgrade
from actors.slot.events import TakeCheckpoint
from actors.slot.seat import Seat
from actors.slot.state import SlotState
from checkpoints.arrow_file import digest_of
from checkpoints.codec import CheckpointKind, CheckpointMeta, encode_checkpoint
from checkpoints.record_set import Mark, RecordSet


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """The base of a handoff."""

    handoff: str
    digest: str
    sequence: int
    mark: Mark
    words: Downgrade | None = None
    """None: the successor knows this release's words."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A delta, and the state that it leads to."""

    state: SlotState
    memory: msgspec.Struct
    meta: CheckpointMeta
    data: bytes
    digest: str


def encode_delta(pinned: Pinned, seat: Seat, effect: TakeCheckpoint, records: RecordSet) -> Written:
    """Bring the record set up to the effect's state and encode what changed since the base."""
    logical_hash = take_records(records, effect.state, effect.memory)
    delta = records.changes_since(pinned.mark)
    meta = take_meta(seat, effect, logical_hash)
    if pinned.words is not None:
        meta, delta = pinned.words.change(meta, delta)
    meta = msgspec.structs.replace(
        meta,
        kind=CheckpointKind.DELTA,
        base=pinned.digest,
        base_sequence=pinned.sequence,
        handoff=pinned.handoff,
    )
    data = encode_checkpoint(meta, delta)
    return Written(
        state=effect.state, memory=effect.memory, meta=meta, data=data, digest=digest_of(data)
    )
