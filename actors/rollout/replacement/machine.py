"""The machine that replaces one shared actor.

The successor is created beside the old one and stands by. Only when it is ready, and proved to run
the release, is it named. It must then serve by a deadline; if it does not, its process is ended
first and then the old one is named again. The old one is ended for good at the very end. A way back
asks nothing of an old one that is sick: the successor takes its turn, and its process is ended.
"""

from typing import Final

from msgspec.structs import replace

from actors.machine.rows import Table, row
from actors.machine.vocabulary import Answer, At, Failed
from actors.rollout.replacement.events import (
    ActorEnded,
    ActorSeen,
    Back,
    Create,
    Created,
    EndActor,
    Name,
    NameBack,
    Named,
    NamedBack,
    NamedElsewhere,
    PollActor,
    Remember,
    Remembered,
    Replacement,
    Seize,
    SharedStep,
    Warm,
    Warmed,
    Work,
)
from actors.shared_kind import Kind

READY_MS: Final = 60_000
"""Monotonic. Market data gets warm within 15 s; the gateway connects to the venue within 20 s."""
SERVE_MS: Final = 30_000
"""Monotonic. Measured 0.5 .. 3 s: log, reconciliation with the venue, first heartbeat."""
LOOK_MS: Final = 100

_P = SharedStep
Effect = Work | Answer
Done = tuple[Replacement, tuple[Effect, ...]]


def begin(
    kind: Kind, names: tuple[str, str], release: str, at_ms: float, back: Back | None = None
) -> Done:
    """Begin to replace the first of two names by the second."""
    old, new = names
    state = Replacement(kind=kind, old=old, new=new, release=release, back=back, since_ms=at_ms)
    return state, (Create(name=new, release=release),)


# ---- conditions -------------------------------------------------------------------------------


def other_release(state: Replacement, event: ActorSeen) -> bool:
    return event.seen.release != state.release


def ready_and_old_sick(state: Replacement, event: ActorSeen) -> bool:
    return state.sick and ready(state, event)


def ready(_state: Replacement, event: ActorSeen) -> bool:
    return event.seen.ready or event.seen.serves


def serves(_state: Replacement, event: ActorSeen) -> bool:
    return event.seen.serves


def not_ready_in_time(state: Replacement, event: At) -> bool:
    return event.at_ms - state.since_ms >= READY_MS


def not_serving_in_time(state: Replacement, event: At) -> bool:
    return event.at_ms - state.since_ms >= SERVE_MS


# ---- acts -------------------------------------------------------------------------------------


def poll_new(state: Replacement, event: At) -> Done:
    return replace(state, since_ms=event.at_ms, trouble="no status"), (PollActor(name=state.new),)


def poll_new_again(state: Replacement, event: ActorSeen | Failed) -> Done:
    return replace(state, trouble=_trouble(event)), (PollActor(name=state.new, after_ms=LOOK_MS),)


def poll_old(state: Replacement, event: At) -> Done:
    return replace(state, since_ms=event.at_ms, trouble="no status"), (PollActor(name=state.old),)


def poll_old_again(state: Replacement, event: ActorSeen | Failed) -> Done:
    return replace(state, trouble=_trouble(event)), (PollActor(name=state.old, after_ms=LOOK_MS),)


def _trouble(event: ActorSeen | Failed) -> str:
    return event.reason if isinstance(event, Failed) else event.seen.phase


def warm(state: Replacement, _event: At) -> Done:
    return state, (Warm(old=state.old, new=state.new),)


def remember(state: Replacement, _event: At) -> Done:
    return state, (Remember(new=state.new, release=state.release, back=state.back),)


def name(state: Replacement, event: Remembered) -> Done:
    effect = Seize(old=state.old, new=state.new) if state.sick else None
    named = replace(state, named_ms=event.at_ms)
    return named, (effect or Name(old=state.old, new=state.new),)


def confirmed(state: Replacement, event: ActorSeen) -> Done:
    served = replace(
        state,
        naming_ms=event.at_ms - state.named_ms,
        heartbeat_gap_ms=event.seen.heartbeat_gap_ms,
    )
    return served, (EndActor(name=state.old),)


def wrong_release(state: Replacement, event: ActorSeen) -> Done:
    failure = f"it runs {event.seen.release}, not {state.release[:12]}"
    return replace(state, failure=failure), (EndActor(name=state.new),)


def too_late(state: Replacement, event: ActorSeen | Failed) -> Done:
    is_named = state.phase is _P.CONFIRMING
    what, limit_ms = ("serving", SERVE_MS) if is_named else ("ready", READY_MS)
    failure = f"not {what} in {limit_ms // 1_000} s: {_trouble(event)}"
    return replace(state, failure=failure), (EndActor(name=state.new),)


