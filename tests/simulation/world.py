"""The simulated fleet: processes, disk, network, venue and clock of one seed."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final, Protocol

from actors.config import RiskLimits, Timing
from actors.directory import MARKET_DATA_CURRENT as MARKET_DATA_FILE
from actors.directory import SUPERVISOR_CURRENT as SUPERVISOR_FILE
from actors.gateway.holder import current_name
from actors.gateway.log_file import GuardedLog
from actors.gateway.risk_case import Rules as GatewayRules
from actors.machine.instant import Instant
from actors.rollout.handoff_state import Step
from actors.shared_kind import Kind as SharedKind
from actors.slot.seat import Rules as SlotRules
from signals.market_time import MarketClock
from signals.units import MicroUsd
from tests.simulation.disk import Disk, LogFiles, SimulatedLog
from tests.simulation.exchange import Exchange
from tests.simulation.gateway_actor import GatewayActor
from tests.simulation.market_data_actor import MarketDataActor
from tests.simulation.monitor import Monitor
from tests.simulation.network import BARE, Network
from tests.simulation.patches import patched, patches_of
from tests.simulation.rolls import Roll
from tests.simulation.shared_rolls import SharedRoll
from tests.simulation.slot_actor import STRATEGY, SlotActor
from tests.simulation.strategies import Book, Kind, Release
from tests.simulation.succession import SuccessionJudge
from tests.simulation.supervisor_actor import SupervisorActor
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


Ended = tuple[Any, Exception | None]
SHARED_ACTORS: Final[dict[SharedKind, Callable[..., Any]]] = {
    SharedKind.MARKET_DATA: MarketDataActor,
    SharedKind.GATEWAY: GatewayActor,
    SharedKind.SUPERVISOR: SupervisorActor,
}


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
        self.succession = SuccessionJudge(self)
        self.disk.on_write = self.succession.written
        self.disk.write(f"releases/{self.first.id}.zip", b"")
        self.disk_slow_s = 0.0
        self.alarms: list[str] = []
        self.processes = 0
        self.files: dict[int, str] = {}
        self.lives: dict[str, Process] = {}
        self.actors: dict[str, Actor] = {}
        self.slot_actors: dict[str, SlotActor] = {}
        self.authority: Process | None = None
        """Who has the gateway's lock."""
        self.authority_name = ""
        self.lock_is_kept = True
        """False: somebody replaced the lock's file once; what is left is the generation."""
        self.venue_there_s = 0.0
        """Until then nobody can connect to the venue."""
        self.remembered: set[str] = set()
        """Successors of which it is stored what they replace."""
        self.shared_rolls: list[SharedRoll] = []
        self.house = Process(self.loop, "venue", 0)
        self.rolls: list[Roll] = []
        self.on_step: Callable[[Roll, str, Step], None] = lambda _roll, _slot, _step: None
        self.on_succession_step: Callable[[str, str, Any], None] = lambda _kind, _step, _who: None

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
        for kind in SharedKind:
            self.create_shared(kind, 1, self.first.id)

    def add(self, actor: Actor) -> None:
        self.actors[actor.name] = actor
        actor.start()

    def create_shared(self, kind: str, number: int, release: str) -> None:
        name = f"{kind}/{number}"
        existing = self.actors.get(name)
        if existing is None or existing.gone:
            self.add(SHARED_ACTORS[SharedKind(kind)](self, name, release or self.first.id))

    @property
    def current_gateway(self) -> GatewayActor:
        """Return whom callers find."""
        actor = self.actors[current_name(self.disk) or "gateway/1"]
        assert isinstance(actor, GatewayActor)
        return actor

    @property
    def market_data(self) -> MarketDataActor:
        """Return whom callers find."""
        actor = self.actors[self.succession.read(MARKET_DATA_FILE) or "market-data/1"]
        assert isinstance(actor, MarketDataActor)
        return actor

    @property
    def supervisor(self) -> SupervisorActor:
        """Return the one that is named."""
        actor = self.actors[self.succession.read(SUPERVISOR_FILE) or "supervisor/1"]
        assert isinstance(actor, SupervisorActor)
        return actor

    def gateways(self) -> list[GatewayActor]:
        return [a for a in self.actors.values() if isinstance(a, GatewayActor) and not a.gone]

    def supervisors(self) -> list[SupervisorActor]:
        return [a for a in self.actors.values() if isinstance(a, SupervisorActor) and not a.gone]

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
        if not isinstance(actor, Roll | SharedRoll):
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
        self.disk.write(f"releases/{release.id}.zip", b"")
        for gateway in self.gateways():
            if gateway.serving is not None:
                gateway.serving.judge_by(self.gateway_rules)

    def step_entered(self, a_roll: Roll, slot: str, step: Step) -> None:
        self.on_step(a_roll, slot, step)

    def succession_step(self, kind: str, step: str, who: Any) -> None:
        self.on_succession_step(kind, step, who)

    # ---- patches ------------------------------------------------------------------------------

    async def to_thread(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        """Do a blocking call at one moment inside a stretch of virtual time.

        A thread goes on when nobody waits for it any more; only the end of its process stops it.
        """
        result, error = await asyncio.shield(
            asyncio.ensure_future(self._in_thread(call, *arguments, **named))
        )
        if error is not None:
            raise error
        return result

    async def _in_thread(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Ended:
        log = _log_of(call)
        if log is not None:
            log.begin(arguments[0])
        await self.loop.pass_time(self._disk_s())
        try:
            result, error = call(*arguments, **named), None
        except Exception as raised:  # noqa: BLE001 whoever waits for the thread gets it
            result, error = None, raised
            if log is not None:
                log.gave_up()
        await self.loop.pass_time(self._disk_s())
        return result, error

    def _disk_s(self) -> float:
        if self.disk_slow_s and self.rng.random() < 0.3:
            return self.rng.uniform(0.0, self.disk_slow_s)
        return self.rng.uniform(0.0001, 0.003)

    def run(self, seconds: float) -> None:
        """Let the world run for so much virtual time."""
        with patched(patches_of(self)):
            self.loop.run_for(asyncio.sleep(seconds))


def _log_of(call: Callable[..., Any]) -> SimulatedLog | None:
    """Return the log to which a call appends."""
    owner = getattr(call, "__self__", None)
    log = owner.log if isinstance(owner, GuardedLog) else owner
    return log if isinstance(log, SimulatedLog) and call.__name__ == "append" else None
