"""For callers of the gateway: finds the live one, follows `Moved`, waits and tries again, bounded.

Every request may be sent again: claims are known by their life, intents by their id, handoffs by
theirs. So an answer that was lost is asked for anew; `NoAnswer` says that the tries are used up and
that the gateway may or may not have it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from ray.exceptions import RayError

from actors.gateway.lock import CURRENT_FILE, Current
from actors.gateway.status import FenceTable, GatewayStatus
from actors.machine.backoff import Backoff
from actors.messages import (
    Claim,
    ClaimAnswer,
    FenceAnswer,
    FenceRequest,
    Intent,
    IntentAnswer,
    Moved,
    OpenAnswer,
    OpenIncarnation,
    OutboxPage,
    Refusal,
    SetTrading,
    decode,
    encode,
)
from actors.ray_actors import actor_named

CALL_S: Final = 5.0
"""Wire, for one try; a gateway that starts answers within its own 20 s or is asked again."""
TRIES: Final = 3
PAUSES: Final = Backoff(first_ms=400, most_ms=1_600)
"""Wire, between two tries."""
MOVES_MAX: Final = 4
"""Followed in one call; more means two gateways that point at each other."""

Reply = TypeVar("Reply")


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="no_answer"):
    """The gateway could not be asked, or did not answer in time; asking again is safe."""

    reason: str


class GatewayClient:
    """Talks to whichever gateway has the authority. Cheap; one per caller."""

    def __init__(self, storage_root: str, tries: int = TRIES, call_s: float = CALL_S) -> None:
        self._current = Path(storage_root) / CURRENT_FILE
        self._tries = tries
        self._call_s = call_s
        self._name: str | None = None
        self._actor: Any = None

    async def claim(self, claim: Claim) -> ClaimAnswer | Refusal | NoAnswer:
        data = encode(claim)
        answer: ClaimAnswer | Refusal | NoAnswer = await self._call(
            lambda actor: actor.claim.remote(data), ClaimAnswer | Refusal
        )
        return answer

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer | Refusal | NoAnswer:
        """Ask once more after a lost answer only if an unused number does not matter."""
        data = encode(request)
        kind = OpenAnswer | Refusal
        answer: OpenAnswer | Refusal | NoAnswer = await self._call(
            lambda actor: actor.open_incarnation.remote(data), kind
        )
        return answer

    async def fence(self, request: FenceRequest) -> FenceAnswer | Refusal | NoAnswer:
        data = encode(request)
        answer: FenceAnswer | Refusal | NoAnswer = await self._call(
            lambda actor: actor.fence.remote(data), FenceAnswer | Refusal
        )
        return answer

    async def send(self, intent: Intent) -> IntentAnswer | Refusal | NoAnswer:
        data = encode(intent)
        answer: IntentAnswer | Refusal | NoAnswer = await self._call(
            lambda actor: actor.send.remote(data), IntentAnswer | Refusal
        )
        return answer

    async def outbox(
        self, slot: str, fence: int, after: int, acknowledged: int, wait_ms: int
    ) -> OutboxPage | Refusal | NoAnswer:
        """Long poll; waits at most `wait_ms` (wire) longer than any other call."""
        answer: OutboxPage | Refusal | NoAnswer = await self._call(
            lambda actor: actor.outbox.remote(slot, fence, after, acknowledged, wait_ms),
            OutboxPage | Refusal,
            wait_ms / 1_000,
        )
        return answer

    async def set_trading(self, request: SetTrading) -> SetTrading | Refusal | NoAnswer:
        data = encode(request)
        answer: SetTrading | Refusal | NoAnswer = await self._call(
            lambda actor: actor.set_trading.remote(data), SetTrading | Refusal
        )
        return answer

    async def fences(self) -> FenceTable | Refusal | NoAnswer:
        answer: FenceTable | Refusal | NoAnswer = await self._call(
            lambda actor: actor.fences.remote(), FenceTable | Refusal
        )
        return answer

    async def status(self) -> GatewayStatus | Refusal | NoAnswer:
        answer: GatewayStatus | Refusal | NoAnswer = await self._call(
            lambda actor: actor.status.remote(), GatewayStatus | Refusal
        )
        return answer

    async def warm(self, condition_id: str, token_ids: tuple[str, ...]) -> bool:
        """Tell the gateway of a market ahead of its first order; best effort."""
        try:
            actor = self._find()
            call = actor.warm.remote(condition_id, list(token_ids))
            return bool(await asyncio.wait_for(call, self._call_s))
        except (RayError, ValueError, OSError, TimeoutError, msgspec.DecodeError):
            return False

    # ---- finding and asking -------------------------------------------------------------------

    def _find(self) -> Any:
        """Return the live gateway's handle; raises `OSError` or `ValueError` if there is none."""
        current = msgspec.json.decode(self._current.read_bytes(), type=Current)
        if self._actor is None or current.name != self._name:
            self._actor = actor_named(current.name)
            self._name = current.name
        return self._actor

    async def _call(
        self, ask: Callable[[Any], Awaitable[bytes]], kind: Any, extra_s: float = 0.0
    ) -> Any:
        reason = ""
        moves = 0
        tries = 0
        while tries < self._tries:
            try:
                data = await asyncio.wait_for(ask(self._find()), self._call_s + extra_s)
                reply = decode(data, kind | Moved)
                if not isinstance(reply, Moved):
                    return reply
                reason = f"moved to {reply.to}"
                moves += 1
                tries += moves > MOVES_MAX
            except (RayError, ValueError, OSError, TimeoutError) as error:
                self._actor = None
                reason = f"{type(error).__name__}: {error}"
                tries += 1
            await asyncio.sleep(PAUSES.wait_s(max(1, tries)))
        return NoAnswer(reason=reason)
