"""The ways back of a handoff: refusals, lost answers, deadlines and aborts.

Which way leads out of which step stands in `handoff_table`. Before the fence every failure ends
with the old incarnation resuming; after it, with the old incarnation taking back.
"""

from typing import assert_never

from msgspec.structs import replace

from actors.messages import FenceRecord
from actors.rollout import handoff_events as on
from actors.rollout import handoff_state as limits
from actors.rollout.handoff_forward import ask_shadow, granted, left
from actors.rollout.handoff_moves import (
    Moved,
    ask_take_back,
    discard,
    fail,
    resume,
    take_back,
    vacate,
)
from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.handoff_table import ROWS, Out, is_late


def refused(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    """Take the way out of the step that waited for an answer and got a refusal."""
    return _out(handoff, ROWS[handoff.step].refused, f"{handoff.step}: {reason}", now)


def abort(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    """Stop where it costs nothing: a switch that is under way is finished first."""
    return _out(handoff, ROWS[handoff.step].aborted, f"abort: {reason}", now)


def time_passed(handoff: Handoff, now: on.Now) -> Moved:
    match handoff.step:
        case Step.CONFIRMING:
            return _confirm_late(handoff, now.market_ms, limits.UNREAD_SHARE, now)
        case Step.SHADOWING:
            return handoff, (ask_shadow(handoff),)
        case _ if is_late(handoff, now.wire_ms):
            row = ROWS[handoff.step]
            waited_ms = now.wire_ms - handoff.entered_wire_ms
            reason = f"{handoff.step}: no answer in {waited_ms:.0f} ms"
            return _out(handoff, row.late or row.refused, reason, now)
        case _:
            return handoff, ()


def _out(handoff: Handoff, way: Out, reason: str, now: on.Now) -> Moved:  # noqa: C901 the closed list of ways
    match way:
        case Out.STAY | Out.VACATE_AGAIN | Out.UNFILLED:
            return handoff, ()  # the last two are the vacancy's own
        case Out.FAIL:
            return fail(handoff, reason, now)
        case Out.DISCARD:
            return discard(handoff, reason, now)
        case Out.RESUME:
            return resume(handoff, reason, now)
        case Out.TAKE_BACK:
            return take_back(handoff, reason, now)
        case Out.TAKE_BACK_AGAIN:
            return _take_back_again(handoff, reason, now)
        case Out.ASK_OWNER:
            return replace(handoff, entered_wire_ms=now.wire_ms), (on.AskOwner(),)
        case Out.GONE:
            return left(handoff, now)
        case _ as never:
            assert_never(never)


def _take_back_again(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    if handoff.tries >= limits.TAKE_BACK_TRIES_MAX:
        return vacate(handoff, f"the old one cannot take the slot back: {reason}", now)
    moved = replace(handoff, tries=handoff.tries + 1, entered_wire_ms=now.wire_ms)
    return moved, (on.AskOwner(),)


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
        return handoff, (ask_take_back(handoff, record.fence),)
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
