"""`rollback`: back to a proven release, needing nothing of the one that is to go.

What is sick goes first: a gateway that does not serve before everything else, since slots need its
table; then the slots that do not answer or decide, by vacancy, and after them the well ones, by a
handoff; beside them market data and supervisor; a well gateway last. No failure stops the rest; the
report names each.
"""

import asyncio
from pathlib import Path

import msgspec

from actors.messages import FenceRecord
from actors.rollout.abandoned_slots import AbortCalls
from actors.rollout.abort import abort
from actors.rollout.errors import RolloutError
from actors.rollout.plan import Plan, Shared, make_plan, way_back_refusals
from actors.rollout.ports import CallFailedError
from actors.rollout.ray_calls import RayCalls
from actors.rollout.record import RolloutRecord, next_rollout_id, read_active
from actors.rollout.replacement.events import Back
from actors.rollout.report import Report, make_report, with_shared
from actors.rollout.rollout_state import Occupant, Rollout, begin_back
from actors.rollout.shared import SharedCalls, SharedReport
from actors.rollout.shared_back import check_shared, take_back_shared
from actors.rollout.shared_calls import RaySharedCalls
from actors.rollout.turn import Turn, clock_of
from actors.runtime import load_config, wire_ms
from actors.shared_kind import Kind
from checkpoints.errors import CheckpointsError
from checkpoints.release import ReleaseManifest
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.rolling_update.gated import check_way_back
from cluster.rolling_update.planning import Notify, Request, archived_release, schedule_of


async def roll_back(
    storage_root: str,
    request: Request,
    notify: Notify,
    calls: AbortCalls | None = None,
    shared: SharedCalls | None = None,
) -> Report:
    """Bring slots, and with `everything` the shared actors, back; raise `FleetError` if refused.

    `calls`, `shared`: the ways to the fleet [default: Ray].
    """
    slots, others = calls or RayCalls(storage_root), shared or RaySharedCalls(storage_root)
    try:
        return await _WayBack(storage_root, request, notify, slots, others).run()
    except CheckpointsError as error:
        raise FleetError(f"refused: {error}") from error


class _WayBack:
    """One way back under its own turn."""

    def __init__(
        self, root: str, request: Request, notify: Notify, calls: AbortCalls, shared: SharedCalls
    ) -> None:
        self._root = root
        self._request = request
        self._notify = notify
        self._calls = calls
        self._storage = LocalStorage(Path(root))
        self._shared = shared
        self._reports: list[SharedReport] = []

    async def run(self) -> Report:
        submitted = self._request.submitted_wire_ms or wire_ms()
        assert self._request.to_release is not None, "the command finds it"
        new = archived_release(self._storage, self._request.to_release)
        check_way_back(self._storage, load_config(self._root), new.release)
        await self._end_lost_roll()
        backs = await self._shared_that_go(new.release)
        sick = tuple(back for back in backs if back.sick is not None)
        record = RolloutRecord(self._storage, next_rollout_id(self._storage))
        turn = Turn(record, self._notify)
        turn.begin(self._plan(new, (), backs), lambda: None)
        try:
            await self._take_back(turn, sick, Kind.GATEWAY, new.release)
            owners = await self._owners(turn, backs, new.release)
            plan = self._plan(new, owners, backs)
            self._check(plan, backs)
            record.keep_plan(plan)
        except (FleetError, RolloutError, CheckpointsError):
            turn.give_up()
            raise
        rollout = await self._rollout(turn.rollout, plan, owners)
        beside = self._take_back_others(turn, backs, new.release)
        ended, _ = await asyncio.gather(turn.drive(rollout, self._calls), beside)
        well = tuple(back for back in backs if back.sick is None)
        await self._take_back(turn, well, Kind.GATEWAY, new.release)
        report = make_report(ended, submitted, turn.adopted, turn.waited_ms)
        report = with_shared(report, tuple(self._reports))
        turn.finish(report)
        return report

    async def _end_lost_roll(self) -> None:
        """End a roll whose driver died: nobody else is to be waited for."""
        active = read_active(self._storage)
        if active is not None and not active.driver_lives:
            self._notify(f"{active.doing} {active.rollout} was cut off: it is ended first")
            await abort(self._root, self._calls, load_config(self._root).clock.speed, self._notify)

    async def _shared_that_go(self, release: str) -> tuple[Back, ...]:
        if not self._request.everything:
            return ()
        return await check_shared(self._shared, release)

    async def _take_back(
        self, turn: Turn, backs: tuple[Back, ...], kind: Kind, release: str
    ) -> None:
        asked = tuple(back for back in backs if back.kind is kind)
        for back in asked:
            self._notify(f"{kind:<11} {back.sick or 'well'}")
        if turn.stop_asked is None:
            self._reports += await take_back_shared(self._shared, asked, release, self._notify)

    async def _take_back_others(self, turn: Turn, backs: tuple[Back, ...], release: str) -> None:
        """Bring back market data and supervisor, one after the other, the sick one first."""
        for back in sorted(backs, key=lambda back: back.sick is None):
            if back.kind is not Kind.GATEWAY:
                await self._take_back(turn, (back,), back.kind, release)

    async def _owners(
        self, turn: Turn, backs: tuple[Back, ...], release: str
    ) -> tuple[FenceRecord, ...]:
        """Ask who owns the slots: nobody else may say it, and only the gateway can move them.

        Without an answer the other shared actors come back all the same.
        """
        try:
            return await self._calls.owners()
        except CallFailedError as error:
            reason = str(error)
        hint = "" if backs else "; --all brings it back too"
        hint += "".join(f"; {one.kind} {one.step}: {one.failure}" for one in self._reports)
        await self._take_back_others(turn, backs, release)
        raise FleetError(f"the gateway does not answer, so no slot can be moved: {reason}{hint}")

    def _plan(
        self, new: ReleaseManifest, owners: tuple[FenceRecord, ...], backs: tuple[Back, ...]
    ) -> Plan:
        schedule = schedule_of(self._root)
        order = self._request.slots or tuple(owner.slot for owner in owners)
        shared = Shared(replaces=tuple(back.name for back in backs))
        now_ms = schedule.clock.market_ms(wire_ms())
        plan = make_plan(self._storage, new, owners, schedule, now_ms, order, shared)
        return msgspec.structs.replace(plan, refusals=())

    def _check(self, plan: Plan, backs: tuple[Back, ...]) -> None:
        names = (back.name for back in backs)
        refusals = way_back_refusals(plan, self._request.slots, names)
        if refusals:
            raise FleetError("refused: " + "; ".join(refusals))

    async def _rollout(self, name: str, plan: Plan, owners: tuple[FenceRecord, ...]) -> Rollout:
        """Sort sick from well by one short question to each that is to go."""
        go = [o for o in owners if o.slot in plan.order and o.release != plan.to_release]
        sick = await asyncio.gather(*(self._calls.sickness(owner) for owner in go))
        occupants = tuple(
            Occupant(
                slot=owner.slot,
                incarnation=owner.incarnation,
                fence=owner.fence,
                release=owner.release,
                sick=why,
            )
            for owner, why in zip(go, sick, strict=True)
        )
        schedule = schedule_of(self._root)
        now = clock_of(schedule)()
        options = self._request.options
        return begin_back(name, plan.to_release, occupants, options, schedule, now)
