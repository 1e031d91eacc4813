"""Market data's turn as a pure machine.

A successor takes over the buffers of the one that serves, gets warm, stands by, and serves once
callers are pointed to it. Two may serve at once, see `actors.market_data.handoff`: there is no
lock. One that was succeeded and is started again only waits: a take-back may name it.
"""

from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.machine.rows import Table, row
from actors.machine.vocabulary import Answer, At, Failed, Wait, Waited

LOOK_MS: Final = 100
"""Monotonic, between two looks at who is named and whether the feeds are fresh."""
WARM_MS_MAX: Final = 15_000
"""Monotonic. After this it stands by with what it has, and says what is stale."""
STANDBY_MS_MAX: Final = 180_000
"""Monotonic. Longer than any handoff: one that was not named by then leaves."""


class Phase(StrEnum):
    LOOKING = "looking"
    """Reads whom callers find."""
    CLAIMING = "claiming"
    """Nobody else can serve: names itself."""
    TAKING_BUFFERS = "taking_buffers"
    WARMING = "warming"
    """Until every feed is fresh."""
    STANDING_BY = "standing_by"
    MOVED = "moved"
    """Was succeeded and started again: waits to be named."""
    CHECKING = "checking"
    """Reads whether it was named."""
    SERVING = "serving"
    GONE = "gone"
    FAULTY = "faulty"
    """Its process ends, so that Ray starts it anew."""


class NameRead(At, frozen=True, kw_only=True):
    name: str | None
    """None: nobody was named, or nobody can be asked."""


class NameStored(At, frozen=True, kw_only=True):
    pass


class BuffersTaken(At, frozen=True, kw_only=True):
    pass


class BuffersLost(At, frozen=True, kw_only=True):
    """The one before cannot be asked, or its buffers cannot be read."""

    reason: str


class WarmthSeen(At, frozen=True, kw_only=True):
    warm: bool


class ReadName(msgspec.Struct, frozen=True):
    pass


class StoreName(msgspec.Struct, frozen=True):
    pass


class TakeBuffers(msgspec.Struct, frozen=True, kw_only=True):
    before: str


class PollFeeds(msgspec.Struct, frozen=True, kw_only=True):
    after_ms: int = 0


Work = ReadName | StoreName | TakeBuffers | PollFeeds | Wait
Effect = Work | Answer


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    phase: Phase = Phase.LOOKING
    since_ms: float = 0.0
    moved: bool = False
    reason: str = ""


_P = Phase
Done = tuple[Turn, tuple[Effect, ...]]


def begin(name: str, at_ms: float) -> Done:
    return Turn(name=name, since_ms=at_ms), (ReadName(),)


def number_of(name: str) -> int:
    return int(name.rpartition("/")[2])


def nobody_else(state: Turn, event: NameRead) -> bool:
    return event.name in (None, state.name)


def succeeded(state: Turn, event: NameRead) -> bool:
    return event.name is not None and number_of(event.name) > number_of(state.name)


def not_wanted(state: Turn, event: NameRead) -> bool:
    return event.at_ms - state.since_ms >= STANDBY_MS_MAX


def warm_or_late(state: Turn, event: WarmthSeen) -> bool:
    return event.warm or event.at_ms - state.since_ms >= WARM_MS_MAX


def claim(state: Turn, _event: At) -> Done:
    return state, (StoreName(),)


def serve(state: Turn, _event: At) -> Done:
    return state, ()


def wait_moved(state: Turn, event: NameRead) -> Done:
    return replace(state, moved=True, since_ms=event.at_ms), (Wait(ms=LOOK_MS),)


def take_buffers(state: Turn, event: NameRead) -> Done:
    assert event.name is not None
    return state, (TakeBuffers(before=event.name),)


def poll(state: Turn, event: BuffersTaken) -> Done:
    return replace(state, since_ms=event.at_ms), (PollFeeds(),)


def poll_again(state: Turn, _event: WarmthSeen) -> Done:
    return state, (PollFeeds(after_ms=LOOK_MS),)


def stand_by(state: Turn, event: WarmthSeen) -> Done:
    return replace(state, since_ms=event.at_ms), (Wait(ms=LOOK_MS),)


def claim_cold(state: Turn, event: BuffersLost) -> Done:
    return replace(state, reason=event.reason), (StoreName(),)


def check(state: Turn, _event: Waited) -> Done:
    return state, (ReadName(),)


def wait(state: Turn, _event: NameRead) -> Done:
    return state, (Wait(ms=LOOK_MS),)


def was_moved(state: Turn, _event: NameRead) -> bool:
    return state.moved


def fail(state: Turn, event: Failed) -> Done:
    return replace(state, reason=event.reason), ()


TABLE: Final[Table[Turn, Effect]] = Table(
    row(_P.LOOKING, NameRead, _P.CLAIMING, "no other one can serve", claim, when=nobody_else),
    row(_P.LOOKING, NameRead, _P.MOVED, "a later one serves", wait_moved, when=succeeded),
    row(_P.LOOKING, NameRead, _P.TAKING_BUFFERS, "an earlier one serves", take_buffers),
    row(_P.TAKING_BUFFERS, BuffersTaken, _P.WARMING, "the rest comes by itself", poll),
    row(_P.TAKING_BUFFERS, BuffersLost, _P.CLAIMING, "nobody else can serve", claim_cold),
    row(_P.WARMING, WarmthSeen, _P.STANDING_BY, "warm, or late", stand_by, when=warm_or_late),
    row(_P.WARMING, WarmthSeen, None, "looked at again", poll_again),
    row((_P.STANDING_BY, _P.MOVED), Waited, _P.CHECKING, "it may be named", check),
    row(_P.CHECKING, NameRead, _P.SERVING, "callers are pointed here", serve, when=nobody_else),
    row(_P.CHECKING, NameRead, _P.GONE, "not wanted", serve, when=not_wanted),
    row(_P.CHECKING, NameRead, _P.MOVED, "not yet", wait, when=was_moved),
    row(_P.CHECKING, NameRead, _P.STANDING_BY, "not yet", wait),
    row(_P.CLAIMING, NameStored, _P.SERVING, "callers find it", serve),
    row(
        (_P.LOOKING, _P.CLAIMING, _P.TAKING_BUFFERS, _P.WARMING, _P.CHECKING),
        Failed,
        _P.FAULTY,
        "Ray starts it anew",
        fail,
    ),
)
