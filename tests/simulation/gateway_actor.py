"""The gateway as one named actor: the real machine and session on simulated ports."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from actors.gateway.authority import machine
from actors.gateway.authority.effects import Work
from actors.gateway.authority.events import (
    POINTS_ON,
    Authority,
    HandOverAsked,
    Phase,
    TakeBackAsked,
    TakeOverAsked,
)
from actors.gateway.events import (
    ClaimAsked,
    EndAlarm,
    Event,
    FenceAsked,
    IntentArrived,
    OpenAsked,
    OutboxRead,
    RaiseAlarm,
    fresh_state,
)
from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger
from actors.gateway.log_file import OpenLog
from actors.gateway.loop import GatewayLoop
from actors.gateway.outbox import page_of
from actors.gateway.records import decode_record
from actors.gateway.risk_case import Rules
from actors.gateway.session import Session
from actors.gateway.session_ports import Ports, Who
from actors.gateway.status import Identity, Latency, fence_table, status_of
from actors.machine.work import WorkPump
from actors.messages import Moved, OutboxPage, Refusal
from actors.rollout.replacement.events import Seen
from actors.venue.port import Rejected, Unknown, VenuePort
from tests.simulation.disk import SimulatedLog
from tests.simulation.lock import FLEET, SimulatedLock
from tests.simulation.supervisor_actor import guard_supervisor
from tests.simulation.venue_client import VenueClient
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

READY_S: Final = 20.0
FALSE_ALARMS: Final = ("books_differ", "intent_facts_differ", "balance_low", "odd_rows")
"""Every market, fill and balance of this venue is right: none of these has a cause."""
ANSWERS: Final = POINTS_ON | {Phase.SERVING, Phase.GONE}
Answer = Any


class GatewayActor:
    """Restarted by Ray under its name until it is ended for good."""

    kind = "gateway"

    def __init__(self, world: "World", name: str, release: str) -> None:
        self.world = world
        self.name = name
        self.release = release
        self.process: Process
        self.gone = False
        self.life = ""

    # ---- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.life = f"{self.process.number}-1"
        self.session = Session(Who(name=self.name, life=self.life), self._ports())
        self.pump = WorkPump[Authority, Work](
            machine.TABLE,
            machine.begin(self.name, FLEET, "storage", self._at_ms()),
            self.session,
            self._at_ms,
            self._moved,
        )
        self.served = False
        self.reconciles_s = 0.0
        self.process.on_death.append(self._died)
        self.process.spawn(self.pump.run())
        self.process.spawn(guard_supervisor(self.world, lambda: self.phase is Phase.SERVING))

    @property
    def serving(self) -> GatewayLoop | None:
        return self.session.gateway_loop

    @property
    def phase(self) -> Phase:
        return self.pump.state.phase

    def _at_ms(self) -> float:
        return 1_000 * self.world.loop.time()

    def _died(self) -> None:
        self.world.log_files.power_off(self.world.rng, self.process)

    def _ports(self) -> Ports:
        world = self.world
        return Ports(
            storage=world.disk,
            lock=SimulatedLock(world, self.process, self.name),
            open_log=self._open_log,
            connect=self._connect,
            read_rules=self._read_rules,
            raise_alarm=self._raise_alarm,
            halted=lambda: None,
            now=world.instant,
            at_ms=self._at_ms,
            wall_ms=None,
        )

    def _open_log(self) -> tuple[OpenLog, list[bytes]]:
        world = self.world
        log = SimulatedLog(world.log_files, self.process)
        records = log.records if log.base is None else [log.base, *log.records]
        world.monitor.gateway_recovered(
            self, fold(Ledger(), (decode_record(data) for data in records))
        )
        return world.monitor.watched(log, self), records

    async def _connect(self) -> VenuePort | Rejected | Unknown:
        world = self.world
        venue = VenueClient(world.exchange, world.network, world.house, self.process, world.wire_ms)
        venue.on_post = lambda: world.succession.gateway_acts(self, "posts an order")
        seen = await venue.server_time_ms()
        if world.loop.now_s < world.venue_there_s:
            return Unknown(reason="the venue is not there")
        return seen if isinstance(seen, Unknown) else venue

    async def _read_rules(self) -> Rules:
        return self.world.gateway_rules

    def _raise_alarm(self, alarm: RaiseAlarm | EndAlarm) -> None:
        self.world.succession.gateway_alarms(self, alarm.kind)
        if isinstance(alarm, EndAlarm):
            return
        said = f"{alarm.kind}/{alarm.subject}: {alarm.evidence}"
        self.world.alarms.append(said)
        if alarm.kind in FALSE_ALARMS:
            self.world.monitor.blame(f"nothing differs here, and the gateway says: {said}")

    def _moved(self, before: Authority, after: Authority) -> None:
        self.served = self.served or after.phase is Phase.SERVING
        self.world.succession.gateway_moved(self, before, after)
        self.world.succession_step(self.kind, after.phase, self)
        if after.phase is Phase.GONE:
            self.leave()

    @property
    def opening(self) -> bool:
        """Tell whether the session of this life has not been given its generation yet."""
        return self.session.generation == 0

    def leave(self) -> None:
        self.gone = True
        self.process.kill()

    # ---- what a rollout asks ------------------------------------------------------------------

    async def hand_over(self, to: str) -> bool:
        return await self.pump.ask(lambda n, at: HandOverAsked(reply_to=n, at_ms=at, to=to))

    async def take_back(self) -> bool:
        return await self.pump.ask(lambda n, at: TakeBackAsked(reply_to=n, at_ms=at))

    async def take_over(self) -> bool:
        return await self.pump.ask(lambda n, at: TakeOverAsked(reply_to=n, at_ms=at))

    async def warmed(self) -> dict[str, list[str]]:
        return {}

    async def seen(self) -> Seen:
        phase = machine.phase_text(self.pump.state)
        return Seen(
            phase=phase,
            release=self.release,
            ready=phase == machine.STANDING_BY,
            serves=phase == machine.SERVING,
        )

    # ---- requests -----------------------------------------------------------------------------

    async def _ask(self, make: Callable[[int, dict[str, int]], Event]) -> Answer:
        gateway_loop = await self._served()
        if not isinstance(gateway_loop, GatewayLoop):
            return gateway_loop
        return await gateway_loop.ask(lambda reply_to: make(reply_to, gateway_loop.now()))

    async def _served(self) -> GatewayLoop | Refusal | Moved:
        try:
            async with asyncio.timeout(READY_S):
                await self.pump.until(ANSWERS)
        except TimeoutError:
            return Refusal(reason="gateway is starting")
        state = self.pump.state
        if state.phase in POINTS_ON:
            return self._pointed_on(state)
        if state.phase is not Phase.SERVING or self.serving is None:
            return Refusal(reason="gateway has stopped")
        return self.serving

    def _pointed_on(self, state: Authority) -> Moved:
        self.world.succession.answered_moved(self)
        return Moved(to=str(state.to))

    async def claim(self, claim: Any) -> Answer:
        return await self._ask(lambda to, at: ClaimAsked(reply_to=to, claim=claim, **at))

    async def open_incarnation(self, request: Any) -> Answer:
        return await self._ask(lambda to, at: OpenAsked(reply_to=to, request=request, **at))

    async def fence(self, request: Any) -> Answer:
        return await self._ask(lambda to, at: FenceAsked(reply_to=to, request=request, **at))

    async def send(self, intent: Any) -> Answer:
        return await self._ask(lambda to, at: IntentArrived(reply_to=to, intent=intent, **at))

    async def fences(self) -> Answer:
        gateway_loop = await self._served()
        return (
            fence_table(gateway_loop.durable)
            if isinstance(gateway_loop, GatewayLoop)
            else gateway_loop
        )

    async def outbox(
        self, slot: str, fence: int, after: int, acknowledged: int, wait_ms: int
    ) -> Answer:
        gateway_loop = await self._served()
        if not isinstance(gateway_loop, GatewayLoop):
            return gateway_loop
        box = gateway_loop.durable.outbox.get(slot)
        if box is not None and acknowledged > box.acknowledged:
            read = OutboxRead(
                slot=slot, fence=fence, acknowledged=acknowledged, **gateway_loop.now()
            )
            gateway_loop.deliver(read)
        try:
            async with asyncio.timeout(wait_ms / 1_000):
                while True:
                    changed = gateway_loop.changed
                    page = page_of(gateway_loop.durable, slot, after)
                    if self.pump.state.phase in POINTS_ON:
                        return self._pointed_on(self.pump.state)
                    if not isinstance(page, OutboxPage) or page.events or fence < page.fence:
                        return page
                    await changed.wait()
                    if gateway_loop.changed is changed:
                        return Refusal(reason="gateway has ended")  # set, and not replaced
        except TimeoutError:
            return page_of(gateway_loop.durable, slot, after)

    async def status(self) -> Answer:
        gateway_loop = self.serving
        wire_ms, market_ms = self.world.now()
        identity = Identity(
            name=self.name,
            pid=self.process.number,
            process_start=1,
            node_id="",
            life=self.life,
            release=self.release,
        )
        ledger = Ledger() if gateway_loop is None else gateway_loop.durable
        flight = fresh_state(Ledger()).flight if gateway_loop is None else gateway_loop.state.flight
        phase = machine.phase_text(self.pump.state)
        return status_of(identity, phase, ledger, flight, Latency(), wire_ms, market_ms)
