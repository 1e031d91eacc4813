"""Take a slot back from a release that keeps it from deciding well, or say why it stays.

It needs nothing of the bad process: its actor is ended for good, the gateway declares its seat
vacant under its fence, and the release proven in this slot is created. No slot waits for another.
"""

from typing import Final

from msgspec.structs import replace

from actors.detectors.alarm_names import AlarmName
from actors.detectors.finding import Finding
from actors.detectors.watch import came_wire_ms
from actors.messages import FenceRecord
from actors.supervisor import standing as standings
from actors.supervisor.alarms import report
from actors.supervisor.conduct import (
    BAD_IN_A_ROW,
    POINTS_LOOKED,
    Schedule,
    Seen,
    Tenure,
    fault_of,
    keep_latest,
    points_of,
)
from actors.supervisor.events import AnyEffect, DecisionsRead, Event, KeepStanding
from actors.supervisor.missing_causes import why_missing
from actors.supervisor.releases import count_deaths, open_seat
from actors.supervisor.state import (
    DEATHS_MAX,
    RETRY_MS,
    STARTING_MS,
    Place,
    Step,
    SupervisorState,
    Watched,
    move,
    put,
)
from signals.market import CYCLE_MS

TURNED_BAD: Final = "release_turned_bad"
NO_WAY_BACK: Final = "no_way_back"
RELEASE_FAILS: Final = "release_fails"
REASON_CHARS: Final = 200
MEMORY_MB_MAX: Final = 1_536
"""A slot holds some 250 MB. Several that grow so far fill a machine, and its kernel ends others."""
UNREAD_MS: Final = 30_000
"""Wire since which the journal was not read to its end; it is read twice a second."""
GAP_MS: Final = 5_000
"""Wire between two looks at the clock, which are `TICK_MS` apart: the machine, or this supervisor,
stood still, and what fell due meanwhile is nobody's fault."""


# ---- what is owed -----------------------------------------------------------------------------


def watch_time(state: SupervisorState, event: Event) -> SupervisorState:
    """Begin to hold slots to their points, and begin anew after a gap in this watch."""
    gap_ms = event.wire_ms - state.ticked_wire_ms
    state = replace(state, ticked_wire_ms=event.wire_ms)
    if not 0 <= gap_ms <= GAP_MS:
        state = replace(state, resumed_wire_ms=event.wire_ms)
        state = forgive(state, event, tuple(state.slots))
    for watched in state.slots.values():
        if watched.owes_from_ms is None and _must_decide(watched, event):
            state = put(state, replace(watched, owes_from_ms=_begins_ms(state, event, watched)))
    return state


def _begins_ms(state: SupervisorState, event: Event, watched: Watched) -> int:
    """Return when a slot that must decide now began to: at a claim that this watch has seen."""
    owner = state.owners.get(watched.slot)
    if owner is None or not watched.forgiven_wire_ms <= owner.granted_wire_ms <= event.wire_ms:
        return event.market_ms
    return state.rules.clock.market_ms(owner.granted_wire_ms)


def _must_decide(watched: Watched, event: Event) -> bool:
    started = watched.place is Place.LIVE
    return started or event.wire_ms - watched.forgiven_wire_ms >= STARTING_MS


def forgive(state: SupervisorState, event: Event, slots: tuple[str, ...]) -> SupervisorState:
    """Hold these slots to nothing until they are live again, or had the time to start."""
    for name in slots:
        watched = state.slots[name]
        forgiven = replace(watched, owes_from_ms=None, forgiven_wire_ms=event.wire_ms)
        state = put(state, forgiven)
    return state


def present_claim_ms(state: SupervisorState, watched: Watched, life: str) -> int | None:
    """Return since when (market ms) a life owes decisions; None: not yet, or its claim is new."""
    owner = state.owners.get(watched.slot)
    if watched.owes_from_ms is None or owner is None or owner.life != life:
        return None
    return max(watched.owes_from_ms, state.rules.clock.market_ms(owner.granted_wire_ms))


def forgive_for_gateway(state: SupervisorState, event: Event) -> SupervisorState:
    """Without the gateway nobody can claim: who does not own its slot is not at fault."""
    waiting = tuple(w.slot for w in state.slots.values() if w.place is not Place.LIVE)
    return forgive(state, event, waiting)


