"""The gateway's process: its lives, whom it asks, and how the authority leaves and comes back.

One actor of this class has the authority (see `gateway.session`); one that moved answers `Moved`
for a while, so that callers are pointed on and a failed successor can be taken back from.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import ray

from actors.gateway.alarms import alarm_sink
from actors.gateway.authority.events import Holder
from actors.gateway.authority.taking import AuthorityRefusedError, MovedError
from actors.gateway.events import Event
from actors.gateway.holder import name_heir
from actors.gateway.identity import fleet_name, identity_of
from actors.gateway.loop import GatewayLoop
from actors.gateway.session import Connect, GatewaySession
from actors.messages import Moved, Refusal, encode
from actors.runtime import (
    keep_loaded,
    label_logs,
    load_config,
    log_event,
    start_logging,
    wire_ms,
)
from actors.venue.connect import adapter_of, connect
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage

READY_S_MAX: Final = 20.0
"""Wire: a caller that comes during the start waits so long, then is told what it waits for."""
RESTART_S: Final = 2.0
"""Wire, before the next start after the disk refused a write."""
ASK_S_MAX: Final = 30.0
"""Wire: a caller whose event cannot be made durable by then is refused."""
MOVED_S: Final = 180.0
"""Wire: so long one that moved points callers on and can take back; longer than any handoff."""


class GatewayShell:
    """One process of the gateway: at most one desk at a time, or word of who has it."""

    connect: Connect = staticmethod(connect)

    def __init__(self, storage_root: str, name: str) -> None:
        start_logging(name)
        self._root = Path(storage_root)
        self._name = name
        self._config = load_config(storage_root)
        adapter_of(self._config)  # loaded now: before this process attests what it has loaded
        self._identity = identity_of(name)
        label_logs(release=self._identity.release[:12])
        self._ready = asyncio.Event()
        self._moved_to: str | None = None
        self._final: str | None = None
        self._life = self._new_life()
        self._running: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a test constructs it and calls `live` itself
        if ray.is_initialized():
            keep_loaded()
            self._guard = loop.create_task(self._guard_supervisor())
        self._running = loop.create_task(self.live())

    def _new_life(self) -> GatewaySession:
        holder = Holder(
            name=self._name,
            fleet=fleet_name(),
            node=self._identity.node_id,
            pid=self._identity.pid,
            process_start=self._identity.process_start,
            wire_ms=int(wire_ms()),
        )
        return GatewaySession(
            root=self._root,
            config=self._config,
            holder=holder,
            life=self._identity.life,
            connect=type(self).connect,
            raise_alarm=alarm_sink(self._root, self._config),
            release=self._identity.release,
        )

    async def live(self) -> None:
        """Start, serve, and start anew when the disk refused a write: recovery is the one path."""
        while self._final is None:
            try:
                await self._life.start()
                self._ready.set()
                if self._life.running is None:
                    return
                await self._life.running
            except AuthorityRefusedError as error:
                self._final = str(error)
                log_event("gateway_refused", reason=str(error))
            except MovedError as error:
                self._moved_to, self._final = error.to, str(error)
                await self._life.close()
                self._leave_later()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 a step that raised or a disk that refused: recover
                log_event("gateway_failed", error=repr(error))
                await self._life.close()
                self._ready.clear()
                await asyncio.sleep(RESTART_S)
                self._life = self._new_life()
                self._life.phase = f"starting: {error}"

    async def _guard_supervisor(self) -> None:
        from actors.supervisor.hosting import guard

        def serves() -> bool:
            return self._moved_to is None and self._life.phase == "serving"

        await guard(str(self._root), self._identity.release, serves)

    # ---- asking the machine -------------------------------------------------------------------

    async def _gateway_loop(self) -> GatewayLoop | Moved | Refusal:
        """Return the running desk, or why there is none."""
        if self._moved_to is not None:
            return Moved(to=self._moved_to)
        if self._final is not None:
            return Refusal(reason=self._final)
        try:
            await asyncio.wait_for(self._ready.wait(), READY_S_MAX)
        except TimeoutError:
            return Refusal(reason=f"gateway is {self._life.phase}")
        if self._life.damage is not None or self._life.gateway_loop is None:
            return Refusal(reason=f"gateway is {self._life.phase}")
        return self._life.gateway_loop

    async def _ask(self, make: Callable[[int, dict[str, int]], Event]) -> bytes:
        """Step the event that `make` builds of a reply number and the time; encode the answer."""
        gateway_loop = await self._gateway_loop()
        if not isinstance(gateway_loop, GatewayLoop):
            return encode(gateway_loop)
        asked = gateway_loop.ask(lambda reply_to: make(reply_to, gateway_loop.now()))
        try:
            return encode(await asyncio.wait_for(asked, ASK_S_MAX))
        except TimeoutError:
            return encode(Refusal(reason="the gateway's disk does not answer"))

    # ---- giving the authority up and taking it back ------------------------------------------

    @ray.method
    async def hand_over(self, to: str) -> bool:
        """Give up the authority to actor `to`; resting orders keep their place in the queue.

        Callers are pointed on from the first moment: nothing that comes now is refused for it.
        False: nothing has changed, this gateway was not serving or could not name its heir.
        """
        if self._life.phase != "serving" or self._moved_to is not None:
            return False
        self._moved_to = to
        try:
            answered = await self._life.leave(to)
        except StorageError as error:
            log_event("gateway_stays", reason=str(error))
            await self._begin_anew()
            return False
        log_event("gateway_moved", to=to, answered=answered)
        await self._end(f"moved to {to}")
        self._leave_later()
        return True

    @ray.method
    async def take_back(self) -> bool:
        """Have the authority again: the successor has failed, and its process is gone."""
        if self._moved_to is None:
            return False
        await asyncio.to_thread(name_heir, LocalStorage(self._root), self._name)
        log_event("gateway_takes_back", from_=self._moved_to)
        await self._begin_anew()
        return True

    async def _begin_anew(self) -> None:
        await self._end("starts anew")
        self._moved_to = self._final = None
        self._ready.clear()
        self._life = self._new_life()
        self._running = asyncio.get_running_loop().create_task(self.live())

    @ray.method
    async def take_over(self) -> bool:
        """End the hung process that holds the lock, so that this waiting gateway gets it."""
        return self._life.take_over()

    def _leave_later(self) -> None:
        """Leave for good, unless the authority comes back first; a restart comes here again."""
        if ray.is_initialized():
            me = ray.get_runtime_context().current_actor
            asyncio.get_running_loop().call_later(MOVED_S, self._leave_if_moved, me)

    def _leave_if_moved(self, me: Any) -> None:
        if self._moved_to is not None:
            me.leave.remote()

    @ray.method
    async def leave(self) -> None:
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]

    async def _end(self, reason: str) -> None:
        self._final = reason
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._life.close()
        if self._life.gateway_loop is not None:
            self._life.gateway_loop.changed.set()
