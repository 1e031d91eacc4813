"""The gateway's Ray shell: bytes in, bytes out. The rules are in `gateway.step`.

One actor of this class has the authority (see `gateway.authority`); callers find it through
``gateway/current`` and follow `Moved`. Every answer is sent after what it says is on the disk.
"""

import asyncio
from typing import Final

import msgspec
import ray

from actors.gateway.authority.events import StopAsked
from actors.gateway.events import (
    ClaimAsked,
    FenceAsked,
    IntentArrived,
    OpenAsked,
    OutboxRead,
    TradingAsked,
)
from actors.gateway.flight import Flight
from actors.gateway.ledger import Ledger
from actors.gateway.lock import HALT_FILE, halt_reason
from actors.gateway.loop import GatewayLoop
from actors.gateway.market_events import IntentUnreadable, named_in
from actors.gateway.outbox import page_of
from actors.gateway.shell import GatewayShell
from actors.gateway.status import Latency, fence_table, status_of
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
from actors.ray_actors import released

INTENT_BYTES_MAX: Final = 65_536
"""An intent has about 700 bytes; each is written to the log, whatever it holds."""
OUTBOX_WAIT_MS_MAX: Final = 10_000
"""Wire: longest long poll."""


class Gateway(GatewayShell):
    """The only holder of keys, sender of orders and judge of who may act."""

    def __repr__(self) -> str:
        return f"{self._name} (gateway)"

    @ray.method
    async def claim(self, data: bytes) -> bytes:
        """`Claim` -> `ClaimAnswer`."""
        claim = decode(data, Claim)
        await self._session.read_gate(unless_covered=claim.attestation.release)
        return await self._ask(lambda to, at: ClaimAsked(reply_to=to, claim=claim, **at))

    @ray.method
    async def open_incarnation(self, data: bytes) -> bytes:
        """`OpenIncarnation` -> `OpenAnswer`."""
        request = decode(data, OpenIncarnation)
        await self._session.read_gate(unless_covered=request.release)
        return await self._ask(lambda to, at: OpenAsked(reply_to=to, request=request, **at))

    @ray.method
    async def fence(self, data: bytes) -> bytes:
        """`FenceRequest` -> `FenceAnswer`."""
        request = decode(data, FenceRequest)
        await self._session.read_gate(unless_covered=request.attestation.release)
        return await self._ask(lambda to, at: FenceAsked(reply_to=to, request=request, **at))

    @ray.method
    async def send(self, data: bytes) -> bytes:
        """`Intent` -> `IntentAnswer`."""
        if len(data) > INTENT_BYTES_MAX:
            return await self._refuse_unreadable(data, f"{len(data)} bytes")
        try:
            intent = decode(data, Intent)
        except msgspec.MsgspecError as error:
            return await self._refuse_unreadable(data, str(error))
        await self._session.read_gate(unless_covered=intent.release)
        return await self._ask(lambda to, at: IntentArrived(reply_to=to, intent=intent, **at))

    async def _refuse_unreadable(self, data: bytes, reason: str) -> bytes:
        gateway_loop = await self._gateway_loop()
        if isinstance(gateway_loop, GatewayLoop):
            slot, release = named_in(data)
            gateway_loop.deliver(
                IntentUnreadable(slot=slot, release=release, reason=reason, **gateway_loop.now())
            )
        return encode(Refusal(reason=f"this is no intent: {reason}"))

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
        gateway_loop = await self._gateway_loop()
        if not isinstance(gateway_loop, GatewayLoop):
            return encode(gateway_loop)
        box = gateway_loop.durable.outbox.get(slot)
        if box is not None and acknowledged_sequence > box.acknowledged:
            read = OutboxRead(
                slot=slot, fence=fence, acknowledged=acknowledged_sequence, **gateway_loop.now()
            )
            gateway_loop.deliver(read)
        try:
            async with asyncio.timeout(min(wait_ms, OUTBOX_WAIT_MS_MAX) / 1_000):
                while True:
                    changed = gateway_loop.changed
                    page = page_of(gateway_loop.durable, slot, after_sequence)
                    if self._moved_to is not None:
                        return encode(Moved(to=self._moved_to))
                    if not isinstance(page, OutboxPage) or page.events or fence < page.fence:
                        break
                    await changed.wait()
                    if gateway_loop.changed is changed:
                        break  # set and not replaced: this gateway has ended
        except TimeoutError:
            page = page_of(gateway_loop.durable, slot, after_sequence)
        return encode(page)

    @ray.method
    async def warm(self, condition_id: str, token_ids: list[str]) -> bool:
        """Load what signing needs ahead of time, so that the first order asks nobody."""
        return all([await self._session.warm(condition_id, token_id) for token_id in token_ids])

    @ray.method
    async def warmed(self) -> dict[str, list[str]]:
        """Return the tokens that are warm now, by condition: what a successor loads ahead."""
        gateway_loop = self._session.gateway_loop
        return {} if gateway_loop is None else gateway_loop.venue_calls.warmed()

    @ray.method
    async def fences(self) -> bytes:
        """-> `FenceTable`."""
        gateway_loop = await self._gateway_loop()
        return encode(
            fence_table(gateway_loop.durable)
            if isinstance(gateway_loop, GatewayLoop)
            else gateway_loop
        )

    # ---- the operator -------------------------------------------------------------------------

    @ray.method
    async def health(self) -> str:
        """Return the phase; never waits."""
        return self._phase()

    @ray.method
    async def status(self) -> bytes:
        """-> `GatewayStatus`; never waits, also while it starts or when it is damaged."""
        return self._status()

    def _status(self) -> bytes:
        gateway_loop = self._session.gateway_loop
        now = self._now()
        ledger = gateway_loop.durable if gateway_loop else Ledger(trading=TradingState.HALTED)
        flight = gateway_loop.state.flight if gateway_loop else Flight()
        latency = gateway_loop.latency() if gateway_loop else Latency()
        phase = self._phase()
        status = status_of(
            self._identity, phase, ledger, flight, latency, now.wire_ms, now.market_ms
        )
        return encode(status)

    @ray.method
    async def stop(self) -> bytes:
        """Begin nothing new, cancel what rests, release the lock; -> the last `GatewayStatus`."""
        await self._pump.ask(lambda to, at: StopAsked(reply_to=to, at_ms=at))
        return self._status()


GatewayActor = released(Gateway)