def give_up(state: Replacement, event: Failed) -> Done:
    return replace(state, failure=event.reason), (EndActor(name=state.new),)


def name_back(state: Replacement, _event: At) -> Done:
    return state, (NameBack(old=state.old, new=state.new),)


def end(state: Replacement, _event: At) -> Done:
    return state, ()


TABLE: Final[Table[Replacement, Effect]] = Table(
    row(_P.CREATING, Created, _P.PREPARING, "it is looked at", poll_new),
    row(_P.CREATING, Failed, _P.DISCARDING, "it may be half made", give_up),
    row(
        _P.PREPARING,
        ActorSeen,
        _P.DISCARDING,
        "it runs another release",
        wrong_release,
        when=other_release,
    ),
    row(
        _P.PREPARING,
        ActorSeen,
        _P.REMEMBERING,
        "ready; the old one is sick and not asked",
        remember,
        when=ready_and_old_sick,
    ),
    row(_P.PREPARING, ActorSeen, _P.WARMING, "ready", warm, when=ready),
    row(
        _P.PREPARING,
        ActorSeen,
        _P.DISCARDING,
        "not ready in time",
        too_late,
        when=not_ready_in_time,
    ),
    row(_P.PREPARING, ActorSeen, None, "looked at again", poll_new_again),
    row(_P.PREPARING, Failed, _P.DISCARDING, "too late", too_late, when=not_ready_in_time),
    row(_P.PREPARING, Failed, None, "looked at again", poll_new_again),
    row(_P.WARMING, Warmed, _P.REMEMBERING, "before anybody is named", remember),
    row(_P.WARMING, Failed, _P.DISCARDING, "nobody was named", give_up),
    row(_P.REMEMBERING, Remembered, _P.NAMING, "the way back is known", name),
    row(_P.REMEMBERING, Failed, _P.DISCARDING, "nobody was named", give_up),
    row(_P.NAMING, Named, _P.CONFIRMING, "it is looked at", poll_new),
    row(_P.NAMING, Failed, _P.TAKING_BACK, "it may have been named", give_up),
    row(
        _P.CONFIRMING,
        ActorSeen,
        _P.TAKING_BACK,
        "it runs another release",
        wrong_release,
        when=other_release,
    ),
    row(_P.CONFIRMING, ActorSeen, _P.ENDING, "it serves", confirmed, when=serves),
    row(
        _P.CONFIRMING,
        ActorSeen,
        _P.TAKING_BACK,
        "not serving in time",
        too_late,
        when=not_serving_in_time,
    ),
    row(_P.CONFIRMING, ActorSeen, None, "looked at again", poll_new_again),
    row(
        _P.CONFIRMING,
        Failed,
        _P.TAKING_BACK,
        "not serving in time",
        too_late,
        when=not_serving_in_time,
    ),
    row(_P.CONFIRMING, Failed, None, "looked at again", poll_new_again),
    row(_P.ENDING, ActorEnded, _P.DONE, "the successor serves alone", end),
    row(_P.ENDING, Failed, _P.DONE, "it has moved and leaves by itself", end),
    row((_P.DISCARDING,), ActorEnded, _P.AWAITING_OLD, "it served all the time", poll_old),
    row((_P.DISCARDING,), Failed, _P.AWAITING_OLD, "it was never named", poll_old),
    row(_P.TAKING_BACK, ActorEnded, _P.RETURNING, "nobody serves now", name_back),
    row(_P.TAKING_BACK, Failed, _P.STUCK, "two might serve", end),
    row(_P.RETURNING, NamedBack, _P.AWAITING_OLD, "it is looked at", poll_old),
    row(_P.RETURNING, NamedElsewhere, _P.FAILED, "the fleet was faster", end),
    row(_P.RETURNING, Failed, _P.AWAITING_OLD, "it may have been named", poll_old),
    row(_P.AWAITING_OLD, ActorSeen, _P.FAILED, "the old one serves", end, when=serves),
    row(
        _P.AWAITING_OLD,
        ActorSeen,
        _P.STUCK,
        "not serving in time",
        end,
        when=not_serving_in_time,
    ),
    row(_P.AWAITING_OLD, ActorSeen, None, "looked at again", poll_old_again),
    row(_P.AWAITING_OLD, Failed, _P.STUCK, "not serving in time", end, when=not_serving_in_time),
    row(_P.AWAITING_OLD, Failed, None, "looked at again", poll_old_again),
)
