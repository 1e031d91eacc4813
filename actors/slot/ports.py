"""What a slot's shell needs of the world, so that it runs without Ray in tests."""

from typing import Protocol

from actors.gateway.client import NoAnswer
from actors.messages import Claim, ClaimAnswer, Intent, IntentAnswer, OutboxPage, Refusal


class GatewayPort(Protocol):
    """The gateway as a slot sees it; asking again is always safe."""

    async def claim(self, claim: Claim, /) -> ClaimAnswer | Refusal | NoAnswer: ...

    async def send(self, intent: Intent, /) -> IntentAnswer | Refusal | NoAnswer: ...

    async def outbox(
        self, slot: str, fence: int, after: int, acknowledged: int, wait_ms: int, /
    ) -> OutboxPage | Refusal | NoAnswer: ...


class SnapshotPort(Protocol):
    async def snapshot(self, asset: str, due_ms: int, /) -> tuple[str, bytes]:
        """Return digest and encoded snapshot."""
