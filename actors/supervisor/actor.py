"""The Ray shell of the supervisor, named ``supervisor/1``; Ray restarts it.

It watches while ``supervisor/current`` names it (see `supervisor.active`); a successor that an
update brings, and an old one that Ray starts again, stand by.
"""

import asyncio
import contextlib
import os
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import ray

from actors.attest import release_here, release_running
from actors.clock import instant
from actors.directory import named, write_name
from actors.gateway.client import GatewayClient
from actors.messages import encode
from actors.metrics import FleetMetrics
from actors.ray_actors import released
from actors.runtime import (
    label_logs,
    life_id,
    load_config,
    log_event,
    start_logging,
    wire_ms,
)
from actors.shared_kind import Kind
from actors.supervisor.active import pass_on, with_conditions
from actors.supervisor.alarm_sinks import SinkPump
from actors.supervisor.baking import Baker
from actors.supervisor.clock_watch import ClockWatcher
from actors.supervisor.decisions import DecisionReader, read_on
from actors.supervisor.detecting import Detecting, Me
from actors.supervisor.events import StartAsked, StopAsked
from actors.supervisor.fleet_port import RayFleet
from actors.supervisor.loop import Shell, SupervisorLoop
from actors.supervisor.polling import poll_forever
from actors.supervisor.requests import Requests
from actors.supervisor.standing import read_standing
from actors.supervisor.state import Place, Rules, SupervisorState
from actors.supervisor.status import Identity, status_of
from actors.supervisor.upkeep import Upkeep
from actors.undated import undated
from checkpoints.errors import StorageError
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage

GATEWAY_TRIES: Final = 1
GATEWAY_SECONDS: Final = 3.0
"""Wire. The machine asks again by itself and counts the silence."""
TURN_LOOK_SECONDS: Final = 0.5
"""Wire, between two looks at who watches."""
STANDBY_SECONDS_MAX: Final = 180.0
"""Wire. Longer than any handoff: one that was not named by then is not wanted, and leaves."""
START_SECONDS_MAX: Final = 20.0
"""Wire. A supervisor that was just created reads its files first."""
STANDING_BY: Final = "standing by"
UNDER_WAY: Final = (Place.OPENING, Place.CREATING)


