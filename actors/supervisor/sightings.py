"""Every process of the fleet as it was seen, and what the rollouts' records allow. Pure.

Joins the supervisor's state with what its thread found on disk, for `actors.detectors.uniformity`.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from actors.detectors.uniformity import Expected, Running, running_of
from actors.slot.status import AnySlotStatus, SlotNotRunning, SlotStatus
from actors.supervisor.shared_state import Shared
from actors.supervisor.state import (
    SupervisorState,
    Watched,
)

LINGER_MS: Final = 60_000
"""Wire. A release stays allowed for so long after its last owner: old processes leave meanwhile."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the fleet, named by its life."""

    subject: str
    life: str
    node_id: str
    told_root: str = ""
    """Where it says that its code lies."""


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """An actor with a slot's name that is not the incarnation which is watched."""

    slot: str
    incarnation: int
    status: AnySlotStatus


class OnDisk(msgspec.Struct, frozen=True, kw_only=True):
    """What one process runs from, by its life: its successor runs from another folder."""

    root: str
    release: str | None


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What the rollouts' records say."""

    rollout: str | None = None
    """Under way."""
    to_release: str = ""
    from_releases: tuple[str, ...] = ()
    partial: bool = False  # what the latest plan was, not a switch


def processes(
    state: SupervisorState, strangers: tuple[Stranger, ...], me: Process
) -> tuple[Process, ...]:
    """Return the processes whose files are worth hashing."""
    slots = [
        Process(
            subject=f"{watched.slot}/{watched.incarnation}",
            life=watched.status.life,
            node_id=watched.status.node_id,
            told_root=watched.status.root,
        )
        for watched in state.slots.values()
        if watched.status is not None
    ]
    shared = [
        Process(subject=shared.who, life=shared.life, node_id=shared.node_id or me.node_id)
        for shared in state.shared.values()
        if shared.life is not None
    ]
    others = [
        Process(
            subject=f"{one.slot}/{one.incarnation}",
            life=one.status.life,
            node_id=one.status.node_id,
            told_root=one.status.root,
        )
        for one in strangers
        if isinstance(one.status, SlotStatus)
    ]
    return (*slots, *shared, *others, me)


def running(
    state: SupervisorState,
    strangers: tuple[Stranger, ...],
    on_disk: Mapping[str, OnDisk],
    me: Running,
) -> tuple[Running, ...]:
    """Put together what every process says, what was granted to it and what lies under it."""
    owned = [_of_slot(state, watched, on_disk) for watched in state.slots.values()]
    shared = [_with_disk(_of_shared(one), on_disk) for one in state.shared.values() if one.release]
    others = [
        _with_disk(running_of(one.incarnation, one.status, state.owners.get(one.slot)), on_disk)
        for one in strangers
    ]
    return (*(one for one in owned if one is not None), *shared, *others, _with_disk(me, on_disk))


def _of_shared(one: Shared) -> Running:
    return Running(subject=one.who, attested=one.release, life=one.life or "", shared=True)


def _of_slot(
    state: SupervisorState, watched: Watched, on_disk: Mapping[str, OnDisk]
) -> Running | None:
    owner = state.owners.get(watched.slot)
    if watched.reason:  # its status is of an earlier life
        said = SlotNotRunning(slot=watched.slot, reason=watched.reason)
        return running_of(watched.incarnation, said, owner)
    if watched.status is None:
        return None
    return _with_disk(running_of(watched.incarnation, watched.status, owner), on_disk)


def _with_disk(one: Running, on_disk: Mapping[str, OnDisk]) -> Running:
    found = on_disk.get(one.life)
    if found is None:
        return one
    return msgspec.structs.replace(one, root=found.root, on_disk=found.release)


def allowed(
    state: SupervisorState,
    planned: Planned,
    lately_ms: dict[str, int],
    archived: frozenset[str],
    wire_ms: int,
) -> tuple[Expected, dict[str, int]]:
    """Return what may run now, and when each release was last named (wire ms)."""
    named = {owner.release for owner in state.owners.values()}
    for watched in state.slots.values():
        named |= {named_for for named_for in (watched.release, watched.back_to) if named_for}
    if planned.rollout is not None:
        named |= {planned.to_release, *planned.from_releases} - {""}
    lately = {release: at for release, at in lately_ms.items() if wire_ms - at <= LINGER_MS}
    lately |= dict.fromkeys(named, wire_ms)
    expected = Expected(
        releases=frozenset(lately),
        may_mix=planned.rollout is not None or planned.partial,
        archived=archived,
    )
    return expected, lately
