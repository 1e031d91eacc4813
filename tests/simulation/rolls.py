"""Rolling updates in the simulation: the real driver, in a process that may die.

Without signs of life from its driver the supervisor has a rollout put away by the same code as
`rolling-update abort`.
"""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from actors.gateway.status import FenceTable
from actors.messages import FenceRecord
from actors.rollout import abandoned_slots
from actors.rollout import handoff_events as on
from actors.rollout.driver import Driver
from actors.rollout.handoff_state import Step
from actors.rollout.record import ACTIVE, BEAT, Active
from actors.rollout.rollout_state import Occupant, Options, Phase, Rollout, begin, begin_back
from actors.rollout.schedule import Schedule
from checkpoints.errors import MissingFileError, StorageError
from tests.simulation.clients import GatewayCaller
from tests.simulation.fleet_calls import SimulatedCalls
from tests.simulation.strategies import Release

if TYPE_CHECKING:
    from tests.simulation.world import World

ENDED: Final = frozenset({Phase.DONE, Phase.STOPPED})
BEAT_S: Final = 2.0
WRITES_MAX: Final = 60
OPERATORS: Final = 0.25
"""Share of rollouts that their operator stops."""
STOP_STEPS: Final = (Step.WARMING, Step.READY, Step.QUIESCING, Step.CONFIRMING, Step.CONFIRMING)
THOUGHT_S_MAX: Final = 2.0
MISJUDGES: Final = 0.5
"""Share of owners that a way back takes for sick though they act: only slow to answer."""
MISJUDGED: Final = "no answer in 2 s"


NO_PROCESS = "1-1"
"""Life of a simulated driver: no process of this machine is asked whether it lives."""


class OperatorsStop(msgspec.Struct, frozen=True):
    """An operator sees a slot at a step, thinks, and stops the rollout."""

    step: Step
    after_s: float


def operators_stop(seed: int, rollout: str) -> OperatorsStop | None:
    """Throw dice of its own: no other of the seed's choices moves."""
    dice = random.Random(f"operator/{seed}/{rollout}")
    if dice.random() >= OPERATORS:
        return None
    return OperatorsStop(dice.choice(STOP_STEPS), dice.uniform(0.0, THOUGHT_S_MAX))


