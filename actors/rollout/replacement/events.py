"""One shared actor on its way to a release: its steps, what happens and what is asked for."""

from enum import StrEnum
from typing import Final

import msgspec

from actors.machine.vocabulary import At
from actors.shared_kind import Kind


class SharedStep(StrEnum):
    CREATING = "creating"
    PREPARING = "preparing"
    """Until the successor stands by, and runs the release."""
    WARMING = "warming"
    """It is given what the old one has loaded."""
    REMEMBERING = "remembering"
    """Which release is replaced is stored."""
    NAMING = "naming"
    """The old one passes its turn on; one that is sick has it taken."""
    CONFIRMING = "confirming"
    """Until the successor serves."""
    ENDING = "ending"
    """The old one is ended."""
    DISCARDING = "discarding"
    """The successor never had its turn: it is ended."""
    TAKING_BACK = "taking_back"
    """The successor may have its turn: it is ended first, so that two never serve."""
    RETURNING = "returning"
    """The old one is named again."""
    AWAITING_OLD = "awaiting_old"
    """Until the old one serves."""
    DONE = "done"
    FAILED = "failed"
    """The old one serves as before, or another one that the fleet has brought meanwhile."""
    STUCK = "stuck"
    """Nobody could be proved to serve: an alarm says so, a person decides."""


ENDED: Final[frozenset[StrEnum]] = frozenset({SharedStep.DONE, SharedStep.FAILED, SharedStep.STUCK})


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A shared actor that does not run the release gone back to."""

    kind: Kind
    name: str
    sick: str | None
    """Why it is not asked; None: it looked well."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One actor as its status and its process tell."""

    phase: str
    release: str
    ready: bool
    """Stands by, able to serve at once."""
    serves: bool
    heartbeat_gap_ms: int = 0


# ---- events -----------------------------------------------------------------------------------


class Created(At, frozen=True, kw_only=True):
    pass


class ActorSeen(At, frozen=True, kw_only=True):
    seen: Seen


class Warmed(At, frozen=True, kw_only=True):
    pass


class Remembered(At, frozen=True, kw_only=True):
    pass


class Named(At, frozen=True, kw_only=True):
    """The successor has its turn; the old one left it or was ended."""


class ActorEnded(At, frozen=True, kw_only=True):
    """Its process is gone, and Ray starts no other."""


class NamedBack(At, frozen=True, kw_only=True):
    pass


class NamedElsewhere(At, frozen=True, kw_only=True):
    """Neither of the two has its turn: the fleet has brought another one meanwhile."""


# ---- effects ----------------------------------------------------------------------------------


class Create(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    release: str


class PollActor(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a status, after a pause."""

    name: str
    after_ms: int = 0


class Warm(msgspec.Struct, frozen=True, kw_only=True):
    old: str
    new: str


class Remember(msgspec.Struct, frozen=True, kw_only=True):
    new: str
    release: str
    back: Back | None


class Name(msgspec.Struct, frozen=True, kw_only=True):
    old: str
    new: str


class Seize(msgspec.Struct, frozen=True, kw_only=True):
    """Name the successor and end the old one's process, without asking the old one."""

    old: str
    new: str


class EndActor(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class NameBack(msgspec.Struct, frozen=True, kw_only=True):
    """Name the old one again, unless another one than the successor was named meanwhile."""

    old: str
    new: str


Work = Create | PollActor | Warm | Remember | Name | Seize | EndActor | NameBack


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """One replacement, as the machine knows it."""

    kind: Kind
    old: str
    new: str
    release: str
    back: Back | None = None
    """This is a way back, from what is described there."""
    phase: SharedStep = SharedStep.CREATING
    since_ms: float = 0.0
    """When the looking under way began."""
    named_ms: float = 0.0
    naming_ms: float | None = None
    """From asking the old one to leave to the successor's word that it serves."""
    heartbeat_gap_ms: int = 0
    trouble: str = "no status"
    """What the last look found."""
    failure: str | None = None

    @property
    def sick(self) -> bool:
        return self.back is not None and self.back.sick is not None
