"""Passing the authority on and having it back. Pure."""

from typing import Final

from msgspec.structs import replace

from actors.gateway.authority.effects import (
    Close,
    Effect,
    NameHeir,
    ReadHeir,
    SettlePosts,
)
from actors.gateway.authority.events import (
    Authority,
    Closed,
    HandOverAsked,
    HeirNamed,
    HeirRead,
    Phase,
    PostsSettled,
    StopAsked,
    TakeBackAsked,
    TakeOverAsked,
)
from actors.gateway.authority.waiting import Done
from actors.machine.rows import Row, row
from actors.machine.vocabulary import Answer, At, Failed, Wait, Waited

MOVED_MS: Final = 180_000
"""Monotonic: so long one that moved points callers on and can take back; no handoff is longer."""
MOVED_LOOK_MS: Final = 500
"""Monotonic, between two looks of one that moved: so a take-back whose call was lost reaches it."""
_P = Phase


STARTING: Final = (
    *(_P.LOOKING, _P.PREPARING, _P.STANDING_BY, _P.SEIZING, _P.LOCKING, _P.AWAITING_LOCK),
    *(_P.ENDING_HOLDER, _P.CHECKING, _P.RELEASING, _P.NUMBERING, _P.READING, _P.CONNECTING),
    *(_P.AWAITING_VENUE, _P.RECONCILING, _P.PUBLISHING),
)
GIVING_UP: Final = (_P.LEAVING, _P.PASSING_ON, _P.CLOSING)
OUT: Final = (_P.MOVED, _P.REMEMBERED)
RESTARTING: Final = (_P.RECOVERING, _P.PAUSING, _P.REOPENING)
STOPPING: Final = (_P.EMPTYING, _P.ENDING)
DEAD: Final = (_P.HALTING, _P.HALTED, _P.REFUSED, _P.STOPPED, _P.GONE)


# ---- conditions -------------------------------------------------------------------------------


def is_named(state: Authority, event: HeirRead) -> bool:
    return event.heir == state.name


def is_wanted_back(state: Authority, event: HeirRead) -> bool:
    """Tell whether it still owes a take-back: nobody else was named since."""
    return state.wanted_back and event.heir == state.to


def moved_long_ago(state: Authority, event: HeirRead) -> bool:
    return event.at_ms - state.since_ms > MOVED_MS


def same_heir(state: Authority, event: HandOverAsked) -> bool:
    return event.to == state.to


# ---- giving it up and having it back ----------------------------------------------------------


def settle_posts(state: Authority, event: HandOverAsked) -> Done:
    leaving = replace(state, to=event.to, replies=(event.reply_to,))
    return leaving, (SettlePosts(to=event.to),)


def note_reply(state: Authority, event: HandOverAsked | TakeBackAsked | StopAsked) -> Done:
    return replace(state, replies=(*state.replies, event.reply_to)), ()


def done(
    state: Authority, event: HandOverAsked | TakeBackAsked | StopAsked | TakeOverAsked
) -> Done:
    return state, (Answer(reply_to=event.reply_to, done=True),)


def refused(
    state: Authority, event: HandOverAsked | TakeBackAsked | StopAsked | TakeOverAsked
) -> Done:
    return state, (Answer(reply_to=event.reply_to, done=False),)


def stay_moved(state: Authority, event: HandOverAsked) -> Done:
    """Answer; whoever asked for it back wants it with the heir again."""
    return done(replace(state, wanted_back=False), event)


def name_heir(state: Authority, event: PostsSettled) -> Done:
    assert state.to is not None
    return state, (NameHeir(to=state.to, beat_wire_ms=event.beat_wire_ms),)


def close(state: Authority, _event: At) -> Done:
    return state, (Close(),)


def point_on(state: Authority, event: Closed) -> Done:
    closed = replace(state, connected=False, since_ms=event.at_ms)
    closed, answers = answered(closed, done=True)
    return closed, (*answers, Wait(ms=MOVED_LOOK_MS))


def poll_again(state: Authority, _event: Waited) -> Done:
    return state, (ReadHeir(),)


def wait_moved(state: Authority, event: HeirRead | Failed) -> Done:
    del event
    state, answers = answered(state, done=False)
    return state, (*answers, Wait(ms=MOVED_LOOK_MS))


def leave(state: Authority, _event: HeirRead) -> Done:
    return state, ()


def name_itself(state: Authority, event: TakeBackAsked) -> Done:
    back = replace(state, wanted_back=True, replies=(*state.replies, event.reply_to))
    return back, (NameHeir(to=state.name),)


def name_itself_again(state: Authority, _event: HeirRead) -> Done:
    return state, (NameHeir(to=state.name),)


def poll_named(state: Authority, event: At) -> Done:
    """Begin anew: it is the heir again, and everything of the life before is closed."""
    back = replace(state, to=None, wanted_back=False, since_ms=event.at_ms)
    back, answers = answered(back, done=True)
    return back, (*answers, ReadHeir())


def answered(state: Authority, *, done: bool) -> Done:
    answers = tuple(Answer(reply_to=each, done=done) for each in state.replies)
    return replace(state, replies=()), answers


ROWS: Final[tuple[tuple[Row[Authority, Effect], ...], ...]] = (
    row(_P.SERVING, HandOverAsked, _P.LEAVING, "running posts are answered first", settle_posts),
    row(GIVING_UP, HandOverAsked, None, "under way", note_reply, when=same_heir),
    row(GIVING_UP, HandOverAsked, None, "another was asked for before", refused),
    row(OUT, HandOverAsked, None, "it is done", stay_moved, when=same_heir),
    row(OUT, HandOverAsked, None, "another was asked for before", refused),
    row(
        (*STARTING, _P.RETURNING, *RESTARTING, *STOPPING, *DEAD),
        HandOverAsked,
        None,
        "it does not serve",
        refused,
    ),
    row(_P.LEAVING, PostsSettled, _P.PASSING_ON, "what is not answered the heir finds", name_heir),
    row(_P.PASSING_ON, HeirNamed, _P.CLOSING, "the lock is released last", close),
    row(_P.CLOSING, Closed, _P.MOVED, "the heir may take the lock", point_on),
    row(_P.MOVED, Waited, _P.REMEMBERED, "it may have been named again", poll_again),
    row(_P.REMEMBERED, HeirRead, _P.LOOKING, "it was named again", poll_named, when=is_named),
    row(
        _P.REMEMBERED,
        HeirRead,
        _P.RETURNING,
        "asked back, and the files took no word of it",
        name_itself_again,
        when=is_wanted_back,
    ),
    row(_P.REMEMBERED, HeirRead, _P.GONE, "pointed on long enough", leave, when=moved_long_ago),
    row(_P.REMEMBERED, HeirRead, _P.MOVED, "another one has it", wait_moved),
    row(OUT, TakeBackAsked, _P.RETURNING, "names itself first", name_itself),
    row((_P.RETURNING,), TakeBackAsked, None, "under way", note_reply),
    row(
        (*STARTING, _P.SERVING, *GIVING_UP, *RESTARTING, *STOPPING, *DEAD),
        TakeBackAsked,
        None,
        "it has not moved",
        refused,
    ),
    row(_P.RETURNING, HeirNamed, _P.LOOKING, "it is the heir again", poll_named),
    row(_P.RETURNING, Failed, _P.MOVED, "it could not be named", wait_moved),
    row(_P.REMEMBERED, Failed, _P.MOVED, "the files could not be read", wait_moved),
)
