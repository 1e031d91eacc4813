"""Take checkpoints: the state's records at one sequence, and all about them, durable."""

import msgspec

from actors.slot.events import TakeCheckpoint
from actors.slot.recovery import MEMORY_PREFIX
from actors.slot.seat import Seat
from actors.slot.state import SlotState
from checkpoints.codec import CheckpointMeta
from checkpoints.record_set import RecordSet
from checkpoints.records import Records


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A complete state, not yet on disk."""

    meta: CheckpointMeta
    records: Records


def take_records(records: RecordSet, state: SlotState, memory: msgspec.Struct) -> str:
    """Bring the record set up to this state and memory; return the logical hash of both."""
    records.apply_struct(state)
    records.apply_struct(memory, MEMORY_PREFIX)
    return records.logical_hash()


def take(seat: Seat, effect: TakeCheckpoint, records: RecordSet) -> Taken:
    """Make a full checkpoint of the effect's state; the seat says under whose name."""
    logical_hash = take_records(records, effect.state, effect.memory)
    return Taken(meta=take_meta(seat, effect, logical_hash), records=records.records())


def take_meta(seat: Seat, effect: TakeCheckpoint, logical_hash: str) -> CheckpointMeta:
    """Say all about the effect's state."""
    attestation = seat.who.attestation
    before = seat.checkpoint_sequence
    return CheckpointMeta(
        schema_version=seat.rules.state_version,
        slot=seat.who.slot,
        release=attestation.release,
        commit=attestation.commit,
        params=seat.params_id,
        incarnation=seat.who.incarnation,
        fence=effect.fence,
        sequence=effect.state.journal_sequence,
        outbox_sequence=effect.state.outbox_sequence,
        time_ms=effect.market_ms,
        logical_hash=logical_hash,
        strategy=seat.rules.strategy,
        memory_version=seat.rules.memory_version,
        previous_sequence=before if 0 < before < effect.state.journal_sequence else None,
    )
