"""The slot on its pump, without Ray: what its effects mean.

Rows are queued and written beside the steps: the slot's own rules keep an intent until its row is
durable, so that an ill disk stops no clock and no quiesce.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Never

import msgspec

from actors.machine.instant import Instant, Now
from actors.machine.pump import Machine, Pump, Work
from actors.machine.ready import Ready
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
from checkpoints.journal import Journal

TICK_MS: Final = 250
"""Wire. Longest time between two looks at the clock: bounds how late a lease or a claim is seen."""
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

    now: Now
    leave: Callable[[str], None]
    """End this process for good; called once."""
    observe: Callable[[Seat, Seat], None]
    """Told of every step, before its effects: state before and after."""


class SlotLoop(Machine[Undated, Never, AnyEffect]):
    """One life of one incarnation."""

    def __init__(
        self, seat: Seat, requests: Requests, shell: Shell, damage: tuple[str, ...] = ()
    ) -> None:
        self.seat = seat
        self._damage = damage
        self.requests = requests
        self._shell = shell
        self._store = CheckpointStore(requests.storage)
        self._pump = Pump(f"{seat.who.slot}/{seat.who.incarnation}", self, shell.now, TICK_MS)
        self.post: Final = self._pump.post
        self.run: Final = self._pump.run
        self._waiting: dict[str, asyncio.Future[Report]] = {}
        self._writer = RowWriter(
            Journal(requests.storage, seat.who.slot),
            seat.who,
            on_durable=lambda sequence: self.post(undated(RowsDurable, sequence=sequence)),
            on_failure=lambda reason: self.post(undated(RowsFailed, reason=reason)),
            on_overtaken=lambda reason: self.post(undated(RetireAsked, reason=reason)),
        )

    def market_ms(self) -> int:
        return self._shell.now().market_ms

    def status(self) -> SlotStatus:
        now = self._shell.now()
        blocked_ms = self.requests.runner.blocked_ms()
        return status_of(self.seat, now.market_ms, now.wire_ms, blocked_ms, self._damage)

    async def ask(self, name: str, event: Undated) -> Report:
        """Post an operator's event and wait for the report of that name."""
        waiting = self._waiting.get(name)
        if waiting is None or waiting.done():
            waiting = asyncio.get_running_loop().create_future()
            self._waiting[name] = waiting
        self.post(event)
        return await asyncio.shield(waiting)

    def time_passed(self, now: Instant) -> Undated:
        del now
        return undated(Ticked)

    def step(self, event: Undated, now: Instant) -> Ready[Never, AnyEffect]:
        before = self.seat
        self.seat, effects = step(before, event(now.market_ms, now.wire_ms))
        if self.seat.phase is not before.phase:
            self._log_phase(before)
        lease = self.seat.lease
        if lease is not None and lease is not before.lease:
            self._pump.wake_at(now.monotonic_at(lease.ends_wire_ms))
        self._shell.observe(before, self.seat)
        return Ready(effects=effects)

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

    def perform(self, effect: AnyEffect) -> Work[Undated] | None:
        match effect:
            case AppendEntries():
                self._writer.append(effect)
            case WakeAt(market_ms=market_ms):
                wire_ms = self.seat.rules.clock.wire_ms(market_ms)
                self._pump.wake_at(self._shell.now().monotonic_at(wire_ms))
            case TakeCheckpoint():
                return self._save(take(self.seat, effect, self.requests.runner.records))
            case (
                SendClaim()
                | Recover()
                | AskSnapshot()
                | RunStrategy()
                | SendIntent()
                | PollOutbox()
            ):
                return self.requests.answer(effect)
            case _:
                self._report(effect)
        return None

    def _report(self, effect: Report | Leave) -> None:
        match effect:
            case Leave(reason=reason):
                self._pump.end()
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

    async def _save(self, taken: Taken) -> None:
        meta = taken.meta
        if self.seat.phase is Phase.ACTIVE:
            await asyncio.sleep(CHECKPOINT_AFTER_SECONDS)
        try:
            digest = await asyncio.to_thread(self._store.save, meta.slot, meta, taken.records)
        except Exception as error:  # noqa: BLE001 the journal has all of it: the slot goes on
            self.post(undated(CheckpointFailed, reason=f"{type(error).__name__}: {error}"))
            return
        durable = undated(
            CheckpointDurable,
            sequence=meta.sequence,
            outbox_sequence=meta.outbox_sequence,
            digest=digest,
        )
        self.post(durable)
        await self._prune(meta.slot)

    async def _prune(self, slot: str) -> None:
        """Drop old checkpoints when nobody waits for the new one any more."""
        try:
            await asyncio.to_thread(self._store.prune, slot)
        except Exception as error:  # noqa: BLE001 one file too many is no reason to end a slot
            log_event(
                "checkpoints_not_pruned", slot=slot, reason=f"{type(error).__name__}: {error}"
            )
