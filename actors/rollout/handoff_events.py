"""What can happen to a handoff, and what it asks its shell to do: the closed vocabulary."""

import msgspec

from actors.detectors.alarm_names import AlarmName
from actors.messages import FenceAnswer, FenceRecord, OpenAnswer, Refusal
from actors.rollout.handoff_messages import (
    AdoptAnswer,
    PinAnswer,
    QuiesceAnswer,
    Quiesced,
    ResumeAnswer,
    ShadowAnswer,
    WarmAnswer,
)

# ---- events -----------------------------------------------------------------------------------


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The rollout gives this slot its turn to warm."""


class SwitchAllowed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A quiet moment: no decision is due within the switch's deadline."""

    next_due_ms: int
    """Market time of the decision that must confirm."""
    next_deadline_ms: int


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An effect's answer; `Refusal` stands for no answer in time or a broken actor."""

    answer: (
        PinAnswer
        | OpenAnswer
        | WarmAnswer
        | ShadowAnswer
        | QuiesceAnswer
        | FenceAnswer
        | AdoptAnswer
        | ResumeAnswer
        | Refusal
    )


class Created(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The new incarnation's process runs and stands by, or could not start."""

    failure: str | None


class Vacated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The gateway's answer to `Vacate`; a late one to `Open` is another event."""

    answer: OpenAnswer | Refusal


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The good release's process owns the slot by its own claim, or could not get so far."""

    failure: str | None


class Left(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The incarnation that was to leave is gone."""


class OwnerSeen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The gateway's fence record of the slot, asked for because an answer was lost."""

    record: FenceRecord


class DecisionSeen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A durable decision row of the slot's owner."""

    due_ms: int
    sequence: int
    """Of the journal row."""
    fence: int
    release: str
    failure: str | None
    """Set for a decision the strategy could not make: raised, NaN, blocked."""
    proves: bool
    """The strategy was asked: without a snapshot the slot decides by itself."""
    next_due_ms: int
    next_deadline_ms: int
    """Of the decision point after this one (market time)."""


class NothingDecided(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The journal was read and holds no decision row that was not seen before."""

    looked_ms: int
    """Market time when the reading began: what was durable by then was seen."""


class TimePassed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class AbortAsked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    reason: str


Event = (
    Begin
    | SwitchAllowed
    | Answered
    | Created
    | Vacated
    | Filled
    | Left
    | OwnerSeen
    | DecisionSeen
    | NothingDecided
    | TimePassed
    | AbortAsked
)


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """Both clocks at an event: deadlines of messages on wire time, of decisions on market time."""

    wire_ms: float
    market_ms: int


# ---- effects ----------------------------------------------------------------------------------


class AskBase(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Old: full checkpoint, pin it."""


class Open(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Gateway: issue the incarnation number, as a standby."""

    expected_fence: int


class Create(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    incarnation: int


class AskWarm(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    incarnation: int
    base: str
    base_sequence: int


class AskShadow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    incarnation: int
    recorded: int


class AskQuiesce(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    expected_fence: int
    lease_ms: int


class AskFence(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    incarnation: int
    quiesced: Quiesced


class AskOwner(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Gateway: who owns the slot now."""


class AskAdopt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    incarnation: int
    record: FenceRecord
    delta: bytes


class AskResume(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Old: go on, by a claim of its own."""


class AskTakeBack(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Gateway, then old: the successor failed after the fence; fence the old one in again.

    Rows of the successor beyond `kept_sequence` are void: nothing of the bad one is needed.
    """

    expected_fence: int
    kept_sequence: int


class Vacate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Gateway: the seat is vacant, for an incarnation of the good release; -> `Vacated`."""

    expected_fence: int
    reason: str


class Fill(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """End the owner for good and start the incarnation that takes the slot; -> `Filled`."""

    incarnation: int
    owner: FenceRecord


class Dismiss(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make an incarnation leave for good; answered by `Left`."""

    incarnation: int


class Alarm(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    kind: AlarmName
    reason: str


Effect = (
    AskBase
    | Open
    | Create
    | AskWarm
    | AskShadow
    | AskQuiesce
    | AskFence
    | AskOwner
    | AskAdopt
    | AskResume
    | AskTakeBack
    | Vacate
    | Fill
    | Dismiss
    | Alarm
)
