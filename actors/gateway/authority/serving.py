"""With the lock: recover, reconcile, be found, serve; failures and the end. Pure."""

from typing import Final

from msgspec.structs import replace

from actors.gateway.authority.effects import (
    CancelAll,
    Close,
    ConnectVenue,
    Effect,
    Empty,
    Publish,
    ReadHeir,
    ReadLog,
    Reconcile,
    Serve,
)
from actors.gateway.authority.events import (
    Authority,
    Closed,
    Emptied,
    GenerationStored,
    LogDamaged,
    LogRead,
    Phase,
    Published,
    Reconciled,
    StopAsked,
    TakeOverAsked,
    VenueConnected,
    VenueUnreachable,
)
from actors.gateway.authority.leaving import (
    DEAD,
    GIVING_UP,
    OUT,
    RESTARTING,
    STARTING,
    STOPPING,
    answered,
    close,
    done,
    note_reply,
    refused,
)
from actors.gateway.authority.waiting import CONNECT_PAUSES, Done, backed_off, poll_from_now
from actors.machine.rows import Row, row
from actors.machine.vocabulary import Answer, At, Failed, Wait, Waited

RESTART_MS: Final = 2_000
"""Monotonic, before the next start after a failure: a full disk is not asked all the time."""

_P = Phase


# ---- conditions -------------------------------------------------------------------------------


def is_connected(state: Authority, _event: At) -> bool:
    return state.connected


# ---- recovering and serving -------------------------------------------------------------------


def read_log(state: Authority, event: GenerationStored) -> Done:
    return replace(state, generation=event.generation), (ReadLog(),)


def connect(state: Authority, _event: At) -> Done:
    return state, (ConnectVenue(),)


def back_off(state: Authority, event: VenueUnreachable) -> Done:
    later = backed_off(state, event)
    return later, (Wait(ms=CONNECT_PAUSES.wait_ms(later.connect_failures)),)


def reconcile(state: Authority, _event: At) -> Done:
    ready = replace(state, connected=True, reason="", connect_failures=0)
    return ready, (Reconcile(generation=state.generation),)


def publish(state: Authority, _event: Reconciled) -> Done:
    return state, (Publish(generation=state.generation),)


def serve(state: Authority, _event: Published) -> Done:
    return replace(state, to=None), (Serve(),)


def cancel_all(state: Authority, event: LogDamaged) -> Done:
    return replace(state, reason=event.reason), (CancelAll(reason=event.reason),)


# ---- failures and the end ---------------------------------------------------------------------


def recover(state: Authority, event: Failed) -> Done:
    seized = tuple(Answer(reply_to=each, done=False) for each in state.seizes)
    failed = replace(state, reason=event.reason, seizes=(), to=None, lock_since_ms=None)
    failed, answers = answered(failed, done=False)
    return failed, (*seized, *answers, Close())


def pause(state: Authority, _event: At) -> Done:
    return replace(state, connected=False, connect_failures=0), (Wait(ms=RESTART_MS),)


def poll_closed(state: Authority, event: Closed) -> Done:
    return replace(state, connected=False, since_ms=event.at_ms), (ReadHeir(),)


def empty(state: Authority, event: StopAsked) -> Done:
    return replace(state, replies=(*state.replies, event.reply_to)), (Empty(),)


def close_for_good(state: Authority, event: StopAsked) -> Done:
    others = (*state.seizes, *state.replies)
    refusals = tuple(Answer(reply_to=each, done=False) for each in others)
    return replace(state, seizes=(), replies=(event.reply_to,)), (*refusals, Close())


def end(state: Authority, _event: At) -> Done:
    return answered(replace(state, connected=False), done=True)


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
ENDS: Final[tuple[tuple[Row[Authority, Effect], ...], ...]] = (
    row(_P.PASSING_ON, Failed, _P.REOPENING, "the heir could not be named", recover),
    row(_P.REOPENING, Closed, _P.LOOKING, "the files say who is the heir", poll_closed),
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
    row(_P.PAUSING, Waited, _P.LOOKING, "starts anew", poll_from_now),
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
ROWS: Final = (*FORWARD, *ENDS)
