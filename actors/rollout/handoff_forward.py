"""The forward path of a handoff, in its order: pin, open, create, warm, shadow, switch, confirm.

Each function takes what the step before has brought and asks for the next. What is not as it must
be leaves by `handoff_moves`.
"""

from msgspec.structs import replace

from actors.messages import FenceRecord
from actors.rollout import handoff_events as on
from actors.rollout import handoff_state as limits
from actors.rollout.handoff_messages import Adopted, BasePinned, Quiesced, ShadowReport, Warmed
from actors.rollout.handoff_moves import Moved, discard, enter, resume, take_back
from actors.rollout.handoff_state import Handoff, Step


def begin(handoff: Handoff, now: on.Now) -> Moved:
    if handoff.step is not Step.PLANNED:
        return handoff, ()
    return enter(handoff, Step.PINNING, now), (on.AskBase(),)


def pinned(handoff: Handoff, base: BasePinned, now: on.Now) -> Moved:
    moved = replace(enter(handoff, Step.OPENING, now), base=base, old_fence=base.fence)
    return moved, (on.Open(expected_fence=base.fence),)


def opened(handoff: Handoff, number: int, now: on.Now) -> Moved:
    moved = replace(enter(handoff, Step.CREATING, now), incarnation=number)
    return moved, (on.Create(incarnation=number),)


def created(handoff: Handoff, event: on.Created, now: on.Now) -> Moved:
    if handoff.step is not Step.CREATING:
        return handoff, ()
    if event.failure is not None:
        return discard(handoff, f"create: {event.failure}", now)
    assert handoff.incarnation is not None
    assert handoff.base is not None
    ask = on.AskWarm(
        incarnation=handoff.incarnation,
        base=handoff.base.digest,
        base_sequence=handoff.base.journal_sequence,
    )
    return enter(handoff, Step.WARMING, now), (ask,)


def warmed(handoff: Handoff, warmed: Warmed, now: on.Now) -> Moved:
    ran = warmed.attestation.release
    if ran != handoff.new_release:
        reason = f"attestation: runs {ran[:12]}, not {handoff.new_release[:12]}"
        return discard(handoff, reason, now)
    moved = replace(handoff, warmed=warmed)
    if handoff.shadow == 0:
        return enter(moved, Step.READY, now), ()
    assert handoff.incarnation is not None
    return enter(moved, Step.SHADOWING, now), (ask_shadow(handoff),)


def ask_shadow(handoff: Handoff) -> on.AskShadow:
    assert handoff.incarnation is not None
    recorded = handoff.shadow if handoff.recorded else 0
    return on.AskShadow(incarnation=handoff.incarnation, recorded=recorded)


def shadowed(handoff: Handoff, report: ShadowReport, now: on.Now) -> Moved:
    moved = replace(handoff, shadow_report=report)
    if report.failure is not None:
        return discard(moved, f"shadow: {report.failure}", now)
    if report.differing and handoff.identical:
        first = report.differences[0]
        reason = f"shadow: {report.differing} of {report.compared} differ, first {first}"
        return discard(moved, reason, now)
    if report.compared >= handoff.shadow:
        return enter(moved, Step.READY, now), ()
    return replace(moved, entered_wire_ms=now.wire_ms), ()


def switch(handoff: Handoff, event: on.SwitchAllowed, now: on.Now) -> Moved:
    if handoff.step is not Step.READY:
        return handoff, ()
    tries = handoff.tries
    moved = replace(
        enter(handoff, Step.QUIESCING, now),
        tries=tries,
        confirm_due_ms=event.next_due_ms,
        confirm_deadline_ms=event.next_deadline_ms,
        switch_started_wire_ms=now.wire_ms,
    )
    ask = on.AskQuiesce(expected_fence=handoff.old_fence, lease_ms=limits.LEASE_MS)
    return moved, (ask,)


