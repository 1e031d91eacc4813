"""State of a rollout: the operator's words, the phases, who is in which slot, how it begins."""

from enum import StrEnum
from typing import Final

import msgspec

from actors.machine.moves import Moves
from actors.rollout import handoff_events as on
from actors.rollout.handoff_state import Handoff
from actors.rollout.schedule import Schedule


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


PHASES: Final = Moves.of_targets(
    "Rollout",
    "All slots to one release (`actors/rollout/rollout_state.py`).",
    {
        Phase.CANARY: (Phase.REST, Phase.STOPPING),
        Phase.REST: (Phase.DONE, Phase.STOPPING),
        Phase.STOPPING: (Phase.STOPPED,),
        Phase.DONE: (),
        Phase.STOPPED: (),
    },
)


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
    back: bool = False
    """A way back: no slot's failure stops the others, and the sick ones come first."""


class Occupant(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in a slot when the rollout is planned."""

    slot: str
    incarnation: int
    fence: int
    release: str
    sick: str | None = None
    """Of a way back: why the occupant is not asked; None: it looked well."""


def begin_back(
    rollout: str,
    to_release: str,
    occupants: tuple[Occupant, ...],
    options: Options,
    schedule: Schedule,
    now: on.Now,
) -> Rollout:
    """Make a way back: the sick slots first, by vacancy; the others by a handoff where they can."""
    begun = begin(rollout, to_release, occupants, options, schedule, now)
    sick = {occupant.slot: occupant.sick for occupant in occupants}
    handoffs = {
        slot: msgspec.structs.replace(handoff, back=True, sick=sick[slot])
        for slot, handoff in begun.handoffs.items()
    }
    order = tuple(sorted(begun.order, key=lambda slot: sick[slot] is None))
    return msgspec.structs.replace(begun, back=True, order=order, handoffs=handoffs)


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
