"""Entry point of a job: rolls of one slot, each with a blow at one exact step of its handoff.

It is copied to the root of a tree, whose code drives. The blow is dealt by the port between the
rollout and the fleet, right before or right after the call of the step: no timing is guessed. The
processes, signals and files are real.
"""

import asyncio
import logging
import os
import resource
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import ray

from actors.directory import serving
from actors.gateway.client import GatewayClient
from actors.gateway.status import FenceTable, GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.messages import FenceRecord, FenceRequest, OpenIncarnation
from actors.rollout.errors import RolloutError
from actors.rollout.handoff_messages import HandoffAsk
from actors.rollout.ray_calls import RayCalls
from actors.rollout.rollout_state import Options
from actors.runtime import RAY_NAMESPACE, wire_ms
from actors.shared_kind import Kind
from actors.slot.status import SlotStatus
from actors.supervisor.status import SupervisorStatus
from checkpoints.alarms import AlarmStore
from checkpoints.journal_rows import JournalRow
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError
from cluster.rolling_update import planning
from cluster.rolling_update.apply import apply
from cluster.rolling_update.planning import Request

NO_WRITES = (0, resource.RLIM_INFINITY)
FREE_AGAIN = """
import resource, sys, time
time.sleep(float(sys.argv[2]))
resource.prlimit(int(sys.argv[1]), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
"""
STATUS_SECONDS = 10.0
STATUS_TRIES = 40
T = TypeVar("T")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    victim: str
    """``old``, ``new``, ``gateway``, ``market-data``, ``supervisor``, ``driver``; or what is not
    a process: ``base`` (the pinned checkpoint), ``second driver``, ``venue``."""
    blow: str
    """``kill``, ``stop`` (SIGSTOP, then SIGCONT after `seconds`) or ``full`` (for `seconds` the
    kernel refuses the process every write to a file, as a full disk does); a venue's fault."""
    step: str
    """Name of the ask (``Quiesce``), or ``create``, ``fence``, ``dismiss``."""
    after: bool = False
    """Right after the step's answer instead of right before its ask."""
    seconds: float = 3.0

    @property
    def name(self) -> str:
        when = "after" if self.after else "before"
        return f"{self.victim} {self.blow} {when} {self.step}"


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    storage: str
    slot: str
    releases: tuple[str, str]
    admin_url: str
    cells: tuple[Cell, ...]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    cell: Cell
    struck: bool
    """The blow was dealt: a cell whose step never came proves nothing."""
    outcome: str
    failure: str | None
    owner: int
    living: tuple[int, ...]
    """Incarnations of the slot that live when the roll has ended."""
    seconds: float
    alarms: tuple[str, ...]


class Striking:
    """`FleetCalls` that deal one blow."""

    def __init__(self, orders: Orders, cell: Cell) -> None:
        self.inner = RayCalls(orders.storage)
        self._orders = orders
        self._cell = cell
        self._incarnation = 0
        self._old = 0
        self._pids: dict[str, int] = {}
        self.struck = False

    async def find_victims(self) -> None:
        """Note the processes beforehand: a stopped one cannot be asked who it is."""
        storage = LocalStorage(Path(self._orders.storage))
        owner = await _owner_of(self._orders)
        self._old = owner.incarnation
        slot = await _status(f"{self._orders.slot}/{owner.incarnation}", SlotStatus)
        gateway = await _status(serving(storage, Kind.GATEWAY), GatewayStatus)
        market_data = await _status(serving(storage, Kind.MARKET_DATA), MarketDataStatus)
        named = [actor["name"] for actor in ray.util.list_named_actors(all_namespaces=True)]
        watching = max(name for name in named if name.startswith("supervisor/"))
        supervisor = await _status(watching, SupervisorStatus)
        self._pids = {
            "old": slot.pid,
            "gateway": gateway.pid,
            "market-data": int(market_data.life.partition("-")[0]),
            "supervisor": supervisor.pid,
            "driver": os.getpid(),
        }

    async def _step(self, name: str, call: Awaitable[T]) -> T:
        due = name == self._cell.step and not self.struck
        if due and not self._cell.after:
            await self._strike()
        answer = await call
        if due and self._cell.after:
            await self._strike()
        return answer

    async def _strike(self) -> None:
        self.struck = True
        print(f"STRUCK {self._cell.name}", flush=True)
        match self._cell.victim:
            case "base":
                self._delete_newest_checkpoint()
            case "second driver":
                await self._drive_too()
            case "venue":
                await asyncio.to_thread(self._order_fault)
            case victim:
                await self._signal(self._pids[victim])

    async def _signal(self, pid: int) -> None:
        if self._cell.blow == "kill":
            os.kill(pid, signal.SIGKILL)
            return
        seconds = str(self._cell.seconds)
        if self._cell.blow == "full":
            resource.prlimit(pid, resource.RLIMIT_FSIZE, NO_WRITES)
            heal = [sys.executable, "-c", FREE_AGAIN, str(pid), seconds]
        else:
            os.kill(pid, signal.SIGSTOP)
            heal = ["sh", "-c", f"sleep {seconds}; kill -CONT {pid}"]
        subprocess.Popen(heal, start_new_session=True)  # noqa: ASYNC220 it is instant

    def _delete_newest_checkpoint(self) -> None:
        folder = Path(self._orders.storage) / "checkpoints" / self._orders.slot
        fulls = [file for file in folder.glob("*.arrow") if ".delta." not in file.name]
        max(fulls).unlink()

    async def _drive_too(self) -> None:
        owner = await self.inner.owner(self._orders.slot)
        other = next(r for r in self._orders.releases if r != owner.release)
        request = Request(options=Options(shadow=0), slots=(self._orders.slot,), to_release=other)
        try:
            await apply(self._orders.storage, request, lambda _: None)
        except (ClusterError, RolloutError) as error:
            self.struck = "under way" in str(error)
            return
        raise AssertionError("a second driver was let in")

    def _order_fault(self) -> None:
        url = f"{self._orders.admin_url}/faults"
        data = self._cell.blow.encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data=data, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status < 300, answer.read()

    # ---- the port -----------------------------------------------------------------------------

    async def ask_slot(
        self, slot: str, incarnation: int, ask: HandoffAsk, timeout_ms: int
    ) -> bytes:
        call = self.inner.ask_slot(slot, incarnation, ask, timeout_ms)
        return await self._step(type(ask).__name__, call)

    async def create_slot(self, slot: str, incarnation: int, release: str) -> None:
        await self._step("create", self.inner.create_slot(slot, incarnation, release))
        created = await _status(f"{slot}/{incarnation}", SlotStatus)
        self._pids["new"] = created.pid

    async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
        await self._step("dismiss", self.inner.dismiss_slot(slot, incarnation, handoff))

    async def open_incarnation(self, request: OpenIncarnation) -> Any:
        return await self._step("open", self.inner.open_incarnation(request))

    async def fence(self, request: FenceRequest) -> Any:
        return await self._step("fence", self.inner.fence(request))

    async def owner(self, slot: str) -> FenceRecord:
        return await self.inner.owner(slot)

    async def raise_alarm(self, kind: str, subject: str, reason: str) -> None:
        await self.inner.raise_alarm(kind, subject, reason)

    async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
        return await self.inner.decisions(slot, after_sequence)

    async def hash_root(self, root: str, pid: int) -> str:
        return await self.inner.hash_root(root, pid)


