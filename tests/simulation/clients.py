"""How simulated processes reach the gateway and market data."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from actors.gateway.client import MOVES_MAX, NoAnswer
from actors.messages import Moved
from tests.simulation.network import Lost

if TYPE_CHECKING:
    from tests.simulation.world import World

CALL_S: Final = 5.0
TRIES: Final = 3
BETWEEN_S: Final = 0.2


class GatewayCaller:
    """`GatewayClient` without Ray: the same tries, each through the network."""

    def __init__(self, world: "World", tries: int = TRIES) -> None:
        self._world = world
        self._tries = tries

    async def _call(self, method: str, *arguments: Any, extra_s: float = 0.0) -> Any:
        answer: Any = Lost("never asked")
        moves = tries = 0
        while tries < self._tries:
            actor = self._world.current_gateway
            answer = Lost("no actor of this name")
            if not actor.gone:
                answer = await self._world.network.call(
                    lambda actor=actor: actor.process,
                    lambda actor=actor: getattr(actor, method)(*arguments),
                    CALL_S + extra_s,
                )
            if isinstance(answer, Moved):
                answer = Lost(f"moved to {answer.to}")
                moves += 1
                tries += moves > MOVES_MAX
            elif isinstance(answer, Lost):
                tries += 1
            else:
                return answer
            await asyncio.sleep(BETWEEN_S * 2**tries)
        return NoAnswer(reason=answer.reason)

    async def claim(self, claim: Any) -> Any:
        return await self._call("claim", claim)

    async def open_incarnation(self, request: Any) -> Any:
        return await self._call("open_incarnation", request)

    async def fence(self, request: Any) -> Any:
        return await self._call("fence", request)

    async def send(self, intent: Any) -> Any:
        return await self._call("send", intent)

    async def fences(self) -> Any:
        return await self._call("fences")

    async def outbox(
        self, slot: str, fence: int, after: int, acknowledged: int, wait_ms: int
    ) -> Any:
        extra_s = wait_ms / 1_000
        arguments = (slot, fence, after, acknowledged, wait_ms)
        return await self._call("outbox", *arguments, extra_s=extra_s)


class SnapshotCaller:
    """Market data, through the network; what is lost raises, as Ray does."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        answer: Any = Lost("never asked")
        for _ in range(TRIES):
            market_data = self._world.market_data
            answer = await self._world.network.call(
                lambda at=market_data: at.process,
                lambda at=market_data: at.snapshot(asset, due_ms),
                0.4,
            )
            if not isinstance(answer, Lost):
                digest, data = answer
                return digest, data
        raise TimeoutError(answer.reason)
