"""A gateway, a market data actor and a clock in one process: small, and able to fail on demand."""

import asyncio
from typing import Any

from actors.clock import boot_ms, wire_ms
from actors.messages import (
    Claim,
    ClaimAnswer,
    FenceRecord,
    Granted,
    Intent,
    IntentAnswer,
    IntentFenced,
    IntentReceived,
    OrderSigned,
    OutboxPage,
    Retired,
    Standby,
)
from checkpoints.snapshots import encode_snapshot, snapshot_digest
from signals.market import Asset
from tests.signals.builders import make_snapshot

PAUSE_MS_MAX = 100.0
"""So much of a pause of the machine counts."""


class SteadyClock:
    """Wire time without the pauses of a busy machine, so that none of them costs a decision."""

    def __init__(self) -> None:
        self._now_ms = wire_ms()
        self._looked_ms = boot_ms()

    def wire_ms(self) -> float:
        looked_ms = boot_ms()
        self._now_ms += min(looked_ms - self._looked_ms, PAUSE_MS_MAX)
        self._looked_ms = looked_ms
        return self._now_ms

    def skip(self, ms: float) -> None:
        """Let time pass at once."""
        self._now_ms += ms


class FakeGateway:
    """Owns fences, keeps the first content of each intent, and an outbox per slot."""

    def __init__(self, incarnation: int = 1) -> None:
        self.incarnation = incarnation
        self.record: FenceRecord | None = None
        self.intents: dict[str, Intent] = {}
        self.sends: list[Intent] = []
        self.outbox_events: list[Any] = []
        self.acknowledged = 0
        self.silent = False
        self.news = asyncio.Event()

    async def claim(self, claim: Claim) -> ClaimAnswer:
        self._check()
        if claim.incarnation < self.incarnation and self.record is not None:
            return Retired(owner=self.record)
        if claim.incarnation > self.incarnation:
            return Standby(owner=self.record)
        self.record = FenceRecord(
            slot=claim.slot,
            fence=1 if self.record is None else self.record.fence + 1,
            incarnation=claim.incarnation,
            life=claim.life,
            release=claim.attestation.release,
            commit=claim.attestation.commit,
            params=claim.params,
            journal_sequence=claim.journal_sequence,
            outbox_sequence=claim.outbox_sequence,
        )
        return Granted(record=self.record)

    async def send(self, intent: Intent) -> IntentAnswer:
        self._check()
        self.sends.append(intent)
        if self.record is None or intent.fence != self.record.fence:
            return IntentFenced(intent_id=intent.intent_id, reason="not the owner")
        known = intent.intent_id in self.intents
        if not known:
            self.intents[intent.intent_id] = intent
            self.emit(signed(intent, self.next_sequence))
        return IntentReceived(intent_id=intent.intent_id, known=known)

    @property
    def next_sequence(self) -> int:
        return len(self.outbox_events) + 1

    def emit(self, event: Any) -> None:
        self.outbox_events.append(event)
        self.news.set()

    async def outbox(
        self, slot: str, _fence: int, after_sequence: int, acknowledged_sequence: int, wait_ms: int
    ) -> OutboxPage:
        self._check()
        self.acknowledged = max(self.acknowledged, acknowledged_sequence)
        if after_sequence >= len(self.outbox_events):
            self.news.clear()
            try:
                async with asyncio.timeout(min(wait_ms, 100) / 1000):
                    await self.news.wait()
            except TimeoutError:
                pass
        assert self.record is not None
        return OutboxPage(
            slot=slot,
            fence=self.record.fence,
            last_sequence=len(self.outbox_events),
            events=tuple(self.outbox_events[after_sequence : after_sequence + 64]),
        )

    def _check(self) -> None:
        if self.silent:
            raise TimeoutError("the gateway is silent")


def signed(intent: Intent, sequence: int) -> OrderSigned:
    return OrderSigned(
        sequence=sequence,
        intent_id=intent.intent_id,
        order_id=f"0x{intent.intent_id}",
        condition_id=intent.condition_id,
        outcome=intent.outcome,
        side=intent.side,
        style=intent.style,
        price=intent.price,
        shares=intent.shares,
        close_ms=intent.close_ms,
        at_ms=intent.due_ms,
        release=intent.release,
        commit=intent.commit,
        params=intent.params,
        snapshot=intent.snapshot,
    )


class FakeMarketData:
    def __init__(self) -> None:
        self.asked: list[int] = []
        self.silent = False

    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        self.asked.append(due_ms)
        if self.silent:
            await asyncio.sleep(60)
        data = encode_snapshot(make_snapshot(asset=Asset(asset), due_ms=due_ms))
        return snapshot_digest(data), data
