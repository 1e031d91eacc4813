"""The closed vocabulary of the supervisor machine: events in, effects out."""

import msgspec

from actors.detectors.alarm_names import AlarmName
from actors.detectors.finding import Finding
from actors.gateway.status import GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.messages import FenceRecord, TradingState
from actors.slot.status import AnySlotStatus
from actors.supervisor.conduct import Made
from actors.supervisor.standing import Standing


class Event(msgspec.Struct, frozen=True):  # `actors.undated` leaves its times to the loop
    market_ms: int
    wire_ms: int


class Ticked(Event, frozen=True, kw_only=True):
    """Comes every `TICK_MS`."""


class StartAsked(Event, frozen=True, kw_only=True):
    """These slots shall live; asked by launch, or read from the storage after a restart."""

    slots: tuple[str, ...]


class StopAsked(Event, frozen=True, kw_only=True):
    """Watch and restart nothing any more: the fleet is being ended."""


class FencesRead(Event, frozen=True, kw_only=True):
    owners: dict[str, FenceRecord]
    history: dict[str, tuple[FenceRecord, ...]] = {}
    """Of each slot, oldest first."""


class FencesUnread(Event, frozen=True, kw_only=True):
    reason: str


class SlotSeen(Event, frozen=True, kw_only=True):
    slot: str
    incarnation: int
    status: AnySlotStatus


class SlotMissing(Event, frozen=True, kw_only=True):
    """Ray knows no living actor of this name."""

    slot: str
    incarnation: int


class SlotSilent(Event, frozen=True, kw_only=True):
    """The actor has a name and does not answer: it starts, restarts or hangs."""

    slot: str
    incarnation: int
    reason: str


class SeatOpened(Event, frozen=True, kw_only=True):
    slot: str
    incarnation: int
    release: str


class SeatRefused(Event, frozen=True, kw_only=True):
    slot: str
    reason: str
    not_archived: str | None = None
    """The release that was wanted and is not in the archive."""


class SlotCreated(Event, frozen=True, kw_only=True):
    slot: str
    incarnation: int


class CreateFailed(Event, frozen=True, kw_only=True):
    slot: str
    reason: str
    incarnation: int = 0


class GatewaySeen(Event, frozen=True, kw_only=True):
    status: GatewayStatus


class FeedsSeen(Event, frozen=True, kw_only=True):
    status: MarketDataStatus


class SharedSilent(Event, frozen=True, kw_only=True):
    """The gateway or market data gave no answer."""

    who: str
    """``gateway`` or ``market-data``."""
    missing: bool
    """Ray knows no living actor of the stored name."""
    reason: str


class RolloutSeen(Event, frozen=True, kw_only=True):
    """The rollout under way, by its record in the storage."""

    rollout: str | None
    """None: no rollout is under way."""
    beat_wire_ms: int = 0
    """When its driver was last seen alive."""
    to_release: str = ""
    replaced_shared: dict[str, tuple[str, str]] = {}  # brought by a roll, and before it
    progress: str = ""  # changes when a slot of it changes its step


class DecisionsRead(Event, frozen=True, kw_only=True):
    """The journal was read to its end; a disk that is full takes no rows."""

    made: tuple[Made, ...]
    read_to_ms: int  # market time
    writable: bool = True
    memory_mb: dict[str, int] = {}


class Detected(Event, frozen=True, kw_only=True):
    """What the detectors found beside this machine: what holds, and what has just ended."""

    findings: tuple[Finding, ...]


class AlarmLatched(Event, frozen=True, kw_only=True):
    """An alarm is new in the store, whoever raised it."""

    alarm: str
    kind: str
    subject: str
    release: str | None = None
    """That it is about, or its beginning."""


class RolledBack(Event, frozen=True, kw_only=True):
    """The operator's command has ended."""

    release: str
    """That was to be taken back."""
    failure: str | None


# ---- effects ----------------------------------------------------------------------------------


class Effect(msgspec.Struct, frozen=True, kw_only=True): ...


class ReadFences(Effect, frozen=True, kw_only=True):
    """-> FencesRead | FencesUnread."""


class AskSlot(Effect, frozen=True, kw_only=True):
    """-> SlotSeen | SlotMissing | SlotSilent."""

    slot: str
    incarnation: int


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    incarnation: int
    life: str | None
    node_id: str


class OpenSeat(Effect, frozen=True, kw_only=True):
    """Declare a vacancy at the gateway -> SeatOpened | SeatRefused."""

    slot: str
    expected_fence: int
    release: str | None
    """Of the owner before; None: of the supervisor's own code."""
    reason: str
    back: bool = False
    """Back to an older release: only if it is in the archive."""
    request: str | None = None
    """The same while it is the same wish: an answer that was lost is asked for again."""
    ends: Ends | None = None
    """Who loses the seat is ended first: started again it would claim, and undo the vacancy."""


class CreateSlot(Effect, frozen=True, kw_only=True):
    """-> SlotCreated | CreateFailed."""

    slot: str
    incarnation: int
    release: str


class AskGateway(Effect, frozen=True): ...


class AskFeeds(Effect, frozen=True): ...


class CreateShared(Effect, frozen=True, kw_only=True):
    """Create the gateway or market data anew, under the next name; found again by asking."""

    who: str
    release: str = ""
    """That it ran last; empty: of the supervisor's own code."""
    bad: str = ""  # release that is taken back by this; empty: the actor is gone
    reason: str = ""


class PollRollout(Effect, frozen=True, kw_only=True):
    """-> RolloutSeen."""


class EndRollout(Effect, frozen=True, kw_only=True):
    """Put away what a rollout without a driver left: `rolling-update abort`. No answer."""

    rollout: str


class TightenTrading(Effect, frozen=True, kw_only=True):
    """Reduce or halt, unless trading is stricter already. No answer."""

    state: TradingState
    reason: str


class RollBack(Effect, frozen=True, kw_only=True):
    """Run `rolling-update rollback` -> RolledBack."""

    release: str
    to: str
    slots: tuple[str, ...]


class EndProcess(Effect, frozen=True, kw_only=True):
    """SIGKILL exactly one process on its node; Ray starts its actor again. No answer."""

    subject: str
    life: str
    node_id: str


class RaiseAlarm(Effect, frozen=True, kw_only=True):
    kind: AlarmName
    subject: str
    action: str
    evidence: dict[str, str]


class KeepStanding(Effect, frozen=True, kw_only=True):
    """Store which releases are proven where, and which were taken back."""

    standing: Standing


class KeepWanted(Effect, frozen=True, kw_only=True):
    """Store which slots shall live, for the supervisor's own restart."""

    slots: tuple[str, ...]


AnyEvent = (
    Ticked
    | StartAsked
    | StopAsked
    | FencesRead
    | FencesUnread
    | SlotSeen
    | SlotMissing
    | SlotSilent
    | SeatOpened
    | SeatRefused
    | SlotCreated
    | CreateFailed
    | GatewaySeen
    | FeedsSeen
    | SharedSilent
    | RolloutSeen
    | DecisionsRead
    | Detected
    | AlarmLatched
    | RolledBack
)
Request = ReadFences | AskSlot | OpenSeat | CreateSlot | AskGateway | AskFeeds | PollRollout
AnyEffect = (
    Request
    | CreateShared
    | EndProcess
    | EndRollout
    | RaiseAlarm
    | KeepStanding
    | KeepWanted
    | TightenTrading
    | RollBack
)