class Roll:
    """One rollout: planned, driven, perhaps without a driver for a while, ended."""

    def __init__(
        self,
        world: "World",
        number: int,
        release: Release,
        options: Options,
        *,
        back: bool = False,
    ) -> None:
        self.back = back
        self.world = world
        self.name = f"r{number:04d}"
        self.release = release
        self.options = options
        self.state: Rollout | None = None
        self.gone = False
        self.process: Any = None
        self.began_s = world.loop.now_s
        self.put_away_s: float | None = None
        self.operator = operators_stop(world.seed, self.name)
        self._noticed = asyncio.Event()
        self.whole = False
        """All its slots had a living owner when it was planned."""

    @property
    def ended(self) -> bool:
        """Ended by itself, or put away after its driver was lost."""
        return self.put_away_s is not None or (self.state is not None and self.state.phase in ENDED)

    def start(self) -> None:
        self.process = self.world.open_process(f"driver {self.name}", self)
        self.process.spawn(self._drive())

    async def _drive(self) -> None:
        rollout = await self._plan()
        if rollout is None:
            self.gone = True
            return
        disk = self.world.disk
        begun_ms = self.world.wire_ms_exact()
        active = Active(rollout=self.name, driver=NO_PROCESS, begun_wire_ms=begun_ms)
        await self._keep(lambda: disk.write(ACTIVE, msgspec.json.encode(active)))
        self.state = rollout
        calls = SimulatedCalls(self.world)
        driver = Driver(rollout, calls, self._now, self._watch)
        beside = [asyncio.create_task(self._beat(driver))]
        if self.operator is not None:
            beside.append(asyncio.create_task(self._stop(driver, self.operator)))
        await driver.run()
        for task in beside:
            task.cancel()
        await self._keep(self._end_turn)
        self.gone = True

    async def _beat(self, driver: Driver) -> None:
        """Give signs of life until the rollout was put away."""
        while self.has_turn():
            sign = f"{self.world.wire_ms_exact():.0f}".encode()
            name = f"rollouts/{self.name}/{BEAT}"
            await self._keep(partial(self.world.disk.write, name, sign))
            await asyncio.sleep(BEAT_S)
        driver.stop("it was put away as a rollout without a driver")

    async def _stop(self, driver: Driver, operator: OperatorsStop) -> None:
        await self._noticed.wait()
        await asyncio.sleep(operator.after_s)
        driver.stop("the operator")

    def has_turn(self) -> bool:
        try:
            data = self.world.disk.read(ACTIVE)
        except MissingFileError:
            return False
        return msgspec.json.decode(data, type=Active).rollout == self.name

    def _end_turn(self) -> None:
        if self.has_turn():
            self.world.disk.delete(ACTIVE)

    async def _keep(self, write: Callable[[], None]) -> None:
        """Write, again while the disk refuses."""
        for _ in range(WRITES_MAX):
            try:
                await asyncio.to_thread(write)
            except StorageError:
                await asyncio.sleep(0.5)
            else:
                return

    async def put_away(self) -> str | None:
        """End a rollout by the house's own abort; a driver that hangs is killed first."""
        self.process.kill()
        calls = SimulatedCalls(self.world)
        if self.state is not None:
            handoffs = self.state.handoffs
            order, speed = tuple(handoffs), self.world.speed
            ends = await abandoned_slots.end_slots(
                calls, handoffs, order, speed, abandoned_slots.PATIENT_TRIES_MAX
            )
            if abandoned_slots.stuck_in(ends):
                return "stuck: the supervisor comes again"
        await self._keep(self._end_turn)
        self.put_away_s = self.world.loop.now_s
        self.gone = True
        return None

    async def _plan(self) -> Rollout | None:
        table = await GatewayCaller(self.world).fences()
        if not isinstance(table, FenceTable):
            return None
        occupants = tuple(
            Occupant(slot=o.slot, incarnation=o.incarnation, fence=o.fence, release=o.release)
            for o in table.owners
            if o.release != self.release.id
        )
        if not occupants:
            return None
        actors = (self.world.slot_actors.get(f"{o.slot}/{o.incarnation}") for o in occupants)
        self.whole = all(actor is not None and not actor.gone for actor in actors)
        schedule = Schedule(
            offsets_ms=self.world.slot_rules.timing.decision_offsets_ms,
            clock=self.world.slot_rules.clock,
        )
        if self.back:
            return await self._plan_back(table.owners, schedule)
        return begin(self.name, self.release.id, occupants, self.options, schedule, self._now())

    async def _plan_back(self, owners: tuple[FenceRecord, ...], schedule: Schedule) -> Rollout:
        calls = SimulatedCalls(self.world)
        go = [owner for owner in owners if owner.release != self.release.id]
        sick = await asyncio.gather(*(calls.sickness(owner) for owner in go))
        dice = random.Random(f"sick/{self.world.seed}/{self.name}")
        sick = [why or (MISJUDGED if dice.random() < MISJUDGES else None) for why in sick]
        occupants = tuple(
            Occupant(
                slot=o.slot, incarnation=o.incarnation, fence=o.fence, release=o.release, sick=why
            )
            for o, why in zip(go, sick, strict=True)
        )
        now = self._now()
        return begin_back(self.name, self.release.id, occupants, self.options, schedule, now)

    def _now(self) -> on.Now:
        wire_ms = self.world.wire_ms_exact()
        return on.Now(wire_ms=wire_ms, market_ms=self.world.slot_rules.clock.market_ms(wire_ms))

    def _watch(self, rollout: Rollout) -> None:
        before, self.state = self.state, rollout
        steps = {slot: handoff.step for slot, handoff in rollout.handoffs.items()}
        for slot, step in steps.items():
            if before is None or before.handoffs[slot].step is not step:
                self.world.step_entered(self, slot, step)
                if self.operator is not None and self.operator.step is step:
                    self._noticed.set()