# ---- what was decided -------------------------------------------------------------------------


def apply_decisions(state: SupervisorState, event: DecisionsRead) -> Step:
    """Take over what the journal holds; then judge every slot."""
    state = replace(state, read_to_ms=event.read_to_ms)
    for name in {one.slot for one in event.made} & set(state.slots):
        watched = state.slots[name]
        new = [one for one in event.made if one.slot == name]
        state = put(state, replace(watched, made=keep_latest(watched.made, new)))
    for watched in state.slots.values():
        held_mb = event.memory_mb.get(watched.slot, 0)
        state = put(state, replace(watched, memory_mb=held_mb))
    if not event.writable:
        ill = (w for w in state.slots.values() if w.status and w.status.journal_failure)
        state = forgive(state, event, tuple(w.slot for w in ill))
    counted = standings.with_decisions(state.standing, event.made)
    state, kept = with_standing(state, counted)
    state, effects = judge_slots(state, event)
    return state, (*kept, *effects)


def with_standing(state: SupervisorState, standing: standings.Standing) -> Step:
    if standing == state.standing:
        return state, ()
    return replace(state, standing=standing), (KeepStanding(standing=standing),)


def alarm_if_unread(state: SupervisorState, event: Event) -> Step:
    """Tell of a journal that is not read to its end: without it no bad release is found."""
    clock = state.rules.clock
    since_ms = max(clock.wire_ms(state.read_to_ms), state.resumed_wire_ms)
    unread = Finding(
        kind="decisions_unread",
        subject="journal",
        holds=bool(state.slots) and event.wire_ms - since_ms > UNREAD_MS,
        evidence={"read_to_ms": str(state.read_to_ms)},
    )
    if not unread.holds and unread.key not in state.bad_since_ms:
        return state, ()
    return report(state, event, (unread,))


# ---- the judgement ----------------------------------------------------------------------------


def judge_slots(state: SupervisorState, event: Event) -> Step:
    """Hold every slot against the rule and take back those that broke it."""
    effects: list[AnyEffect] = []
    for slot in state.slots:
        state, more = judge_one(state, event, slot)
        effects += more
    return state, tuple(effects)


def judge_one(state: SupervisorState, event: Event, slot: str) -> Step:
    watched = state.slots[slot]
    if state.stopping or watched.release is None or _is_on_its_way(watched, event):
        return state, ()
    fault = _fault(state, event, watched)
    to = None if fault is None else _way_back(state, watched)
    state, alarms = _report(state, event, watched, fault, to)
    if to is None or event.wire_ms - watched.opened_wire_ms < RETRY_MS:
        return state, alarms
    state, opened = _take_back(state, event, watched, to)
    return state, (*alarms, *opened)


def _is_on_its_way(watched: Watched, event: Event) -> bool:
    """Tell whether a seat is being opened, or its new owner is starting."""
    if watched.place in (Place.UNSEEN, Place.OPENING):
        return True
    waits = event.wire_ms - watched.since_wire_ms < STARTING_MS
    return watched.back_to is not None and waits


def _fault(state: SupervisorState, event: Event, watched: Watched) -> str | None:
    owner = state.owners.get(watched.slot)
    if owner is None or owner.release != watched.release:
        return None
    clock = state.rules.clock
    tenure = Tenure(
        slot=watched.slot,
        release=owner.release,
        came_ms=clock.market_ms(came_wire_ms(state.history.get(watched.slot, ()), owner)),
        owes_from_ms=watched.owes_from_ms,
    )
    seen = Seen(
        made={slot: each.made for slot, each in state.slots.items()}, read_to_ms=state.read_to_ms
    )
    schedule = Schedule(offsets_ms=state.rules.timing.decision_offsets_ms, speed=clock.speed)
    points = points_of(tenure, seen, schedule)
    fault = fault_of(points)
    if fault is not None and points[-1].missing:
        first_ms = next(point.due_ms for point in points[-BAD_IN_A_ROW:] if point.missing)
        fault = f"{fault}: {_why_missing(state, watched, owner, first_ms)}"
    if watched.memory_mb > MEMORY_MB_MAX:
        fault = fault or f"its process holds {watched.memory_mb} MB, at most {MEMORY_MB_MAX}"
    return fault or _deaths_fault(state, event, owner)