def busy(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    if handoff.tries >= limits.QUIESCE_TRIES_MAX:
        return resume(handoff, f"quiesce: {reason}", now)
    tries = handoff.tries + 1
    return replace(enter(handoff, Step.READY, now), tries=tries), ()


def quiesced(handoff: Handoff, quiesced: Quiesced, now: on.Now) -> Moved:
    assert handoff.incarnation is not None
    moved = replace(enter(handoff, Step.FENCING, now), quiesced=quiesced)
    return moved, (on.AskFence(incarnation=handoff.incarnation, quiesced=quiesced),)


def granted(handoff: Handoff, record: FenceRecord, now: on.Now) -> Moved:
    assert handoff.incarnation is not None
    assert handoff.quiesced is not None
    moved = replace(
        enter(handoff, Step.ADOPTING, now), record=record, kept_sequence=record.journal_sequence
    )
    ask = on.AskAdopt(incarnation=handoff.incarnation, record=record, delta=handoff.quiesced.delta)
    return moved, (ask,)


def adopted(handoff: Handoff, adopted: Adopted, now: on.Now) -> Moved:
    assert handoff.quiesced is not None
    if adopted.logical_hash != handoff.quiesced.logical_hash:
        return take_back(handoff, "adopt: logical hash differs", now)
    started = handoff.switch_started_wire_ms or now.wire_ms
    without_delta = replace(handoff.quiesced, delta=b"")
    dark_ms = now.wire_ms - started
    moved = replace(handoff, adopted=adopted, quiesced=without_delta, dark_ms=dark_ms)
    if handoff.back:  # a release gone back to was proved before: nobody waits for its decision
        return _retire_old(moved, now)
    return enter(moved, Step.CONFIRMING, now), ()


def decision_seen(handoff: Handoff, event: on.DecisionSeen, now: on.Now) -> Moved:
    record = handoff.record
    if handoff.step is not Step.CONFIRMING or record is None:
        return handoff, ()
    if event.sequence <= handoff.seen_sequence:
        return handoff, ()  # read twice
    handoff = replace(handoff, seen_sequence=event.sequence)
    if event.fence < record.fence:
        return handoff, ()
    if event.failure is not None:
        return take_back(handoff, f"confirm: {event.failure}", now)
    if event.release != handoff.new_release:
        return take_back(handoff, f"confirm: decided by release {event.release[:12]}", now)
    moved = replace(
        handoff,
        kept_sequence=event.sequence,
        confirm_due_ms=event.next_due_ms,
        confirm_deadline_ms=event.next_deadline_ms,
    )
    return _confirm(moved, now) if event.proves else _wait_for_proof(moved, now)


def _wait_for_proof(handoff: Handoff, now: on.Now) -> Moved:
    """A decision without a snapshot says nothing of the code: the next one has to."""
    unproved = handoff.unproved + 1
    moved = replace(handoff, unproved=unproved)
    if unproved < limits.UNPROVED_MAX:
        return moved, ()
    return take_back(moved, f"confirm: no snapshot for {unproved} decisions", now)


def _confirm(handoff: Handoff, now: on.Now) -> Moved:
    moved = replace(
        handoff,
        confirmed=handoff.confirmed + 1,
        unproved=0,
        confirmed_wire_ms=handoff.confirmed_wire_ms or now.wire_ms,
    )
    if moved.confirmed < moved.confirmations:
        return moved, ()
    return _retire_old(moved, now)


def _retire_old(handoff: Handoff, now: on.Now) -> Moved:
    leave = on.Dismiss(incarnation=handoff.old_incarnation)
    return enter(handoff, Step.RETIRING, now), (leave,)


def left(handoff: Handoff, now: on.Now) -> Moved:
    match handoff.step:
        case Step.RETIRING:
            return enter(handoff, Step.DONE, now), ()
        case Step.DISCARDING:
            return enter(handoff, Step.FAILED, now), ()
        case _:
            return handoff, ()
