"""Until the lock is held: who may take it, and what becomes of one that may not. Pure."""

from typing import Final

from msgspec.structs import replace

from actors.gateway.authority.effects import (
    ConnectVenue,
    Effect,
    EndHolder,
    NameHeir,
    ReadHeir,
    ReleaseLock,
    StoreGeneration,
    TryLock,
)
from actors.gateway.authority.events import (
    Authority,
    HeirNamed,
    HeirRead,
    HolderEnded,
    LockHeld,
    LockReleased,
    LockTaken,
    Phase,
    TakeOverAsked,
    VenueConnected,
    VenueUnreachable,
)
from actors.machine.backoff import Backoff
from actors.machine.rows import Row, row
from actors.machine.vocabulary import Answer, At, Wait, Waited

LOOK_MS: Final = 100
"""Monotonic, between two looks at who is the heir and between two tries for the lock."""
LOCK_GRACE_MS: Final = 2_000
"""An earlier process of this same actor may be on its way out; then it is ended."""
HEIR_WAITS_MS_MAX: Final = 15_000
"""Whoever passed its turn on closes log and venue within a second or two and lets go. One that has
the lock for so long beside a named heir hangs, or was given up by Ray and lives on: it is ended."""
STANDBY_MS_MAX: Final = 180_000
"""Longer than any handoff: one that was not named by then is not wanted."""
STRANGER_MS_MAX: Final = 15_000
"""A fleet whose head was killed takes a few seconds to be gone."""
CONNECT_PAUSES: Final = Backoff(first_ms=500, most_ms=10_000)

_P = Phase
Done = tuple[Authority, tuple[Effect, ...]]


# ---- conditions -------------------------------------------------------------------------------


def is_heir(state: Authority, event: HeirRead) -> bool:
    return event.heir in (None, state.name)


def moved_before(state: Authority, event: HeirRead) -> bool:
    """Tell whether this one gave the authority up, or stood by for nothing."""
    if event.moved_to is not None:
        return True
    return event.heir is not None and event.at_ms - state.since_ms > STANDBY_MS_MAX


def may_connect(state: Authority, event: HeirRead) -> bool:
    return not state.connected and event.at_ms >= state.connect_at_ms


def wants_to_seize(state: Authority, _event: At) -> bool:
    return bool(state.seizes)


def waits_too_long_for_stranger(state: Authority, event: LockHeld) -> bool:
    return is_stranger(state, event) and waited_ms(state, event) > STRANGER_MS_MAX


def is_stranger(state: Authority, event: LockHeld) -> bool:
    return event.holder is not None and event.holder.fleet != state.fleet


def holder_must_end(state: Authority, event: LockHeld) -> bool:
    """Tell whether the holder hangs or was given up: it keeps the lock from the heir."""
    if event.holder is None or is_stranger(state, event):
        return False
    if event.holder.name == state.name and waited_ms(state, event) > LOCK_GRACE_MS:
        return True
    return bool(state.seizes) or (state.named and waited_ms(state, event) > HEIR_WAITS_MS_MAX)


# ---- acts -------------------------------------------------------------------------------------


def poll(state: Authority, _event: At) -> Done:
    return state, (ReadHeir(),)


def poll_from_now(state: Authority, event: At) -> Done:
    return replace(state, since_ms=event.at_ms), (ReadHeir(),)


def try_lock(state: Authority, event: HeirRead | HeirNamed) -> Done:
    since_ms = event.at_ms if state.lock_since_ms is None else state.lock_since_ms
    named = isinstance(event, HeirNamed) or event.heir == state.name
    locking = replace(state, since_ms=event.at_ms, lock_since_ms=since_ms, named=named)
    return locking, (TryLock(),)


def waited_ms(state: Authority, event: At) -> float:
    """Return for how long it has waited for the lock."""
    return 0.0 if state.lock_since_ms is None else event.at_ms - state.lock_since_ms


def point_on(state: Authority, event: HeirRead) -> Done:
    to = event.moved_to or event.heir
    refused = tuple(Answer(reply_to=each, done=False) for each in state.seizes)
    moved = replace(state, to=to, since_ms=event.at_ms, seizes=())
    return moved, (*refused, Wait(ms=LOOK_MS))


def connect(state: Authority, _event: At) -> Done:
    return state, (ConnectVenue(),)


def stand_by(state: Authority, _event: At) -> Done:
    return replace(state, lock_since_ms=None, holder=""), (Wait(ms=LOOK_MS),)


def wait_connected(state: Authority, _event: VenueConnected) -> Done:
    return replace(state, connected=True, connect_failures=0, reason=""), (Wait(ms=LOOK_MS),)


def backed_off(state: Authority, event: VenueUnreachable) -> Authority:
    """Note when the venue may be asked again: later each time."""
    failures = state.connect_failures + 1
    at_ms = event.at_ms + CONNECT_PAUSES.wait_ms(failures)
    return replace(state, connect_failures=failures, connect_at_ms=at_ms, reason=event.reason)


