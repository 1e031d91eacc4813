"""The ways out of a handoff: refusals, lost answers, deadlines and aborts.

Before the fence every failure ends with the old incarnation resuming; after it, with the old
incarnation taking back.
"""

from typing import Final

from msgspec.structs import replace

from actors.messages import FenceRecord
from actors.rollout import handoff_events as on
from actors.rollout import handoff_state as limits
from actors.rollout.handoff_state import Handoff, Step

Moved = tuple[Handoff, tuple[on.Effect, ...]]


def enter(handoff: Handoff, step_: Step, now: on.Now) -> Handoff:
    return replace(handoff, step=step_, entered_wire_ms=now.wire_ms, tries=0)


def ask_shadow(handoff: Handoff) -> on.AskShadow:
    assert handoff.incarnation is not None
    recorded = handoff.shadow if handoff.recorded else 0
    return on.AskShadow(incarnation=handoff.incarnation, recorded=recorded)


def granted(handoff: Handoff, record: FenceRecord, now: on.Now) -> Moved:
    assert handoff.incarnation is not None
    assert handoff.quiesced is not None
    moved = replace(
        enter(handoff, Step.ADOPTING, now), record=record, kept_sequence=record.journal_sequence
    )
    ask = on.AskAdopt(incarnation=handoff.incarnation, record=record, delta=handoff.quiesced.delta)
    return moved, (ask,)


def left(handoff: Handoff, now: on.Now) -> Moved:
    match handoff.step:
        case Step.RETIRING:
            return enter(handoff, Step.DONE, now), ()
        case Step.DISCARDING:
            return enter(handoff, Step.FAILED, now), ()
        case _:
            return handoff, ()


# ---- backwards --------------------------------------------------------------------------------


