"""The rollout's port onto the real fleet: Ray actors by name, the gateway by its client.

Runs inside a job or an actor: a driver outside one would push its own folder onto new actors'
paths.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import ray
from ray.exceptions import RayError

from actors.detectors.alarm_names import AlarmName
from actors.detectors.registry import new_alarm
from actors.gateway.client import GatewayClient, NoAnswer
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
from actors.ray_actors import actor_named, create
from actors.rollout.handoff_messages import HandoffAsk
from actors.rollout.handoff_state import CREATE_DEADLINE_MS, LEAVE_DEADLINE_MS
from actors.rollout.ports import CallFailedError
from actors.rollout.sickness import ANSWER_SECONDS, sickness
from actors.runtime import RAY_NAMESPACE, wire_ms
from actors.slot.status import SlotNotRunning, SlotStatus
from checkpoints.alarms import AlarmStore
from checkpoints.errors import CheckpointsError
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.process_id import ProcessId
from checkpoints.release import release_of
from checkpoints.storage import LocalStorage

STATUS_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.05
STANDBY: Final = "standby"
STARTING: Final = "starting"
FENCES_SECONDS: Final = 2.0
"""Wire, for one try of who looks for sick ones: a gateway that serves answers in milliseconds."""
FENCES_TRIES: Final = 2
OWNS: Final = frozenset({"active"})


def slot_actor_name(slot: str, incarnation: int) -> str:
    return f"{slot}/{incarnation}"


class RayCalls:
    """`FleetCalls` on Ray."""

    def __init__(self, storage_root: str) -> None:
        self._root = storage_root
        self._storage = LocalStorage(Path(storage_root))
        self._gateway = GatewayClient(storage_root, tries=1)
        self._handles: dict[str, Any] = {}
        self._processes: dict[str, ProcessId] = {}

    async def ask_slot(
        self, slot: str, incarnation: int, ask: HandoffAsk, timeout_ms: int
    ) -> bytes:
        actor = self._actor(slot_actor_name(slot, incarnation))
        return await _answer(actor.handoff.remote(encode(ask)), timeout_ms / 1000)

    def _actor(self, name: str) -> Any:
        if name not in self._handles:
            try:
                self._handles[name] = actor_named(name)
            except ValueError as error:
                raise CallFailedError(f"no actor {name}") from error
        return self._handles[name]

    async def create_slot(self, slot: str, incarnation: int, release: str) -> None:
        actor = self._create(slot, incarnation, release)
        await self._until(actor, slot_actor_name(slot, incarnation), frozenset({STANDBY}))

    def _create(self, slot: str, incarnation: int, release: str) -> Any:
        name = slot_actor_name(slot, incarnation)
        try:
            actor = create(name, self._root, release)
        except (RayError, ValueError) as error:
            raise CallFailedError(f"{name} cannot be created: {error}") from error
        self._handles[name] = actor
        return actor

    async def _until(self, actor: Any, name: str, states: frozenset[str]) -> None:
        """Look at a process that starts until it is in one of these states."""
        deadline = time.monotonic() + CREATE_DEADLINE_MS / 1000
        trouble = "no status"
        while time.monotonic() < deadline:
            data = await _answer(actor.status.remote(), deadline - time.monotonic())
            status = msgspec.msgpack.decode(data, type=SlotStatus | SlotNotRunning)
            if isinstance(status, SlotStatus) and status.state in states:
                self._processes[name] = ProcessId(pid=status.pid, start=status.process_start)
                return
            trouble = status.reason if isinstance(status, SlotNotRunning) else status.state
            if isinstance(status, SlotNotRunning) and trouble != STARTING:
                break  # it would try again for ever; a release that cannot start is bad now
            await asyncio.sleep(POLL_SECONDS)
        raise CallFailedError(f"{name} is not {' or '.join(sorted(states))}: {trouble}")

    async def fill_slot(self, owner: FenceRecord, incarnation: int, release: str) -> None:
        """End the owner for good and start the incarnation of a vacancy; both take seconds."""
        old = slot_actor_name(owner.slot, owner.incarnation)
        ending = asyncio.create_task(self._end_for_good(old, owner.life))
        try:
            name = slot_actor_name(owner.slot, incarnation)
            actor = self._create(owner.slot, incarnation, release)
            await self._until(actor, name, OWNS)
        finally:
            await ending

    async def _end_for_good(self, name: str, life: str) -> None:
        """End an actor that may hang: its name first, so that Ray does not start it again."""
        with contextlib.suppress(CallFailedError, RayError):  # gone: its process may be left
            ray.kill(self._actor(name), no_restart=True)
        self._handles.pop(name, None)
        process = ProcessId.parse(life)
        if process is not None and process.end():
            await _gone(process)

    async def sickness(self, owner: FenceRecord) -> str | None:
        try:
            actor = self._actor(slot_actor_name(owner.slot, owner.incarnation))
            data = await _answer(actor.status.remote(), ANSWER_SECONDS)
            status = msgspec.msgpack.decode(data, type=SlotStatus | SlotNotRunning)
        except (CallFailedError, msgspec.DecodeError) as error:
            return str(error)
        return sickness(status)

    async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
        """Ask the incarnation to leave; end it through Ray if it does not."""
        name = slot_actor_name(slot, incarnation)
        try:
            actor = self._actor(name)
        except CallFailedError:
            return
        process = self._processes.get(name) or await self._process_of(actor)
        try:
            seconds = STATUS_SECONDS if process is not None else ANSWER_SECONDS
            await _answer(actor.retire.remote(handoff), seconds)
        except CallFailedError:
            ray.kill(actor, no_restart=True)
            if process is not None:
                process.end()
        if process is not None and not await _gone(process):
            ray.kill(actor, no_restart=True)
        self._handles.pop(name, None)

    def living(self, slot: str) -> list[int]:
        """Return the incarnations of a slot whose actors live."""
        named = ray.util.list_named_actors(all_namespaces=True)  # a job has a namespace of its own
        names = [actor["name"] for actor in named if actor["namespace"] == RAY_NAMESPACE]
        numbers = (name.removeprefix(f"{slot}/") for name in names if name.startswith(f"{slot}/"))
        return sorted(int(number) for number in numbers if number.isdigit())

    async def _process_of(self, actor: Any) -> ProcessId | None:
        try:
            data = await _answer(actor.status.remote(), ANSWER_SECONDS)
            status = msgspec.msgpack.decode(data, type=SlotStatus | SlotNotRunning)
        except (CallFailedError, msgspec.DecodeError):
            return None
        if not isinstance(status, SlotStatus):
            return None
        return ProcessId(pid=status.pid, start=status.process_start)

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer:
        answer = await self._gateway.open_incarnation(request)
        if isinstance(answer, NoAnswer | Refusal):
            raise CallFailedError(f"gateway: {answer.reason}")
        return answer

    async def fence(self, request: FenceRequest) -> FenceAnswer:
        answer = await self._gateway.fence(request)
        if isinstance(answer, NoAnswer | Refusal):
            raise CallFailedError(f"gateway: {answer.reason}")
        return answer

    async def owners(self) -> tuple[FenceRecord, ...]:
        table = await GatewayClient(self._root, FENCES_TRIES, FENCES_SECONDS).fences()
        if not isinstance(table, FenceTable):
            raise CallFailedError(table.reason)
        return table.owners

    async def owner(self, slot: str) -> FenceRecord:
        table = await self._gateway.fences()
        if not isinstance(table, FenceTable):
            raise CallFailedError(f"gateway: {table.reason}")
        record = next((r for r in table.owners if r.slot == slot), None)
        if record is None:
            raise CallFailedError(f"the gateway knows no owner of {slot}")
        return record

    async def raise_alarm(self, kind: AlarmName, subject: str, reason: str) -> None:
        alarm = new_alarm(kind, subject, {"reason": reason}, wire_ms=int(wire_ms()))
        try:
            await asyncio.to_thread(AlarmStore(self._storage).raise_alarm, alarm)
        except CheckpointsError as error:
            raise CallFailedError(f"alarm not stored: {error}") from error

    async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
        journal = Journal(self._storage, slot)
        try:
            read = await asyncio.to_thread(journal.rows_after, after_sequence)
        except CheckpointsError as error:
            raise CallFailedError(f"journal of {slot}: {error}") from error
        return [row for row in read.rows if row.kind is RowKind.DECISION]

    async def hash_root(self, root: str, pid: int) -> str:
        return await asyncio.to_thread(hash_of_process, root, pid)


def hash_of_process(root: str, pid: int) -> str:
    """Hash the folder that a process really works in, whatever it says of itself."""
    try:
        working = Path(f"/proc/{pid}/cwd").resolve(strict=True)
        return release_of(Path(root) if working == Path(root) else working, "").release
    except (OSError, CheckpointsError) as error:
        return f"unreadable: {error}"


async def _gone(process: ProcessId) -> bool:
    """Wait until a process of another parent has ended; there is nothing to await but time."""
    looks = int(LEAVE_DEADLINE_MS / 2000 / POLL_SECONDS)
    for _ in range(looks):
        if not process.alive:
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


async def answer_of(reference: Any, seconds: float) -> Any:
    """Wait for an actor's answer; raise `CallFailedError` saying why there is none."""
    try:
        return await asyncio.wait_for(reference, max(0.01, seconds))
    except TimeoutError:
        raise CallFailedError(f"no answer in {seconds:.1f} s") from None
    except RayError as error:
        first = str(error).strip().splitlines()
        raise CallFailedError(f"{type(error).__name__}: {first[-1] if first else ''}") from error


async def _answer(reference: Any, seconds: float) -> bytes:
    answer = await answer_of(reference, seconds)
    return answer if isinstance(answer, bytes) else b""
