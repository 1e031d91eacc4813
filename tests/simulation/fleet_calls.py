"""The rollout driver's and the supervisor's hands in the simulated fleet."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from actors.gateway.client import NoAnswer
from actors.gateway.status import FenceTable
from actors.messages import (
    FenceAnswer,
    FenceRecord,
    FenceRequest,
    OpenAnswer,
    OpenIncarnation,
    Refusal,
    encode,
)
from actors.rollout.handoff_messages import HandoffAsk
from actors.rollout.ports import CallFailedError
from actors.rollout.sickness import ANSWER_SECONDS, sickness
from actors.slot.status import SlotStatus
from actors.supervisor.fleet_port import Missing, Silent
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from tests.simulation.clients import GatewayCaller
from tests.simulation.network import Lost

if TYPE_CHECKING:
    from tests.simulation.slot_actor import SlotActor
    from tests.simulation.world import World

CREATE_S: Final = 8.0
"""Processes start within a second here; the real limit only costs virtual time."""
STATUS_S: Final = 3.0
LEAVE_S: Final = 5.0


class SimulatedCalls:
    """`FleetCalls` of one driver process."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._gateway = GatewayCaller(world, tries=1)

    async def ask_slot(
        self, slot: str, incarnation: int, ask: HandoffAsk, timeout_ms: int
    ) -> bytes:
        actor = self._actor(slot, incarnation)
        answer = await self._world.network.call(
            lambda: actor.process, lambda: actor.answer(ask), timeout_ms / 1_000
        )
        if isinstance(answer, Lost):
            raise CallFailedError(answer.reason)
        return encode(answer)

    def _actor(self, slot: str, incarnation: int) -> "SlotActor":
        actor = self._world.slot_actors.get(f"{slot}/{incarnation}")
        if actor is None or actor.gone:
            raise CallFailedError(f"no actor {slot}/{incarnation}")
        return actor

    async def create_slot(self, slot: str, incarnation: int, release: str) -> None:
        await self._until(self._world.create_slot(slot, incarnation, release), "standby")

    async def fill_slot(self, owner: FenceRecord, incarnation: int, release: str) -> None:
        old = self._world.slot_actors.get(f"{owner.slot}/{owner.incarnation}")
        if old is not None:
            old.gone = True
            old.process.kill()
        self._world.end_life(owner.life)
        await self._until(self._world.create_slot(owner.slot, incarnation, release), "active")

    async def sickness(self, owner: FenceRecord) -> str | None:
        try:
            actor = self._actor(owner.slot, owner.incarnation)
        except CallFailedError as error:
            return str(error)
        status = await self._world.network.call(lambda: actor.process, actor.status, ANSWER_SECONDS)
        return status.reason if isinstance(status, Lost) else sickness(status)

    async def _until(self, actor: "SlotActor", state: str) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + CREATE_S
        trouble = "no status"
        while loop.time() < deadline_s and not actor.gone:
            status = await self._status(actor)
            if isinstance(status, SlotStatus) and status.state == state:
                return
            trouble = str(getattr(status, "reason", getattr(status, "state", "")))
            await asyncio.sleep(0.1)
        raise CallFailedError(f"{actor.name} is not {state}: {trouble}")

    async def _status(self, actor: "SlotActor") -> Any:
        return await self._world.network.call(lambda: actor.process, actor.status, STATUS_S)

    async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
        try:
            actor = self._actor(slot, incarnation)
        except CallFailedError:
            return
        await self._world.network.call(
            lambda: actor.process, lambda: actor.retire(handoff), STATUS_S
        )
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + LEAVE_S
        while loop.time() < deadline_s and not actor.gone:  # noqa: ASYNC110 as the real one looks
            await asyncio.sleep(0.1)
        actor.gone = True
        actor.process.kill()

    def living(self, slot: str) -> list[int]:
        actors = self._world.slot_actors.values()
        return [actor.incarnation for actor in actors if actor.slot == slot and not actor.gone]

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer:
        answer = await self._gateway.open_incarnation(request)
        if isinstance(answer, NoAnswer | Refusal):
            raise CallFailedError(f"gateway: {answer.reason}")
        return answer  # type: ignore[no-any-return]

    async def fence(self, request: FenceRequest) -> FenceAnswer:
        answer = await self._gateway.fence(request)
        if isinstance(answer, NoAnswer | Refusal):
            raise CallFailedError(f"gateway: {answer.reason}")
        return answer  # type: ignore[no-any-return]

    async def owner(self, slot: str) -> FenceRecord:
        table = await self._gateway.fences()
        if not isinstance(table, FenceTable):
            raise CallFailedError(f"gateway: {table.reason}")
        record = next((r for r in table.owners if r.slot == slot), None)
        if record is None:
            raise CallFailedError(f"the gateway knows no owner of {slot}")
        return record

    async def raise_alarm(self, kind: str, subject: str, reason: str) -> None:
        self._world.alarms.append(f"{kind}/{subject}: {reason}")

    async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
        read = Journal(self._world.disk, slot).rows_after(after_sequence)
        return [row for row in read.rows if row.kind is RowKind.DECISION]

    async def hash_root(self, root: str, pid: int) -> str:
        del root
        return self._world.files_of(pid)


class SimulatedFleet:
    """`FleetPort` of the supervisor."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
        found = self._world.actors.get(actor)
        if found is None or found.gone:
            return Missing()
        answer = await self._world.network.call(
            lambda: found.process, getattr(found, method), STATUS_S
        )
        return Silent(reason=answer.reason) if isinstance(answer, Lost) else encode(answer)

    async def create_slot(self, slot: str, incarnation: int, release: str) -> str | None:
        self._world.create_slot(slot, incarnation, release)
        await asyncio.sleep(0.05)
        return None

    async def create_shared(self, kind: str, number: int, release: str) -> str | None:
        self._world.create_shared(kind, number, release)
        return None

    async def end_process(self, life: str, node_id: str) -> bool:
        del node_id
        return self._world.end_life(life)

    async def end_actor(self, actor: str) -> bool:
        found = self._world.actors.get(actor)
        if found is None or found.gone:
            return False
        found.gone = True
        found.process.kill()
        return True

    async def end_rollout(self) -> str | None:
        lost = next((roll for roll in self._world.rolls if roll.has_turn()), None)
        return None if lost is None else await lost.put_away()