def _why_missing(
    state: SupervisorState, watched: Watched, owner: FenceRecord, first_ms: int
) -> str:
    since_ms = state.rules.clock.wire_ms(first_ms)
    lives = count_deaths(state.history.get(watched.slot, ()), owner, since_ms)
    again = owner.handoff is None and owner.granted_wire_ms >= since_ms
    return why_missing(watched, lives + again, since_ms)


def _deaths_fault(state: SupervisorState, event: Event, owner: FenceRecord) -> str | None:
    """Say that its process dies too often, whether it decides in between or not."""
    watched = state.slots[owner.slot]
    if watched.deaths >= DEATHS_MAX and state.rollout is None:  # else its driver takes it back
        return f"its process died {watched.deaths} times in a row"
    if watched.owes_from_ms is None:
        return None
    since_ms = max(watched.owes_from_ms, event.market_ms - POINTS_LOOKED * CYCLE_MS)
    history = state.history.get(watched.slot, ())
    deaths = count_deaths(history, owner, state.rules.clock.wire_ms(since_ms))
    if deaths < DEATHS_MAX:
        return None
    return f"its process died {deaths} times within {POINTS_LOOKED} decision points"


def _way_back(state: SupervisorState, watched: Watched) -> str | None:
    gone = (*state.standing.taken_back, *state.not_archived)
    usable = replace(state.standing, taken_back=gone)
    return standings.way_back(usable, watched.slot, watched.release or "")


def _report(
    state: SupervisorState, event: Event, watched: Watched, fault: str | None, to: str | None
) -> Step:
    """Say what was found, once; forget what has ended."""
    stuck = NO_WAY_BACK if _replaced_another(state, watched) else RELEASE_FAILS
    kind = None if fault is None else (stuck if to is None else TURNED_BAD)
    findings = tuple(
        _finding(each, watched, fault or "", to, holds=each == kind)
        for each in (TURNED_BAD, NO_WAY_BACK, RELEASE_FAILS)
        if each == kind or f"{each}/{watched.slot}" in state.bad_since_ms
    )
    return report(state, event, findings) if findings else (state, ())


def _replaced_another(state: SupervisorState, watched: Watched) -> bool:
    release = watched.release or ""
    led_back = state.standing.led_back.get(watched.slot) == release
    ran_another = standings.ran_another(state.standing, watched.slot, release)
    return led_back or ran_another or watched.predecessor is not None


def _finding(
    kind: AlarmName, watched: Watched, fault: str, to: str | None, *, holds: bool
) -> Finding:
    release = (watched.release or "")[:12]
    actions = {
        TURNED_BAD: (
            f"Release {release} kept {watched.slot} from deciding. The slot goes back to release "
            f"{(to or '')[:12]} by itself. Roll the other slots back, correct the release, roll it "
            "out again."
        ),
        NO_WAY_BACK: (
            f"Release {release} keeps {watched.slot} from deciding, and no earlier release "
            "that worked in it is left. Nothing is bought any more. Correct the code, "
            "roll it out, then "
            "`midstride trading resume`."
        ),
        RELEASE_FAILS: (
            f"Release {release} keeps {watched.slot} from deciding, and it is the first that ever "
            "ran there. Correct the code and roll it out."
        ),
    }
    evidence = {"release": release, "slot": watched.slot, "reason": fault[:500]}
    if to is not None:
        evidence["back_to"] = to[:12]
    return Finding(
        kind=kind, subject=watched.slot, holds=holds, action=actions[kind], evidence=evidence
    )


def _take_back(state: SupervisorState, event: Event, watched: Watched, to: str) -> Step:
    fault = _fault(state, event, watched) or ""
    standing = standings.taken_back(state.standing, watched.release or "")
    state, kept = with_standing(state, standings.led_back(standing, watched.slot, to))
    watched = replace(
        watched,
        back_to=to,
        reason=f"turned bad: {fault}"[:REASON_CHARS],
        opened_wire_ms=event.wire_ms,
    )
    state = put(state, move(watched, Place.OPENING, event))
    return state, (*kept, open_seat(watched))
