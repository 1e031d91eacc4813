"""The slot's shell without Ray: take an event, step, perform the effects, feed results back.

One task steps; effects run beside it and answer with an event. The loop never waits for anything
but the next event or the next moment asked for, so no silent peer can stop the slot's clock.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from actors.runtime import log_event
from actors.slot.checkpoints import Taken, take
from actors.slot.events import (
    AnyEffect,
    AppendEntries,
    AskSnapshot,
    CheckpointDurable,
    CheckpointFailed,
    Leave,
    PollOutbox,
    Recover,
    Report,
    ReportAdopted,
    ReportParams,
    ReportQuiesced,
    ReportRefused,
    ReportResumed,
    ReportStopped,
    Request,
    RetireAsked,
    RowsDurable,
    RowsFailed,
    RunStrategy,
    SendClaim,
    SendIntent,
    TakeCheckpoint,
    Ticked,
    WakeAt,
)
from actors.slot.requests import Requests, Undated
from actors.slot.seat import Phase, Seat
from actors.slot.status import SlotStatus, status_of
from actors.slot.step import step
from actors.slot.writer import RowWriter
from actors.undated import undated
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.errors import CheckpointsError
from checkpoints.journal import Journal

TICK_MS: Final = 250
"""Wire. Longest time between two looks at the clock: bounds how late a lease or a claim is seen."""
EVENTS_WAITING_MAX: Final = 10_000
"""Far more than the handful of effects that can be under way; reached only by a fault."""
CHECKPOINT_AFTER_SECONDS: Final = 0.25
"""All slots decide at the same moment and nobody waits for a checkpoint: it leaves that moment's
disk and processor to the decisions; meanwhile the journal has what it holds."""

ASKS: Final = {
    ReportQuiesced: "quiesce",
    ReportResumed: "resume",
    ReportAdopted: "adopt",
    ReportParams: "params",
}
"""What each report answers; each of these asks can be refused instead."""


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What the loop uses of its process."""

    wire_ms: Callable[[], float]
    leave: Callable[[str], None]
    """End this process for good; called once."""
    observe: Callable[[Seat, Seat], None]
    """Told of every step: before and after (metrics)."""