class Supervisor:
    """Async actor; its loop runs as a task beside the remote methods."""

    def __init__(self, storage_root: str, name: str) -> None:
        start_logging(name)
        self._config = load_config(storage_root)
        self._root = storage_root
        self._storage = LocalStorage(Path(storage_root))
        context = ray.get_runtime_context()
        self._me: Any = context.current_actor
        process = ProcessId.own()
        self._who = Identity(
            name=name,
            pid=process.pid,
            process_start=process.start,
            node_id=context.get_node_id(),
            release=release_running(),
        )
        label_logs(release=self._who.release[:12])
        self._metrics = FleetMetrics()
        self._loop: SupervisorLoop | None = None
        self._watching = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._live())
        self._task.add_done_callback(self._ended)

    def __repr__(self) -> str:
        return f"Supervisor({self._who.name} {self._who.release[:6]})"

    # ---- whose turn it is ---------------------------------------------------------------------

    async def _live(self) -> None:
        """Watch while named, stand by otherwise; leave when standing by was for nothing."""
        waited = 0.0
        while waited < STANDBY_SECONDS_MAX:
            if await asyncio.to_thread(self._is_named):
                waited = 0.0
                await self._watch()
            await asyncio.sleep(TURN_LOOK_SECONDS)
            waited += TURN_LOOK_SECONDS
        log_event("supervisor_leaves", name=self._who.name)
        self._me.leave.remote()

    def _is_named(self) -> bool:
        name = named(self._storage, Kind.SUPERVISOR)
        if name is None:
            write_name(self._storage, Kind.SUPERVISOR, self._who.name)
        return name in (None, self._who.name)

    async def _watch(self) -> None:
        """Run the loop until another one is named; a fault of the loop ends the process."""
        self._loop = await asyncio.to_thread(self._open_loop)
        self._watching.set()
        log_event("supervisor_watches", name=self._who.name)
        beside = [
            asyncio.create_task(self._loop.run()),
            asyncio.create_task(Upkeep(self._storage, self._now).run()),
            asyncio.create_task(Baker(self._storage, self._config, wire_ms).run()),
            asyncio.create_task(self._poll(self._loop)),
            asyncio.create_task(
                read_on(DecisionReader(self._storage), self._loop, self._loop.market_ms)
            ),
            asyncio.create_task(ClockWatcher(self._storage, self._now).run()),
        ]
        try:
            while await asyncio.to_thread(self._is_named):
                done, _ = await asyncio.wait(
                    beside,
                    timeout=TURN_LOOK_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for ended in done:
                    await ended
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
            self._loop = None
            self._watching.clear()

    async def _poll(self, loop: SupervisorLoop) -> None:
        """Let the detectors look, beside the loop."""
        release = release_here()
        me = Me(release=self._who.release, life=life_id(), node_id=self._who.node_id)
        detecting = await asyncio.to_thread(Detecting, self._storage, self._config, me)
        await poll_forever(detecting, loop, RayFleet(self._root, release), wire_ms)

    def _now(self) -> tuple[int, int]:
        wire = wire_ms()
        return int(wire), self._config.clock.market_ms(wire)

    def _open_loop(self) -> SupervisorLoop:
        rules = Rules(
            timing=self._config.timing, clock=self._config.clock, policy=self._config.policy
        )
        state = SupervisorState(rules=rules, standing=read_standing(self._storage))
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
            Shell(now=partial(instant, self._config.clock), observe=self._metrics.observe),
        )

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Crash on a fault, so that Ray restarts a supervisor that watches."""
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log_event("supervisor_crashed", reason=repr(fault))
            os._exit(1)

    # ---- what others ask ----------------------------------------------------------------------

    @ray.method
    async def start_slots(self) -> bytes:
        """Make all configured slots live; progress is in the status."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watching.wait(), START_SECONDS_MAX)
        if self._loop is not None:
            slots = tuple(entry.slot for entry in self._config.slots)
            self._loop.post(undated(StartAsked, slots=slots))
        return self._status()

    @ray.method
    async def status(self) -> bytes:
        return self._status()

    @ray.method
    async def stop(self) -> bytes:
        """Watch and restart nothing any more, so that the fleet can be ended."""
        if self._loop is not None:
            self._loop.post(undated(StopAsked))
        return self._status()

    @ray.method
    async def hand_over(self, to: str) -> bool:
        """Name the supervisor that watches from now on.

        False, nothing changed: this one does not watch, or a slot is being created: ask again.
        """
        loop = self._loop
        if loop is None or any(slot.place in UNDER_WAY for slot in loop.state.slots.values()):
            return False
        try:
            await asyncio.to_thread(pass_on, self._storage, loop.state, to)
        except StorageError as error:
            log_event("supervisor_stays", reason=str(error))
            return False
        return True

    @ray.method
    async def take_back(self) -> bool:
        """Watch again: the successor failed, and its process is gone."""
        await asyncio.to_thread(write_name, self._storage, Kind.SUPERVISOR, self._who.name)
        return True

    @ray.method
    async def leave(self) -> None:
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]

    def _status(self) -> bytes:
        now = wire_ms()
        clock = self._config.clock
        loop = self._loop
        rules = Rules(timing=self._config.timing, clock=clock)
        state = SupervisorState(rules=rules) if loop is None else loop.state
        status = status_of(state, self._who, clock.market_ms(now), int(now))
        if loop is None:
            status = msgspec.structs.replace(status, phase=STANDING_BY)
        return encode(status)


SupervisorActor = released(Supervisor)
