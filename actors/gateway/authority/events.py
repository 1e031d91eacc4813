"""What happens to a gateway on its way to the authority and away from it, and what it asks for.

Each piece of work has one event as its result (see `actors.machine.work`).
"""

from enum import StrEnum
from typing import Final

import msgspec

from actors.machine.vocabulary import At


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock. The process start makes the pid name one process for ever."""

    name: str
    """Of the actor, e.g. ``gateway/1``."""
    fleet: str
    """Of the Ray session: another one is another fleet."""
    node: str
    pid: int
    process_start: int
    wire_ms: int


class Phase(StrEnum):
    """What is under way now; each but the last four has one piece of work."""

    LOOKING = "looking"
    """Reads who is the heir."""
    PREPARING = "preparing"
    """Not the heir: connects to the venue ahead."""
    STANDING_BY = "standing_by"
    """Not the heir: looks again soon."""
    SEIZING = "seizing"
    """Asked to take over: names itself."""
    LOCKING = "locking"
    AWAITING_LOCK = "awaiting_lock"
    ENDING_HOLDER = "ending_holder"
    """The lock's holder hangs: its process is ended."""
    CHECKING = "checking"
    """Has the lock: reads once more who is the heir."""
    RELEASING = "releasing"
    """Another one was named meanwhile: gives the lock back."""
    NUMBERING = "numbering"
    """Stores a new generation."""
    READING = "reading"
    """Reads the log."""
    CONNECTING = "connecting"
    AWAITING_VENUE = "awaiting_venue"
    RECONCILING = "reconciling"
    """Compares orders and trades with the venue."""
    PUBLISHING = "publishing"
    """Stores its name where callers find it."""
    SERVING = "serving"
    LEAVING = "leaving"
    """Begins nothing new; waits for the answers of running posts."""
    PASSING_ON = "passing_on"
    """Names its heir."""
    CLOSING = "closing"
    """Closes loop, venue and log, then releases the lock."""
    MOVED = "moved"
    """Points callers on; may be taken back to."""
    REMEMBERED = "remembered"
    """Moved: reads whether it was named again."""
    RETURNING = "returning"
    """Asked to take the authority back: names itself."""
    RECOVERING = "recovering"
    """Something failed: closes everything."""
    REOPENING = "reopening"
    """The heir could not be named: closes everything and serves again."""
    PAUSING = "pausing"
    """Waits before it starts anew."""
    HALTING = "halting"
    """The log is damaged: cancels what rests at the venue."""
    EMPTYING = "emptying"
    """The fleet stops: cancels what rests at the venue."""
    ENDING = "ending"
    """Closes everything for good."""
    HALTED = "halted"
    REFUSED = "refused"
    STOPPED = "stopped"
    GONE = "gone"


HOLDS_LOCK: Final = frozenset(
    {
        Phase.CHECKING,
        Phase.NUMBERING,
        Phase.READING,
        Phase.CONNECTING,
        Phase.AWAITING_VENUE,
        Phase.RECONCILING,
        Phase.PUBLISHING,
        Phase.SERVING,
        Phase.LEAVING,
        Phase.PASSING_ON,
    }
)
"""Phases in which the log may be written and orders posted only because the lock is held."""
POINTS_ON: Final = frozenset(
    {Phase.LEAVING, Phase.PASSING_ON, Phase.CLOSING, Phase.MOVED, Phase.REMEMBERED}
)
"""Callers are pointed on from the first moment of a handover: nothing is refused for it."""
ENDED: Final = frozenset({Phase.HALTED, Phase.REFUSED, Phase.STOPPED, Phase.GONE})

# ---- events -----------------------------------------------------------------------------------


class HeirRead(At, frozen=True, kw_only=True):
    heir: str | None
    """Who may take the lock; None: nobody served yet, any may."""
    moved_to: str | None
    """To whom this one gave the authority up, if it did."""


class HeirNamed(At, frozen=True, kw_only=True):
    """The name that was asked for is durable."""


class LockTaken(At, frozen=True, kw_only=True):
    pass


class LockHeld(At, frozen=True, kw_only=True):
    holder: Holder | None
    """None: it has not written who it is yet."""


class LockReleased(At, frozen=True, kw_only=True):
    pass


class HolderEnded(At, frozen=True, kw_only=True):
    ended: bool


class GenerationStored(At, frozen=True, kw_only=True):
    generation: int


class LogRead(At, frozen=True, kw_only=True):
    pass


class LogDamaged(At, frozen=True, kw_only=True):
    reason: str


class VenueConnected(At, frozen=True, kw_only=True):
    pass


class VenueUnreachable(At, frozen=True, kw_only=True):
    reason: str


class Reconciled(At, frozen=True, kw_only=True):
    """Orders and trades were compared, or the limit for it is over: risk refuses until then."""


class Published(At, frozen=True, kw_only=True):
    pass


class PostsSettled(At, frozen=True, kw_only=True):
    answered: bool
    """False: a post was not answered in time; the heir looks for it."""
    beat_wire_ms: int
    """Last heartbeat that the venue took."""


class Emptied(At, frozen=True, kw_only=True):
    pass


class Closed(At, frozen=True, kw_only=True):
    """Loop, venue and log are closed and the lock is released."""


class HandOverAsked(At, frozen=True, kw_only=True):
    reply_to: int
    to: str


class TakeBackAsked(At, frozen=True, kw_only=True):
    reply_to: int


class TakeOverAsked(At, frozen=True, kw_only=True):
    reply_to: int


class StopAsked(At, frozen=True, kw_only=True):
    reply_to: int


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """One process of a gateway, as the machine knows it."""

    name: str
    fleet: str
    phase: Phase = Phase.LOOKING
    storage: str = ""
    since_ms: float = 0.0
    """Since when it stands by or points callers on."""
    lock_since_ms: float | None = None
    """Since when it waits for the lock; None: it does not."""
    named: bool = False
    """Of one that waits: the files name it the heir; before anybody has served they name nobody."""
    connected: bool = False
    connect_at_ms: float = 0.0
    connect_failures: int = 0
    """In a row."""
    generation: int = 0
    to: str | None = None
    """Whom it passes the authority on to."""
    wanted_back: bool = False
    """It was asked to take the authority back, and could not write that down yet."""
    holder: str = ""
    """Who has the lock that this one waits for."""
    reason: str = ""
    """Of a venue that is not reached, a damage, a refusal, a failure."""
    seizes: tuple[int, ...] = ()
    """Callers that asked to take over and wait for an answer."""
    replies: tuple[int, ...] = ()
    """Callers that asked to hand over, take back or stop and wait for an answer."""
