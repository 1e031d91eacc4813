"""What the rollouts' records say may run: read in a thread, by the supervisor's looks."""

import msgspec

from actors.rollout.beat import active_rollout
from actors.supervisor.sightings import Planned
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of a rollout's plan."""

    to_release: str
    from_releases: dict[str, tuple[str, ...]] = {}
    order: tuple[str, ...] = ()


def read_planned(storage: Storage, slots: frozenset[str]) -> Planned:
    """Return the rollout under way, and whether the latest one was of a part of these slots."""
    active = active_rollout(storage)
    rollouts = storage.folders("rollouts")
    latest = active.rollout if active is not None else (rollouts[-1] if rollouts else None)
    plan = None if latest is None else _read_plan(storage, latest)
    under_way = None if active is None else active.rollout
    if plan is None:
        return Planned(rollout=under_way)
    return Planned(
        rollout=under_way,
        to_release=plan.to_release,
        from_releases=tuple(plan.from_releases),
        partial=not slots <= frozenset(plan.order),
    )


def release_of_plan(storage: Storage, rollout: str) -> str:
    """Return the release that a rollout brings; empty where its plan cannot be read."""
    plan = _read_plan(storage, rollout)
    return "" if plan is None else plan.to_release


def _read_plan(storage: Storage, rollout: str) -> PlanView | None:
    try:
        return msgspec.json.decode(storage.read(f"rollouts/{rollout}/plan.json"), type=PlanView)
    except (CheckpointsError, msgspec.DecodeError, UnicodeDecodeError):
        return None
