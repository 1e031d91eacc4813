"""Apply a rolling update, inside a Ray job: archive, plan, drive, report."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from actors.messages import FenceRecord
from actors.rollout.plan import Plan
from actors.rollout.ports import CallFailedError, FleetCalls
from actors.rollout.ray_calls import RayCalls
from actors.rollout.record import RolloutRecord, next_rollout_id
from actors.rollout.report import Report, make_report, with_shared
from actors.rollout.rollout_state import Occupant, Phase, begin
from actors.rollout.shared import replace_shared
from actors.rollout.shared_calls import RaySharedCalls
from actors.rollout.turn import Turn, clock_of
from actors.runtime import load_config, wire_ms
from actors.shared_kind import Kind
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.gate.admission import check_covered
from cluster.rolling_update.gated import let_in
from cluster.rolling_update.planning import Notify, Request, plan_for, schedule_of
from cluster.rolling_update.rehearse import rehearse


async def apply(
    storage_root: str, request: Request, notify: Notify, calls: FleetCalls | None = None
) -> Report:
    """Run one rollout to its end; raise `FleetError` if it may not start.

    `calls`: the way to the fleet [default: Ray].
    """
    try:
        return await _apply(storage_root, request, notify, calls or RayCalls(storage_root))
    except CheckpointsError as error:
        raise FleetError(f"refused: {error}") from error


async def _apply(storage_root: str, request: Request, notify: Notify, calls: FleetCalls) -> Report:
    submitted = request.submitted_wire_ms or wire_ms()
    plan, owners = await plan_for(storage_root, request)
    if plan.refusals:
        raise FleetError("refused: " + "; ".join(plan.refusals))
    shared = RaySharedCalls(storage_root)
    if plan.replaces:
        await _rehearse(storage_root, plan, owners, shared, notify)
    storage = LocalStorage(Path(storage_root))
    turn = Turn(RolloutRecord(storage, next_rollout_id(storage)), notify)
    turn.begin(plan, lambda: _pass_gate(storage_root, plan, request, notify))
    schedule = schedule_of(storage_root)
    occupants = tuple(
        Occupant(slot=o.slot, incarnation=o.incarnation, fence=o.fence, release=o.release)
        for o in owners
        if o.slot in plan.order and o.release != plan.to_release
    )
    now = clock_of(schedule)()
    rollout = begin(turn.rollout, plan.to_release, occupants, request.options, schedule, now)
    ended = await turn.drive(rollout, calls)
    report = make_report(ended, submitted, turn.adopted, turn.waited_ms)
    if request.everything and ended.phase is Phase.DONE:
        beside = await replace_shared(shared, plan.to_release, notify)
        report = with_shared(report, beside)
    turn.finish(report)
    return report


async def _rehearse(
    storage_root: str,
    plan: Plan,
    owners: tuple[FenceRecord, ...],
    calls: RaySharedCalls,
    notify: Notify,
) -> None:
    """Refuse a release whose shared actors do not do on a scratch stage what they are to do."""
    running = ""
    with contextlib.suppress(CallFailedError):
        running = (await calls.poll(Kind.GATEWAY, calls.current(Kind.GATEWAY))).release
    failures = await rehearse(storage_root, plan.to_release, running, owners, calls, notify)
    if failures:
        raise FleetError("refused, nothing was switched: " + "; ".join(failures))


def _pass_gate(
    storage_root: str, plan: Plan, request: Request, notify: Callable[[str], None]
) -> None:
    """Only `apply` asks for an approval: the rest of a roll was let in before."""
    if request.verb == "apply":
        let_in(storage_root, plan, request, notify)
        return
    check_covered(LocalStorage(Path(storage_root)), load_config(storage_root), plan.to_release)
