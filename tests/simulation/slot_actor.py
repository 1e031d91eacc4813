"""A slot's incarnation as one named actor: the real loop, writer and handoff, simulated process."""

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from actors.messages import MESSAGE_VERSION, Attestation
from actors.rollout.handoff_messages import HandoffAsk, HandoffFailed
from actors.slot.events import AppendEntries, RetireAsked
from actors.slot.guard import Failed
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import Shell, SlotLoop
from actors.slot.recovery import MemoryKind, Recovery, recover
from actors.slot.requests import Requests
from actors.slot.seat import Identity, Seat, open_seat
from actors.slot.state import STATE_VERSION
from actors.slot.status import AnySlotStatus, SlotNotRunning
from actors.slot.strategy import StrategyRunner
from actors.undated import undated
from checkpoints.errors import CheckpointsError
from checkpoints.journal_rows import JournalRow
from checkpoints.record_set import RecordSet
from signals.market import Slot
from signals.params import Params, params_id
from tests.simulation.clients import GatewayCaller, SnapshotCaller
from tests.simulation.strategies import MEMORIES, DieError, HangError, Kind, Release, strategy_of
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

STRATEGY = "told"
PARAMS = Params()
PARAMS_ID = params_id(PARAMS)


class Inline:
    """A thread that costs no time: the call is made at once, or never returns."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def submit(self, call: Any, *arguments: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        answer = call(*arguments)
        what = answer.what if isinstance(answer, Failed) else ""
        if what.startswith(DieError.__name__):
            self._process.kill()
        elif not what.startswith(HangError.__name__):
            future.set_result(answer)
        return future


class SlotActor:
    """Restarted by Ray under its name until it leaves for good or is lost."""

    def __init__(self, world: "World", slot: str, incarnation: int, release: Release) -> None:
        self.world = world
        self.slot = slot
        self.incarnation = incarnation
        self.release = release
        self.name = f"{slot}/{incarnation}"
        self.gone = False
        self.process: Process
        self.life = ""
        self.loop: SlotLoop | None = None
        self.handoff: SlotHandoff | None = None

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.loop = self.handoff = None
        self.life = f"{self.process.number}-1"
        if self.release.kind is Kind.NEVER_STARTS:
            self.process.kill()
            return
        self.process.spawn(self._live())

    def identity(self) -> Identity:
        attestation = Attestation(
            release=self.release.attested,
            commit="c0ffee",
            message_version=MESSAGE_VERSION,
            schema_version=STATE_VERSION,
            fingerprint="simulated",
            root="/code",
            pid=self.process.number,
            process_start=1,
        )
        return Identity(
            slot=self.slot, incarnation=self.incarnation, life=self.life, attestation=attestation
        )

    async def _live(self) -> None:
        world = self.world
        await asyncio.sleep(world.rng.uniform(0.05, 0.8))
        strategy = strategy_of(self.release, world.book)
        memory = MemoryKind(strategy=STRATEGY, kind=strategy.Memory)
        while True:
            try:
                found = await asyncio.to_thread(self._recover, memory)
                break
            except CheckpointsError:
                await asyncio.sleep(2.0)
        who = self.identity()
        seat = open_seat(
            who=who,
            rules=world.slot_rules,
            params=PARAMS,
            params_id=PARAMS_ID,
            state=found.state,
            memory=found.memory,
            checkpoint_outbox_sequence=found.checkpoint_outbox_sequence,
        )
        runner = StrategyRunner(strategy, Slot.parse(self.slot).timeframe, RecordSet())
        runner._executor = Inline(self.process)  # type: ignore[assignment]
        requests = Requests(
            who=who,
            gateway=GatewayCaller(world),
            snapshots=SnapshotCaller(world),
            storage=world.disk,
            runner=runner,
            memory=memory,
        )
        shell = Shell(now=world.instant, leave=self._leave, observe=self._observe)
        self.loop = SlotLoop(seat, requests, shell)
        self._watch_rows(self.loop)
        self.handoff = SlotHandoff(self.loop)
        prover = self.handoff._prover
        prover._runner._executor = Inline(self.process)  # type: ignore[assignment]
        await self.loop.run()

    def _recover(self, memory: MemoryKind) -> Recovery:
        found = recover(self.world.disk, self.slot, memory)
        if self.release.kind not in MEMORIES:  # those may not get as far as owning the slot
            self.world.monitor.slot_recovered(self.slot, found.state, found.memory)
        return found

    def _watch_rows(self, loop: SlotLoop) -> None:
        writer, monitor = loop._writer, self.world.monitor
        append, flush = writer.append, writer._journal.append

        def made(effect: AppendEntries) -> None:
            monitor.rows_made(self.slot, effect, loop.seat.memory)
            append(effect)

        def durable(rows: list[JournalRow]) -> None:
            flush(rows)
            monitor.rows_durable(rows)

        writer.append = made  # type: ignore[method-assign]
        writer._journal.append = durable  # type: ignore[method-assign, assignment]

    def _leave(self, reason: str) -> None:
        del reason
        self.gone = True
        self.process.kill()

    def _observe(self, before: Seat, after: Seat) -> None:
        self.world.monitor.seat_moved(self, before, after)

    # ---- requests -----------------------------------------------------------------------------

    @property
    def seat(self) -> Seat | None:
        return self.loop.seat if self.loop is not None and self.process.alive else None

    async def status(self) -> AnySlotStatus:
        if self.loop is None:
            return SlotNotRunning(slot=self.slot, reason="starting")
        return self.loop.status()

    async def answer(self, ask: HandoffAsk) -> Any:
        if self.handoff is None:
            return HandoffFailed(handoff=ask.handoff, reason="not_running: starting")
        return await self.handoff.answer(ask)

    async def retire(self, reason: str) -> None:
        if self.loop is None:
            self._leave(reason)
        else:
            self.loop.post(undated(RetireAsked, reason=reason))