def wait_unconnected(state: Authority, event: VenueUnreachable) -> Done:
    return backed_off(state, event), (Wait(ms=LOOK_MS),)


def note_seize(state: Authority, event: TakeOverAsked) -> Done:
    return replace(state, seizes=(*state.seizes, event.reply_to)), ()


def name_itself(state: Authority, _event: At) -> Done:
    return state, (NameHeir(to=state.name),)


def await_holder(state: Authority, event: LockHeld) -> Done:
    refused: tuple[Answer, ...] = ()
    if is_stranger(state, event):
        refused = tuple(Answer(reply_to=each, done=False) for each in state.seizes)
        state = replace(state, seizes=())
    return replace(state, holder=_text(event)), (*refused, Wait(ms=LOOK_MS))


def _text(event: LockHeld) -> str:
    holder = event.holder
    return "" if holder is None else f"{holder.name} (pid {holder.pid})"


def refuse(state: Authority, event: LockHeld) -> Done:
    holder = event.holder
    assert holder is not None
    reason = (
        f"storage {state.storage} is in use by another fleet ({holder.fleet}, gateway pid "
        f"{holder.pid}, node {holder.node}): stop it, or give this one its own folder"
    )
    answers = tuple(Answer(reply_to=each, done=False) for each in state.seizes)
    return replace(state, reason=reason, seizes=()), answers


def end_holder(state: Authority, event: LockHeld) -> Done:
    assert event.holder is not None
    return replace(state, holder=_text(event)), (EndHolder(holder=event.holder),)


def wait_for_end(state: Authority, event: HolderEnded) -> Done:
    answers = tuple(Answer(reply_to=each, done=event.ended) for each in state.seizes)
    ended = replace(state, seizes=(), lock_since_ms=event.at_ms)
    return ended, (*answers, Wait(ms=LOOK_MS))


def check(state: Authority, _event: LockTaken) -> Done:
    answers = tuple(Answer(reply_to=each, done=True) for each in state.seizes)
    taken = replace(state, seizes=(), holder="", lock_since_ms=None)
    return taken, (*answers, ReadHeir())


def number(state: Authority, _event: HeirRead) -> Done:
    return state, (StoreGeneration(),)


def release(state: Authority, _event: At) -> Done:
    return state, (ReleaseLock(),)


AWAITS_WORK: Final = (
    *(_P.LOOKING, _P.PREPARING, _P.STANDING_BY, _P.SEIZING),
    *(_P.LOCKING, _P.AWAITING_LOCK, _P.ENDING_HOLDER),
)
ROWS: Final[tuple[tuple[Row[Authority, Effect], ...], ...]] = (
    row(_P.LOOKING, HeirRead, _P.LOCKING, "it is the heir", try_lock, when=is_heir),
    row(_P.LOOKING, HeirRead, _P.SEIZING, "asked to take over", name_itself, when=wants_to_seize),
    row(_P.LOOKING, HeirRead, _P.MOVED, "gave it up, or not wanted", point_on, when=moved_before),
    row(_P.LOOKING, HeirRead, _P.PREPARING, "another is the heir", connect, when=may_connect),
    row(_P.LOOKING, HeirRead, _P.STANDING_BY, "another is the heir", stand_by),
    row(_P.PREPARING, VenueConnected, _P.STANDING_BY, "ready to take over", wait_connected),
    row(_P.PREPARING, VenueUnreachable, _P.STANDING_BY, "asked again later", wait_unconnected),
    row(_P.STANDING_BY, Waited, _P.LOOKING, "looks again", poll),
    row(AWAITS_WORK, TakeOverAsked, None, "when the work under way has ended", note_seize),
    row(_P.SEIZING, HeirNamed, _P.LOCKING, "it is the heir now", try_lock),
    row(_P.LOCKING, LockTaken, _P.CHECKING, "somebody may have been named since", check),
    row(
        _P.LOCKING,
        LockHeld,
        _P.REFUSED,
        "another fleet uses this storage",
        refuse,
        when=waits_too_long_for_stranger,
    ),
    row(_P.LOCKING, LockHeld, _P.ENDING_HOLDER, "it hangs", end_holder, when=holder_must_end),
    row(_P.LOCKING, LockHeld, _P.AWAITING_LOCK, "until it is released", await_holder),
    row(_P.AWAITING_LOCK, Waited, _P.LOOKING, "the heir may be another now", poll),
    row(_P.ENDING_HOLDER, HolderEnded, _P.AWAITING_LOCK, "the kernel frees it", wait_for_end),
    row(_P.CHECKING, HeirRead, _P.NUMBERING, "still the heir", number, when=is_heir),
    row(_P.CHECKING, HeirRead, _P.RELEASING, "another one was named", release),
    row(_P.RELEASING, LockReleased, _P.LOOKING, "waits like any other", poll_from_now),
)
