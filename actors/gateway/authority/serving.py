"""With the lock: recover, reconcile, be found, serve, and pass the authority on or have it back."""

from typing import Final

from msgspec.structs import replace

from actors.gateway.authority.events import (
    Authority,
    CancelAll,
    Close,
    Closed,
    ConnectVenue,
    Effect,
    Emptied,
    Empty,
    GenerationStored,
    HandOverAsked,
    HeirNamed,
    HeirRead,
    LogDamaged,
    LogRead,
    NameHeir,
    Phase,
    PostsSettled,
    Publish,
    Published,
    ReadHeir,
    ReadLog,
    Reconcile,
    Reconciled,
    Serve,
    SettlePosts,
    StopAsked,
    TakeBackAsked,
    TakeOverAsked,
    VenueConnected,
    VenueUnreachable,
)
from actors.gateway.authority.waiting import Done, backed_off, look_from_now
from actors.machine.rows import Row, row
from actors.machine.vocabulary import Answer, At, Failed, Wait, Waited

MOVED_MS: Final = 180_000
"""Monotonic: so long one that moved points callers on and can take back; no handoff is longer."""
MOVED_LOOK_MS: Final = 500
"""Monotonic, between two looks of one that moved: so a take-back whose call was lost reaches it."""
RESTART_MS: Final = 2_000
"""Monotonic, before the next start after a failure: a full disk is not asked all the time."""

_P = Phase


# ---- conditions -------------------------------------------------------------------------------


def is_connected(state: Authority, _event: At) -> bool:
    return state.connected


def is_named(state: Authority, event: HeirRead) -> bool:
    return event.heir == state.name


def moved_long_ago(state: Authority, event: HeirRead) -> bool:
    return event.at_ms - state.since_ms > MOVED_MS


def same_heir(state: Authority, event: HandOverAsked) -> bool:
    return event.to == state.to


# ---- recovering and serving -------------------------------------------------------------------


def read_log(state: Authority, event: GenerationStored) -> Done:
    return replace(state, generation=event.generation), (ReadLog(),)


def connect(state: Authority, _event: At) -> Done:
    return state, (ConnectVenue(),)


def back_off(state: Authority, event: VenueUnreachable) -> Done:
    later = backed_off(state, event)
    return later, (Wait(ms=later.connect_wait_ms),)


def reconcile(state: Authority, _event: At) -> Done:
    ready = replace(state, connected=True, reason="", connect_wait_ms=0)
    return ready, (Reconcile(generation=state.generation),)


def publish(state: Authority, _event: Reconciled) -> Done:
    return state, (Publish(generation=state.generation),)


def serve(state: Authority, _event: Published) -> Done:
    return replace(state, to=None), (Serve(),)


def cancel_all(state: Authority, event: LogDamaged) -> Done:
    return replace(state, reason=event.reason), (CancelAll(reason=event.reason),)


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


def name_heir(state: Authority, event: PostsSettled) -> Done:
    assert state.to is not None
    return state, (NameHeir(to=state.to, beat_wire_ms=event.beat_wire_ms),)


def close(state: Authority, _event: At) -> Done:
    return state, (Close(),)


def point_on(state: Authority, event: Closed) -> Done:
    closed = replace(state, connected=False, since_ms=event.at_ms)
    closed, answers = answered(closed, done=True)
    return closed, (*answers, Wait(ms=MOVED_LOOK_MS))


def look_again(state: Authority, _event: Waited) -> Done:
    return state, (ReadHeir(),)


def wait_moved(state: Authority, event: HeirRead | Failed) -> Done:
    del event
    state, answers = answered(state, done=False)
    return state, (*answers, Wait(ms=MOVED_LOOK_MS))


def leave(state: Authority, _event: HeirRead) -> Done:
    return state, ()


def name_itself(state: Authority, event: TakeBackAsked) -> Done:
    back = replace(state, replies=(*state.replies, event.reply_to))
    return back, (NameHeir(to=state.name),)


def look_named(state: Authority, event: At) -> Done:
    """Begin anew: it is the heir again, and everything of the life before is closed."""
    state, answers = answered(replace(state, to=None, since_ms=event.at_ms), done=True)
    return state, (*answers, ReadHeir())


# ---- failures and the end ---------------------------------------------------------------------


def recover(state: Authority, event: Failed) -> Done:
    seized = tuple(Answer(reply_to=each, done=False) for each in state.seizes)
    failed = replace(state, reason=event.reason, seizes=(), to=None, lock_since_ms=None)
    failed, answers = answered(failed, done=False)
    return failed, (*seized, *answers, Close())


def pause(state: Authority, _event: At) -> Done:
    return replace(state, connected=False, connect_wait_ms=0), (Wait(ms=RESTART_MS),)


def look_closed(state: Authority, event: Closed) -> Done:
    return replace(state, connected=False, since_ms=event.at_ms), (ReadHeir(),)