def refused(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    """Take the way out of the step that waited for an answer and got a refusal."""
    match handoff.step:
        case Step.PINNING | Step.OPENING:
            failed = replace(handoff, failure=f"{handoff.step}: {reason}")
            return enter(failed, Step.FAILED, now), ()
        case Step.CREATING | Step.WARMING | Step.SHADOWING:
            return discard(handoff, f"{handoff.step}: {reason}", now)
        case Step.QUIESCING | Step.FENCING:
            return resume(handoff, f"{handoff.step}: {reason}", now)
        case Step.ADOPTING:
            return take_back(handoff, f"adopt: {reason}", now)
        case Step.RESUMING:
            return replace(handoff, entered_wire_ms=now.wire_ms), (on.AskOwner(),)
        case Step.TAKING_BACK:
            return take_back_again(handoff, reason, now)
        case _:
            return handoff, ()


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
    return moved, (_ask_take_back(handoff, handoff.record.fence),)


def _ask_take_back(handoff: Handoff, fence: int) -> on.AskTakeBack:
    return on.AskTakeBack(expected_fence=fence, kept_sequence=handoff.kept_sequence)


def take_back_again(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    if handoff.tries >= limits.TAKE_BACK_TRIES_MAX:
        return vacate(handoff, f"the old one cannot take the slot back: {reason}", now)
    moved = replace(handoff, tries=handoff.tries + 1, entered_wire_ms=now.wire_ms)
    return moved, (on.AskOwner(),)


def vacate(handoff: Handoff, why: str, now: on.Now) -> Moved:
    """Begin a vacancy: no standby of this handoff is needed; the table says which fence to name."""
    moved = replace(enter(handoff, Step.VACATING, now), vacated=why)
    leave = () if handoff.incarnation is None else (on.Dismiss(incarnation=handoff.incarnation),)
    return moved, (*leave, on.AskOwner())


def stuck(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    why = f"{handoff.failure}; {reason}"
    moved = replace(enter(handoff, Step.STUCK, now), failure=why)
    return moved, (on.Alarm(kind="handoff_stuck", reason=f"{handoff.slot}: {why}"),)


def owner_seen(handoff: Handoff, record: FenceRecord, now: on.Now) -> Moved:
    ours = record.incarnation == handoff.incarnation  # its number is this handoff's alone
    match handoff.step:
        case Step.FENCING:
            return _owner_while_fencing(handoff, record, now, ours=ours)
        case Step.RESUMING if ours:
            return granted(handoff, record, now)  # the fence had landed: the only way is on
        case Step.RESUMING if record.incarnation == handoff.old_incarnation:
            if record.fence > handoff.old_fence:
                return discard(handoff, "resumed by its lease", now)
            return handoff, (on.AskResume(),)
        case Step.RESUMING:
            return discard(handoff, f"incarnation {record.incarnation} owns the slot", now)
        case Step.TAKING_BACK:
            return _owner_while_taking_back(handoff, record, now, ours=ours)
        case _:
            return handoff, ()


def _owner_while_taking_back(
    handoff: Handoff, record: FenceRecord, now: on.Now, *, ours: bool
) -> Moved:
    if record.incarnation == handoff.old_incarnation:
        return discard(handoff, "taken back", now)
    if ours or record.release == handoff.new_release:
        return handoff, (_ask_take_back(handoff, record.fence),)
    # the supervisor was faster, with another incarnation of another release: neither is needed
    moved, effects = discard(handoff, f"incarnation {record.incarnation} owns the slot", now)
    return moved, (*effects, on.Dismiss(incarnation=handoff.old_incarnation))


def _owner_while_fencing(
    handoff: Handoff, record: FenceRecord, now: on.Now, *, ours: bool
) -> Moved:
    assert handoff.incarnation is not None
    assert handoff.quiesced is not None
    if ours:
        return granted(handoff, record, now)
    if record.fence > handoff.old_fence:
        return discard(handoff, "fence: the old incarnation resumed first", now)
    if handoff.tries >= limits.FENCE_ASKS_MAX:
        return resume(handoff, "fence: no answer", now)
    moved = replace(handoff, tries=handoff.tries + 1, entered_wire_ms=now.wire_ms)
    return moved, (on.AskFence(incarnation=handoff.incarnation, quiesced=handoff.quiesced),)


def abort(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    """Stop where it costs nothing: a switch that is under way is finished first."""
    match handoff.step:
        case Step.PLANNED:
            failed = replace(handoff, failure=f"abort: {reason}")
            return enter(failed, Step.FAILED, now), ()
        case Step.CREATING | Step.WARMING | Step.SHADOWING | Step.READY:
            return discard(handoff, f"abort: {reason}", now)
        case Step.CONFIRMING:
            return take_back(handoff, f"abort: {reason}", now)
        case _:
            return handoff, ()


# ---- deadlines --------------------------------------------------------------------------------

_DEADLINES: Final = {
    Step.PINNING: limits.WARM_DEADLINE_MS,
    Step.OPENING: limits.WARM_DEADLINE_MS,
    Step.CREATING: limits.CREATE_DEADLINE_MS,
    Step.WARMING: limits.WARM_DEADLINE_MS,
    Step.QUIESCING: limits.QUIESCE_DEADLINE_MS,
    Step.ADOPTING: limits.ADOPT_DEADLINE_MS,
    Step.RESUMING: limits.TAKE_BACK_DEADLINE_MS,
    Step.TAKING_BACK: limits.TAKE_BACK_DEADLINE_MS,
}


def time_passed(handoff: Handoff, now: on.Now) -> Moved:
    waited = now.wire_ms - handoff.entered_wire_ms
    match handoff.step:
        case Step.FENCING if waited > limits.FENCE_DEADLINE_MS:
            return replace(handoff, entered_wire_ms=now.wire_ms), (on.AskOwner(),)
        case Step.CONFIRMING:
            return _confirm_late(handoff, now.market_ms, limits.UNREAD_SHARE, now)
        case Step.SHADOWING:
            return handoff, (ask_shadow(handoff),)
        case Step.RETIRING | Step.DISCARDING if waited > limits.LEAVE_DEADLINE_MS:
            return left(handoff, now)
        case Step.PINNING if handoff.back and waited > limits.BACK_ANSWER_MS:
            return refused(handoff, f"no answer in {waited:.0f} ms", now)
        case step_ if waited > _DEADLINES.get(step_, float("inf")):
            return refused(handoff, f"no answer in {waited:.0f} ms", now)
        case _:
            return handoff, ()


def nothing_decided(handoff: Handoff, looked_ms: int, now: on.Now) -> Moved:
    """Take back by half of the decision's deadline: the other half is for the old one.

    Only a look into the journal shows that there is no decision; a clock does not, where the
    driver itself is late.
    """
    return _confirm_late(handoff, looked_ms, limits.CONFIRM_SHARE, now)


def _confirm_late(handoff: Handoff, at_ms: int, share: float, now: on.Now) -> Moved:
    due, deadline = handoff.confirm_due_ms, handoff.confirm_deadline_ms
    if handoff.step is not Step.CONFIRMING or due is None or deadline is None:
        return handoff, ()
    if at_ms < due + (deadline - due) * share:
        return handoff, ()
    return take_back(handoff, f"confirm: no decision for {due}", now)
