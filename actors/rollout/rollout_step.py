"""The handoffs of a fleet to one release, as a pure machine: canary first, then one at a time.

`step(rollout, event, now) -> (rollout, effects)`. It owns the order, the pace and the stop; what a
single slot does is `actors.rollout.handoff_step`, who is next `actors.rollout.rollout_pace`.
"""

from typing import assert_never

import msgspec
from msgspec.structs import replace

from actors.rollout import handoff_events as on
from actors.rollout import handoff_step
from actors.rollout.handoff_state import Step
from actors.rollout.handoff_table import ENDED
from actors.rollout.rollout_pace import goes_back_next, may_be_dropped, may_start, switches_next
from actors.rollout.rollout_state import PHASES, Phase, Rollout


class SlotEvent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    slot: str
    event: on.Event


class Tick(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Time passed: deadlines are looked at and quiet moments used."""


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The operator aborts: what is switched and not confirmed goes back, a switch under way too."""

    reason: str


Event = SlotEvent | Tick | Stop


class SlotEffect(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    effect: on.Effect


Moved = tuple[Rollout, tuple[SlotEffect, ...]]


def step(rollout: Rollout, event: Event, now: on.Now) -> Moved:
    moved, effects = _on_event(rollout, event, now)
    moved, more = _advance(moved, now)
    return moved, effects + more


def _on_event(rollout: Rollout, event: Event, now: on.Now) -> Moved:
    match event:
        case SlotEvent(slot=slot, event=slot_event):
            return _to_slot(rollout, slot, slot_event, now)
        case Tick():
            return _to_slots(rollout, rollout.order, on.TimePassed(), now)
        case Stop(reason=reason):
            return replace(_stop(rollout, f"abort: {reason}"), undo=reason), ()
        case _:
            assert_never(event)


def _to_slot(rollout: Rollout, slot: str, event: on.Event, now: on.Now) -> Moved:
    moved, effects = handoff_step.step(rollout.handoffs[slot], event, now)
    changed = replace(rollout, handoffs=rollout.handoffs | {slot: moved})
    return changed, tuple(SlotEffect(slot=slot, effect=effect) for effect in effects)


def _to_slots(rollout: Rollout, slots: tuple[str, ...], event: on.Event, now: on.Now) -> Moved:
    effects: tuple[SlotEffect, ...] = ()
    for slot in slots:
        rollout, more = _to_slot(rollout, slot, event, now)
        effects += more
    return rollout, effects


def _advance(rollout: Rollout, now: on.Now) -> Moved:
    """Look at the whole roll after each event: stop, go back, start, switch, or end."""
    rollout, stopping = _notice_failure(rollout, now)
    rollout, undoing = _undo(rollout, now)
    rollout, starting = _to_slots(rollout, may_start(rollout, now), on.Begin(), now)
    rollout, switching = _switch(rollout, switches_next(rollout, now), now)
    rollout, ending = _end(rollout)
    return rollout, stopping + undoing + starting + switching + ending


def _to(rollout: Rollout, phase: Phase) -> Rollout:
    return replace(rollout, phase=PHASES.move(rollout.phase, phase))


def _stop(rollout: Rollout, reason: str) -> Rollout:
    if rollout.phase not in {Phase.CANARY, Phase.REST}:
        return rollout
    return replace(_to(rollout, Phase.STOPPING), failure=reason)


def _notice_failure(rollout: Rollout, now: on.Now) -> Moved:
    """Stop at the first failure; what was still on its way to READY is aborted when it can be.

    A way back goes on past it: one slot that cannot be brought back keeps no other on the bad
    release.
    """
    bad = next((h for h in rollout.handoffs.values() if h.failure is not None), None)
    if bad is not None and not rollout.back:
        rollout = _stop(rollout, f"{bad.slot}: {bad.failure}")
    if rollout.phase is not Phase.STOPPING:
        return rollout, ()
    asked = on.AbortAsked(reason=rollout.undo or "the roll stopped")
    return _to_slots(rollout, may_be_dropped(rollout), asked, now)


def _undo(rollout: Rollout, now: on.Now) -> Moved:
    asked = on.AbortAsked(reason=rollout.undo or "")
    return _to_slots(rollout, goes_back_next(rollout, now), asked, now)


def _switch(rollout: Rollout, slots: tuple[str, ...], now: on.Now) -> Moved:
    effects: tuple[SlotEffect, ...] = ()
    for slot in slots:
        point, deadline = rollout.schedule.next_due(slot, now.market_ms)
        allowed = on.SwitchAllowed(next_due_ms=point.due_ms, next_deadline_ms=deadline)
        rollout, more = _to_slot(rollout, slot, allowed, now)
        effects += more
    return rollout, effects


def _end(rollout: Rollout) -> Moved:
    handoffs = rollout.handoffs
    if rollout.phase is Phase.CANARY and handoffs[rollout.order[0]].step is Step.DONE:
        rollout = _to(rollout, Phase.REST)
    if not all(handoff.step in ENDED for handoff in handoffs.values()):
        return rollout, ()
    failed = [f"{h.slot}: {h.failure}" for h in handoffs.values() if h.failure is not None]
    if rollout.phase is Phase.REST and not failed:
        return _to(rollout, Phase.DONE), ()
    if rollout.back and failed:
        rollout = _stop(rollout, "; ".join(failed))
    if rollout.phase is not Phase.STOPPING:
        return rollout, ()
    switched = [s for s in rollout.order if handoffs[s].step is Step.DONE]
    reason = f"{rollout.failure}; {len(switched)} of {len(rollout.order)} slots run the new release"
    alarm = SlotEffect(slot="", effect=on.Alarm(kind="rollout_stopped", reason=reason))
    return _to(rollout, Phase.STOPPED), (alarm,)
