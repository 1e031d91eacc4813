"""Single moves of a handoff: a step entered, with what is asked there."""

from msgspec.structs import replace

from actors.rollout import handoff_events as on
from actors.rollout.handoff_state import Handoff, Step

Moved = tuple[Handoff, tuple[on.Effect, ...]]


def enter(handoff: Handoff, step_: Step, now: on.Now) -> Handoff:
    return replace(handoff, step=step_, entered_wire_ms=now.wire_ms, tries=0)


def fail(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    """Leave the slot as it is: nothing was begun."""
    return enter(replace(handoff, failure=reason), Step.FAILED, now), ()


def discard(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    assert handoff.incarnation is not None
    moved = replace(enter(handoff, Step.DISCARDING, now), failure=handoff.failure or reason)
    return moved, (on.Dismiss(incarnation=handoff.incarnation),)


def resume(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    moved = replace(enter(handoff, Step.RESUMING, now), failure=handoff.failure or reason)
    return moved, (on.AskResume(),)


def take_back(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    assert handoff.record is not None
    moved = replace(enter(handoff, Step.TAKING_BACK, now), failure=handoff.failure or reason)
    return moved, (ask_take_back(handoff, handoff.record.fence),)


def ask_take_back(handoff: Handoff, fence: int) -> on.AskTakeBack:
    return on.AskTakeBack(expected_fence=fence, kept_sequence=handoff.kept_sequence)


def vacate(handoff: Handoff, why: str, now: on.Now) -> Moved:
    """Begin a vacancy: no standby of this handoff is needed; the table says which fence to name."""
    moved = replace(enter(handoff, Step.VACATING, now), vacated=why)
    leave = () if handoff.incarnation is None else (on.Dismiss(incarnation=handoff.incarnation),)
    return moved, (*leave, on.AskOwner())


def stuck(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    why = f"{handoff.failure}; {reason}"
    moved = replace(enter(handoff, Step.STUCK, now), failure=why)
    return moved, (on.Alarm(kind="handoff_stuck", reason=f"{handoff.slot}: {why}"),)
