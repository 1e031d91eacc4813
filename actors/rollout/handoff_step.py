"""One slot's handoff as a pure machine: `step(handoff, event, now) -> (handoff, effects)`.

Two rules on top: before the fence every failure ends with the old incarnation resuming; after it
every failure ends with the old incarnation taking back. An answer that comes in a step that does
not wait for it is late and changes nothing. A way back has a third: where it would end with the
owner that is to go, the slot goes by vacancy (`actors.rollout.handoff_vacancy`).
"""

from typing import assert_never

from msgspec.structs import replace

from actors.messages import FenceRefused, Granted, Opened, OpenRefused, Refusal
from actors.rollout import handoff_events as on
from actors.rollout import handoff_state as limits
from actors.rollout.handoff_back import (
    Moved,
    abort,
    ask_shadow,
    discard,
    enter,
    granted,
    left,
    nothing_decided,
    owner_seen,
    refused,
    resume,
    take_back,
    time_passed,
)
from actors.rollout.handoff_messages import (
    Adopted,
    BasePinned,
    HandoffFailed,
    Quiesced,
    Resumed,
    ShadowReport,
    Warmed,
)
from actors.rollout.handoff_state import STEPS, Handoff, Step, validate
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
            return _begin(handoff, now)
        case on.SwitchAllowed():
            return _switch(handoff, event, now)
        case on.Answered():
            return _answered(handoff, event, now)
        case on.Created():
            return _created(handoff, event, now)
        case on.Left():
            return left(handoff, now)
        case on.Vacated() | on.Filled():
            return handoff, ()  # late: only a way back by vacancy waits for it
        case on.OwnerSeen(record=record):
            return owner_seen(handoff, record, now)
        case on.DecisionSeen():
            return _decision_seen(handoff, event, now)
        case on.NothingDecided(looked_ms=looked_ms):
            return nothing_decided(handoff, looked_ms, now)
        case on.TimePassed():
            return time_passed(handoff, now)
        case on.AbortAsked(reason=reason):
            return abort(handoff, reason, now)
        case _:
            assert_never(event)


# ---- forwards ---------------------------------------------------------------------------------


def _begin(handoff: Handoff, now: on.Now) -> Moved:
    if handoff.step is not Step.PLANNED:
        return handoff, ()
    return enter(handoff, Step.PINNING, now), (on.AskBase(),)


def _switch(handoff: Handoff, event: on.SwitchAllowed, now: on.Now) -> Moved:
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


def _created(handoff: Handoff, event: on.Created, now: on.Now) -> Moved:
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


def _answered(handoff: Handoff, event: on.Answered, now: on.Now) -> Moved:  # noqa: C901, PLR0911, PLR0912 the table of answers
    match handoff.step, event.answer:
        case Step.PINNING, BasePinned() as base:
            moved = replace(enter(handoff, Step.OPENING, now), base=base, old_fence=base.fence)
            return moved, (on.Open(expected_fence=base.fence),)
        case Step.OPENING, Opened(incarnation=number):
            moved = replace(enter(handoff, Step.CREATING, now), incarnation=number)
            return moved, (on.Create(incarnation=number),)
        case Step.WARMING, Warmed() as warmed:
            return _warmed(handoff, warmed, now)
        case Step.SHADOWING, ShadowReport() as report:
            return _shadowed(handoff, report, now)
        case Step.QUIESCING, Quiesced() as quiesced:
            return _quiesced(handoff, quiesced, now)
        case Step.QUIESCING, HandoffFailed(reason=reason) if reason.startswith("busy"):
            return _busy(handoff, reason, now)
        case Step.FENCING, Granted(record=record):
            return granted(handoff, record, now)
        case Step.FENCING, Refusal():
            return handoff, ()  # lost, not refused: the deadline asks the gateway who owns
        case Step.ADOPTING, Adopted() as adopted:
            return _adopted(handoff, adopted, now)
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


def _warmed(handoff: Handoff, warmed: Warmed, now: on.Now) -> Moved:
    ran = warmed.attestation.release
    if ran != handoff.new_release:
        reason = f"attestation: runs {ran[:12]}, not {handoff.new_release[:12]}"
        return discard(handoff, reason, now)
    moved = replace(handoff, warmed=warmed)
    if handoff.shadow == 0:
        return enter(moved, Step.READY, now), ()
    assert handoff.incarnation is not None
    return enter(moved, Step.SHADOWING, now), (ask_shadow(handoff),)


def _shadowed(handoff: Handoff, report: ShadowReport, now: on.Now) -> Moved:
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


def _quiesced(handoff: Handoff, quiesced: Quiesced, now: on.Now) -> Moved:
    assert handoff.incarnation is not None
    moved = replace(enter(handoff, Step.FENCING, now), quiesced=quiesced)
    return moved, (on.AskFence(incarnation=handoff.incarnation, quiesced=quiesced),)


def _busy(handoff: Handoff, reason: str, now: on.Now) -> Moved:
    if handoff.tries >= limits.QUIESCE_TRIES_MAX:
        return resume(handoff, f"quiesce: {reason}", now)
    tries = handoff.tries + 1
    return replace(enter(handoff, Step.READY, now), tries=tries), ()


def _adopted(handoff: Handoff, adopted: Adopted, now: on.Now) -> Moved:
    assert handoff.quiesced is not None
    if adopted.logical_hash != handoff.quiesced.logical_hash:
        return take_back(handoff, "adopt: logical hash differs", now)
    started = handoff.switch_started_wire_ms or now.wire_ms
    quiesced = replace(handoff.quiesced, delta=b"")
    dark_ms = now.wire_ms - started
    moved = replace(handoff, adopted=adopted, quiesced=quiesced, dark_ms=dark_ms)
    if handoff.back:  # a release gone back to was proved before: nobody waits for its decision
        return _retire_old(moved, now)
    return enter(moved, Step.CONFIRMING, now), ()


def _retire_old(handoff: Handoff, now: on.Now) -> Moved:
    leave = on.Dismiss(incarnation=handoff.old_incarnation)
    return enter(handoff, Step.RETIRING, now), (leave,)


def _decision_seen(handoff: Handoff, event: on.DecisionSeen, now: on.Now) -> Moved:
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
