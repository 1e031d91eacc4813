"""The gateway's process: the running machine of its authority, and whom others ask.

One actor of this class has the authority (see `gateway.authority`); one that moved answers `Moved`
for a while, so that callers are pointed on and a failed successor can be taken back from.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import ray

from actors.clock import boot_ms, instant, wall_ms
from actors.config import FleetConfig
from actors.gateway.alarms import alarm_sink
from actors.gateway.authority.effects import Work
from actors.gateway.authority.events import (
    POINTS_ON,
    Authority,
    HandOverAsked,
    Holder,
    Phase,
    TakeBackAsked,
    TakeOverAsked,
)
from actors.gateway.authority.machine import TABLE, begin, phase_text, why_refused
from actors.gateway.events import Event
from actors.gateway.gate import Gate
from actors.gateway.identity import fleet_name, identity_of
from actors.gateway.lock import FileLock, halt_reason
from actors.gateway.log_file import open_log
from actors.gateway.loop import GatewayLoop
from actors.gateway.session import Session
from actors.gateway.session_ports import Ports, Who
from actors.live.guard import connect_confirmed
from actors.machine.instant import Instant
from actors.machine.work import WorkPump
from actors.messages import Moved, Refusal, encode
from actors.ray_actors import with_older_methods
from actors.runtime import (
    keep_loaded,
    label_logs,
    load_config,
    log_event,
    start_logging,
    wire_ms,
)
from actors.venue.connect import adapter_of
from actors.venue.port import Rejected, Unknown, VenuePort
from checkpoints.storage import LocalStorage

Connect = Callable[[FleetConfig, float], Awaitable[VenuePort | Rejected | Unknown]]

READY_S_MAX: Final = 20.0
"""Wire: a caller that comes during the start waits so long, then is told what it waits for."""
ASK_S_MAX: Final = 30.0
"""Wire: a caller whose event cannot be made durable by then is refused."""
SERVES: Final = frozenset({Phase.SERVING, Phase.EMPTYING})
ANSWERS: Final = (
    SERVES | POINTS_ON | {Phase.HALTED, Phase.REFUSED, Phase.ENDING, Phase.STOPPED, Phase.GONE}
)
"""Phases in which a caller is answered at once; in all others it waits for the start."""
LOGGED: Final = frozenset(
    {
        *(Phase.SEIZING, Phase.ENDING_HOLDER, Phase.RELEASING, Phase.NUMBERING, Phase.LEAVING),
        *(Phase.CLOSING, Phase.RETURNING, Phase.RECOVERING, Phase.REOPENING, Phase.HALTING),
        *(Phase.ENDING, Phase.REFUSED, Phase.GONE),
    }
)
"""Phases whose beginning is logged; the others follow, or come ten times a second."""


@with_older_methods(
    "_begin_anew", "_desk", "_end", "_leave_if_moved", "_leave_later", "_new_life", "live"
)
class GatewayShell:
    """One process of the gateway: serves, waits to serve, or says who does."""

    connect: Connect = staticmethod(connect_confirmed)

    def __init__(self, storage_root: str, name: str) -> None:
        start_logging(name)
        self._root = Path(storage_root)
        self._name = name
        self._config = load_config(storage_root)
        adapter_of(self._config)  # loaded now: before this process attests what it has loaded
        self._identity = identity_of(name)
        label_logs(release=self._identity.release[:12])
        who = Who(name=name, life=self._identity.life, release=self._identity.release)
        self._session = Session(who, self._ports())
        self._me: Any = None
        self._pump = WorkPump[Authority, Work](
            TABLE,
            begin(name, fleet_name(), storage_root, boot_ms()),
            self._session,
            boot_ms,
            self._note,
        )
        self._running: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a test constructs it and runs it itself
        if ray.is_initialized():
            keep_loaded()
            self._me = ray.get_runtime_context().current_actor
            self._guard = loop.create_task(self._guard_supervisor())
        self._running = loop.create_task(self._pump.run())

    def _ports(self) -> Ports:
        storage = LocalStorage(self._root)
        timeout_s = self._config.timing.post_timeout_seconds
        return Ports(
            storage=storage,
            lock=FileLock(self._root, self._holder()),
            open_log=lambda: open_log(self._root),
            connect=lambda: type(self).connect(self._config, timeout_s),
            read_rules=Gate(storage, self._config).read,
            raise_alarm=alarm_sink(self._root, self._config),
            halted=lambda: halt_reason(self._root),
            now=self._now,
            at_ms=boot_ms,
            wall_ms=wall_ms,
        )

    def _holder(self) -> Holder:
        return Holder(
            name=self._name,
            fleet=fleet_name(),
            node=self._identity.node_id,
            pid=self._identity.pid,
            process_start=self._identity.process_start,
            wire_ms=int(wire_ms()),
        )

    def _now(self) -> Instant:
        return instant(self._config.clock)

    def _note(self, before: Authority, after: Authority) -> None:
        if after.phase in LOGGED:
            log_event(
                "gateway_authority", phase=after.phase, before=before.phase, reason=after.reason
            )
        if after.phase is Phase.GONE and self._me is not None:
            self._me.leave.remote()

    async def _guard_supervisor(self) -> None:
        from actors.supervisor.hosting import guard

        def serves() -> bool:
            return self._pump.state.phase is Phase.SERVING

        await guard(str(self._root), self._identity.release, serves)

    # ---- asking the machine -------------------------------------------------------------------

    @property
    def _moved_to(self) -> str | None:
        state = self._pump.state
        return state.to if state.phase in POINTS_ON else None

    def _phase(self) -> str:
        return phase_text(self._pump.state)

    async def _gateway_loop(self) -> GatewayLoop | Moved | Refusal:
        """Return the running gateway_loop, or why there is none."""
        try:
            await asyncio.wait_for(self._pump.until(ANSWERS), READY_S_MAX)
        except TimeoutError:
            return Refusal(reason=f"gateway is {self._phase()}")
        state, moved_to, gateway_loop = self._pump.state, self._moved_to, self._session.gateway_loop
        if moved_to is not None:
            return Moved(to=moved_to)
        if state.phase in SERVES and gateway_loop is not None:
            return gateway_loop
        if state.phase is Phase.HALTED:
            return Refusal(reason=f"gateway is {self._phase()}")
        return Refusal(reason=why_refused(state))

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
        return await self._pump.ask(lambda to_, at: HandOverAsked(reply_to=to_, at_ms=at, to=to))

    @ray.method
    async def take_back(self) -> bool:
        """Have the authority again: the successor has failed, and its process is gone."""
        return await self._pump.ask(lambda to, at: TakeBackAsked(reply_to=to, at_ms=at))

    @ray.method
    async def take_over(self) -> bool:
        """End the hung process that holds the lock, so that this waiting gateway gets it."""
        return await self._pump.ask(lambda to, at: TakeOverAsked(reply_to=to, at_ms=at))

    async def cut_off(self) -> None:
        """End as the end of its process does: what rests stays, the lock is free."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._session.close()

    @ray.method
    async def leave(self) -> None:
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]
