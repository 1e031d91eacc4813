"""What an operator asks of a roll, and the plan made of it, its release archived or found."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.gateway.client import GatewayClient
from actors.gateway.status import FenceTable
from actors.messages import FenceRecord
from actors.rollout.handoff_state import Step
from actors.rollout.plan import Plan, alarm_refusals, make_plan
from actors.rollout.record import read_report, read_state, rollout_ids
from actors.rollout.rollout_state import Options
from actors.rollout.schedule import Schedule
from actors.runtime import load_config, wire_ms
from checkpoints.archive import archive_release, archived_releases, load_archive, record_commit
from checkpoints.release import ReleaseManifest
from checkpoints.storage import LocalStorage, Storage
from cluster.config.settings import Edited, extra_files, read_edited
from cluster.config.slots import check_configured
from cluster.errors import FleetError
from cluster.rolling_update.shared_plan import shared_plan

ROOT: Final = Path(__file__).resolve().parent.parent.parent
Notify = Callable[[str], None]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's words."""

    options: Options
    slots: tuple[str, ...] = ()
    """Empty: all."""
    to_release: str | None = None
    """None: the working tree; an id (or its beginning): from the archive."""
    commit: str = "unknown"
    submitted_wire_ms: float | None = None
    everything: bool = False
    """After the slots the shared actors too: `--all`."""
    verb: str = "apply"
    """``rollback`` is never refused for an alarm, ``resume`` not for one of its own rollout."""
    who: str = "unknown"
    plan: str | None = None
    """Of ``apply``: beginning of an approved plan's digest; None: the one that fits."""
    break_glass: str | None = None
    """Of ``apply``: reason to go without approval."""
    config: str | None = None
    """Of ``apply``: configuration file whose changes come along; None: none is looked at."""


async def owners_of(storage_root: str) -> tuple[FenceRecord, ...]:
    table = await GatewayClient(storage_root).fences()
    if not isinstance(table, FenceTable):
        raise FleetError(f"the gateway does not answer, see `midstride status`: {table.reason}")
    return table.owners


def usual_release(owners: tuple[FenceRecord, ...]) -> str:
    """Return the release that most slots run."""
    counted = Counter(owner.release for owner in owners)
    return max(counted, key=lambda release: counted[release], default="")


def target_release(storage: LocalStorage, request: Request, edited: Edited) -> ReleaseManifest:
    """Archive the working tree, or find the archived release that the operator named."""
    if request.to_release is None:
        manifest = archive_release(storage, ROOT, request.commit, extra_files(edited))
        record_commit(storage, manifest.release, request.commit)
        return manifest
    return archived_release(storage, request.to_release)


def archived_release(storage: LocalStorage, named: str) -> ReleaseManifest:
    """Return the release that begins so, its archive whole; raise `FleetError` without one."""
    return load_archive(storage, find_release(storage, named)).manifest


def rest_of(storage: Storage) -> tuple[str, Options, str]:
    """Return what `resume` rolls out: release, pace and rollout of the latest one that stopped."""
    for rollout in reversed(rollout_ids(storage)):
        state, report = read_state(storage, rollout), read_report(storage, rollout)
        if state is None:
            continue
        if report is not None and report.outcome == "done":
            break
        return state.to_release, state.options, rollout
    raise FleetError("no roll stopped before its end; there is nothing to resume")


def find_release(storage: LocalStorage, named: str) -> str:
    """Complete the beginning of an archived release's id; raise `FleetError` otherwise."""
    found = [release for release in archived_releases(storage) if release.startswith(named)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(release[:12] for release in archived_releases(storage))
    what = "is not in the archive" if not found else "names more than one release"
    raise FleetError(f"release {named} {what}; known: {known or 'none'}")


def previous_release(storage: Storage) -> str:
    """Return the release that the latest rollout replaced; raise `FleetError` without one.

    A rollout that switched nothing has nothing to be undone. After a way back the answer is the
    release that it went to: asked again, it goes on there, and never to what it took away.
    """
    for rollout in reversed(rollout_ids(storage)):
        state = read_state(storage, rollout)
        if state is None:
            continue
        done = [handoff for handoff in state.handoffs.values() if handoff.step is Step.DONE]
        if done and state.back:
            return state.to_release
        if done:
            return done[0].old_release
    raise FleetError(
        "no roll has switched a slot yet, so there is no release before: name one with --to"
    )


async def plan_for(storage_root: str, request: Request) -> tuple[Plan, tuple[FenceRecord, ...]]:
    storage = LocalStorage(Path(storage_root))
    named = Path(request.config) if request.config and request.to_release is None else None
    owners = await owners_of(storage_root)
    edited = read_edited(storage_root, named, usual_release(owners))
    manifest = target_release(storage, request, edited)
    schedule = schedule_of(storage_root)
    wanted = request.slots or tuple(owner.slot for owner in owners)
    canary = request.options.canary
    named_slots = (*request.slots, *(() if canary is None else (canary,)))
    check_configured(named_slots, load_config(storage_root))
    order = tuple(sorted(wanted, key=lambda slot: (slot != canary, slot)))
    now_ms = schedule.clock.market_ms(wire_ms())
    shared = await shared_plan(storage_root, manifest.release, everything=request.everything)
    plan = make_plan(storage, manifest, owners, schedule, now_ms, order, shared)
    plan = msgspec.structs.replace(
        plan,
        config_file=edited.file if edited.with_roll or edited.with_restart else "",
        config_with_roll=edited.with_roll,
        config_with_restart=edited.with_restart,
    )
    return msgspec.structs.replace(
        plan, refusals=(*plan.refusals, *alarm_refusals(storage))
    ), owners


def schedule_of(storage_root: str) -> Schedule:
    config = load_config(storage_root)
    return Schedule(offsets_ms=config.timing.decision_offsets_ms, clock=config.clock)