async def _status(actor: str, kind: type[T]) -> T:
    """Ask an actor for its status, also one that is just being restarted."""
    for _ in range(STATUS_TRIES):
        try:
            handle: Any = ray.get_actor(actor, namespace=RAY_NAMESPACE)
            data = await asyncio.wait_for(handle.status.remote(), STATUS_SECONDS)
            return msgspec.msgpack.decode(data, type=kind)
        except (ValueError, TimeoutError, ray.exceptions.RayError, msgspec.ValidationError):
            await asyncio.sleep(1)
    raise AssertionError(f"{actor} gives no status")


async def run(orders: Orders, cell: Cell) -> Ending:
    began = wire_ms()
    calls = Striking(orders, cell)
    await calls.find_victims()
    owner = await _owner_of(orders)
    target = next(release for release in orders.releases if release != owner.release)
    # alarms of the cell before may still come: this roll is not refused for them
    planning.alarm_refusals = lambda _storage: ()
    request = Request(
        options=Options(shadow=1, fast=True),
        slots=(orders.slot,),
        to_release=target,
        verb="resume",
    )
    report = await apply(orders.storage, request, lambda line: print(line, flush=True), calls)
    owner = await _owner_of(orders)
    store = AlarmStore(LocalStorage(Path(orders.storage)))
    latched = store.latched()
    for state in latched:
        store.clear(state.alarm.id, "seen by the nemesis", "test")
    return Ending(
        cell=cell,
        struck=calls.struck,
        outcome=report.outcome,
        failure=report.failure,
        owner=owner.incarnation,
        living=await _settled(calls.inner, orders.slot, owner.incarnation),
        seconds=(wire_ms() - began) / 1000,
        alarms=tuple(state.alarm.kind for state in latched),
    )


async def _settled(calls: RayCalls, slot: str, owner: int) -> tuple[int, ...]:
    """Return who lives, once only the owner does or after a while: Ray forgets a name late."""
    for _ in range(STATUS_TRIES):
        if calls.living(slot) == [owner]:
            break
        await asyncio.sleep(0.25)
    return tuple(calls.living(slot))


async def _owner_of(orders: Orders) -> FenceRecord:
    """Ask the gateway, for as long as a start of it may take."""
    for _ in range(STATUS_TRIES):
        table = await GatewayClient(orders.storage).fences()
        if isinstance(table, FenceTable):
            return next(record for record in table.owners if record.slot == orders.slot)
    raise AssertionError("the gateway gives no table")


def main() -> None:
    orders = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)
    ray.init(logging_level=logging.ERROR, log_to_driver=False)
    for cell in orders.cells:
        ending = asyncio.run(run(orders, cell))
        print(f"ENDING {msgspec.json.encode(ending).decode()}", flush=True)
    living = RayCalls(orders.storage).living(orders.slot)
    print(f"LIVING {msgspec.json.encode(living).decode()}", flush=True)


if __name__ == "__main__":
    main()
