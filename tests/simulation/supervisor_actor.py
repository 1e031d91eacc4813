"""The supervisor as one named actor: its real turn and its real loop, on a simulated fleet."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from actors.machine.work import WorkPump
from actors.rollout.replacement.events import Seen
from actors.supervisor import turn_machine
from actors.supervisor.active import with_conditions
from actors.supervisor.alarm_sinks import SinkPump
from actors.supervisor.conduct import made_of
from actors.supervisor.events import DecisionsRead, StartAsked
from actors.supervisor.guard import Guard
from actors.supervisor.loop import Shell as SupervisorShell
from actors.supervisor.loop import SupervisorLoop
from actors.supervisor.requests import Requests as SupervisorRequests
from actors.supervisor.shared_watch import STANDS_BY
from actors.supervisor.standing import read_standing
from actors.supervisor.state import Place, SupervisorState
from actors.supervisor.state import Rules as SupervisorRules
from actors.supervisor.status import Identity, SupervisorStatus, status_of
from actors.supervisor.turn import TurnWorker
from actors.supervisor.turn_machine import (
    WATCHES,
    HandOverAsked,
    Phase,
    TakeBackAsked,
    Turn,
    Work,
)
from actors.undated import undated
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, valid_rows
from tests.simulation.clients import GatewayCaller
from tests.simulation.fleet_calls import SimulatedFleet
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

READ_S: Final = 0.7
ROWS_AGAIN: Final = 16
"""Read again at each look: an owner that is taken back writes the same sequences anew."""
ENDS: Final = (Phase.GONE, Phase.FAULTY)
UNDER_WAY: Final = (Place.OPENING, Place.CREATING)


class SilentPump(SinkPump):
    """Nobody is called in the simulation."""

    def __init__(self) -> None:
        pass

    async def pump(self, heard: Callable[[Any], None]) -> None:
        del heard

    async def run(self) -> None:
        """Hand over nothing."""


class Requests(SupervisorRequests):
    """Every release of the simulation is in the archive."""

    def _archived(self, release: str) -> bool:
        return bool(release)


class SimulatedWatch:
    """`Watcher` of one process."""

    def __init__(self, world: "World", name: str) -> None:
        self._world = world
        self._name = name
        self._tasks: list[asyncio.Task[None]] = []
        self.loop: SupervisorLoop | None = None

    async def open(self) -> None:
        world = self._world
        requests = Requests(
            fleet=SimulatedFleet(world),
            gateway=GatewayCaller(world),
            storage=world.disk,
            release=world.first.id,
        )
        rules = SupervisorRules(timing=world.slot_rules.timing, clock=world.slot_rules.clock)
        shell = SupervisorShell(now=world.instant)
        state = SupervisorState(rules=rules, standing=read_standing(world.disk))
        state = with_conditions(world.disk, self._name, state)
        self.loop = SupervisorLoop(state, requests, SilentPump(), shell)
        self.loop.post(undated(StartAsked, slots=world.slots))
        self._tasks = [
            asyncio.create_task(self.loop.run()),
            asyncio.create_task(self._read_decisions(self.loop)),
        ]

    async def watch(self, seconds: float) -> None:
        done, _ = await asyncio.wait(
            self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for ended in done:
            await ended

    async def close(self) -> SupervisorState | None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        known = None if self.loop is None else self.loop.state
        self.loop = None
        return known

    async def _read_decisions(self, loop: SupervisorLoop) -> None:
        """Read the journal as `actors.supervisor.decisions` does, from the simulated disk."""
        slots = self._world.slots
        read = dict.fromkeys(slots, 0)
        while True:
            market_ms = loop.market_ms()
            rows: list[JournalRow] = []
            for slot in slots:
                new = (
                    Journal(self._world.disk, slot).rows_after(max(0, read[slot] - ROWS_AGAIN)).rows
                )
                read[slot] = max((row.sequence for row in new), default=read[slot])
                rows += new
            bounds = [record for history in loop.state.history.values() for record in history]
            made = tuple(one for row in valid_rows(rows, bounds) if (one := made_of(row)))
            loop.post(undated(DecisionsRead, made=made, read_to_ms=market_ms))
            await asyncio.sleep(READ_S)


async def guard_supervisor(world: "World", serves: Callable[[], bool]) -> None:
    """Run the real guard in the process of another actor, as `actors.supervisor.hosting` does."""
    await Guard(world.disk, SimulatedFleet(world), serves).run()


class SupervisorActor:
    kind = "supervisor"

    def __init__(self, world: "World", name: str, release: str) -> None:
        self.world = world
        self.name = name
        self.release = release
        self.gone = False
        self.served = False
        self.process: Process

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.watch = SimulatedWatch(self.world, self.name)
        self.pump = WorkPump[Turn, Work](
            turn_machine.TABLE,
            turn_machine.begin(self.name, self._at_ms()),
            TurnWorker(self.world.disk, self.watch, self._at_ms),
            self._at_ms,
            self._moved,
        )
        self.process.spawn(self._live())

    async def _live(self) -> None:
        await self.pump.run(ENDS)
        self.gone = self.phase is Phase.GONE
        self.process.kill()

    @property
    def phase(self) -> Phase:
        return self.pump.state.phase

    @property
    def watches(self) -> bool:
        return not self.gone and self.process.alive and self.phase in WATCHES

    def _at_ms(self) -> float:
        return 1_000 * self.world.loop.time()

    def _moved(self, before: Turn, after: Turn) -> None:
        self.served = self.served or after.phase in WATCHES
        self.world.succession.supervisor_moved(self, before, after)
        self.world.succession_step(self.kind, after.phase, self)

    def _is_busy(self) -> bool:
        loop = self.watch.loop
        slots = () if loop is None else loop.state.slots.values()
        return any(slot.place in UNDER_WAY for slot in slots)

    async def hand_over(self, to: str) -> bool:
        busy = self._is_busy()
        return await self.pump.ask(
            lambda n, at: HandOverAsked(reply_to=n, at_ms=at, to=to, busy=busy)
        )

    async def take_back(self) -> bool:
        return await self.pump.ask(lambda n, at: TakeBackAsked(reply_to=n, at_ms=at))

    async def seen(self) -> Seen:
        return Seen(
            phase=self.phase,
            release=self.release,
            ready=self.phase is Phase.STANDING_BY,
            serves=self.watches,
        )

    async def status(self) -> SupervisorStatus:
        loop = self.watch.loop
        wire_ms, market_ms = self.world.now()
        rules = SupervisorRules(
            timing=self.world.slot_rules.timing, clock=self.world.slot_rules.clock
        )
        state = SupervisorState(rules=rules) if loop is None else loop.state
        who = Identity(
            name=self.name,
            pid=self.process.number,
            process_start=1,
            node_id="",
            release=self.release,
        )
        status = status_of(state, who, market_ms, wire_ms)
        return status if loop is not None else replace(status, phase=STANDS_BY)
