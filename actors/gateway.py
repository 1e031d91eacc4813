"""The gateway's Ray shell: bytes in, bytes out. The rules are in `gateway_step`.

One actor of this class has the authority (see `gateway_life`); callers find it through
``gateway/current`` and follow `Moved`. Every answer is sent after what it says is on the disk.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import ray

from actors.gateway_alarms import alarm_sink
from actors.gateway_desk import Desk
from actors.gateway_events import (
    ClaimAsked,
    Event,
    FenceAsked,
    Flight,
    IntentArrived,
    OpenAsked,
    OutboxRead,
    TradingAsked,
)
from actors.gateway_identity import fleet_name, identity_of
from actors.gateway_life import AuthorityRefusedError, Connect, GatewayLife
from actors.gateway_lock import HALT_FILE, Holder, halt_reason
from actors.gateway_outbox import page_of
from actors.gateway_records import Ledger
from actors.gateway_status import Latency, fence_table, status_of
from actors.messages import (
    Claim,
    FenceRequest,
    Intent,
    Moved,
    OpenIncarnation,
    OutboxPage,
    Refusal,
    SetTrading,
    TradingState,
    decode,
    encode,
)
from actors.runtime import (
    load_config,
    log_event,
    start_logging,
    wire_ms,
)
from actors.venue.polymarket import connect

READY_S_MAX: Final = 20.0
"""Wire: a caller that comes during the start waits so long, then is told what it waits for."""
RESTART_S: Final = 2.0
"""Wire, before the next start after the disk refused a write."""
OUTBOX_WAIT_MS_MAX: Final = 10_000
"""Wire: longest long poll."""
ASK_S_MAX: Final = 30.0
"""Wire: a caller whose event cannot be made durable by then is refused."""


class Gateway:
    """The only holder of keys, sender of orders and judge of who may act."""

    connect: Connect = staticmethod(connect)

    def __init__(self, storage_root: str, name: str) -> None:
        start_logging()
        self._root = Path(storage_root)
        self._name = name
        self._config = load_config(storage_root)
        self._identity = identity_of(name)
        self._ready = asyncio.Event()
        self._moved_to: str | None = None
        self._final: str | None = None
        self._life = self._new_life()
        self._running: asyncio.Task[None] | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a test constructs it and calls `live` itself
        self._running = loop.create_task(self.live())

    def __repr__(self) -> str:
        return f"{self._name} (gateway)"

    def _new_life(self) -> GatewayLife:
        holder = Holder(
            name=self._name,
            fleet=fleet_name(),
            node=self._identity.node_id,
            pid=self._identity.pid,
            process_start=self._identity.process_start,
            wire_ms=int(wire_ms()),
        )
        return GatewayLife(
            root=self._root,
            config=self._config,
            holder=holder,
            life=self._identity.life,
            connect=type(self).connect,
            raise_alarm=alarm_sink(self._root, self._config),
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
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 a step that raised or a disk that refused: recover
                log_event("gateway_failed", error=repr(error))
                await self._life.close()
                self._ready.clear()
                await asyncio.sleep(RESTART_S)
                self._life = self._new_life()
                self._life.phase = f"starting: {error}"

    # ---- asking the machine -------------------------------------------------------------------

    async def _desk(self) -> Desk | Moved | Refusal:
        """Return the running desk, or why there is none."""
        if self._moved_to is not None:
            return Moved(to=self._moved_to)
        if self._final is not None:
            return Refusal(reason=self._final)
        try:
            await asyncio.wait_for(self._ready.wait(), READY_S_MAX)
        except TimeoutError:
            return Refusal(reason=f"gateway is {self._life.phase}")
        if self._life.damage is not None or self._life.desk is None:
            return Refusal(reason=f"gateway is {self._life.phase}")
        return self._life.desk

    async def _ask(self, make: Callable[[int, dict[str, int]], Event]) -> bytes:
        """Step the event that `make` builds of a reply number and the time; encode the answer."""
        desk = await self._desk()
        if not isinstance(desk, Desk):
            return encode(desk)
        asked = desk.ask(lambda reply_to: make(reply_to, desk.now()))
        try:
            return encode(await asyncio.wait_for(asked, ASK_S_MAX))
        except TimeoutError:
            return encode(Refusal(reason="the gateway's disk does not answer"))

    @ray.method
    async def claim(self, data: bytes) -> bytes:
        """`Claim` -> `ClaimAnswer`."""
        claim = decode(data, Claim)
        return await self._ask(lambda to, at: ClaimAsked(reply_to=to, claim=claim, **at))

    @ray.method
    async def open_incarnation(self, data: bytes) -> bytes:
        """`OpenIncarnation` -> `OpenAnswer`."""
        request = decode(data, OpenIncarnation)
        return await self._ask(lambda to, at: OpenAsked(reply_to=to, request=request, **at))

    @ray.method
    async def fence(self, data: bytes) -> bytes:
        """`FenceRequest` -> `FenceAnswer`."""
        request = decode(data, FenceRequest)
        return await self._ask(lambda to, at: FenceAsked(reply_to=to, request=request, **at))

    @ray.method
    async def send(self, data: bytes) -> bytes:
        """`Intent` -> `IntentAnswer`."""
        intent = decode(data, Intent)
        return await self._ask(lambda to, at: IntentArrived(reply_to=to, intent=intent, **at))

    @ray.method
    async def set_trading(self, data: bytes) -> bytes:
        """`SetTrading` -> the state now in force, or `Refusal` while the HALT file is there."""
        request = decode(data, SetTrading)
        halted = halt_reason(self._root)
        if halted is not None and request.state is not TradingState.HALTED:
            reason = f"{self._root / HALT_FILE} is there ({halted}): remove it first"
            return encode(Refusal(reason=reason))
        return await self._ask(lambda to, at: TradingAsked(reply_to=to, request=request, **at))

    @ray.method
    async def outbox(
        self,
        slot: str,
        fence: int,
        after_sequence: int,
        acknowledged_sequence: int,
        wait_ms: int,
    ) -> bytes:
        """Long poll: `OutboxPage` of durable events after a sequence, at once if there are any."""
        desk = await self._desk()
        if not isinstance(desk, Desk):
            return encode(desk)
        box = desk.durable.outbox.get(slot)
        if box is not None and acknowledged_sequence > box.acknowledged:
            read = OutboxRead(
                slot=slot, fence=fence, acknowledged=acknowledged_sequence, **desk.now()
            )
            desk.tell(read)
        try:
            async with asyncio.timeout(min(wait_ms, OUTBOX_WAIT_MS_MAX) / 1_000):
                while True:
                    changed = desk.changed
                    page = page_of(desk.durable, slot, after_sequence)
                    if not isinstance(page, OutboxPage) or page.events or fence < page.fence:
                        break
                    await changed.wait()
        except TimeoutError:
            page = page_of(desk.durable, slot, after_sequence)
        return encode(page)

    @ray.method
    async def warm(self, condition_id: str, token_ids: list[str]) -> bool:
        """Load what signing needs ahead of time, so that the first order asks nobody."""
        desk = await self._desk()
        if not isinstance(desk, Desk):
            return False
        cold = [await desk.hands.warm(condition_id, token_id) for token_id in token_ids]
        return all(reason is None for reason in cold)

    @ray.method
    async def fences(self) -> bytes:
        """-> `FenceTable`."""
        desk = await self._desk()
        return encode(fence_table(desk.durable) if isinstance(desk, Desk) else desk)

    # ---- the operator -------------------------------------------------------------------------

    @ray.method
    async def health(self) -> str:
        """Return the phase; never waits."""
        return self._phase()

    def _phase(self) -> str:
        if self._moved_to is not None:
            return f"moved to {self._moved_to}"
        return f"refused: {self._final}" if self._final is not None else self._life.phase

    @ray.method
    async def status(self) -> bytes:
        """-> `GatewayStatus`; never waits, also while it starts or when it is damaged."""
        return self._status()

    def _status(self) -> bytes:
        desk = self._life.desk
        wire, market = self._life.now()
        ledger = desk.durable if desk else Ledger(trading=TradingState.HALTED)
        flight = desk.state.flight if desk else Flight()
        latency = desk.latency() if desk else Latency()
        phase = self._phase()
        status = status_of(self._identity, phase, ledger, flight, latency, wire, market)
        return encode(status)

    @ray.method
    async def stop(self) -> bytes:
        """Begin nothing new, cancel what rests, release the lock; -> the last `GatewayStatus`."""
        if self._life.phase == "serving":
            empty = await self._life.empty("the fleet stops")
            log_event("gateway_stopped", empty=empty)
        last = self._status()
        await self._end("the gateway has stopped")
        return last

    @ray.method
    async def hand_over(self, to: str) -> bool:
        """Give up the authority to actor `to`; resting orders keep their place in the queue."""
        answered = await self._life.leave(f"{to} takes over")
        self._moved_to = to
        await self._end(f"moved to {to}")
        return answered

    @ray.method
    async def take_over(self) -> bool:
        """End the hung process that holds the lock, so that this waiting gateway gets it."""
        return self._life.take_over()

    async def _end(self, reason: str) -> None:
        self._final = reason
        if self._running is not None:
            self._running.cancel()
        await self._life.close()


GatewayActor = ray.remote(Gateway)
