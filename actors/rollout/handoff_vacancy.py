"""The way that needs nothing of the owner: the gateway's vacancy, a new process, its claim.

A way back asks the owner first, since a handoff loses no time and no decision. Where the owner is
known to be sick, does not answer or refuses, the gateway declares the seat vacant for the good
release, the owner's process is ended, and the new one takes the slot by its own claim, from the
last checkpoint and the journal. The owner that is to go never gets the slot again. A roll whose old
incarnation cannot take its slot back brings the old release back in the same way.
"""

from msgspec.structs import replace

from actors.messages import FenceRecord, Opened, OpenRefused, Refusal
from actors.rollout import handoff_events as on
from actors.rollout import handoff_state as limits
from actors.rollout.handoff_moves import Moved, enter, stuck, vacate
from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.handoff_table import is_late


def by_vacancy(handoff: Handoff, event: on.Event, now: on.Now) -> Moved | None:
    """Move a handoff that goes by vacancy; None: this event is for the ordinary way."""
    match handoff.step, event:
        case Step.PLANNED, on.Begin() if handoff.back and handoff.sick is not None:
            return vacate(handoff, handoff.sick, now)
        case Step.VACATING, _:
            return _vacating(handoff, event, now)
        case Step.FILLING, on.Filled(failure=None):
            return _filled(handoff, now), ()
        case Step.FILLING, on.Filled(failure=str() as why):
            return _unfilled(handoff, why, now)
        case Step.FILLING, on.TimePassed() if is_late(handoff, now.wire_ms):
            return _unfilled(handoff, "no answer", now)
        case _:
            return None


def _vacating(handoff: Handoff, event: on.Event, now: on.Now) -> Moved | None:
    match event:
        case on.OwnerSeen(record=record):
            return _owner_seen(handoff, record, now)
        case on.Vacated(answer=Opened(incarnation=number)) if handoff.record is not None:
            return _opened(handoff, number, now)
        case on.Vacated(answer=OpenRefused(reason=why) | Refusal(reason=why)):
            return _ask_again(handoff, why, now)
        case on.TimePassed() if is_late(handoff, now.wire_ms):
            return _ask_again(handoff, "the gateway does not answer", now)
        case _:
            return None


def rather_vacancy(before: Handoff, event: on.Event, moved: Moved, now: on.Now) -> Moved:
    """Turn a move that would leave the slot to the owner that is to go into a vacancy."""
    after, _ = moved
    if after.step is before.step:
        return moved
    if isinstance(event, on.AbortAsked):
        return moved
    why = after.failure or ""
    match before.step, after.step:
        case Step.PINNING | Step.OPENING, Step.FAILED:
            return vacate(before, why, now)
        case Step.WARMING | Step.SHADOWING, Step.DISCARDING if "attestation" not in why:
            return vacate(before, why, now)
        case _, Step.RESUMING:
            return vacate(before, why, now)
        case Step.ADOPTING, Step.TAKING_BACK:
            return vacate(before, why, now)
        case _:
            return moved


def _owner_seen(handoff: Handoff, record: FenceRecord, now: on.Now) -> Moved:
    given_up = {handoff.incarnation, handoff.old_incarnation}
    if record.release == handoff.good_release and record.incarnation not in given_up:
        return replace(_filled(handoff, now), record=record), ()  # another was faster
    assert handoff.vacated is not None
    reason = f"{handoff.handoff}: {handoff.vacated}"[:200]
    moved = replace(handoff, record=record, entered_wire_ms=now.wire_ms)
    return moved, (on.Vacate(expected_fence=record.fence, reason=reason),)


def _filled(handoff: Handoff, now: on.Now) -> Handoff:
    """End with the good release in the slot: a way back is done, a roll has failed."""
    return enter(handoff, Step.DONE if handoff.back else Step.FAILED, now)


def _opened(handoff: Handoff, incarnation: int, now: on.Now) -> Moved:
    assert handoff.record is not None
    moved = replace(enter(handoff, Step.FILLING, now), incarnation=incarnation)
    return moved, (on.Fill(incarnation=incarnation, owner=handoff.record),)


def _ask_again(handoff: Handoff, why: str, now: on.Now) -> Moved:
    """Read the fence anew: it moved, or the answer was lost and the same wish gets the same one."""
    if handoff.tries >= limits.VACATE_TRIES_MAX:
        return _unfilled(handoff, f"vacancy: {why}", now)
    moved = replace(handoff, tries=handoff.tries + 1, entered_wire_ms=now.wire_ms)
    return moved, (on.AskOwner(),)


def _unfilled(handoff: Handoff, why: str, now: on.Now) -> Moved:
    failure = handoff.failure or f"by vacancy, since {handoff.vacated}"
    return stuck(replace(handoff, failure=failure), why, now)
