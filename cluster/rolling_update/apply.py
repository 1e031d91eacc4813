"""Apply a rolling update, inside a Ray job: archive, plan, drive, report."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.gateway.client import GatewayClient
from actors.gateway.status import FenceTable
from actors.messages import FenceRecord
from actors.runtime import load_config, wire_ms
from checkpoints.archive import archive_release, archived_releases, load_archive, record_commit
from checkpoints.release import ReleaseManifest
from checkpoints.storage import LocalStorage, Storage
from cluster import handoff_events as on
from cluster.errors import FleetError
from cluster.gate.admission import check_covered
from cluster.handoff_state import Step
from cluster.rolling_update.calls import FleetCalls
from cluster.rolling_update.driver import Driver
from cluster.rolling_update.gated import check_way_back, let_in
from cluster.rolling_update.plan import Plan, alarm_refusals, make_plan
from cluster.rolling_update.ray_calls import RayCalls
from cluster.rolling_update.record import (
    RolloutRecord,
    next_rollout_id,
    read_report,
    read_state,
    rollout_ids,
)
from cluster.rolling_update.report import Report, make_report, with_shared
from cluster.rolling_update.shared import replace_shared
from cluster.rolling_update.shared_calls import RaySharedCalls, shared_plan
from cluster.rolling_update.waiting import Waiting
from cluster.rollout_state import Occupant, Options, Phase, Rollout, begin
from cluster.schedule import Schedule
from cluster.settings import Edited, extra_files, read_edited

ROOT: Final = Path(__file__).resolve().parent.parent.parent
BEAT_SECONDS: Final = 2.0
"""Wire. The supervisor puts a rollout away after ten missing signs."""
Say = Callable[[str], None]


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
        raise FleetError(f"the gateway does not answer: {table.reason}")
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
    return load_archive(storage, find_release(storage, request.to_release)).manifest


def rest_of(storage: Storage) -> tuple[str, Options, str]:
    """Return what `resume` rolls out: release, pace and rollout of the latest one that stopped."""
    for rollout in reversed(rollout_ids(storage)):
        state, report = read_state(storage, rollout), read_report(storage, rollout)
        if state is None:
            continue
        if report is not None and report.outcome == "done":
            break
        return state.to_release, state.options, rollout
    raise FleetError("there is no rollout that stopped before its end")


def find_release(storage: LocalStorage, named: str) -> str:
    """Complete the beginning of an archived release's id; raise `FleetError` otherwise."""
    found = [release for release in archived_releases(storage) if release.startswith(named)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(release[:12] for release in archived_releases(storage))
    what = "is not in the archive" if not found else "names more than one release"
    raise FleetError(f"release {named} {what}; known: {known or 'none'}")


def previous_release(storage: LocalStorage) -> str:
    """Return the release that the latest rollout replaced; raise `FleetError` without one.

    A rollout that switched nothing has nothing to be undone.
    """
    for rollout in reversed(rollout_ids(storage)):
        state = read_state(storage, rollout)
        handoffs = () if state is None else state.handoffs.values()
        done = [handoff for handoff in handoffs if handoff.step is Step.DONE]
        if done:
            return done[0].old_release
    raise FleetError("no rollout has switched a slot yet: name the release with --to")


async def plan_for(storage_root: str, request: Request) -> tuple[Plan, tuple[FenceRecord, ...]]:
    storage = LocalStorage(Path(storage_root))
    named = Path(request.config) if request.config and request.to_release is None else None
    owners = await owners_of(storage_root)
    edited = read_edited(storage_root, named, usual_release(owners))
    manifest = target_release(storage, request, edited)
    schedule = schedule_of(storage_root)
    wanted = request.slots or tuple(owner.slot for owner in owners)
    canary = request.options.canary
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
    if request.verb != "rollback":
        plan = msgspec.structs.replace(plan, refusals=(*plan.refusals, *alarm_refusals(storage)))
    return plan, owners


def schedule_of(storage_root: str) -> Schedule:
    config = load_config(storage_root)
    return Schedule(offsets_ms=config.timing.decision_offsets_ms, clock=config.clock)


async def apply(
    storage_root: str, request: Request, say: Say, calls: FleetCalls | None = None
) -> Report:
    """Run one rollout to its end; raise `FleetError` if it may not start.

    `calls`: the way to the fleet [default: Ray].
    """
    submitted = request.submitted_wire_ms or wire_ms()
    plan, owners = await plan_for(storage_root, request)
    if plan.refusals:
        raise FleetError("refused: " + "; ".join(plan.refusals))
    storage = LocalStorage(Path(storage_root))
    record = RolloutRecord(storage, next_rollout_id(storage))
    record.begin(plan, lambda: _pass_gate(storage_root, plan, request, say))
    schedule = schedule_of(storage_root)
    occupants = tuple(
        Occupant(slot=o.slot, incarnation=o.incarnation, fence=o.fence, release=o.release)
        for o in owners
        if o.slot in plan.order and o.release != plan.to_release
    )

    def clock() -> on.Now:
        now = wire_ms()
        return on.Now(wire_ms=now, market_ms=schedule.clock.market_ms(now))

    rollout = begin(record.rollout, plan.to_release, occupants, request.options, schedule, clock())
    watcher = Watcher(record, say)
    driver = Driver(rollout, calls or RayCalls(storage_root), clock, watcher.watch)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, driver.stop, "the driver was asked to stop")
    beating = asyncio.create_task(_beat(record, driver))
    ended = await driver.run()
    await watcher.settled()
    report = make_report(ended, submitted, watcher.adopted, watcher.waiting.waited_ms)
    if request.everything and ended.phase is Phase.DONE:
        beside = await replace_shared(RaySharedCalls(storage_root), plan.to_release, say)
        report = with_shared(report, beside)
    beating.cancel()
    record.end(report)
    return report


