"""The whole of a slot machine's state: who it is, its phase, what it knows, what it waits for."""

from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.config import Timing
from actors.machine.moves import Move, Moves
from actors.messages import Attestation, FenceRecord, Intent
from actors.slot.events import AnyEffect, AppendEntries, Event
from actors.slot.facts import Entry, Fact, apply_entry
from actors.slot.state import STATE_VERSION, SlotState
from signals.decision import Position
from signals.market import DecisionPoint, Slot, decision_points
from signals.market_time import MarketClock
from signals.params import Params
from signals.snapshot import Snapshot
from signals.units import MicroUsd

SNAPSHOT_TIMEOUT_MS: Final = 3_000
"""Wire. Market data answers in tens of milliseconds; later than this the feed is ill."""
STRATEGY_TIMEOUT_MS: Final = 2_000
"""Wire. The shipped signal takes a millisecond; one that needs longer is blocked."""
SHARE_OF_DEADLINE: Final = 0.4
"""Snapshot and strategy may each use at most this share of what is left to the deadline, so that
a decision is journaled in time also when both fail and the market's time runs fast."""
CLAIM_RETRY_MS: Final = 500
"""Wire. Sixteen slots asking twice a second are nothing to the gateway."""
STANDBY_POLL_MS: Final = 100
"""Wire. A standby learns from the gateway, not from the driver, that it was fenced in: this is
the longest that a dead driver can leave the slot dark."""
FENCED_OUT_POLL_MS: Final = 1_000
"""Wire. A former owner asks so often whether it was fenced in again: a driver that dies between
that fence and its word to it leaves the slot dark for no longer."""
RESEND_MS: Final = 500
OUTBOX_RETRY_MS: Final = 500
RECOVERY_RETRY_MS: Final = 1_000
OUTBOX_GAPS_MAX: Final = 3
"""Pages with a gap after which no new risk is taken until one comes without."""


