"""What the supervisor says about itself: progress of a start, and who is silent."""

import msgspec

from actors.supervisor.state import Place, SupervisorState


class SupervisedSlot(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    place: str
    """See `supervisor_state.Place`."""
    incarnation: int
    fence: int
    live: bool
    """Answers, and owns the slot."""
    reason: str
    kills: int
    creations: int


class SupervisedActor(msgspec.Struct, frozen=True, kw_only=True):
    who: str
    answered_ago_ms: int | None
    reason: str
    kills: int
    creations: int


class SupervisorStatus(msgspec.Struct, frozen=True, kw_only=True, tag="supervisor_status"):
    name: str
    phase: str
    """``idle`` (nothing asked yet), ``starting``, ``watching``, ``stopping``, ``standing by``."""
    slots: tuple[SupervisedSlot, ...]
    shared: tuple[SupervisedActor, ...]
    conditions: tuple[str, ...]
    """What is wrong now, by kind and subject; alarms outlast it until a person clears them."""
    market_ms: int
    wire_ms: int
    pid: int
    process_start: int
    node_id: str
    release: str = ""
    """What runs, see `actors.attest.release_running`."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    pid: int
    process_start: int
    node_id: str
    release: str


def status_of(
    state: SupervisorState, who: Identity, market_ms: int, wire_ms: int
) -> SupervisorStatus:
    slots = tuple(
        SupervisedSlot(
            slot=watched.slot,
            place=str(watched.place),
            incarnation=watched.incarnation,
            fence=watched.fence,
            live=watched.place is Place.LIVE,
            reason=watched.reason,
            kills=watched.kills,
            creations=watched.creations,
        )
        for watched in state.slots.values()
    )
    shared = tuple(
        SupervisedActor(
            who=actor.who,
            answered_ago_ms=wire_ms - actor.answered_wire_ms if actor.answered_wire_ms else None,
            reason=actor.reason,
            kills=actor.kills,
            creations=actor.creations,
        )
        for actor in state.shared.values()
    )
    return SupervisorStatus(
        name=who.name,
        phase=_phase(state),
        slots=slots,
        shared=shared,
        conditions=tuple(sorted(state.raised)),
        market_ms=market_ms,
        wire_ms=wire_ms,
        pid=who.pid,
        process_start=who.process_start,
        node_id=who.node_id,
        release=who.release,
    )


def _phase(state: SupervisorState) -> str:
    if state.stopping:
        return "stopping"
    if not state.slots:
        return "idle"
    live = all(watched.place is Place.LIVE for watched in state.slots.values())
    return "watching" if live else "starting"
