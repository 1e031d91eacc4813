"""What a slot's shell needs of the world, so that it runs without Ray in tests."""

from typing import Protocol

from actors.messages import Claim, ClaimAnswer, Intent, IntentAnswer, OutboxPage


class GatewayPort(Protocol):
    """The gateway as a slot sees it; a silent one raises `OSError` or `TimeoutError`."""

    async def claim(self, claim: Claim) -> ClaimAnswer: ...

    async def send(self, intent: Intent) -> IntentAnswer: ...

    async def outbox(
        self,
        slot: str,
        fence: int,
        after_sequence: int,
        acknowledged_sequence: int,
        wait_ms: int,
    ) -> OutboxPage: ...


class SnapshotPort(Protocol):
    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        """Return digest and encoded snapshot."""
