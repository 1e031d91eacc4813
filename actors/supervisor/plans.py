"""What the rollouts' records say may run: read in a thread, beside the supervisor's turn."""

from actors.rollout.plan import Plan
from actors.rollout.record import read_active, read_plan, rollout_ids
from actors.supervisor.sightings import Planned
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage


def read_planned(storage: Storage, slots: frozenset[str]) -> Planned:
    """Return the rollout under way, and whether the latest one was of a part of these slots."""
    active = read_active(storage)
    under_way = None if active is None else active.rollout
    latest = under_way or next(reversed(rollout_ids(storage)), None)
    plan = None if latest is None else _plan_of(storage, latest)
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
    plan = _plan_of(storage, rollout)
    return "" if plan is None else plan.to_release


def _plan_of(storage: Storage, rollout: str) -> Plan | None:
    try:
        return read_plan(storage, rollout)
    except CheckpointsError:
        return None
