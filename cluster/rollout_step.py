"""The handoffs of a fleet to one release, as a pure machine: canary first, then one at a time.

`step(rollout, event, now) -> (rollout, effects)`. It owns the order, the pace and the stop; what a
single slot does is `cluster.handoff_step`. Serial is only Quiesce..Adopt: warming runs ahead and
confirmations overlap.
"""

from enum import StrEnum
from typing import Final, assert_never

import msgspec
from msgspec.structs import replace

from cluster import handoff_events as on
from cluster import handoff_step
from cluster.handoff_state import ENDED, SERIAL, Handoff, Step
from cluster.schedule import Schedule

STARTS_AT_ONCE: Final = 2
"""Process starts at normal priority beside a trading fleet. Three were tried on two cores: a roll
of sixteen took a quarter less time and the worst decision beside it came twice as late."""
TOGETHER_AT_ONCE: Final = 2
"""Switches under way with `together`: half of one is waiting for the disk and for answers."""
_WARM_STEPS: Final = frozenset(
    {Step.PINNING, Step.OPENING, Step.CREATING, Step.WARMING, Step.SHADOWING}
)
_STARTING: Final = frozenset({Step.CREATING, Step.WARMING})
"""A process starts and takes what processor it gets. A switch lasts milliseconds where it has one
to itself, twenty times as long beside two starts on two cores: it waits for those under way, which
their own deadlines end, and the next start waits for it."""
_STARTS: Final = _WARM_STEPS - {Step.SHADOWING}
"""A standby that waits for decisions to shadow costs memory and no processor: it keeps nobody from
starting, or a roll of sixteen would wait for one cycle after the other."""
UNDO_WAIT_MS: Final = 500
"""Wire: how long a take-back that has no answer keeps the next slot's from beginning; ten times
what one takes. A slot that hangs must not leave the others to the release that is to go."""
_ABORTABLE: Final = (_WARM_STEPS - {Step.PINNING, Step.OPENING}) | {Step.PLANNED, Step.READY}
"""While a base is pinned or a number issued nothing can be undone yet: the answer is awaited."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a rollout is paced; the operator's words of `rolling-update apply`."""

    canary: str | None = None
    bake: int = 0
    """Good decisions of the canary, beyond its confirming one, before the rest starts."""
    shadow: int = 1
    identical: bool = False
    fast: bool = False
    """Shadow on recorded decisions instead of waiting for live ones."""
    together: bool = False
    """All switches of the rest in one gap between cycles, so that no cycle mixes releases."""


class Phase(StrEnum):
    CANARY = "canary"
    REST = "rest"
    STOPPING = "stopping"
    DONE = "done"
    STOPPED = "stopped"


TRANSITIONS: Final[dict[Phase, tuple[Phase, ...]]] = {
    Phase.CANARY: (Phase.REST, Phase.STOPPING),
    Phase.REST: (Phase.DONE, Phase.STOPPING),
    Phase.STOPPING: (Phase.STOPPED,),
    Phase.DONE: (),
    Phase.STOPPED: (),
}


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    rollout: str
    to_release: str
    options: Options
    schedule: Schedule
    order: tuple[str, ...]
    handoffs: dict[str, Handoff]
    phase: Phase
    started_wire_ms: float
    failure: str | None = None
    undo: str | None = None
    """The operator's reason: what is switched and not confirmed goes back, slot after slot."""


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


