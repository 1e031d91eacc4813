"""Which shared actors a plan replaces, and which stay."""

import msgspec

from actors.rollout.plan import Shared
from actors.rollout.ports import CallFailedError
from actors.rollout.shared_calls import RaySharedCalls
from actors.shared_kind import Kind


async def shared_plan(storage_root: str, release: str, *, everything: bool) -> Shared:
    """Say which shared actors do not run the release, and whether they will."""
    calls = RaySharedCalls(storage_root)
    others: list[str] = []
    releases: list[str] = []
    for kind in Kind:
        name = calls.current(kind)
        try:
            runs = (await calls.poll(kind, name)).release
        except CallFailedError as error:
            runs = str(error)
        releases.append(runs)
        if runs != release:
            others.append(f"{name} ({runs[:12]})")
    found = Shared(stays=tuple(others), releases=tuple(releases))
    return msgspec.structs.replace(found, stays=(), replaces=found.stays) if everything else found
