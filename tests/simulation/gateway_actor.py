"""The gateway as one named actor: the real desk on a simulated log, lock and venue."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from actors.gateway.events import (
    ClaimAsked,
    EndAlarm,
    Event,
    FenceAsked,
    IntentArrived,
    Leaving,
    OpenAsked,
    OutboxRead,
    RaiseAlarm,
    Started,
    fresh_state,
)
from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger
from actors.gateway.lock import CURRENT_FILE, Current
from actors.gateway.loop import GatewayLoop
from actors.gateway.outbox import page_of
from actors.gateway.records import decode_record
from actors.gateway.session import _no_post_runs
from actors.gateway.status import Identity, Latency, fence_table, status_of
from actors.messages import OutboxPage, Refusal
from checkpoints.errors import CheckpointsError
from tests.simulation.disk import SimulatedLog
from tests.simulation.venue_client import VenueClient
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

READY_S: Final = 20.0
RESTART_S: Final = 2.0
RECONCILE_S: Final = 10.0
FALSE_ALARMS: Final = ("books_differ", "intent_facts_differ", "balance_low", "odd_rows")
"""Every market, fill and balance of this venue is right: none of these has a cause."""
LOCK_LOOK_S: Final = 0.1
Answer = Any


class GatewayActor:
    """Restarted by Ray under its name until it hands over or is lost."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.process: Process
        self.gone = False
        self.life = ""
        self.serving: GatewayLoop | None = None
        self.ready = asyncio.Event()

    # ---- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.serving = None
        self.ready = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self.life = f"{self.process.number}-1"
        self.process.on_death.append(self._died)
        self.process.spawn(self._live())

    def _died(self) -> None:
        self.world.log_files.power_off(self.world.rng)
        if self.world.authority is self.process:
            self.world.authority = None

    async def _live(self) -> None:
        while True:
            try:
                await self._serve()
            except CheckpointsError:
                self.ready.clear()
                self.serving = None
                for task in self._running:
                    task.cancel()
                await asyncio.gather(*self._running, return_exceptions=True)
                self._running.clear()
                await asyncio.sleep(RESTART_S)

    async def _serve(self) -> None:
        world = self.world
        while world.authority not in (None, self.process):  # noqa: ASYNC110 as the real one looks
            await asyncio.sleep(LOCK_LOOK_S)
        world.authority = self.process
        world.generation += 1
        generation = world.generation
        log = SimulatedLog(world.log_files)
        base = [] if log.base is None else [log.base]
        ledger = fold(Ledger(), (decode_record(data) for data in [*base, *log.records]))
        world.monitor.gateway_recovered(ledger)
        venue = VenueClient(world.exchange, world.network, world.house, self.process, world.wire_ms)
        self.serving = serving = GatewayLoop(
            venue=venue,
            log=world.monitor.watched(log),
            state=fresh_state(ledger),
            rules=world.gateway_rules,
            now=world.instant,
            may_post=lambda: self._may_post(generation),
            raise_alarm=self._raise_alarm,
        )
        started = Started(generation=generation, name=self.name, life=self.life, **serving.now())
        serving.deliver(started)
        running = asyncio.create_task(serving.run())
        self._running.append(running)
        await serving.settled(lambda state: state.flight.reconciled, RECONCILE_S)
        current = Current(name=self.name, generation=generation)
        world.disk.write(CURRENT_FILE, msgspec.json.encode(current))
        world.current_gateway = self
        self.ready.set()
        await running

    def _may_post(self, generation: int) -> str | None:
        if self.world.authority is not self.process:
            return "this process does not hold the gateway's lock"
        return None if self.world.generation == generation else "another gateway has taken over"

    def _raise_alarm(self, alarm: RaiseAlarm | EndAlarm) -> None:
        if isinstance(alarm, EndAlarm):
            return
        said = f"{alarm.kind}/{alarm.subject}: {alarm.evidence}"
        self.world.alarms.append(said)
        if alarm.kind in FALSE_ALARMS:
            self.world.monitor.blame(f"nothing differs here, and the gateway says: {said}")

    async def hand_over(self) -> None:
        """Answer running posts, give up the lock; the next gateway takes it."""
        serving = self.serving
        if serving is not None:
            serving.deliver(Leaving(reason="hands over", **serving.now()))
            await serving.settled(_no_post_runs, 8.0)
        self.gone = True
        self.process.kill()

    # ---- requests -----------------------------------------------------------------------------

    async def _ask(self, make: Callable[[int, dict[str, int]], Event]) -> Answer:
        serving = await self._served()
        if isinstance(serving, Refusal):
            return serving
        return await serving.ask(lambda reply_to: make(reply_to, serving.now()))

    async def _served(self) -> GatewayLoop | Refusal:
        try:
            async with asyncio.timeout(READY_S):
                await self.ready.wait()
        except TimeoutError:
            return Refusal(reason="gateway is starting")
        return self.serving or Refusal(reason="gateway starts anew")

    async def claim(self, claim: Any) -> Answer:
        return await self._ask(lambda to, at: ClaimAsked(reply_to=to, claim=claim, **at))

    async def open_incarnation(self, request: Any) -> Answer:
        return await self._ask(lambda to, at: OpenAsked(reply_to=to, request=request, **at))

    async def fence(self, request: Any) -> Answer:
        return await self._ask(lambda to, at: FenceAsked(reply_to=to, request=request, **at))

    async def send(self, intent: Any) -> Answer:
        return await self._ask(lambda to, at: IntentArrived(reply_to=to, intent=intent, **at))

    async def fences(self) -> Answer:
        serving = await self._served()
        return serving if isinstance(serving, Refusal) else fence_table(serving.durable)

    async def outbox(
        self, slot: str, fence: int, after: int, acknowledged: int, wait_ms: int
    ) -> Answer:
        serving = await self._served()
        if isinstance(serving, Refusal):
            return serving
        box = serving.durable.outbox.get(slot)
        if box is not None and acknowledged > box.acknowledged:
            read = OutboxRead(slot=slot, fence=fence, acknowledged=acknowledged, **serving.now())
            serving.deliver(read)
        try:
            async with asyncio.timeout(wait_ms / 1_000):
                while True:
                    changed = serving.changed
                    page = page_of(serving.durable, slot, after)
                    if not isinstance(page, OutboxPage) or page.events or fence < page.fence:
                        return page
                    await changed.wait()
        except TimeoutError:
            return page_of(serving.durable, slot, after)

    async def status(self) -> Answer:
        serving = self.serving
        wire_ms, market_ms = self.world.now()
        identity = Identity(
            name=self.name,
            pid=self.process.number,
            process_start=1,
            node_id="",
            life=self.life,
        )
        ledger = Ledger() if serving is None else serving.durable
        flight = fresh_state(Ledger()).flight if serving is None else serving.state.flight
        phase = "serving" if self.ready.is_set() else "starting"
        return status_of(identity, phase, ledger, flight, Latency(), wire_ms, market_ms)
