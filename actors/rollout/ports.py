"""The one port through which a rollout touches the fleet, so that it tests without a cluster."""

from typing import Protocol

from actors.detectors.alarm_names import AlarmName
from actors.messages import (
    FenceAnswer,
    FenceRecord,
    FenceRequest,
    OpenAnswer,
    OpenIncarnation,
)
from actors.rollout.handoff_messages import HandoffAsk
from checkpoints.journal_rows import JournalRow


class CallFailedError(Exception):
    """No usable answer: the actor is gone, broken or late. Says nothing about what it did."""


class FleetCalls(Protocol):
    """Every await ends by its deadline; `CallFailedError` is the only exception."""

    async def ask_slot(
        self, slot: str, incarnation: int, ask: HandoffAsk, timeout_ms: int
    ) -> bytes:
        """Ask one incarnation; return its answer's bytes."""
        ...

    async def create_slot(self, slot: str, incarnation: int, release: str) -> None:
        """Start the incarnation under an archived release and wait until it stands by."""
        ...

    async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
        """Make the incarnation leave for good and wait until its process is gone."""
        ...

    async def fill_slot(self, owner: FenceRecord, incarnation: int, release: str) -> None:
        """End a slot's owner for good, start the incarnation of a vacancy, wait until it owns."""
        ...

    async def sickness(self, owner: FenceRecord) -> str | None:
        """Ask the owner's status for a moment; return why it is not to be asked for a handoff."""
        ...

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer: ...

    async def fence(self, request: FenceRequest) -> FenceAnswer: ...

    async def owners(self) -> tuple[FenceRecord, ...]:
        """Ask the gateway who owns the slots, with little patience."""
        ...

    async def owner(self, slot: str) -> FenceRecord: ...

    async def raise_alarm(self, kind: AlarmName, subject: str, reason: str) -> None: ...

    async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
        """Read the slot's durable decision rows after a journal sequence, oldest first."""
        ...

    async def hash_root(self, root: str, pid: int) -> str:
        """Hash, from outside, the files that a process runs from; return the release id."""
        ...
