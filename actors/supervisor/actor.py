"""The Ray shell of the supervisor, named ``supervisor/1``; Ray restarts it.

It watches while ``supervisor/current`` names it (see `supervisor.turn_machine`); a successor that
an update brings, and an old one that Ray starts again, stand by.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec
import ray

from actors.attest import release_running
from actors.clock import boot_ms
from actors.machine.work import WorkPump
from actors.messages import encode
from actors.ray_actors import released, with_older_methods
from actors.runtime import (
    label_logs,
    load_config,
    log_event,
    start_logging,
    wire_ms,
)
from actors.supervisor.events import StartAsked, StopAsked
from actors.supervisor.fleet_watch import FleetWatch
from actors.supervisor.loop import SupervisorLoop
from actors.supervisor.state import Place, Rules, SupervisorState
from actors.supervisor.status import Identity, status_of
from actors.supervisor.turn import TurnWorker
from actors.supervisor.turn_machine import (
    TABLE,
    HandOverAsked,
    Phase,
    TakeBackAsked,
    Turn,
    Work,
    begin,
)
from actors.undated import undated
from checkpoints.errors import CheckpointsError, StorageError
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage

START_SECONDS_MAX: Final = 20.0
"""Wire. A supervisor that was just created reads its files first."""
STANDING_BY: Final = "standing by"
ENDS: Final = (Phase.GONE, Phase.FAULTY)
UNDER_WAY: Final = (Place.OPENING, Place.CREATING)


@with_older_methods("_is_named", "_look", "_now", "_open_loop", "_watch")
class Supervisor:
    """Async actor; its loop runs as a task beside the remote methods."""

    def __init__(self, storage_root: str, name: str) -> None:
        start_logging(name)
        self._config = load_config(storage_root)
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
        self._watch = FleetWatch(storage_root, self._config, self._who)
        self._pump = WorkPump[Turn, Work](
            TABLE,
            begin(name, boot_ms()),
            TurnWorker(LocalStorage(Path(storage_root)), self._watch, boot_ms),
            boot_ms,
            expected=(CheckpointsError,),
        )
        self._task = asyncio.get_running_loop().create_task(self._live())
        self._task.add_done_callback(self._ended)

    def __repr__(self) -> str:
        return f"Supervisor({self._who.name} {self._who.release[:6]})"

    # ---- whose turn it is ---------------------------------------------------------------------

    @property
    def _loop(self) -> SupervisorLoop | None:
        return self._watch.loop

    async def _live(self) -> None:
        """Watch while named, stand by otherwise; leave when standing by was for nothing."""
        await self._pump.run(ENDS)
        if self._pump.state.phase is Phase.FAULTY:
            raise StorageError(f"the turn cannot go on: {self._pump.state.reason}")
        log_event("supervisor_leaves", name=self._who.name)
        self._me.leave.remote()

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
            await asyncio.wait_for(self._watch.opened.wait(), START_SECONDS_MAX)
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
        return await self._pump.ask(
            lambda reply_to, at_ms: HandOverAsked(
                reply_to=reply_to, at_ms=at_ms, to=to, busy=self._is_busy()
            )
        )

    def _is_busy(self) -> bool:
        loop = self._loop
        slots = () if loop is None else loop.state.slots.values()
        return any(slot.place in UNDER_WAY for slot in slots)

    @ray.method
    async def take_back(self) -> bool:
        """Watch again: the successor failed, and its process is gone."""
        return await self._pump.ask(lambda to, at: TakeBackAsked(reply_to=to, at_ms=at))

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