class Phase(StrEnum):
    CLAIMING = "claiming"
    STANDBY = "standby"
    RECOVERING = "recovering"
    """Fenced in; reads the state again, up to exactly the record's sequence."""
    ACTIVE = "active"
    QUIESCING = "quiescing"
    """Starts nothing; waits for the decision at work and for its rows."""
    QUIESCED = "quiesced"
    RESUMING = "resuming"
    """Claims the next fence, after a resume or at the end of its lease."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    RETIRED = "retired"


_P = Phase
PHASES: Final = Moves(
    "Slot",
    "One incarnation's own view (`actors/slot/seat.py`).",
    (
        Move(_P.CLAIMING, "ClaimAnswered", _P.ACTIVE, "granted, and the state is the record's"),
        Move(_P.CLAIMING, "ClaimAnswered", _P.RECOVERING, "granted from another sequence"),
        Move(_P.CLAIMING, "ClaimAnswered", _P.STANDBY, "another incarnation owns the slot"),
        Move(_P.CLAIMING, "ClaimAnswered", _P.RETIRED, "a later incarnation owns the slot"),
        Move(_P.CLAIMING, "StopAsked", _P.STOPPED, "nothing is owned: nothing to keep"),
        Move(_P.CLAIMING, "RetireAsked", _P.RETIRED, "not wanted"),
        Move(_P.STANDBY, "ClaimAnswered", _P.ACTIVE, "granted, and the state is the record's"),
        Move(_P.STANDBY, "ClaimAnswered", _P.RECOVERING, "granted from another sequence"),
        Move(_P.STANDBY, "ClaimAnswered", _P.RETIRED, "a later incarnation owns the slot"),
        Move(_P.STANDBY, "StopAsked", _P.STOPPED, "nothing is owned: nothing to keep"),
        Move(_P.STANDBY, "RetireAsked", _P.RETIRED, "not wanted"),
        Move(_P.RECOVERING, "Recovered", _P.ACTIVE, "the state is the record's"),
        Move(_P.RECOVERING, "StopAsked", _P.STOPPED, "nothing new was made: nothing to keep"),
        Move(_P.RECOVERING, "RetireAsked", _P.RETIRED, "not wanted"),
        Move(_P.CLAIMING, "AdoptAsked", _P.ACTIVE, "fenced in, with the state of the record"),
        Move(_P.STANDBY, "AdoptAsked", _P.ACTIVE, "fenced in, with the state of the record"),
        Move(_P.QUIESCED, "AdoptAsked", _P.ACTIVE, "the last owner takes the slot back"),
        Move(_P.RESUMING, "AdoptAsked", _P.ACTIVE, "the last owner takes the slot back"),
        Move(_P.RECOVERING, "AdoptAsked", _P.ACTIVE, "the state came with the driver first"),
        Move(_P.ACTIVE, "OutboxArrived", _P.RETIRED, "the page names a higher fence"),
        Move(_P.ACTIVE, "IntentAnswered", _P.RETIRED, "the gateway refused the fence"),
        Move(_P.ACTIVE, "QuiesceAsked", _P.QUIESCING, "a decision and its rows end first"),
        Move(_P.ACTIVE, "StopAsked", _P.STOPPING, "rows and checkpoint first"),
        Move(_P.ACTIVE, "RetireAsked", _P.RETIRED, "not wanted"),
        Move(_P.QUIESCING, "RowsDurable", _P.QUIESCED, "all is durable"),
        Move(_P.QUIESCING, "ResumeAsked", _P.ACTIVE, "never acknowledged: nothing was promised"),
        Move(_P.QUIESCING, "Ticked", _P.ACTIVE, "lease over before all was durable"),
        Move(_P.QUIESCING, "StopAsked", _P.STOPPING, "rows and checkpoint first"),
        Move(_P.QUIESCING, "RetireAsked", _P.RETIRED, "not wanted"),
        Move(_P.QUIESCING, "OutboxArrived", _P.RETIRED, "the page names a higher fence"),
        Move(_P.QUIESCING, "IntentAnswered", _P.RETIRED, "the gateway refused the fence"),
        Move(_P.QUIESCED, "Ticked", _P.RESUMING, "lease over without a fence"),
        Move(_P.QUIESCED, "ResumeAsked", _P.RESUMING, "resuming is a claim"),
        Move(_P.QUIESCED, "StopAsked", _P.STOPPED, "all is durable"),
        Move(_P.QUIESCED, "RetireAsked", _P.RETIRED, "the successor is confirmed"),
        Move(_P.RESUMING, "ClaimAnswered", _P.ACTIVE, "granted the next fence"),
        Move(_P.RESUMING, "ClaimAnswered", _P.RECOVERING, "granted from another sequence"),
        Move(_P.RESUMING, "ClaimAnswered", _P.QUIESCED, "the successor was fenced in first"),
        Move(_P.RESUMING, "ClaimAnswered", _P.RETIRED, "a later incarnation owns the slot"),
        Move(_P.RESUMING, "StopAsked", _P.STOPPED, "all is durable"),
        Move(_P.RESUMING, "RetireAsked", _P.RETIRED, "the successor is confirmed"),
        Move(_P.STOPPING, "CheckpointDurable", _P.STOPPED, "checkpoint of the last row"),
        Move(_P.STOPPING, "CheckpointFailed", _P.STOPPED, "the journal has all of it"),
        Move(_P.STOPPING, "RowsDurable", _P.STOPPED, "the same: the checkpoint failed first"),
        Move(_P.STOPPING, "RetireAsked", _P.RETIRED, "not wanted"),
        Move(_P.STOPPING, "OutboxArrived", _P.RETIRED, "the page names a higher fence"),
        Move(_P.STOPPING, "IntentAnswered", _P.RETIRED, "the gateway refused the fence"),
        Move(_P.STOPPED, "RetireAsked", _P.RETIRED, "not wanted"),
    ),
)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    incarnation: int
    life: str
    attestation: Attestation

    @property
    def seat(self) -> Slot:
        return Slot.parse(self.slot)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says to this slot."""

    timing: Timing
    clock: MarketClock
    allocation_micro_usd: MicroUsd
    strategy: str
    memory_version: int
    state_version: int = STATE_VERSION


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The decision at work."""

    point: DecisionPoint
    deadline_ms: int
    digest: str | None = None
    snapshot: Snapshot | None = None
    position: Position | None = None


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    handoff: str
    ends_wire_ms: int


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    who: Identity
    rules: Rules
    params: Params
    params_id: str
    phase: Phase
    state: SlotState
    memory: msgspec.Struct
    fence: int = 0
    record: FenceRecord | None = None
    cause: str = "start"
    """Of the claim under way."""
    absent: str = "downtime"
    """Why decision points before the next grant passed undecided."""
    pending: Pending | None = None
    durable_sequence: int = 0
    unsent: tuple[tuple[int, Intent], ...] = ()
    """Intents that wait for their decision row (sequence) to be durable."""
    sending: tuple[str, ...] = ()
    """Ids of intents without an answer."""
    polling: bool = False
    outbox_gaps: int = 0
    journal_failure: str | None = None
    checkpoint_sequence: int = 0
    checkpoint_outbox_sequence: int = 0
    checkpoint_wanted: bool = False
    checkpointing: bool = False
    wake_ms: int = 0
    """Market time of the last wake that was asked for."""
    lease: Lease | None = None
    claiming: bool = False

    @property
    def all_durable(self) -> bool:
        return self.durable_sequence >= self.state.journal_sequence


def open_seat(
    *,
    who: Identity,
    rules: Rules,
    params: Params,
    params_id: str,
    state: SlotState,
    memory: msgspec.Struct,
    checkpoint_outbox_sequence: int = 0,
) -> Seat:
    """Start a life from what was recovered; a slot that never lived starts from an empty state."""
    return Seat(
        who=who,
        rules=rules,
        params=params,
        params_id=params_id,
        phase=Phase.CLAIMING,
        state=state,
        memory=memory,
        absent="stopped" if state.stopped else "downtime",
        durable_sequence=state.journal_sequence,
        checkpoint_outbox_sequence=checkpoint_outbox_sequence,
    )


Step = tuple[Seat, tuple[AnyEffect, ...]]


def record(seat: Seat, event: Event, *facts: Fact) -> Step:
    """Make facts part of the state and ask for their rows to be written."""
    entries: list[Entry] = []
    states: list[SlotState] = []
    state = seat.state
    for fact in facts:
        entry = Entry(
            sequence=state.journal_sequence + 1,
            fence=seat.fence,
            market_ms=event.market_ms,
            wire_ms=event.wire_ms,
            fact=fact,
        )
        state = apply_entry(state, entry)
        entries.append(entry)
        states.append(state)
    append = AppendEntries(entries=tuple(entries), states=tuple(states), params=seat.params_id)
    return replace(seat, state=state), (append,)


def next_points(seat: Seat, after_ms: int) -> tuple[DecisionPoint, DecisionPoint]:
    """Return the next decision point after a market time, and the one that follows it."""
    timeframe = seat.who.seat.timeframe
    points = decision_points(timeframe, seat.rules.timing.decision_offsets_ms, after_ms)
    return next(points), next(points)