class SlotLoop:
    """One life of one incarnation."""

    def __init__(
        self, seat: Seat, requests: Requests, shell: Shell, damage: tuple[str, ...] = ()
    ) -> None:
        self.seat = seat
        self._damage = damage
        self.requests = requests
        self._shell = shell
        self._store = CheckpointStore(requests.storage)
        self._events: asyncio.Queue[Undated] = asyncio.Queue(EVENTS_WAITING_MAX)
        self._wakes: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, asyncio.Future[Report]] = {}
        self._left = False
        self._tick_wire_ms = 0.0
        """When the clock is looked at next, at the latest."""
        self._ticked_wire_ms = 0.0
        self._writer = RowWriter(
            Journal(requests.storage, seat.who.slot),
            seat.who,
            on_durable=lambda sequence: self.post(undated(RowsDurable, sequence=sequence)),
            on_failure=lambda reason: self.post(undated(RowsFailed, reason=reason)),
            on_overtaken=lambda reason: self.post(undated(RetireAsked, reason=reason)),
        )

    def post(self, event: Undated) -> None:
        """Queue an event; it is dated when it is stepped."""
        self._events.put_nowait(event)

    def market_ms(self) -> int:
        return self.seat.rules.clock.market_ms(self._shell.wire_ms())

    def status(self) -> SlotStatus:
        wire_ms = self._shell.wire_ms()
        market_ms = self.seat.rules.clock.market_ms(wire_ms)
        blocked_ms = self.requests.runner.blocked_ms()
        return status_of(self.seat, market_ms, int(wire_ms), blocked_ms, self._damage)

    async def ask(self, name: str, event: Undated) -> Report:
        """Post an operator's event and wait for the report of that name."""
        waiting = self._waiting.get(name)
        if waiting is None or waiting.done():
            waiting = asyncio.get_running_loop().create_future()
            self._waiting[name] = waiting
        self.post(event)
        return await asyncio.shield(waiting)

    async def run(self) -> None:
        """Run until the slot has left."""
        while not self._left:
            event = await self._next_event()
            wire_ms = self._shell.wire_ms()
            market_ms = self.seat.rules.clock.market_ms(wire_ms)
            before = self.seat
            self.seat, effects = step(before, event(market_ms, int(wire_ms)))
            if self.seat.phase is not before.phase:
                self._log_phase(before)
            for effect in effects:
                self._perform(effect)
            self._shell.observe(before, self.seat)
        for task in self._tasks:
            task.cancel()

    async def _next_event(self) -> Undated:
        """Wait for an event or for the next moment asked for; then time itself is the event."""
        left_ms = self._moment_ms() - self._shell.wire_ms()
        if left_ms > 0:
            try:
                async with asyncio.timeout(left_ms / 1000):
                    return await self._events.get()
            except TimeoutError:
                pass
        now = self._shell.wire_ms()
        while self._wakes and self._wakes[0] <= now:
            heapq.heappop(self._wakes)
        self._tick_wire_ms, self._ticked_wire_ms = now + TICK_MS, now
        return undated(Ticked)

    def _moment_ms(self) -> float:
        """Return the wire time at which to look at the clock, however many events come."""
        moment_ms = min([self._tick_wire_ms, *self._wakes[:1]])
        lease = self.seat.lease
        if lease is None or lease.ends_wire_ms <= self._ticked_wire_ms:
            return moment_ms
        return min(moment_ms, float(lease.ends_wire_ms))

    def _log_phase(self, before: Seat) -> None:
        log_event(
            "slot_phase",
            slot=self.seat.who.slot,
            incarnation=self.seat.who.incarnation,
            fence=self.seat.fence,
            sequence=self.seat.state.journal_sequence,
            before=str(before.phase),
            after=str(self.seat.phase),
        )

    def _perform(self, effect: AnyEffect) -> None:
        match effect:
            case AppendEntries():
                self._writer.append(effect)
            case WakeAt(market_ms=market_ms):
                heapq.heappush(self._wakes, self.seat.rules.clock.wire_ms(market_ms))
            case TakeCheckpoint():
                self._start(self._save(take(self.seat, effect, self.requests.runner.records)))
            case (
                SendClaim()
                | Recover()
                | AskSnapshot()
                | RunStrategy()
                | SendIntent()
                | PollOutbox()
            ):
                self._start(self._request(effect))
            case _:
                self._report(effect)

    def _report(self, effect: Report | Leave) -> None:
        match effect:
            case Leave(reason=reason):
                self._left = True
                log_event("slot_leaves", slot=self.seat.who.slot, reason=reason)
                self._shell.leave(reason)
            case ReportStopped():
                self._resolve("stop", effect)
            case ReportRefused(request=name):
                for ask in ASKS.values():
                    self._resolve(f"{ask}/{name}", effect)
            case ReportParams(request=name):
                self._resolve(f"{ASKS[ReportParams]}/{name}", effect)
            case ReportQuiesced() | ReportResumed() | ReportAdopted():
                self._resolve(f"{ASKS[type(effect)]}/{effect.handoff}", effect)

    def _resolve(self, name: str, report: Report) -> None:
        waiting = self._waiting.pop(name, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(report)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, effect: Request) -> None:
        self.post(await self.requests.answer(effect))

    async def _save(self, taken: Taken) -> None:
        meta = taken.meta
        if self.seat.phase is Phase.ACTIVE:
            await asyncio.sleep(CHECKPOINT_AFTER_SECONDS)
        try:
            digest = await asyncio.to_thread(self._store.save, meta.slot, meta, taken.records)
        except CheckpointsError as error:
            self.post(undated(CheckpointFailed, reason=str(error)))
            return
        self.post(
            undated(
                CheckpointDurable,
                sequence=meta.sequence,
                outbox_sequence=meta.outbox_sequence,
                digest=digest,
            )
        )
        await self._prune(meta.slot)

    async def _prune(self, slot: str) -> None:
        """Drop old checkpoints when nobody waits for the new one any more."""
        try:
            await asyncio.to_thread(self._store.prune, slot)
        except CheckpointsError as error:
            log_event("checkpoints_not_pruned", slot=slot, reason=str(error))