def empty(state: Authority, event: StopAsked) -> Done:
    return replace(state, replies=(*state.replies, event.reply_to)), (Empty(),)


def close_for_good(state: Authority, event: StopAsked) -> Done:
    others = (*state.seizes, *state.replies)
    refusals = tuple(Answer(reply_to=each, done=False) for each in others)
    return replace(state, seizes=(), replies=(event.reply_to,)), (*refusals, Close())


def end(state: Authority, _event: At) -> Done:
    return answered(replace(state, connected=False), done=True)


def answered(state: Authority, *, done: bool) -> Done:
    answers = tuple(Answer(reply_to=each, done=done) for each in state.replies)
    return replace(state, replies=()), answers


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

FORWARD: Final[tuple[tuple[Row[Authority, Effect], ...], ...]] = (
    row(_P.NUMBERING, GenerationStored, _P.READING, "no earlier one may post", read_log),
    row(
        _P.READING,
        LogRead,
        _P.RECONCILING,
        "connected while it stood by",
        reconcile,
        when=is_connected,
    ),
    row(_P.READING, LogRead, _P.CONNECTING, "the venue comes next", connect),
    row(_P.READING, LogDamaged, _P.HALTING, "an old table would issue old fences", cancel_all),
    row(_P.HALTING, Emptied, _P.HALTED, "a person must look", end),
    row(_P.CONNECTING, VenueConnected, _P.RECONCILING, "orders and trades come next", reconcile),
    row(_P.CONNECTING, VenueUnreachable, _P.AWAITING_VENUE, "asked again later", back_off),
    row(_P.AWAITING_VENUE, Waited, _P.CONNECTING, "asked again", connect),
    row(_P.RECONCILING, Reconciled, _P.PUBLISHING, "compared, or its time is over", publish),
    row(_P.PUBLISHING, Published, _P.SERVING, "callers find it", serve),
)
HAND_OVER: Final[tuple[tuple[Row[Authority, Effect], ...], ...]] = (
    row(_P.SERVING, HandOverAsked, _P.LEAVING, "running posts are answered first", settle_posts),
    row(GIVING_UP, HandOverAsked, None, "under way", note_reply, when=same_heir),
    row(GIVING_UP, HandOverAsked, None, "another was asked for before", refused),
    row(OUT, HandOverAsked, None, "it is done", done, when=same_heir),
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
    row(_P.MOVED, Waited, _P.REMEMBERED, "it may have been named again", look_again),
    row(_P.REMEMBERED, HeirRead, _P.LOOKING, "it was named again", look_named, when=is_named),
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
    row(_P.RETURNING, HeirNamed, _P.LOOKING, "it is the heir again", look_named),
    row(_P.RETURNING, Failed, _P.MOVED, "it could not be named", wait_moved),
    row(_P.REMEMBERED, Failed, _P.MOVED, "the files could not be read", wait_moved),
)
ENDS: Final[tuple[tuple[Row[Authority, Effect], ...], ...]] = (
    row(_P.PASSING_ON, Failed, _P.REOPENING, "the heir could not be named", recover),
    row(_P.REOPENING, Closed, _P.LOOKING, "the files say who is the heir", look_closed),
    row(
        (*STARTING, _P.SERVING, _P.LEAVING, _P.CLOSING, _P.HALTING),
        Failed,
        _P.RECOVERING,
        "recovery is the one way on",
        recover,
    ),
    row(_P.RECOVERING, Closed, _P.PAUSING, "a moment before the next start", pause),
    row((_P.RECOVERING, _P.REOPENING), Failed, _P.PAUSING, "what could be closed is", pause),
    row(_P.EMPTYING, Failed, _P.ENDING, "it ends all the same", close),
    row(_P.ENDING, Failed, _P.STOPPED, "it ends all the same", end),
    row(_P.PAUSING, Waited, _P.LOOKING, "starts anew", look_from_now),
    row(_P.SERVING, StopAsked, _P.EMPTYING, "what rests is cancelled first", empty),
    row(
        (*STARTING, *GIVING_UP, *OUT, _P.RETURNING, *RESTARTING, _P.HALTING),
        StopAsked,
        _P.ENDING,
        "nothing rests by it",
        close_for_good,
    ),
    row(STOPPING, StopAsked, None, "under way", note_reply),
    row(
        (_P.HALTED, _P.REFUSED, _P.STOPPED, _P.GONE), StopAsked, None, "nothing is left to do", done
    ),
    row(_P.EMPTYING, Emptied, _P.ENDING, "lock and log are released", close),
    row(_P.ENDING, Closed, _P.STOPPED, "the lock is free", end),
    row(
        (_P.SERVING, *GIVING_UP, *OUT, _P.RETURNING, *RESTARTING, *STOPPING, *DEAD),
        TakeOverAsked,
        None,
        "it waits for nothing",
        refused,
    ),
)
ROWS: Final = (*FORWARD, *HAND_OVER, *ENDS)
