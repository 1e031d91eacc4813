"""The closed vocabulary of the slot machine: events in, effects out.

Every event says when it happened in both times; the machine has no clock. Every effect comes back
as an event, also when it fails: the shell owes an answer, within the effect's own time limit.
"""

import msgspec

from actors.messages import ClaimAnswer, FenceRecord, Intent, IntentAnswer, OutboxPage
from actors.rollout.handoff_messages import Quiesce, Resume
from actors.slot.facts import Entry, RecordChange
from actors.slot.state import SlotState
from signals.decision import Decision, Position
from signals.params import Params
from signals.snapshot import Snapshot


class Event(msgspec.Struct, frozen=True):
    """Its times come first, by position: `actors.undated` leaves them to the loop."""

    market_ms: int
    wire_ms: int


class Ticked(Event, frozen=True, kw_only=True):
    """Time passed; comes at least every `TICK_MS` and at each asked moment."""


class ClaimAnswered(Event, frozen=True, kw_only=True):
    answer: ClaimAnswer


class ClaimFailed(Event, frozen=True, kw_only=True):
    """The gateway did not answer."""

    reason: str


class Recovered(Event, frozen=True, kw_only=True):
    """The state was read again, up to exactly the sequence of the fence record."""

    state: SlotState
    memory: msgspec.Struct


class RecoveryFailed(Event, frozen=True, kw_only=True):
    reason: str


class SnapshotArrived(Event, frozen=True, kw_only=True):
    due_ms: int
    digest: str
    snapshot: Snapshot


class SnapshotMissing(Event, frozen=True, kw_only=True):
    due_ms: int
    cause: str


class StrategyAnswered(Event, frozen=True, kw_only=True):
    """A decision, or a strategy failure already turned into "no trade: strategy_error"."""

    due_ms: int
    decision: Decision
    failed: bool
    memory: msgspec.Struct
    """Unchanged if it failed."""
    memory_changes: tuple[RecordChange, ...]
    pre_state_hash: str
    memory_hash: str


class RowsDurable(Event, frozen=True, kw_only=True):
    sequence: int


class RowsFailed(Event, frozen=True, kw_only=True):
    """The journal could not be written (storage full or gone); the shell keeps the rows."""

    reason: str


class IntentAnswered(Event, frozen=True, kw_only=True):
    intent_id: str
    answer: IntentAnswer


class SendFailed(Event, frozen=True, kw_only=True):
    """No answer: the gateway may have it or not; sending again is safe."""

    intent_id: str
    reason: str


class OutboxArrived(Event, frozen=True, kw_only=True):
    page: OutboxPage


class OutboxFailed(Event, frozen=True, kw_only=True):
    reason: str


class CheckpointDurable(Event, frozen=True, kw_only=True):
    sequence: int
    outbox_sequence: int
    digest: str


class CheckpointFailed(Event, frozen=True, kw_only=True):
    reason: str


class StopAsked(Event, frozen=True, kw_only=True):
    reason: str


class RetireAsked(Event, frozen=True, kw_only=True):
    reason: str


class ParamsAsked(Event, frozen=True, kw_only=True):
    """Change parameters in place at a quiet moment; already validated."""

    params: Params
    params_id: str
    params_set: dict[str, float | int | str]
    request: str
    """Names the answer."""


class QuiesceAsked(Event, frozen=True, kw_only=True):
    ask: Quiesce


class AdoptAsked(Event, frozen=True, kw_only=True):
    """Own the slot from this fence, with a state that was proved to be the record's."""

    handoff: str
    record: FenceRecord
    state: SlotState
    memory: msgspec.Struct


class ResumeAsked(Event, frozen=True, kw_only=True):
    ask: Resume


# ---- effects ----------------------------------------------------------------------------------


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    pass


class SendClaim(Effect, frozen=True, kw_only=True):
    """-> ClaimAnswered | ClaimFailed."""

    journal_sequence: int
    outbox_sequence: int
    params: str
    resume_of_fence: int | None
    delay_ms: int


class Recover(Effect, frozen=True, kw_only=True):
    """Read checkpoint and journal up to the record's sequence -> Recovered | RecoveryFailed."""

    record: FenceRecord
    delay_ms: int = 0


class AskSnapshot(Effect, frozen=True, kw_only=True):
    """-> SnapshotArrived | SnapshotMissing, within `timeout_ms` of wire time."""

    due_ms: int
    timeout_ms: int


class RunStrategy(Effect, frozen=True, kw_only=True):
    """-> StrategyAnswered, within `timeout_ms` of wire time."""

    due_ms: int
    snapshot: Snapshot
    position: Position
    state: SlotState
    memory: msgspec.Struct
    params: Params
    timeout_ms: int


class AppendEntries(Effect, frozen=True, kw_only=True):
    """-> RowsDurable | RowsFailed; in order."""

    entries: tuple[Entry, ...]
    states: tuple[SlotState, ...]
    """After each entry: rows name the order and the opening that an event is about."""
    params: str


class SendIntent(Effect, frozen=True, kw_only=True):
    """-> IntentAnswered | SendFailed."""

    intent: Intent
    delay_ms: int = 0


class PollOutbox(Effect, frozen=True, kw_only=True):
    """-> OutboxArrived | OutboxFailed."""

    fence: int
    after_sequence: int
    acknowledged_sequence: int
    delay_ms: int = 0


class TakeCheckpoint(Effect, frozen=True, kw_only=True):
    """-> CheckpointDurable | CheckpointFailed."""

    state: SlotState
    memory: msgspec.Struct
    fence: int
    market_ms: int


class WakeAt(Effect, frozen=True, kw_only=True):
    """-> Ticked at this market time (or soon after)."""

    market_ms: int


class ReportQuiesced(Effect, frozen=True, kw_only=True):
    """All rows are durable and nothing will be stepped until a resume."""

    handoff: str
    state: SlotState
    memory: msgspec.Struct
    fence: int


class ReportResumed(Effect, frozen=True, kw_only=True):
    handoff: str
    fence: int


class ReportAdopted(Effect, frozen=True, kw_only=True):
    handoff: str
    fence: int


class ReportRefused(Effect, frozen=True, kw_only=True):
    """An ask that cannot be met now."""

    request: str
    """The handoff's id, or the request's."""
    reason: str


class ReportParams(Effect, frozen=True, kw_only=True):
    """The parameters are in force; durable once the row is."""

    request: str
    params: str
    sequence: int


class ReportStopped(Effect, frozen=True, kw_only=True):
    pass


class Leave(Effect, frozen=True, kw_only=True):
    """End this process for good: a later incarnation or life owns the slot."""

    reason: str


LifeEvent = Ticked | ClaimAnswered | ClaimFailed | Recovered | RecoveryFailed
DecidingEvent = SnapshotArrived | SnapshotMissing | StrategyAnswered
StorageEvent = RowsDurable | RowsFailed | CheckpointDurable | CheckpointFailed
GatewayEvent = IntentAnswered | SendFailed | OutboxArrived | OutboxFailed
OperatorEvent = StopAsked | RetireAsked | ParamsAsked
HandoffEvent = QuiesceAsked | AdoptAsked | ResumeAsked
AnyEvent = LifeEvent | DecidingEvent | StorageEvent | GatewayEvent | OperatorEvent | HandoffEvent
Report = (
    ReportQuiesced | ReportResumed | ReportAdopted | ReportRefused | ReportParams | ReportStopped
)
Request = SendClaim | Recover | AskSnapshot | RunStrategy | SendIntent | PollOutbox
AnyEffect = Request | AppendEntries | TakeCheckpoint | WakeAt | Report | Leave
