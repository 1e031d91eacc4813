"""What an alarm leads to, pure: the policy names it, and it is done by the ways that exist.

Trading is reduced or halted through the gateway, a release is taken back by the operator's own
`rolling-update rollback`. Where that cannot be done, or not in `BACK_TRIES_MAX` tries, the fleet
takes no new risk. Slots go back only to a release that is proven in them and was never taken back,
see `actors.supervisor.standing`.
"""

from typing import Final, assert_never

from msgspec.structs import replace

from actors.detectors.policy import Reaction, reaction_of
from actors.messages import TradingState
from actors.supervisor.alarms import report
from actors.supervisor.events import (
    AlarmLatched,
    AnyEffect,
    Detected,
    EndRollout,
    Event,
    RollBack,
    RolledBack,
    TightenTrading,
)
from actors.supervisor.standing import taken_back, way_back
from actors.supervisor.state import ROLLOUT_PAUSE_MS, Step, SupervisorState, Watched, WayBack
from actors.supervisor.taking_back import with_standing

BACK_TRIES_MAX: Final = 3
BACK_PAUSE_MS: Final = 10_000
"""Wire between two tries: what stood in the way, as an abort, takes some seconds."""
RELEASE_LETTERS_MIN: Final = 6
"""Of a release's beginning, as a subject: less names nobody."""


def apply_alarm(state: SupervisorState, event: Detected | AlarmLatched | RolledBack) -> Step:
    match event:
        case Detected(findings=findings):
            return report(state, event, findings)
        case AlarmLatched():
            return _react(state, event)
        case RolledBack():
            return _apply_end(state, event), ()
        case _ as never:
            assert_never(never)


def _react(state: SupervisorState, event: AlarmLatched) -> Step:
    if state.stopping:
        return state, ()
    reaction = reaction_of(event.kind, state.rules.policy)
    match reaction:
        case Reaction.OFF | Reaction.NOTIFY:
            return state, ()
        case Reaction.REDUCE:
            return state, (_tighten(TradingState.REDUCING, event.alarm),)
        case Reaction.HALT:
            return state, (_tighten(TradingState.HALTED, event.alarm),)
        case Reaction.ROLL_BACK:
            return _begin(state, event)
        case _ as never:
            assert_never(never)


def _tighten(state: TradingState, alarm: str, why: str = "") -> TightenTrading:
    return TightenTrading(state=state, reason=f"alarm {alarm}{why}")


# ---- the way back -----------------------------------------------------------------------------


def _begin(state: SupervisorState, event: AlarmLatched) -> Step:
    """Remember the way back; `take_back` goes it. Without one: no new risk."""
    runs = _slots_of(state, event)
    if not runs:
        return state, ()  # nobody runs it any more
    bad = runs[0].release
    if bad is None or not _targets(state, bad):
        why = ": there is no release to go back to that is proven in this slot"
        return state, (_tighten(TradingState.REDUCING, event.alarm, why),)
    known = state.ways_back.get(bad, WayBack(release=bad, why=event.alarm))
    state = replace(state, ways_back={**state.ways_back, bad: known})
    return with_standing(state, taken_back(state.standing, bad))


def _targets(state: SupervisorState, bad: str) -> dict[str, list[str]]:
    """Return the slots that run a release by the release that each may go back to."""
    found: dict[str, list[str]] = {}
    for watched in state.slots.values():
        to = way_back(state.standing, watched.slot, bad) if watched.release == bad else None
        if to is not None:
            found.setdefault(to, []).append(watched.slot)
    return found


def _slots_of(state: SupervisorState, event: AlarmLatched) -> list[Watched]:
    """Return the slots that run what the alarm is about: its release, or its subject's."""
    subject = state.slots.get(event.subject)
    named = event.release or event.subject
    if subject is not None and subject.release is not None:
        named = subject.release
    if len(named) < RELEASE_LETTERS_MIN:
        return []
    return [w for w in state.slots.values() if (w.release or "").startswith(named)]


def take_back(state: SupervisorState, event: Event) -> Step:
    """Go one step of a way back; one at a time, and never beside a rollout."""
    way = next(iter(state.ways_back.values()), None)
    if way is None or way.under_way:
        return state, ()
    targets = _targets(state, way.release)
    if not targets:
        left = any(watched.release == way.release for watched in state.slots.values())
        why = ": some slots have no release to go back to that is proven in them"
        told = (_tighten(TradingState.REDUCING, way.why, why),) if left else ()
        return _forget(state, way), told
    if way.tries >= BACK_TRIES_MAX:
        why = f": release {way.release[:12]} could not be taken back"
        return _forget(state, way), (_tighten(TradingState.REDUCING, way.why, why),)
    if way.tries and event.wire_ms - way.tried_wire_ms < BACK_PAUSE_MS:
        return state, ()
    if state.rollout is not None and state.rollout_to not in ("", way.release):
        return state, ()  # it takes slots away from that release: a person was faster
    if state.rollout is not None:
        return _end_rollout(state, event, state.rollout)
    state = _put(state, replace(way, under_way=True, tried_wire_ms=event.wire_ms))
    to, slots = next(iter(targets.items()))
    return state, (RollBack(release=way.release, to=to, slots=tuple(slots)),)


def _end_rollout(state: SupervisorState, event: Event, rollout: str) -> Step:
    """Put away what is under way first: it may be bringing the very release."""
    paused = event.wire_ms - state.rollout_ended_wire_ms < ROLLOUT_PAUSE_MS
    if state.rollout_ended == rollout and paused:
        return state, ()
    state = replace(state, rollout_ended=rollout, rollout_ended_wire_ms=event.wire_ms)
    end: tuple[AnyEffect, ...] = (EndRollout(rollout=rollout),)
    return state, end


def _apply_end(state: SupervisorState, event: RolledBack) -> SupervisorState:
    """A failed try waits for the next one; after a good one the owners say whether it is over."""
    way = state.ways_back.get(event.release)
    if way is None:
        return state
    tried = replace(way, under_way=False, tries=way.tries + 1, tried_wire_ms=event.wire_ms)
    return _put(state, tried)


def _put(state: SupervisorState, way: WayBack) -> SupervisorState:
    return replace(state, ways_back={**state.ways_back, way.release: way})


def _forget(state: SupervisorState, way: WayBack) -> SupervisorState:
    left = {release: kept for release, kept in state.ways_back.items() if release != way.release}
    return replace(state, ways_back=left)
