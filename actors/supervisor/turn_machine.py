"""The supervisor's turn as a pure machine: one watches while it is named, the others stand by.

Who hands over first ends its watch, then keeps what its successor must know, and names it last: a
process that dies in between is still named, and watches again when Ray has started it.
"""

from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.machine.rows import Table, row
from actors.machine.vocabulary import Answer, At, Failed, Wait, Waited

LOOK_MS: Final = 500
"""Monotonic, between two looks at who watches."""
STANDBY_MS_MAX: Final = 180_000
"""Monotonic. Longer than any handoff: one that was not named by then is not wanted, and leaves."""


class Phase(StrEnum):
    LOOKING = "looking"
    """Reads who watches."""
    CLAIMING = "claiming"
    """Nobody was named, or a take-back was asked: names itself."""
    STANDING_BY = "standing_by"
    OPENING = "opening"
    """Reads its files and makes its loop."""
    WATCHING = "watching"
    CHECKING = "checking"
    """Watches, and reads whether it still is the one."""
    RECLAIMING = "reclaiming"
    """Watches, and names itself: a take-back was asked."""
    CLOSING = "closing"
    """Another one was named: its watch ends."""
    HANDING_OVER = "handing_over"
    """Its watch ends before another one is named."""
    KEEPING = "keeping"
    """Stores what its successor must know."""
    NAMING = "naming"
    GONE = "gone"
    FAULTY = "faulty"
    """Its process ends, so that Ray starts it anew."""


class NameRead(At, frozen=True, kw_only=True):
    name: str | None


class NameStored(At, frozen=True, kw_only=True):
    pass


class Opened(At, frozen=True, kw_only=True):
    pass


class Closed(At, frozen=True, kw_only=True):
    pass


class Kept(At, frozen=True, kw_only=True):
    pass


class HandOverAsked(At, frozen=True, kw_only=True):
    reply_to: int
    to: str
    busy: bool
    """A slot is being created."""


class TakeBackAsked(At, frozen=True, kw_only=True):
    reply_to: int


class ReadName(msgspec.Struct, frozen=True):
    pass


