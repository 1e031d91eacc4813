"""The watch over the fleet: the supervisor's loop, and what runs beside it, for one turn."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from actors.attest import release_here
from actors.clock import instant
from actors.config import FleetConfig
from actors.gateway.client import GatewayClient
from actors.metrics.publish import FleetMetrics
from actors.runtime import life_id, log_event, wire_ms
from actors.supervisor.active import with_conditions
from actors.supervisor.alarm_sinks import SinkPump
from actors.supervisor.baking import Baker
from actors.supervisor.clock_watch import ClockWatcher
from actors.supervisor.decisions import DecisionReader, read_on
from actors.supervisor.detecting import Detecting, Me
from actors.supervisor.fleet_port import RayFleet
from actors.supervisor.loop import Shell, SupervisorLoop
from actors.supervisor.polling import poll_forever
from actors.supervisor.requests import Requests
from actors.supervisor.standing import read_standing
from actors.supervisor.state import Rules, SupervisorState
from actors.supervisor.status import Identity
from actors.supervisor.upkeep import Upkeep
from checkpoints.storage import LocalStorage

GATEWAY_TRIES: Final = 1
GATEWAY_SECONDS: Final = 3.0
"""Wire. The machine asks again by itself and counts the silence."""


class FleetWatch:
    """Implements `actors.supervisor.turn.Watcher` on Ray."""

    def __init__(self, root: str, config: FleetConfig, who: Identity) -> None:
        self._root = root
        self._storage = LocalStorage(Path(root))
        self._config = config
        self._who = who
        self._metrics = FleetMetrics(config)
        self._known: SupervisorState | None = None
        """What this process knew when its last watch ended."""
        self._tasks: list[asyncio.Task[None]] = []
        self.loop: SupervisorLoop | None = None
        self.opened = asyncio.Event()

    async def open(self) -> None:
        self.loop = loop = await asyncio.to_thread(self._open_loop)
        self._tasks = [
            asyncio.create_task(loop.run()),
            asyncio.create_task(Upkeep(self._storage, self._now).run()),
            asyncio.create_task(Baker(self._storage, self._config, wire_ms).run()),
            asyncio.create_task(self._poll(loop)),
            asyncio.create_task(read_on(DecisionReader(self._storage), loop, loop.market_ms)),
            asyncio.create_task(ClockWatcher(self._storage, self._now).run()),
            asyncio.create_task(self._metrics.run(loop.standing)),
        ]
        self.opened.set()
        log_event("supervisor_watches", name=self._who.name)

    async def watch(self, seconds: float) -> None:
        """Return after so long; raise what ended the loop or a task beside it."""
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
        self._known = None if self.loop is None else self.loop.state
        self.loop = None
        self.opened.clear()
        return self._known

    def _open_loop(self) -> SupervisorLoop:
        rules = Rules(
            timing=self._config.timing, clock=self._config.clock, policy=self._config.policy
        )
        state = SupervisorState(rules=rules, standing=read_standing(self._storage))
        if self._known is not None:  # it could not hand over, or was taken back
            known = self._known
            state = msgspec.structs.replace(
                state, bad_since_ms=known.bad_since_ms, raised=known.raised
            )
        release = release_here()
        requests = Requests(
            fleet=RayFleet(self._root, release),
            gateway=GatewayClient(self._root, GATEWAY_TRIES, GATEWAY_SECONDS),
            storage=self._storage,
            release=release,
        )
        return SupervisorLoop(
            with_conditions(self._storage, self._who.name, state),
            requests,
            SinkPump(self._storage, self._config.alarms),
            Shell(now=partial(instant, self._config.clock)),
        )

    async def _poll(self, loop: SupervisorLoop) -> None:
        """Let the detectors look, beside the loop."""
        release = release_here()
        me = Me(release=self._who.release, life=life_id(), node_id=self._who.node_id)
        detecting = await asyncio.to_thread(Detecting, self._storage, self._config, me)
        await poll_forever(detecting, loop, RayFleet(self._root, release), wire_ms)

    def _now(self) -> tuple[int, int]:
        wire = wire_ms()
        return int(wire), self._config.clock.market_ms(wire)
