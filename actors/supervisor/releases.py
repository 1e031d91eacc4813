"""What the supervisor does for rolling updates: undo a release that turns bad, end lost rollouts.

While a rollout confirms a slot its driver watches every decision. After that nobody does, and a
release may still turn bad: then the slot goes back to the release that the rollout replaced, from
the archive, through the gateway's vacancy. Only what a rollout brought is undone, and only once: a
release that came by a vacancy stays.
"""

from collections.abc import Sequence

from actors.clock import elapsed_ms
from actors.detectors.finding import Finding
from actors.messages import FenceRecord
from actors.slot.status import SlotStatus
from actors.supervisor.alarms import report
from actors.supervisor.events import (
    AnyEffect,
    EndRollout,
    Event,
    FencesRead,
    OpenSeat,
    RolloutSeen,
)
from actors.supervisor.state import (
    DEATHS_MAX,
    DEATHS_WINDOW_MS,
    ROLLOUT_LEASE_MS,
    ROLLOUT_PAUSE_MS,
    STRATEGY_ERRORS_MAX,
    Place,
    Step,
    SupervisorState,
    Watched,
    move,
    put,
    replace,
)
from checkpoints.journal_rows import STRATEGY_ERROR


def replaced_release(history: Sequence[FenceRecord], owner: FenceRecord) -> str | None:
    """Return the release that a rollout replaced by the owner's, from the slot's fence history."""
    first: FenceRecord | None = None
    for record in reversed(history):
        if record.release != owner.release:
            by_rollout = first is not None and first.handoff is not None
            return record.release if by_rollout else None
        first = record
    return None


def count_errors(watched: Watched, status: SlotStatus) -> Watched:
    """Count the latest decisions in a row that failed; a good one, or a new release, ends it.

    One without a snapshot was not the strategy's: it neither counts nor ends the row.
    """
    last = status.last_decision
    if last is None or last.due_ms <= watched.error_due_ms:
        return watched
    if last.snapshot is None:
        return replace(watched, error_due_ms=last.due_ms)
    failed = last.reason.startswith(STRATEGY_ERROR) and last.release == status.release
    errors = watched.errors + 1 if failed else 0
    return replace(watched, errors=errors, error_due_ms=last.due_ms)


def count_deaths(history: Sequence[FenceRecord], owner: FenceRecord, since_ms: float) -> int:
    """Count the owner's processes that died since then: each life claims the slot for itself."""
    claims = [r for r in history if r.release == owner.release and r.granted_wire_ms >= since_ms]
    return len({record.life for record in claims if record.handoff is None} - {owner.life})


def _fruitless_since_ms(state: SupervisorState, watched: Watched, event: Event) -> float:
    """Return the wire time since which deaths count: a decision in between makes them harmless."""
    last = None if watched.status is None else watched.status.last_decision
    decided_ms = 0.0 if last is None else state.rules.clock.wire_ms(last.journaled_ms)
    return max(decided_ms, event.wire_ms - DEATHS_WINDOW_MS)


def undo_if_bad(state: SupervisorState, event: Event, watched: Watched) -> Step:
    """Bring the predecessor back where the present release cannot decide any more."""
    dies = Finding(
        kind="slot_dies",
        subject=watched.slot,
        holds=watched.deaths >= DEATHS_MAX,
        action="its process dies again and again; what a rollout brought is undone, else mend it",
        evidence={"release": (watched.release or "")[:12], "deaths": str(watched.deaths)},
    )
    state, dying = report(put(state, watched), event, (dies,))
    fails = watched.errors >= STRATEGY_ERRORS_MAX
    dead = dies.holds and state.rollout is None  # else its driver takes the slot back
    turned = (fails or dead) and watched.predecessor is not None
    why = _last_reason(watched) if fails else f"its process died {watched.deaths} times in a row"
    finding = Finding(
        kind="release_turned_bad",
        subject=watched.slot,
        holds=turned,
        action="the slot goes back to the release before; roll the others back or mend the release",
        evidence={
            "release": (watched.release or "")[:12],
            "back_to": (watched.predecessor or "")[:12],
            "reason": why[:500],
        },
    )
    state, alarms = report(state, event, (finding,))
    alarms = (*dying, *alarms)
    if not turned or (watched.place is not Place.LIVE and not dead):
        return state, alarms
    watched = replace(watched, back_to=watched.predecessor, reason=f"turned bad: {why}"[:200])
    state = put(state, move(watched, Place.OPENING, event.wire_ms))
    return state, (*alarms, open_seat(watched))


def _last_reason(watched: Watched) -> str:
    last = None if watched.status is None else watched.status.last_decision
    return "" if last is None else last.reason


def open_seat(watched: Watched) -> OpenSeat:
    return OpenSeat(
        slot=watched.slot,
        expected_fence=watched.fence,
        release=watched.back_to or watched.release,
        reason=watched.reason or "no incarnation lives",
        back=watched.back_to is not None,
        request=f"{watched.slot}/{watched.fence}/{watched.creations}",
    )


def know_owner(
    state: SupervisorState, watched: Watched, owner: FenceRecord, event: FencesRead
) -> Watched:
    """Take over who owns the slot by the gateway's table."""
    history = event.history.get(watched.slot, ())
    arrived = owner.release == watched.back_to
    return replace(
        watched,
        fence=owner.fence,
        release=owner.release,
        predecessor=replaced_release(history, owner),
        back_to=None if arrived else watched.back_to,
        errors=watched.errors if owner.release == watched.release else 0,
        deaths=count_deaths(history, owner, _fruitless_since_ms(state, watched, event)),
        life=owner.life,
        reason="",
    )


def hear_rollout(state: SupervisorState, event: RolloutSeen) -> Step:
    """Put away a rollout whose driver has given no sign for its lease."""
    state = replace(state, rollout_asking=False, rollout=event.rollout)
    lost = (
        event.rollout is not None
        and elapsed_ms(event.wire_ms, event.beat_wire_ms) > ROLLOUT_LEASE_MS
    )
    finding = Finding(
        kind="rollout_without_driver",
        subject=event.rollout or "",
        holds=lost,
        action="what it left is put away; `rolling-update resume` rolls out the rest",
        evidence={"last_sign_wire_ms": str(event.beat_wire_ms)},
    )
    state, alarms = report(state, event, (finding,) if event.rollout else ())
    if not lost or event.rollout is None:
        return state, alarms
    paused = event.wire_ms - state.rollout_ended_wire_ms < ROLLOUT_PAUSE_MS
    if state.rollout_ended == event.rollout and paused:
        return state, alarms
    end: tuple[AnyEffect, ...] = (EndRollout(rollout=event.rollout),)
    state = replace(state, rollout_ended=event.rollout, rollout_ended_wire_ms=event.wire_ms)
    return state, (*alarms, *end)