class Occupant(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in a slot when the rollout is planned."""

    slot: str
    incarnation: int
    fence: int
    release: str


def begin(
    rollout: str,
    to_release: str,
    occupants: tuple[Occupant, ...],
    options: Options,
    schedule: Schedule,
    now: on.Now,
) -> Rollout:
    """Make a rollout of the given slots, the canary first; nothing is touched yet."""
    order = tuple(sorted((o.slot for o in occupants), key=lambda s: (s != options.canary, s)))
    handoffs = {
        o.slot: Handoff(
            slot=o.slot,
            handoff=f"{rollout}-{o.slot}",
            old_incarnation=o.incarnation,
            old_fence=o.fence,
            old_release=o.release,
            new_release=to_release,
            shadow=options.shadow,
            identical=options.identical,
            recorded=options.fast,
            confirmations=1 + (options.bake if o.slot == options.canary else 0),
            entered_wire_ms=now.wire_ms,
        )
        for o in occupants
    }
    return Rollout(
        rollout=rollout,
        to_release=to_release,
        options=options,
        schedule=schedule,
        order=order,
        handoffs=handoffs,
        phase=Phase.CANARY if options.canary in handoffs else Phase.REST,
        started_wire_ms=now.wire_ms,
    )


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
    """Look at the whole roll after each event: stop, warm the next, switch the next, or end."""
    rollout, stopping = _notice_failure(rollout, now)
    rollout, undoing = _undo_next(rollout, now)
    rollout, warming = _warm_next(rollout, now)
    rollout, switching = _switch_next(rollout, now)
    rollout, ending = _end(rollout)
    return rollout, stopping + undoing + warming + switching + ending


def _stop(rollout: Rollout, reason: str) -> Rollout:
    if rollout.phase not in {Phase.CANARY, Phase.REST}:
        return rollout
    return replace(rollout, phase=Phase.STOPPING, failure=reason)


def _notice_failure(rollout: Rollout, now: on.Now) -> Moved:
    """Stop at the first failure; what was still on its way to READY is aborted when it can be."""
    bad = next((h for h in rollout.handoffs.values() if h.failure is not None), None)
    if bad is not None:
        rollout = _stop(rollout, f"{bad.slot}: {bad.failure}")
    if rollout.phase is not Phase.STOPPING:
        return rollout, ()
    waiting = tuple(s for s in rollout.order if rollout.handoffs[s].step in _ABORTABLE)
    reason = rollout.undo or "the roll stopped"
    return _to_slots(rollout, waiting, on.AbortAsked(reason=reason), now)


def _undo_next(rollout: Rollout, now: on.Now) -> Moved:
    """Take back the next slot that is switched and not confirmed, when the last one is back.

    All at once each would be dark for most of what all of them take.
    """
    handoffs = rollout.handoffs
    if rollout.undo is None or any(_keeps_others(h, now) for h in handoffs.values()):
        return rollout, ()
    switched = (s for s in rollout.order if handoffs[s].step is Step.CONFIRMING)
    asked = on.AbortAsked(reason=rollout.undo)
    return _to_slots(rollout, tuple(switched)[:1], asked, now)


def _keeps_others(handoff: Handoff, now: on.Now) -> bool:
    fresh = handoff.tries == 0 and now.wire_ms - handoff.entered_wire_ms < UNDO_WAIT_MS
    return handoff.step in SERIAL and fresh


def _wanted(rollout: Rollout) -> tuple[str, ...]:
    match rollout.phase:
        case Phase.CANARY:
            return rollout.order[:1]
        case Phase.REST:
            return rollout.order
        case Phase.STOPPING | Phase.DONE | Phase.STOPPED:
            return ()
        case _:
            assert_never(rollout.phase)


def _warm_next(rollout: Rollout, now: on.Now) -> Moved:
    steps = [handoff.step for handoff in rollout.handoffs.values()]
    if _may_switch(rollout, now) or SERIAL.intersection(steps):
        return rollout, ()
    free = STARTS_AT_ONCE - sum(step_ in _STARTS for step_ in steps)
    planned = (s for s in _wanted(rollout) if rollout.handoffs[s].step is Step.PLANNED)
    return _to_slots(rollout, tuple(planned)[: max(0, free)], on.Begin(), now)


def _switch_next(rollout: Rollout, now: on.Now) -> Moved:
    steps = [handoff.step for handoff in rollout.handoffs.values()]
    if _STARTING.intersection(steps):
        return rollout, ()
    free = _switches_at_once(rollout) - sum(step_ in SERIAL for step_ in steps)
    effects: tuple[SlotEffect, ...] = ()
    for slot in _may_switch(rollout, now)[: max(0, free)]:
        point, deadline = rollout.schedule.next_due(slot, now.market_ms)
        allowed = on.SwitchAllowed(next_due_ms=point.due_ms, next_deadline_ms=deadline)
        rollout, more = _to_slot(rollout, slot, allowed, now)
        effects += more
    return rollout, effects


def _switches_at_once(rollout: Rollout) -> int:
    in_one_gap = rollout.options.together and rollout.phase is Phase.REST
    return TOGETHER_AT_ONCE if in_one_gap else 1


def _may_switch(rollout: Rollout, now: on.Now) -> tuple[str, ...]:
    """Return the slots that are ready, in a quiet moment, and need not wait for all others."""
    ready = (s for s in _wanted(rollout) if rollout.handoffs[s].step is Step.READY)
    waits = any(rollout.handoffs[s].step in _WARM_STEPS | {Step.PLANNED} for s in rollout.order)
    if rollout.options.together and rollout.phase is Phase.REST and waits:
        return ()
    return tuple(s for s in ready if rollout.schedule.is_quiet(s, now))


def _end(rollout: Rollout) -> Moved:
    handoffs = rollout.handoffs
    if rollout.phase is Phase.CANARY and handoffs[rollout.order[0]].step is Step.DONE:
        rollout = replace(rollout, phase=Phase.REST)
    if not all(handoff.step in ENDED for handoff in handoffs.values()):
        return rollout, ()
    if rollout.phase is Phase.REST:
        return replace(rollout, phase=Phase.DONE), ()
    if rollout.phase is not Phase.STOPPING:
        return rollout, ()
    switched = [s for s in rollout.order if handoffs[s].step is Step.DONE]
    reason = f"{rollout.failure}; {len(switched)} of {len(rollout.order)} slots run the new release"
    alarm = SlotEffect(slot="", effect=on.Alarm(kind="rollout_stopped", reason=reason))
    return replace(rollout, phase=Phase.STOPPED), (alarm,)
