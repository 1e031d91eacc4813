"""Who is next: the slots that may start, switch or go back now. Asked after every event.

Serial is only Quiesce..Adopt: starts run ahead and confirmations overlap. Starts and switches keep
out of each other's way: a switch lasts milliseconds where it has a processor to itself, twenty
times as long beside two starts on two cores.
"""

from collections.abc import Set as AbstractSet
from typing import Final, assert_never

from actors.rollout import handoff_events as on
from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.handoff_table import SERIAL
from actors.rollout.rollout_state import Phase, Rollout

STARTS_AT_ONCE: Final = 2
"""Process starts at normal priority beside a trading fleet. Three were tried on two cores: a roll
of sixteen took a quarter less time and the worst decision beside it came twice as late."""
VACANCIES_AT_ONCE: Final = 8
"""Slots of a way back that stand still anyway: the more start at once the sooner all decide again.
As many as the supervisor starts at once."""
START_PATIENCE_MS: Final = 20_000
"""Wire: how long each of a start's two steps keeps a slot that is ready from its switch; measured
1-14 s. One that hangs has its own deadline and keeps nobody."""
TOGETHER_AT_ONCE: Final = 2
"""Switches under way with `together`: half of one is waiting for the disk and for answers."""
UNDO_WAIT_MS: Final = 500
"""Wire: how long a take-back that has no answer keeps the next slot's from beginning; ten times
what one takes. A slot that hangs must not leave the others to the release that is to go."""
_WARM_STEPS: Final = frozenset(
    {Step.PINNING, Step.OPENING, Step.CREATING, Step.WARMING, Step.SHADOWING}
)
_STARTING: Final = frozenset({Step.CREATING, Step.WARMING})
"""A process starts and takes what processor it gets."""
_STARTS: Final = _WARM_STEPS - {Step.SHADOWING}
"""A standby that waits for decisions to shadow costs memory and no processor: it keeps nobody from
starting, or a roll of sixteen would wait for one cycle after the other."""
_VACANT: Final = frozenset({Step.VACATING, Step.FILLING})
_ABORTABLE: Final = (_WARM_STEPS - {Step.PINNING, Step.OPENING}) | {Step.PLANNED, Step.READY}
"""While a base is pinned or a number issued nothing can be undone yet: the answer is awaited."""


def may_be_dropped(rollout: Rollout) -> tuple[str, ...]:
    """Return the slots of a roll that stops whose successor owns nothing yet."""
    return _in(rollout, _ABORTABLE)


def goes_back_next(rollout: Rollout, now: on.Now) -> tuple[str, ...]:
    """Return the next slot that the operator's stop takes back, when the last one is back.

    All at once each would be dark for most of what all of them take.
    """
    if rollout.undo is None or any(_keeps_others(h, now) for h in rollout.handoffs.values()):
        return ()
    return _in(rollout, {Step.CONFIRMING})[:1]


def _keeps_others(handoff: Handoff, now: on.Now) -> bool:
    asked_once = handoff.step in SERIAL and handoff.tries == 0
    return asked_once and now.wire_ms - handoff.entered_wire_ms < UNDO_WAIT_MS


def may_start(rollout: Rollout, now: on.Now) -> tuple[str, ...]:
    """Return the slots whose successor may be started now, next to what starts already.

    A sick slot of a way back waits for no quiet moment and for no switch: it makes no decision.
    """
    free = VACANCIES_AT_ONCE - len(_in(rollout, _VACANT))
    planned = _wanted(rollout, Step.PLANNED)
    sick = [slot for slot in planned if rollout.handoffs[slot].sick is not None]
    return tuple(sick[: max(0, free)]) if sick else _may_start(rollout, now)


def _may_start(rollout: Rollout, now: on.Now) -> tuple[str, ...]:
    if _may_switch(rollout, now) or _in(rollout, SERIAL):
        return ()
    free = STARTS_AT_ONCE - len(_in(rollout, _STARTS | _VACANT))
    return _wanted(rollout, Step.PLANNED)[: max(0, free)]


def switches_next(rollout: Rollout, now: on.Now) -> tuple[str, ...]:
    """Return the slots whose switch may begin now, next to what switches already."""
    if any(_starts(handoff, now) for handoff in rollout.handoffs.values()):
        return ()
    in_one_gap = rollout.options.together and rollout.phase is Phase.REST
    free = (TOGETHER_AT_ONCE if in_one_gap else 1) - len(_in(rollout, SERIAL))
    return _may_switch(rollout, now)[: max(0, free)]


def _starts(handoff: Handoff, now: on.Now) -> bool:
    fresh = now.wire_ms - handoff.entered_wire_ms < START_PATIENCE_MS
    return handoff.step in _STARTING and fresh


def _may_switch(rollout: Rollout, now: on.Now) -> tuple[str, ...]:
    """Return the slots that are ready, in a quiet moment, and need not wait for all others."""
    waits = _in(rollout, _WARM_STEPS | {Step.PLANNED})
    if rollout.options.together and rollout.phase is Phase.REST and waits:
        return ()
    ready = _wanted(rollout, Step.READY)
    return tuple(slot for slot in ready if rollout.schedule.is_quiet(slot, now))


def _wanted(rollout: Rollout, step: Step) -> tuple[str, ...]:
    """Return the slots at a step that the phase lets go forward."""
    match rollout.phase:
        case Phase.CANARY:
            return tuple(slot for slot in _in(rollout, {step}) if slot == rollout.order[0])
        case Phase.REST:
            return _in(rollout, {step})
        case Phase.STOPPING | Phase.DONE | Phase.STOPPED:
            return ()
        case _:
            assert_never(rollout.phase)


def _in(rollout: Rollout, steps: AbstractSet[Step]) -> tuple[str, ...]:
    return tuple(slot for slot in rollout.order if rollout.handoffs[slot].step in steps)
