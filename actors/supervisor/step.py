"""The supervisor machine: `step(state, event) -> (state, effects)`, pure.

It watches progress, not liveness, and restarts what is missing only through the gateway's vacancy,
naming the fence it expects: where a rollout was faster, the gateway refuses and nothing happens.
"""

from typing import assert_never

from msgspec.structs import replace

from actors.supervisor.events import (
    AlarmLatched,
    AnyEffect,
    AnyEvent,
    AskFeeds,
    AskGateway,
    AskSlot,
    CreateFailed,
    CreateSlot,
    DecisionsRead,
    Detected,
    Event,
    FeedsSeen,
    FencesRead,
    FencesUnread,
    GatewaySeen,
    KeepWanted,
    PollRollout,
    ReadFences,
    RolledBack,
    RolloutSeen,
    SeatOpened,
    SeatRefused,
    SharedSilent,
    SlotCreated,
    SlotMissing,
    SlotSeen,
    SlotSilent,
    StartAsked,
    StopAsked,
    Ticked,
)
from actors.supervisor.health import LOOKED_AT, apply_shared, apply_slot
from actors.supervisor.reactions import apply_alarm, take_back
from actors.supervisor.releases import alarm_if_dying, apply_rollout, know_owner, open_seat
from actors.supervisor.state import (
    ASK_EVERY_MS,
    CREATING_MAX,
    FENCES_EVERY_MS,
    GATEWAY,
    MARKET_DATA,
    RETRY_MS,
    ROLLOUT_EVERY_MS,
    STARTING_MS,
    Place,
    Step,
    SupervisorState,
    Watched,
    move,
    put,
    put_shared,
)
from actors.supervisor.taking_back import alarm_if_unread, apply_decisions, judge_slots, watch_time

UNDER_WAY = (Place.OPENING, Place.CREATING)


def step(state: SupervisorState, event: AnyEvent) -> Step:
    """Apply one event; never raises for an event that can happen."""
    match event:
        case Ticked():
            return _tick(state, event)
        case StartAsked() | StopAsked():
            return _obey(state, event)
        case FencesRead() | FencesUnread():
            return _apply_fences(state, event)
        case SlotSeen() | SlotMissing() | SlotSilent():
            return apply_slot(state, event)
        case SeatOpened() | SeatRefused() | SlotCreated() | CreateFailed():
            return _apply_creation(state, event)
        case GatewaySeen() | FeedsSeen() | SharedSilent():
            return apply_shared(state, event)
        case RolloutSeen() | DecisionsRead() | Detected() | AlarmLatched() | RolledBack():
            return _apply_finding(state, event)
        case _ as never:
            assert_never(never)


def _apply_finding(
    state: SupervisorState,
    event: RolloutSeen | DecisionsRead | Detected | AlarmLatched | RolledBack,
) -> Step:
    match event:
        case RolloutSeen():
            return apply_rollout(state, event)
        case DecisionsRead():
            return apply_decisions(state, event)
        case _:
            return apply_alarm(state, event)


def _obey(state: SupervisorState, event: StartAsked | StopAsked) -> Step:
    match event:
        case StartAsked(slots=slots):
            new = {slot: Watched(slot=slot, forgiven_wire_ms=event.wire_ms) for slot in slots}
            watched = {slot: state.slots.get(slot, new[slot]) for slot in slots}
            state = replace(state, stopping=False, slots={**state.slots, **watched})
            state, asked = _ask_for_owners(state, event)
            return state, (KeepWanted(slots=tuple(state.slots)), *asked)
        case StopAsked():
            return replace(state, stopping=True, slots={}), (KeepWanted(slots=()),)
        case _ as never:
            assert_never(never)


# ---- time -------------------------------------------------------------------------------------


def _tick(state: SupervisorState, event: Ticked) -> Step:
    if state.stopping:
        return state, ()
    if not state.started_wire_ms:
        state = replace(state, started_wire_ms=event.wire_ms)
    state, unread = alarm_if_unread(watch_time(state, event), event)
    state, judged = judge_slots(state, event)
    state, asked = _ask_for_all(state, event)
    effects: list[AnyEffect] = [*unread, *judged, *asked]
    for watched in state.slots.values():
        if (
            watched.place in LOOKED_AT
            and not watched.asking
            and event.wire_ms - watched.asked_wire_ms >= ASK_EVERY_MS
        ):
            state = put(state, replace(watched, asking=True, asked_wire_ms=event.wire_ms))
            effects.append(AskSlot(slot=watched.slot, incarnation=watched.incarnation))
    state, opened = _open_vacancies(state, event)
    state, backs = take_back(state, event)
    return state, (*effects, *opened, *backs)


