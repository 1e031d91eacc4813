"""The simulated fleet: processes, disk, network, venue and clock of one seed."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final, Protocol

from actors.config import RiskLimits, Timing
from actors.gateway.risk_case import Rules as GatewayRules
from actors.machine.instant import Instant
from actors.rollout.handoff_state import Step
from actors.slot.seat import Rules as SlotRules
from actors.supervisor.alarm_sinks import SinkPump
from actors.supervisor.conduct import made_of
from actors.supervisor.events import DecisionsRead, StartAsked
from actors.supervisor.loop import Shell as SupervisorShell
from actors.supervisor.loop import SupervisorLoop
from actors.supervisor.requests import Requests as SupervisorRequests
from actors.supervisor.standing import read_standing
from actors.supervisor.state import Rules as SupervisorRules
from actors.supervisor.state import SupervisorState
from actors.undated import undated
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, valid_rows
from signals.market_time import MarketClock
from signals.units import MicroUsd
from tests.simulation.clients import GatewayCaller
from tests.simulation.disk import Disk, LogFiles, SimulatedLog
from tests.simulation.exchange import Exchange
from tests.simulation.fleet_calls import SimulatedFleet
from tests.simulation.gateway_actor import GatewayActor
from tests.simulation.market_data_actor import MarketDataActor
from tests.simulation.monitor import Monitor
from tests.simulation.network import BARE, Network
from tests.simulation.patches import patched, patches_of
from tests.simulation.rolls import Roll
from tests.simulation.slot_actor import STRATEGY, SlotActor
from tests.simulation.strategies import Book, Kind, Release
from tests.simulation.virtual_loop import Process, VirtualLoop

OPEN_MS: Final = 1_767_225_600_000
WIRE_MS: Final = 1_800_000_000_000
SPEED: Final = 30
CURRENT_MARKET_DATA: Final = "market-data/current"
READ_S: Final = 0.7
ROWS_AGAIN: Final = 16
"""Read again at each look: an owner that is taken back writes the same sequences anew."""
RESTART_S: Final = (0.2, 1.5)
"""Wire: how long Ray takes to start a process anew."""


class Actor(Protocol):
    name: str
    gone: bool
    process: Process

    def start(self) -> None: ...


class SilentPump(SinkPump):
    """Nobody is called in the simulation."""

    def __init__(self) -> None:
        pass

    async def pump(self, heard: Callable[[Any], None]) -> int:
        del heard
        return 0


class Requests(SupervisorRequests):
    """Every release of the simulation is in the archive."""

    def _archived(self, release: str) -> bool:
        return bool(release)


class SupervisorActor:
    def __init__(self, world: "World", slots: tuple[str, ...]) -> None:
        self.world = world
        self.name = "supervisor"
        self.gone = False
        self.process: Process
        self._slots = slots

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.process.spawn(self._live())

    async def _live(self) -> None:
        world = self.world
        requests = Requests(
            fleet=SimulatedFleet(world),
            gateway=GatewayCaller(world),
            storage=world.disk,
            release=world.first.id,
        )
        rules = SupervisorRules(timing=world.slot_rules.timing, clock=world.slot_rules.clock)
        shell = SupervisorShell(now=world.instant, observe=lambda _state, _count: None)
        state = SupervisorState(rules=rules, standing=read_standing(world.disk))
        loop = SupervisorLoop(state, requests, SilentPump(), shell)
        loop.post(undated(StartAsked, slots=self._slots))
        reading = asyncio.create_task(self._read_decisions(loop))
        try:
            await loop.run()
        finally:
            reading.cancel()

    async def _read_decisions(self, loop: SupervisorLoop) -> None:
        """Read the journal as `actors.supervisor.decisions` does, from the simulated disk."""
        read = dict.fromkeys(self._slots, 0)
        while True:
            market_ms = loop.market_ms()
            rows: list[JournalRow] = []
            for slot in self._slots:
                new = (
                    Journal(self.world.disk, slot).rows_after(max(0, read[slot] - ROWS_AGAIN)).rows
                )
                read[slot] = max((row.sequence for row in new), default=read[slot])
                rows += new
            bounds = [record for history in loop.state.history.values() for record in history]
            made = tuple(one for row in valid_rows(rows, bounds) if (one := made_of(row)))
            loop.post(undated(DecisionsRead, made=made, read_to_ms=market_ms))
            await asyncio.sleep(READ_S)


class World:
    """Everything of one seed. `run` the loop; look at `monitor` for what was wrong."""

    def __init__(self, seed: int, slots: tuple[str, ...], quiet_after_s: float) -> None:
        self.seed = seed
        self.speed = SPEED
        self.rng = random.Random(f"world/{seed}")
        self.loop = VirtualLoop()
        self.slots = slots
        clock = MarketClock(speed=SPEED, anchor_wire_ms=WIRE_MS, anchor_market_ms=OPEN_MS)
        timing = Timing()
        self.slot_rules = SlotRules(
            timing=timing,
            clock=clock,
            allocation_micro_usd=MicroUsd(100_000_000),
            strategy=STRATEGY,
            memory_version=1,
        )
        self.first = Release("a1" * 32, Kind.GOOD)
        self.releases: dict[str, Release] = {self.first.id: self.first}
        self.gateway_rules = GatewayRules(
            limits=RiskLimits(), timing=timing, attested=frozenset({self.first.id})
        )
        self.bad_from_ms = 1 << 60
        self.book = Book(
            seed=seed,
            quiet_after_ms=OPEN_MS + int(quiet_after_s * 1_000 * SPEED),
            bad_from_ms=lambda: self.bad_from_ms,
        )
        self.disk = Disk()
        self.log_files = LogFiles()
        self.network = Network(self.loop, random.Random(f"network/{seed}"))
        self.exchange = Exchange(self.loop, random.Random(f"exchange/{seed}"), self.wire_ms)
        self.monitor = Monitor(self)
        self.disk_slow_s = 0.0
        self.alarms: list[str] = []
        self.processes = 0
        self.files: dict[int, str] = {}
        self.lives: dict[str, Process] = {}
        self.actors: dict[str, Actor] = {}
        self.slot_actors: dict[str, SlotActor] = {}
        self.authority: Process | None = None
        self.generation = 0
        self.current_gateway: GatewayActor | None = None
        self.house = Process(self.loop, "venue", 0)
        self.rolls: list[Roll] = []
        self.on_step: Callable[[Roll, str, Step], None] = lambda _roll, _slot, _step: None
        self.market_data = MarketDataActor(self)

    # ---- time ---------------------------------------------------------------------------------

    def wire_ms_exact(self) -> float:
        return WIRE_MS + 1_000 * self.loop.now_s

    def wire_ms(self) -> int:
        return int(self.wire_ms_exact())

    def instant(self) -> Instant:
        wire = self.wire_ms_exact()
        market_ms = self.slot_rules.clock.market_ms(wire)
        monotonic_ms = 1_000 * self.loop.time()
        return Instant(market_ms=market_ms, wire_exact_ms=wire, monotonic_ms=monotonic_ms)

    def now(self) -> tuple[int, int]:
        wire_ms = self.wire_ms_exact()
        return int(wire_ms), self.slot_rules.clock.market_ms(wire_ms)

    def seconds_at(self, market_ms: int) -> float:
        return (market_ms - OPEN_MS) / SPEED / 1_000

    def later(self, delay_s: float, what: Callable[[], None]) -> None:
        """Let something happen outside of every process."""
        self.loop.call_later(max(0.0, delay_s), what, context=BARE)

    # ---- processes ----------------------------------------------------------------------------

    def begin(self) -> None:
        self.disk.write(CURRENT_MARKET_DATA, self.market_data.name.encode())
        self.add(self.market_data)
        self.create_shared("gateway", 1)
        self.add(SupervisorActor(self, self.slots))

    def add(self, actor: Actor) -> None:
        self.actors[actor.name] = actor
        actor.start()

    def create_shared(self, kind: str, number: int) -> None:
        if kind == "gateway" and f"gateway/{number}" not in self.actors:
            gateway = GatewayActor(self, f"gateway/{number}")
            self.add(gateway)
            if self.current_gateway is None:
                self.current_gateway = gateway

    def create_slot(self, slot: str, incarnation: int, release: str) -> SlotActor:
        name = f"{slot}/{incarnation}"
        if name not in self.slot_actors:
            actor = SlotActor(self, slot, incarnation, self.releases[release])
            self.slot_actors[name] = actor
            self.add(actor)
        return self.slot_actors[name]

    def open_process(self, name: str, actor: Any) -> Process:
        self.processes += 1
        process = Process(self.loop, name, self.processes)
        self.lives[f"{process.number}-1"] = process
        if isinstance(actor, SlotActor):
            self.files[process.number] = actor.release.files
        if not isinstance(actor, Roll):
            process.on_death.append(lambda: self._restart_later(actor, process))
        return process

    def _restart_later(self, actor: Actor, process: Process) -> None:
        """Ray starts a died actor's process again, unless it left for good."""

        def restart() -> None:
            if not actor.gone and actor.process is process:
                actor.start()

        delay_s = self.rng.uniform(*RESTART_S)
        self.later(delay_s, restart)

    def end_life(self, life: str) -> bool:
        process = self.lives.get(life)
        if process is None or not process.alive:
            return False
        process.kill()
        return True

    def files_of(self, pid: int) -> str:
        return self.files.get(pid, "unreadable")

    # ---- rolls --------------------------------------------------------------------------------

    def add_release(self, release: Release) -> None:
        self.releases[release.id] = release
        attested = frozenset(self.releases)
        rules = self.gateway_rules
        self.gateway_rules = GatewayRules(
            limits=rules.limits, timing=rules.timing, attested=attested
        )
        serving = self.current_gateway.serving if self.current_gateway else None
        if serving is not None:
            serving._rules = self.gateway_rules

    def step_entered(self, a_roll: Roll, slot: str, step: Step) -> None:
        self.on_step(a_roll, slot, step)

    # ---- patches ------------------------------------------------------------------------------

    async def to_thread(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        """Do a blocking call at one moment inside a stretch of virtual time."""
        owner = getattr(call, "__self__", None)
        if isinstance(owner, SimulatedLog) and call.__name__ == "append":
            owner.begin(arguments[0])
        await self.loop.pass_time(self._disk_s())
        result = call(*arguments, **named)
        await self.loop.pass_time(self._disk_s())
        return result

    def _disk_s(self) -> float:
        if self.disk_slow_s and self.rng.random() < 0.3:
            return self.rng.uniform(0.0, self.disk_slow_s)
        return self.rng.uniform(0.0001, 0.003)

    def run(self, seconds: float) -> None:
        """Let the world run for so much virtual time."""
        with patched(patches_of(self)):
            self.loop.run_for(asyncio.sleep(seconds))
