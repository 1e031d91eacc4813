"""Who owns a slot and what ran there before; the end of a rollout whose driver is gone.

While a rollout confirms a slot its driver watches every decision. What happens to a release that
turns bad later is in `actors.supervisor.taking_back`.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from actors.detectors.finding import Finding
from actors.elapsed import elapsed_ms
from actors.messages import FenceRecord
from actors.supervisor.alarms import report
from actors.supervisor.events import (
    AnyEffect,
    EndRollout,
    Ends,
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
    Step,
    SupervisorState,
    Watched,
)


def replaced_release(history: Sequence[FenceRecord], owner: FenceRecord) -> str | None:
    """Return the release that a rollout replaced by the owner's, from the slot's fence history."""
    first: FenceRecord | None = None
    for record in reversed(history):
        if record.release != owner.release:
            by_rollout = first is not None and first.handoff is not None
            return record.release if by_rollout else None
        first = record
    return None


def count_deaths(history: Sequence[FenceRecord], owner: FenceRecord, since_ms: float) -> int:
    """Count the owner's processes that died since then: each life claims the slot for itself."""
    claims = [r for r in history if r.release == owner.release and r.granted_wire_ms >= since_ms]
    return len({record.life for record in claims if record.handoff is None} - {owner.life})


def _fruitless_since_ms(state: SupervisorState, watched: Watched, event: Event) -> float:
    """Return the wire time since which deaths count: a decision in between makes them harmless."""
    last = None if watched.status is None else watched.status.last_decision
    decided_ms = 0.0 if last is None else state.rules.clock.wire_ms(last.journaled_ms)
    return max(decided_ms, event.wire_ms - DEATHS_WINDOW_MS)


def alarm_if_dying(state: SupervisorState, event: Event, watched: Watched) -> Step:
    """Tell of a process that dies again and again and decides nothing between."""
    dies = Finding(
        kind="slot_dies",
        subject=watched.slot,
        holds=watched.deaths >= DEATHS_MAX,
        evidence={"release": (watched.release or "")[:12], "deaths": str(watched.deaths)},
    )
    return report(state, event, (dies,))


def open_seat(watched: Watched) -> OpenSeat:
    return OpenSeat(
        slot=watched.slot,
        expected_fence=watched.fence,
        release=watched.back_to or watched.release,
        reason=watched.reason or "no incarnation lives",
        back=watched.back_to is not None,
        request=f"{watched.slot}/{watched.fence}/{watched.creations}",
        ends=_ends(watched),
    )


def _ends(watched: Watched) -> Ends | None:
    """Name what loses the seat: only a release that is taken back is ended before its time."""
    if watched.back_to is None:
        return None
    return Ends(incarnation=watched.incarnation, life=watched.life, node_id=watched.node_id)


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
        deaths=count_deaths(history, owner, _fruitless_since_ms(state, watched, event)),
        life=owner.life,
        reason="",
    )


def apply_rollout(state: SupervisorState, event: RolloutSeen) -> Step:
    """Put away a rollout whose driver has given no sign for its lease."""
    moved = (event.rollout, event.progress) != (state.rollout, state.rollout_progress)
    state = replace(
        state,
        rollout_asking=False,
        rollout_beat_wire_ms=event.beat_wire_ms,
        rollout_progress=event.progress,
        rollout_moved_wire_ms=event.wire_ms if moved else state.rollout_moved_wire_ms,
        rollout=event.rollout,
        rollout_to=event.to_release,
        replaced_shared=event.replaced_shared,
    )
    lost = (
        event.rollout is not None
        and elapsed_ms(event.wire_ms, event.beat_wire_ms) > ROLLOUT_LEASE_MS
    )
    finding = Finding(
        kind="rollout_without_driver",
        subject=event.rollout or "",
        holds=lost,
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