def _pass_gate(storage_root: str, plan: Plan, request: Request, say: Say) -> None:
    """Only `apply` asks for an approval: the way back and the rest of a roll were let in before."""
    if request.verb == "apply":
        let_in(storage_root, plan, request, say)
        return
    storage, config = LocalStorage(Path(storage_root)), load_config(storage_root)
    if request.verb == "rollback":
        check_way_back(storage, config, plan.to_release)
    else:
        check_covered(storage, config, plan.to_release)


async def _beat(record: RolloutRecord, driver: Driver) -> None:
    """Give signs of life; stop when someone has ended this rollout because there were none."""
    mine = True
    while mine:
        mine, _ = await asyncio.gather(asyncio.to_thread(record.beat), asyncio.sleep(BEAT_SECONDS))
    driver.stop("it was put away as a rollout without a driver")


class Watcher:
    """Say each step as it happens, keep it on disk, remember when each slot was adopted."""

    def __init__(self, record: RolloutRecord, say: Say) -> None:
        self._record = record
        self._say = say
        self._seen: dict[str, Step] = {}
        self._latest: Rollout | None = None
        self._storing: asyncio.Task[None] | None = None
        self.adopted: dict[str, float] = {}
        self.waiting = Waiting()

    def watch(self, rollout: Rollout) -> None:
        self.waiting.see(rollout, wire_ms())
        for slot, handoff in rollout.handoffs.items():
            if self._seen.get(slot) is handoff.step:
                continue
            self._seen[slot] = handoff.step
            if handoff.step is Step.CONFIRMING:
                self.adopted[slot] = handoff.entered_wire_ms
            dark = "" if handoff.dark_ms is None else f"  dark {handoff.dark_ms:.1f} ms"
            why = "" if handoff.failure is None else f"  {handoff.failure}"
            self._say(f"{slot:<10} {handoff.step}{dark}{why}")
        self._latest = rollout
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store())

    async def settled(self) -> None:
        if self._storing is not None:
            await self._storing

    async def _store(self) -> None:
        """Write beside the switch, never in it; the gateway's table is the truth meanwhile."""
        stored = None
        while self._latest is not stored and self._latest is not None:
            stored = self._latest
            await asyncio.to_thread(self._record.watch, stored)
