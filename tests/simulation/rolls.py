"""Rolling updates in the simulation: the real driver, in a process that may die and is resumed."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from actors.gateway_status import FenceTable
from checkpoints.errors import MissingFileError
from cluster import handoff_events as on
from cluster import rollout_step as roll
from cluster.handoff_state import Step
from cluster.rolling_update.driver import Driver
from cluster.rolling_update.perform import perform
from cluster.rolling_update.record import encode_state
from tests.simulation.clients import GatewayCaller
from tests.simulation.fleet_calls import SimulatedCalls
from tests.simulation.strategies import Release

if TYPE_CHECKING:
    from tests.simulation.world import World

import msgspec

ENDED: Final = frozenset({roll.Phase.DONE, roll.Phase.STOPPED})
DISMISSING: Final = {Step.RETIRING: "old", Step.DISCARDING: "new"}


class Roll:
    """One rollout: planned, driven, perhaps without a driver for a while, ended."""

    def __init__(
        self, world: "World", number: int, release: Release, options: roll.Options
    ) -> None:
        self.world = world
        self.name = f"r{number:04d}"
        self.release = release
        self.options = options
        self.state: roll.Rollout | None = None
        self.gone = False
        self.driver: Driver | None = None
        self.process: Any = None
        self.began_s = world.loop.now_s
        self.lives = 0

    @property
    def ended(self) -> bool:
        return self.state is not None and self.state.phase in ENDED

    @property
    def started(self) -> bool:
        return self.state is not None

    def start(self) -> None:
        """Begin, or go on from what is stored: a person's `resume`."""
        self.lives += 1
        self.process = self.world.open_process(f"driver {self.name}", self)
        self.process.spawn(self._drive())

    async def _drive(self) -> None:
        stored = self._stored()
        rollout = stored or await self._plan()
        if rollout is None:
            self.gone = True
            return
        calls = SimulatedCalls(self.world)
        self.state = rollout
        self.driver = Driver(rollout, calls, self._now, self._watch)
        if stored is not None:
            await self._dismiss_again(calls, stored)
        await self.driver.run()
        self.gone = True

    async def _plan(self) -> roll.Rollout | None:
        table = await GatewayCaller(self.world).fences()
        if not isinstance(table, FenceTable):
            return None
        occupants = tuple(
            roll.Occupant(slot=o.slot, incarnation=o.incarnation, fence=o.fence, release=o.release)
            for o in table.owners
            if o.release != self.release.id
        )
        if not occupants:
            return None
        schedule = roll.Schedule(
            offsets_ms=self.world.slot_rules.timing.decision_offsets_ms,
            clock=self.world.slot_rules.clock,
        )
        return roll.begin(
            self.name, self.release.id, occupants, self.options, schedule, self._now()
        )

    async def _dismiss_again(self, calls: SimulatedCalls, stored: roll.Rollout) -> None:
        """Ask again who is to leave: the driver before may have died before it asked."""
        for handoff in stored.handoffs.values():
            if handoff.step not in DISMISSING or self.driver is None:
                continue
            number = (
                handoff.old_incarnation if handoff.step is Step.RETIRING else handoff.incarnation
            )
            assert number is not None
            event = await perform(calls, handoff, on.Dismiss(incarnation=number))
            if event is not None:
                self.driver._events.put_nowait(roll.SlotEvent(slot=handoff.slot, event=event))  # noqa: SLF001

    def _now(self) -> on.Now:
        wire_ms = self.world.wire_ms_exact()
        return on.Now(wire_ms=wire_ms, market_ms=self.world.slot_rules.clock.market_ms(wire_ms))

    def _watch(self, rollout: roll.Rollout) -> None:
        before, self.state = self.state, rollout
        steps = {slot: handoff.step for slot, handoff in rollout.handoffs.items()}
        if before is not None and steps == {s: h.step for s, h in before.handoffs.items()}:
            if before.phase is rollout.phase:
                return
        for slot, step in steps.items():
            if before is None or before.handoffs[slot].step is not step:
                self.world.step_entered(self, slot, step)
        asyncio.get_running_loop().create_task(self._store(rollout))

    async def _store(self, rollout: roll.Rollout) -> None:
        await asyncio.to_thread(
            self.world.disk.write, f"rollouts/{self.name}/state.json", encode_state(rollout)
        )

    def _stored(self) -> roll.Rollout | None:
        try:
            data = self.world.disk.read(f"rollouts/{self.name}/state.json")
        except MissingFileError:
            return None
        return msgspec.json.decode(data, type=roll.Rollout)