class StoreName(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class Open(msgspec.Struct, frozen=True):
    pass


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Watch for so long; may be broken off, the loop goes on."""

    ms: int


class Close(msgspec.Struct, frozen=True):
    pass


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    to: str


Work = ReadName | StoreName | Open | Watch | Close | Keep | Wait
Effect = Work | Answer


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    phase: Phase = Phase.LOOKING
    since_ms: float = 0.0
    """Since when it stands by."""
    to: str | None = None
    """Whom it handed over to."""
    reason: str = ""
    replies: tuple[int, ...] = ()


_P = Phase
Done = tuple[Turn, tuple[Effect, ...]]
WATCHES: Final = frozenset({Phase.WATCHING, Phase.CHECKING})


def begin(name: str, at_ms: float) -> Done:
    return Turn(name=name, since_ms=at_ms), (ReadName(),)


# ---- conditions -------------------------------------------------------------------------------


def is_named(state: Turn, event: NameRead) -> bool:
    return event.name == state.name


def nobody_is_named(_state: Turn, event: NameRead) -> bool:
    return event.name is None


def stood_by_for_nothing(state: Turn, event: NameRead) -> bool:
    return event.at_ms - state.since_ms >= STANDBY_MS_MAX


def is_busy(_state: Turn, event: HandOverAsked) -> bool:
    return event.busy


def same_successor(state: Turn, event: HandOverAsked) -> bool:
    return event.to == state.to


# ---- acts -------------------------------------------------------------------------------------


def read(state: Turn, _event: At) -> Done:
    return state, (ReadName(),)


def read_from_now(state: Turn, event: At) -> Done:
    return replace(state, since_ms=event.at_ms), (ReadName(),)


def read_and_answer(state: Turn, event: NameStored) -> Done:
    state, answers = answered(replace(state, since_ms=event.at_ms), done=True)
    return state, (*answers, ReadName())


def claim(state: Turn, _event: At) -> Done:
    return state, (StoreName(name=state.name),)


def claim_asked(state: Turn, event: TakeBackAsked) -> Done:
    return replace(state, replies=(*state.replies, event.reply_to)), (StoreName(name=state.name),)


def open_loop(state: Turn, _event: NameRead) -> Done:
    return replace(state, to=None), (Open(),)


def watch(state: Turn, _event: At) -> Done:
    return state, (Watch(ms=LOOK_MS),)


def wait(state: Turn, _event: At) -> Done:
    return state, (Wait(ms=LOOK_MS),)


def leave(state: Turn, _event: At) -> Done:
    return state, ()


def close(state: Turn, _event: NameRead) -> Done:
    return state, (Close(),)


def close_first(state: Turn, event: HandOverAsked) -> Done:
    handing = replace(state, to=event.to, replies=(*state.replies, event.reply_to))
    return handing, (Close(),)


def keep(state: Turn, _event: Closed) -> Done:
    assert state.to is not None
    return state, (Keep(to=state.to),)


def name_successor(state: Turn, _event: Kept) -> Done:
    assert state.to is not None
    return state, (StoreName(name=state.to),)


def watch_on(state: Turn, _event: NameStored) -> Done:
    state, answers = answered(state, done=True)
    return state, (*answers, Watch(ms=LOOK_MS))


def handed_over(state: Turn, event: NameStored) -> Done:
    state, answers = answered(replace(state, since_ms=event.at_ms), done=True)
    return state, (*answers, Wait(ms=LOOK_MS))


def poll_who_watches(state: Turn, event: Failed) -> Done:
    """What could not be stored may be stored all the same: the file says who watches."""
    state, answers = answered(replace(state, to=None, since_ms=event.at_ms), done=False)
    return state, (*answers, ReadName())


def fail(state: Turn, event: Failed) -> Done:
    return answered(replace(state, reason=event.reason), done=False)


def note_reply(state: Turn, event: HandOverAsked | TakeBackAsked) -> Done:
    return replace(state, replies=(*state.replies, event.reply_to)), ()


def done(state: Turn, event: HandOverAsked | TakeBackAsked) -> Done:
    return state, (Answer(reply_to=event.reply_to, done=True),)


def refused(state: Turn, event: HandOverAsked | TakeBackAsked) -> Done:
    return state, (Answer(reply_to=event.reply_to, done=False),)


def answered(state: Turn, *, done: bool) -> Done:
    answers = tuple(Answer(reply_to=each, done=done) for each in state.replies)
    return replace(state, replies=()), answers


OUT: Final = (_P.LOOKING, _P.STANDING_BY)
OPENING: Final = (_P.CLAIMING, _P.OPENING, _P.CLOSING)
ENDS: Final = (_P.GONE, _P.FAULTY)
HANDING: Final = (_P.HANDING_OVER, _P.KEEPING, _P.NAMING)
TABLE: Final[Table[Turn, Effect]] = Table(
    row(_P.LOOKING, NameRead, _P.OPENING, "it is named", open_loop, when=is_named),
    row(_P.LOOKING, NameRead, _P.CLAIMING, "nobody is named", claim, when=nobody_is_named),
    row(_P.LOOKING, NameRead, _P.GONE, "not wanted", leave, when=stood_by_for_nothing),
    row(_P.LOOKING, NameRead, _P.STANDING_BY, "another one watches", wait),
    row(_P.CLAIMING, NameStored, _P.LOOKING, "the file says who watches", read_and_answer),
    row(_P.STANDING_BY, Waited, _P.LOOKING, "looks again", read),
    row(_P.OPENING, Opened, _P.WATCHING, "it watches", watch),
    row(_P.WATCHING, Waited, _P.CHECKING, "another one may be named", read),
    row(_P.CHECKING, NameRead, _P.WATCHING, "still the one", watch, when=is_named),
    row(_P.CHECKING, NameRead, _P.CLOSING, "another one was named", close),
    row(_P.CLOSING, Closed, _P.LOOKING, "stands by", read_from_now),
    row(_P.WATCHING, HandOverAsked, None, "a slot is being created", refused, when=is_busy),
    row(_P.WATCHING, HandOverAsked, _P.HANDING_OVER, "its watch ends first", close_first),
    row(_P.HANDING_OVER, Closed, _P.KEEPING, "nothing changes any more", keep),
    row(_P.KEEPING, Kept, _P.NAMING, "the successor knows what holds", name_successor),
    row(_P.NAMING, NameStored, _P.STANDING_BY, "the successor watches", handed_over),
    row(_P.STANDING_BY, HandOverAsked, None, "it is done", done, when=same_successor),
    row(_P.LOOKING, HandOverAsked, None, "it is done", done, when=same_successor),
    row(HANDING, HandOverAsked, None, "under way", note_reply, when=same_successor),
    row(
        (*OUT, *OPENING, *HANDING, _P.CHECKING, _P.RECLAIMING, *ENDS),
        HandOverAsked,
        None,
        "it does not watch, or does something else first",
        refused,
    ),
    row(OUT, TakeBackAsked, _P.CLAIMING, "its successor failed", claim_asked),
    row(_P.WATCHING, TakeBackAsked, _P.RECLAIMING, "another one may be named", claim_asked),
    row(_P.RECLAIMING, NameStored, _P.WATCHING, "watches on", watch_on),
    row((_P.CLAIMING, _P.RECLAIMING), TakeBackAsked, None, "under way", note_reply),
    row(
        (_P.OPENING, _P.CHECKING, _P.CLOSING, *HANDING, *ENDS),
        TakeBackAsked,
        None,
        "it is the one, or does something else first",
        refused,
    ),
    row((_P.KEEPING, _P.NAMING), Failed, _P.LOOKING, "nobody may be named", poll_who_watches),
    row(
        (*OUT, *OPENING, _P.WATCHING, _P.CHECKING, _P.RECLAIMING, _P.HANDING_OVER),
        Failed,
        _P.FAULTY,
        "Ray starts it anew",
        fail,
    ),
)
