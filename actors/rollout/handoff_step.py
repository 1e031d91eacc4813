"""One slot's handoff as a pure machine: `step(handoff, event, now) -> (handoff, effects)`.

Two rules on top: before the fence every failure ends with the old incarnation resuming; after it
every failure ends with the old incarnation taking back. An answer that comes in a step that does
not wait for it is late and changes nothing. A way back has a third: where it would end with the
owner that is to go, the slot goes by vacancy (`actors.rollout.handoff_vacancy`).
"""

from typing import assert_never

from actors.messages import FenceRefused, Granted, Opened, OpenRefused, Refusal
from actors.rollout import handoff_events as on
from actors.rollout import handoff_forward as forward
from actors.rollout.handoff_back import abort, nothing_decided, owner_seen, refused, time_passed
from actors.rollout.handoff_messages import (
    Adopted,
    BasePinned,
    HandoffFailed,
    Quiesced,
    Resumed,
    ShadowReport,
    Warmed,
)
from actors.rollout.handoff_moves import Moved, discard
from actors.rollout.handoff_state import Handoff, Step, validate
from actors.rollout.handoff_table import STEPS
from actors.rollout.handoff_vacancy import by_vacancy, rather_vacancy


def step(handoff: Handoff, event: on.Event, now: on.Now) -> Moved:
    way = by_vacancy(handoff, event, now)
    moved, effects = _on_event(handoff, event, now) if way is None else way
    if handoff.back:
        moved, effects = rather_vacancy(handoff, event, (moved, effects), now)
    STEPS.move(handoff.step, moved.step, event)
    validate(moved)
    return moved, effects


def _on_event(handoff: Handoff, event: on.Event, now: on.Now) -> Moved:  # noqa: C901, PLR0911 the closed vocabulary
    match event:
        case on.Begin():
            return forward.begin(handoff, now)
        case on.SwitchAllowed():
            return forward.switch(handoff, event, now)
        case on.Answered():
            return _answered(handoff, event, now)
        case on.Created():
            return forward.created(handoff, event, now)
        case on.Left():
            return forward.left(handoff, now)
        case on.Vacated() | on.Filled():
            return handoff, ()  # late: only a way back by vacancy waits for it
        case on.OwnerSeen(record=record):
            return owner_seen(handoff, record, now)
        case on.DecisionSeen():
            return forward.decision_seen(handoff, event, now)
        case on.NothingDecided(looked_ms=looked_ms):
            return nothing_decided(handoff, looked_ms, now)
        case on.TimePassed():
            return time_passed(handoff, now)
        case on.AbortAsked(reason=reason):
            return abort(handoff, reason, now)
        case _:
            assert_never(event)


def _answered(handoff: Handoff, event: on.Answered, now: on.Now) -> Moved:  # noqa: C901, PLR0911, PLR0912 the table of answers
    match handoff.step, event.answer:
        case Step.PINNING, BasePinned() as base:
            return forward.pinned(handoff, base, now)
        case Step.OPENING, Opened(incarnation=number):
            return forward.opened(handoff, number, now)
        case Step.WARMING, Warmed() as warmed:
            return forward.warmed(handoff, warmed, now)
        case Step.SHADOWING, ShadowReport() as report:
            return forward.shadowed(handoff, report, now)
        case Step.QUIESCING, Quiesced() as quiesced:
            return forward.quiesced(handoff, quiesced, now)
        case Step.QUIESCING, HandoffFailed(reason=reason) if reason.startswith("busy"):
            return forward.busy(handoff, reason, now)
        case Step.FENCING, Granted(record=record):
            return forward.granted(handoff, record, now)
        case Step.FENCING, Refusal():
            return handoff, ()  # lost, not refused: the deadline asks the gateway who owns
        case Step.ADOPTING, Adopted() as adopted:
            return forward.adopted(handoff, adopted, now)
        case Step.RESUMING, Resumed():
            return discard(handoff, handoff.failure or "resumed", now)
        case Step.TAKING_BACK, Adopted():
            return discard(handoff, handoff.failure or "taken back", now)
        case _, HandoffFailed(reason=reason) | Refusal(reason=reason):
            return refused(handoff, reason, now)
        case _, OpenRefused(reason=reason) | FenceRefused(reason=reason):
            return refused(handoff, reason, now)
        case _:
            return handoff, ()
