"""Perform one asking effect and return the event that answers it; it never raises."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.gateway.client import NoAnswer
from actors.messages import Claim, Refusal
from actors.slot.events import (
    AnyEvent,
    AskSnapshot,
    ClaimAnswered,
    ClaimFailed,
    IntentAnswered,
    OutboxArrived,
    OutboxFailed,
    PollOutbox,
    Recover,
    Recovered,
    RecoveryFailed,
    Request,
    RunStrategy,
    SendClaim,
    SendFailed,
    SendIntent,
    SnapshotArrived,
    SnapshotMissing,
    StrategyAnswered,
)
from actors.slot.ports import GatewayPort, SnapshotPort
from actors.slot.recovery import MemoryKind, recover
from actors.slot.seat import Identity
from actors.slot.strategy import StrategyRunner
from actors.undated import undated
from checkpoints.errors import CheckpointsError
from checkpoints.snapshots import decode_snapshot
from checkpoints.storage import Storage

OUTBOX_WAIT_MS: Final = 2_000
"""Wire. How long the gateway may hold a poll open when there is no news."""
REQUEST_SECONDS: Final = 10.0
"""A port that has not answered by then counts as silent: no await here is without an end."""

Undated = Callable[[int, int], AnyEvent]
"""Makes the event once it is known when it is stepped: (market ms, wire ms)."""


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """The ports that requests go to, and who asks."""

    who: Identity
    gateway: GatewayPort
    snapshots: SnapshotPort
    storage: Storage
    runner: StrategyRunner
    memory: MemoryKind

    async def answer(self, effect: Request) -> Undated:
        await asyncio.sleep(getattr(effect, "delay_ms", 0) / 1000)
        match effect:
            case RunStrategy():
                return await self._run(effect)
            case Recover():
                return await self._recover(effect)
            case AskSnapshot():
                return await self._ask_snapshot(effect)
            case SendClaim() | SendIntent() | PollOutbox():
                return await self._ask_gateway(effect)

    async def _run(self, effect: RunStrategy) -> Undated:
        answer = await self.runner.run(effect)
        return undated(
            StrategyAnswered,
            due_ms=effect.due_ms,
            decision=answer.decision,
            failed=answer.failed,
            memory=answer.memory,
            memory_changes=answer.memory_changes,
            pre_state_hash=answer.pre_state_hash,
            memory_hash=answer.memory_hash,
        )

    async def _recover(self, effect: Recover) -> Undated:
        try:
            found = await asyncio.to_thread(
                recover, self.storage, self.who.slot, self.memory, effect.record
            )
        except (CheckpointsError, msgspec.MsgspecError) as error:
            return undated(RecoveryFailed, reason=f"{type(error).__name__}: {error}")
        wanted = effect.record.logical_hash
        if wanted and found.own_memory and not found.reads_as(wanted):
            reason = f"hash: what was read is not what was handed over ({wanted[:12]})"
            return undated(RecoveryFailed, reason=reason)
        return undated(Recovered, state=found.state, memory=found.memory)

    async def _ask_snapshot(self, effect: AskSnapshot) -> Undated:
        asset = str(self.who.seat.asset)
        try:
            async with asyncio.timeout(effect.timeout_ms / 1000):
                digest, data = await self.snapshots.snapshot(asset, effect.due_ms)
            snapshot = decode_snapshot(data)
        except TimeoutError:
            cause = f"no answer in {effect.timeout_ms} ms"
        except Exception as error:  # noqa: BLE001 an effect owes an answer, whatever a port raises
            cause = f"{type(error).__name__}: {error}"
        else:
            return undated(SnapshotArrived, due_ms=effect.due_ms, digest=digest, snapshot=snapshot)
        return undated(SnapshotMissing, due_ms=effect.due_ms, cause=cause)

    async def _ask_gateway(self, effect: SendClaim | SendIntent | PollOutbox) -> Undated:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                answer = await self._reply(effect)
        except Exception as error:  # noqa: BLE001 an effect owes an answer, whatever a port raises
            answer = NoAnswer(reason=f"{type(error).__name__}: {error}")
        silent = isinstance(answer, Refusal | NoAnswer)
        match effect:
            case SendClaim():
                if silent:
                    return undated(ClaimFailed, reason=answer.reason)
                return undated(ClaimAnswered, answer=answer)
            case SendIntent(intent=intent):
                if silent:
                    return undated(SendFailed, intent_id=intent.intent_id, reason=answer.reason)
                return undated(IntentAnswered, intent_id=intent.intent_id, answer=answer)
            case PollOutbox():
                if silent:
                    return undated(OutboxFailed, reason=answer.reason)
                return undated(OutboxArrived, page=answer)

    async def _reply(self, effect: SendClaim | SendIntent | PollOutbox) -> Any:
        match effect:
            case SendClaim():
                return await self.gateway.claim(self._claim(effect))
            case SendIntent(intent=intent):
                return await self.gateway.send(intent)
            case PollOutbox():
                return await self.gateway.outbox(
                    self.who.slot,
                    effect.fence,
                    effect.after_sequence,
                    effect.acknowledged_sequence,
                    OUTBOX_WAIT_MS,
                )

    def _claim(self, effect: SendClaim) -> Claim:
        return Claim(
            slot=self.who.slot,
            incarnation=self.who.incarnation,
            life=self.who.life,
            attestation=self.who.attestation,
            params=effect.params,
            journal_sequence=effect.journal_sequence,
            outbox_sequence=effect.outbox_sequence,
            resume_of_fence=effect.resume_of_fence,
        )
