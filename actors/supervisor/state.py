"""What the supervisor knows: where each slot is on its way to living, and who is silent.

Who restarts what: Ray restarts a process that died (`max_restarts=-1`); the supervisor ends one
that hangs, so that Ray restarts it; where Ray has given the actor up, the supervisor declares the
seat vacant at the gateway and creates the next incarnation. Ray restarts the supervisor.
"""

from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.config import Timing
from actors.detectors.policy import Reaction
from actors.gateway.status import GatewayStatus
from actors.machine.backoff import Backoff
from actors.machine.moves import Move, Moves
from actors.market_data.status import MarketDataStatus
from actors.messages import FenceRecord
from actors.slot.status import SlotStatus
from actors.supervisor.conduct import Made
from actors.supervisor.events import AnyEffect, Event
from actors.supervisor.shared_state import Shared
from actors.supervisor.standing import Standing
from signals.market_time import MarketClock

TICK_MS: Final = 500
ASK_EVERY_MS: Final = 1_000
"""Wire. Sixteen questions a second cost about 1 % of one core."""
FENCES_EVERY_MS: Final = 2_000
"""Wire. A rollout moves owners; looking at the old one for so long does no harm."""
HUNG_AFTER_MS: Final = 10_000
"""Wire without an answer; a healthy actor answers in milliseconds, a busy machine in a second."""
STARTING_MS: Final = 60_000
"""Wire. Sixteen workers start in 14 s on two cores; never end what is still warming up."""
BLOCKED_AFTER_MS: Final = 15_000
"""Wire in which a strategy has not returned: seven times its own limit."""
STUCK_AFTER_MS: Final = 10_000
"""Wire since a decision was first seen to be overdue, of a slot that answers and owns its seat: its
loop waits for something that does not come. One that is merely late decides or gives up before."""
KILL_PAUSES: Final = Backoff(first_ms=30_000, most_ms=600_000)
"""Wire, how long a process is left alone after so many kills in a row."""
CREATE_PAUSES: Final = Backoff(first_ms=10_000, most_ms=600_000)
"""Wire, between creations in a row of a shared actor that Ray does not know: one that is created is
known at once."""
STEADY_MS: Final = 60_000
"""Wire since the last kill or creation after which an answer ends the row."""
MISSES_MAX: Final = 2
"""Looks that find no actor before a seat counts as vacant: one may race with a creation."""
CREATING_MAX: Final = 8
"""Slots that start at one time. Ray itself starts as many processes at once as it has cores; with
four here two cores stood idle until the supervisor had seen that one of the four was live."""
RETRY_MS: Final = 2_000
DEATHS_MAX: Final = 5
DEATHS_WINDOW_MS: Final = 60_000
"""Wire. A process that dies at each try of a decision is started again every few seconds, and never
journals anything that could be counted: only its claims show it. A decision begins the count anew.
"""
ROLLOUT_EVERY_MS: Final = 2_000
ROLLOUT_LEASE_MS: Final = 20_000
"""Wire without a sign of the driver, which gives one every two seconds: it is gone, or stopped."""
ROLLOUT_PAUSE_MS: Final = 120_000
"""Wire between two attempts to put the same rollout away; one takes a minute at most."""


class Place(StrEnum):
    """Where a wanted slot is."""

    UNSEEN = "unseen"
    """Its owner is not known yet."""
    VACANT = "vacant"
    """No actor lives; waits for its turn to be created."""
    OPENING = "opening"
    CREATING = "creating"
    STARTING = "starting"
    """The actor exists and does not own the slot (yet)."""
    LIVE = "live"
    SILENT = "silent"