def _ask_for_all(state: SupervisorState, event: Ticked) -> Step:
    """Ask what concerns no single slot: owners, the rollout under way, gateway, market data."""
    effects: list[AnyEffect] = []
    if event.wire_ms - state.fences_wire_ms >= FENCES_EVERY_MS:
        state, asked = _ask_for_owners(state, event)
        effects += asked
    rollout_ms = event.wire_ms - state.rollout_asked_wire_ms
    if not state.rollout_asking and rollout_ms >= ROLLOUT_EVERY_MS:
        state = replace(state, rollout_asking=True, rollout_asked_wire_ms=event.wire_ms)
        effects.append(PollRollout())
    for who, ask in ((GATEWAY, AskGateway()), (MARKET_DATA, AskFeeds())):
        shared = state.shared[who]
        if not shared.asking and event.wire_ms - shared.asked_wire_ms >= ASK_EVERY_MS:
            state = put_shared(state, replace(shared, asking=True, asked_wire_ms=event.wire_ms))
            effects.append(ask)
    return state, tuple(effects)


def _ask_for_owners(state: SupervisorState, event: Event) -> Step:
    if state.fences_asking:
        return state, ()
    return replace(state, fences_asking=True, fences_wire_ms=event.wire_ms), (ReadFences(),)


def _open_vacancies(state: SupervisorState, event: Event) -> Step:
    under_way = sum(watched.place in UNDER_WAY for watched in state.slots.values())
    starting = sum(
        watched.place is Place.STARTING and event.wire_ms - watched.since_wire_ms < STARTING_MS
        for watched in state.slots.values()
    )
    free = CREATING_MAX - under_way - starting
    effects: list[AnyEffect] = []
    for watched in state.slots.values():
        waits = watched.creations and event.wire_ms - watched.since_wire_ms < RETRY_MS
        if watched.place is not Place.VACANT or waits or free <= 0:
            continue
        free -= 1
        state = put(state, move(watched, Place.OPENING, event))
        effects.append(open_seat(watched))
    return state, tuple(effects)


# ---- owners and creation ----------------------------------------------------------------------


def _apply_fences(state: SupervisorState, event: FencesRead | FencesUnread) -> Step:
    state = replace(state, fences_asking=False)
    if isinstance(event, FencesUnread):
        return state, ()
    state = replace(state, owners=event.owners, history=event.history)
    effects: list[AnyEffect] = []
    for watched in state.slots.values():
        owner = event.owners.get(watched.slot)
        if watched.place in UNDER_WAY:
            continue
        if owner is None:
            if watched.place is Place.UNSEEN:
                state = put(state, move(watched, Place.VACANT, event))
            continue
        known = know_owner(state, watched, owner, event)
        # after a take-back the owner has a lower number than the successor that lost the slot
        moved = owner.fence > watched.fence and owner.incarnation != watched.incarnation
        if watched.place is Place.UNSEEN or moved:
            known = replace(known, incarnation=owner.incarnation, misses=0, status=None)
            known = replace(known, answered_wire_ms=event.wire_ms)
            known = move(known, Place.STARTING, event)
        state, dying = alarm_if_dying(put(state, known), event, known)
        effects += dying
    state, judged = judge_slots(state, event)
    return state, (*effects, *judged)


def _apply_creation(
    state: SupervisorState, event: SeatOpened | SeatRefused | SlotCreated | CreateFailed
) -> Step:
    watched = state.slots.get(event.slot)
    if watched is None:
        return state, ()
    match event:
        case SeatOpened() if watched.place is Place.OPENING:
            watched = replace(watched, incarnation=event.incarnation, status=None, misses=0)
            watched = replace(watched, release=event.release)
            watched = move(watched, Place.CREATING, event)
            create = CreateSlot(
                slot=event.slot, incarnation=event.incarnation, release=event.release
            )
            return put(state, watched), (create,)
        case SeatRefused() if watched.place is Place.OPENING:
            watched = replace(watched, reason=event.reason, creations=watched.creations + 1)
            watched = replace(watched, back_to=None)  # a way back is judged again by what owns now
            if event.not_archived is not None:
                lacking = (*state.not_archived, event.not_archived)
                state = replace(state, not_archived=lacking)
            return _ask_for_owners(put(state, move(watched, Place.UNSEEN, event)), event)
        case SlotCreated() if _is_awaited(watched, event.incarnation):
            watched = replace(
                watched, creations=watched.creations + 1, answered_wire_ms=event.wire_ms
            )
            return put(state, move(watched, Place.STARTING, event)), ()
        case CreateFailed() if _is_awaited(watched, event.incarnation):
            watched = replace(watched, reason=event.reason, creations=watched.creations + 1)
            return put(state, move(watched, Place.VACANT, event)), ()
        case _:
            return state, ()


def _is_awaited(watched: Watched, incarnation: int) -> bool:
    """Tell the creation under way from an earlier one that was given up."""
    return watched.place is Place.CREATING and incarnation in (0, watched.incarnation)
