"""The Ray shell of the supervisor, named ``supervisor/1``; Ray restarts it."""

import asyncio
import os
from pathlib import Path
from typing import Final

import ray

from actors.alarm_sinks import SinkPump
from actors.attest import release_here
from actors.fleet_port import RayFleet
from actors.gateway_client import GatewayClient
from actors.messages import encode
from actors.metrics import FleetMetrics
from actors.runtime import load_config, log_event, process_start, start_logging, wire_ms
from actors.supervisor_events import StartAsked, StopAsked
from actors.supervisor_loop import Shell, SupervisorLoop
from actors.supervisor_requests import Requests, undated
from actors.supervisor_state import Rules, SupervisorState
from actors.supervisor_status import Identity, status_of
from checkpoints.storage import LocalStorage

GATEWAY_TRIES: Final = 1
GATEWAY_SECONDS: Final = 3.0
"""Wire. The machine asks again by itself and counts the silence."""


class Supervisor:
    """Async actor; its loop runs as a task beside the remote methods."""

    def __init__(self, storage_root: str, name: str) -> None:
        start_logging()
        config = load_config(storage_root)
        storage = LocalStorage(Path(storage_root))
        release = release_here()
        self._slots = tuple(entry.slot for entry in config.slots)
        self._who = Identity(
            name=name,
            pid=os.getpid(),
            process_start=process_start(),
            node_id=ray.get_runtime_context().get_node_id(),
        )
        self._release = release
        self._metrics = FleetMetrics()
        requests = Requests(
            fleet=RayFleet(storage_root, release),
            gateway=GatewayClient(storage_root, GATEWAY_TRIES, GATEWAY_SECONDS),
            storage=storage,
            release=release,
        )
        self._loop = SupervisorLoop(
            SupervisorState(rules=Rules(timing=config.timing, clock=config.clock)),
            requests,
            SinkPump(storage, config.alarms),
            Shell(wire_ms=wire_ms, observe=self._metrics.observe),
        )
        self._task = asyncio.get_running_loop().create_task(self._loop.run())
        self._task.add_done_callback(self._ended)

    def __repr__(self) -> str:
        return f"Supervisor({self._who.name} {self._release[:6]})"

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Crash on a fault, so that Ray restarts a supervisor that watches."""
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log_event("supervisor_crashed", reason=repr(fault))
            os._exit(1)

    @ray.method
    async def start_slots(self) -> bytes:
        """Make all configured slots live; progress is in the status."""
        self._loop.post(undated(StartAsked, slots=self._slots))
        return self._status()

    @ray.method
    async def status(self) -> bytes:
        return self._status()

    @ray.method
    async def stop(self) -> bytes:
        """Watch and restart nothing any more, so that the fleet can be ended."""
        self._loop.post(undated(StopAsked))
        return self._status()

    def _status(self) -> bytes:
        now = wire_ms()
        return encode(status_of(self._loop.state, self._who, self._loop.market_ms(), int(now)))


SupervisorActor = ray.remote(Supervisor)