_P = Place
PLACES: Final = Moves(
    "Supervised slot",
    "The supervisor's view of one seat (`actors/supervisor/state.py`).",
    (
        Move(_P.UNSEEN, "FencesRead", _P.VACANT, "the gateway's table names no owner"),
        Move(_P.UNSEEN, "FencesRead", _P.STARTING, "the table names an owner: look at it"),
        Move(_P.VACANT, "Ticked", _P.OPENING, "fewer than CREATING_MAX are under way"),
        Move(_P.VACANT, "FencesRead", _P.STARTING, "another one made an owner meanwhile"),
        Move(_P.OPENING, "SeatOpened", _P.CREATING, "the gateway issued an incarnation"),
        Move(_P.OPENING, "SeatRefused", _P.UNSEEN, "the fence moved or the gateway is silent"),
        Move(_P.CREATING, "SlotCreated", _P.STARTING, "Ray has the actor"),
        Move(_P.CREATING, "CreateFailed", _P.VACANT, "Ray refused; again after RETRY_MS"),
        Move(_P.STARTING, "SlotSeen", _P.LIVE, "it owns the slot"),
        Move(_P.STARTING, "SlotMissing", _P.VACANT, "Ray gave it up"),
        Move(_P.STARTING, "SlotSilent", _P.SILENT, "no answer for STARTING_MS"),
        Move(_P.LIVE, "SlotSeen", _P.STARTING, "it lost the slot or restarted"),
        Move(_P.LIVE, "SlotSilent", _P.SILENT, "no answer for HUNG_AFTER_MS"),
        Move(_P.LIVE, "SlotMissing", _P.VACANT, "Ray gave it up"),
        Move(_P.LIVE, "FencesRead", _P.STARTING, "a successor owns the slot: look at it"),
        Move(_P.LIVE, "Ticked", _P.OPENING, "its release is bad: back to a proven one"),
        Move(_P.LIVE, "FencesRead", _P.OPENING, "the same, by the deaths of its process"),
        Move(_P.LIVE, "DecisionsRead", _P.OPENING, "the same, by the journal"),
        Move(
            _P.STARTING,
            "Ticked",
            _P.OPENING,
            "its release is bad: back to a proven one",
        ),
        Move(_P.STARTING, "FencesRead", _P.OPENING, "the same, by the deaths of its process"),
        Move(_P.STARTING, "DecisionsRead", _P.OPENING, "the same, by the journal"),
        Move(_P.SILENT, "Ticked", _P.OPENING, "its release is bad: back to a proven one"),
        Move(_P.SILENT, "FencesRead", _P.OPENING, "the same, by the deaths of its process"),
        Move(_P.SILENT, "DecisionsRead", _P.OPENING, "the same, by the journal"),
        Move(_P.VACANT, "FencesRead", _P.OPENING, "the same, by the deaths of its process"),
        Move(_P.VACANT, "DecisionsRead", _P.OPENING, "the same, by the journal"),
        Move(
            _P.CREATING,
            "Ticked",
            _P.OPENING,
            "its release is bad: back to a proven one",
        ),
        Move(_P.CREATING, "FencesRead", _P.OPENING, "the same, by the deaths of its process"),
        Move(_P.CREATING, "DecisionsRead", _P.OPENING, "the same, by the journal"),
        Move(_P.SILENT, "SlotSeen", _P.LIVE, "back, and it owns the slot"),
        Move(_P.SILENT, "SlotSeen", _P.STARTING, "back, claims"),
        Move(_P.SILENT, "SlotMissing", _P.VACANT, "Ray gave it up"),
        Move(_P.SILENT, "FencesRead", _P.STARTING, "a successor owns the slot: look at it"),
    ),
)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One wanted slot."""

    slot: str
    place: Place = Place.UNSEEN
    since_wire_ms: int = 0
    incarnation: int = 0
    fence: int = 0
    release: str | None = None
    predecessor: str | None = None
    """Release that a rollout replaced by the present one; None where none did."""
    back_to: str | None = None
    """Release that a vacancy was declared for, because the present one turned bad."""
    made: tuple[Made, ...] = ()
    """Its latest decisions, by the journal."""
    owes_from_ms: int | None = None
    """Market time since which a missing decision is its release's; None: it may be starting."""
    forgiven_wire_ms: int = 0
    """Since when it has had the time to start."""
    opened_wire_ms: int = 0
    """When it was last taken back."""
    deaths: int = 0
    """Of processes of the present release that owned the slot and decided nothing."""
    life: str | None = None
    node_id: str = ""
    asking: bool = False
    asked_wire_ms: int = 0
    answered_wire_ms: int = 0
    status: SlotStatus | None = None
    reason: str = ""
    memory_mb: int = 0
    """Of its process, where that runs on the supervisor's machine."""
    trouble: str = ""
    """Why it last gave no answer."""
    trouble_wire_ms: int = 0
    misses: int = 0
    kills: int = 0
    killed_wire_ms: int = 0
    creations: int = 0


class WayBack(msgspec.Struct, frozen=True, kw_only=True):
    """A release that the policy takes back, until no slot runs it any more."""

    release: str
    why: str
    """Id of the alarm."""
    tries: int = 0
    tried_wire_ms: int = 0
    under_way: bool = False


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    timing: Timing
    clock: MarketClock
    policy: dict[str, Reaction] = {}
    """What the configuration says otherwise than `actors.detectors.policy`."""


GATEWAY: Final = "gateway"
MARKET_DATA: Final = "market-data"


class SupervisorState(msgspec.Struct, frozen=True, kw_only=True):
    rules: Rules
    started_wire_ms: int = 0
    stopping: bool = False
    slots: dict[str, Watched] = {}
    shared: dict[str, Shared] = msgspec.field(
        default_factory=lambda: {who: Shared(who=who) for who in (GATEWAY, MARKET_DATA)}
    )
    fences_asking: bool = False
    fences_wire_ms: int = 0
    owners: dict[str, FenceRecord] = {}
    history: dict[str, tuple[FenceRecord, ...]] = {}
    """Of each slot, oldest first, as the gateway said last."""
    rollout_asking: bool = False
    rollout_asked_wire_ms: int = 0
    rollout: str | None = None
    """The rollout under way."""
    rollout_to: str = ""
    """Release that it brings."""
    replaced_shared: dict[str, tuple[str, str]] = {}
    """Kind of shared actor to the release that a roll brought and the one that it replaced."""
    rollout_ended: str = ""
    """The rollout that was last put away for want of a driver."""
    rollout_ended_wire_ms: int = 0
    rollout_beat_wire_ms: int = 0
    """When its driver was last seen alive."""
    rollout_progress: str = ""
    """Names where its slots stand."""
    rollout_moved_wire_ms: int = 0
    """When that last changed."""
    gateway: GatewayStatus | None = None
    """What it said last; None before its first answer."""
    market_data: MarketDataStatus | None = None
    bad_since_ms: dict[str, int] = {}
    """Wire ms since which a condition has held, by ``<kind>/<subject>``."""
    ways_back: dict[str, WayBack] = {}
    """By release."""
    standing: Standing = Standing()
    """Which releases are proven in which slot, and which were taken back; stored."""
    not_archived: tuple[str, ...] = ()
    """Releases that could not be gone back to, because the archive lacks them."""
    read_to_ms: int = 0
    """Market time up to which the journal is read."""
    ticked_wire_ms: int = 0
    resumed_wire_ms: int = 0
    """When this watch began, or went on after it had stood still: no silence is older."""
    raised: dict[str, int] = {}
    """Conditions that have been raised and still hold: said once."""


Step = tuple[SupervisorState, tuple[AnyEffect, ...]]


def put(state: SupervisorState, watched: Watched) -> SupervisorState:
    return replace(state, slots={**state.slots, watched.slot: watched})


def put_shared(state: SupervisorState, shared: Shared) -> SupervisorState:
    return replace(state, shared={**state.shared, shared.who: shared})


def move(watched: Watched, place: Place, event: Event) -> Watched:
    """Move by the table; raises `MoveRefusedError` for what is not in it."""
    if watched.place is place:
        return watched
    moved = PLACES.move(watched.place, place, event)
    return replace(watched, place=moved, since_wire_ms=event.wire_ms)
