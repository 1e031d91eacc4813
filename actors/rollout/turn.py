"""One driver at work: signs of life, each step said and kept on disk, the operator's signals."""

import asyncio
import signal
from collections.abc import Callable
from typing import Final

from actors.rollout import handoff_events as on
from actors.rollout.driver import Driver
from actors.rollout.errors import RolloutError
from actors.rollout.handoff_state import Step
from actors.rollout.plan import Plan
from actors.rollout.ports import FleetCalls
from actors.rollout.record import RolloutRecord
from actors.rollout.report import Report
from actors.rollout.rollout_state import Rollout
from actors.rollout.schedule import Schedule
from actors.rollout.waiting import Waiting
from actors.runtime import log_event, wire_ms
from checkpoints.errors import CheckpointsError

BEAT_SECONDS: Final = 2.0
"""Wire. The supervisor puts a rollout away after ten missing signs."""
Notify = Callable[[str], None]


def clock_of(schedule: Schedule) -> Callable[[], on.Now]:
    def clock() -> on.Now:
        now = wire_ms()
        return on.Now(wire_ms=now, market_ms=schedule.clock.market_ms(now))

    return clock


class Turn:
    """One rollout's turn: begin it, drive what it drives, finish it with its report.

    From its beginning it gives signs of life, and a signal to this process asks for an abort.
    """

    def __init__(self, record: RolloutRecord, notify: Notify) -> None:
        self._record = record
        self._notify = notify
        self._watcher = Watcher(record, notify)
        self._driver: Driver | None = None
        self._asked: str | None = None
        self._beating: asyncio.Task[None] | None = None

    @property
    def rollout(self) -> str:
        return self._record.rollout

    @property
    def adopted(self) -> dict[str, float]:
        return self._watcher.adopted

    @property
    def waited_ms(self) -> dict[str, float]:
        return self._watcher.waiting.waited_ms

    def begin(self, plan: Plan, admit: Callable[[], None]) -> None:
        """Take the turn; raise `RolloutError` naming another one, and what `admit` raises."""
        self._record.begin(plan, admit)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop, "the driver was asked to stop")
        self._beating = loop.create_task(self._beat())

    @property
    def stop_asked(self) -> str | None:
        return self._asked

    def stop(self, reason: str) -> None:
        self._asked = reason
        if self._driver is not None:
            self._driver.stop(reason)

    async def drive(self, rollout: Rollout, calls: FleetCalls) -> Rollout:
        """Drive slots to the end; what was asked before it began holds too."""
        clock = clock_of(rollout.schedule)
        self._driver = Driver(rollout, calls, clock, self._watcher.watch)
        if self._asked is not None:
            self._driver.stop(self._asked)
        ended = await self._driver.run()
        await self._watcher.settled()
        return ended

    def finish(self, report: Report) -> None:
        """Keep the report and let the next rollout begin; raise `RolloutError` where it cannot."""
        if self._beating is not None:
            self._beating.cancel()
        try:
            self._record.end(report)
        except CheckpointsError as error:
            what = f"rollout {report.rollout} ended ({report.outcome}) and could not be recorded"
            raise RolloutError(
                f"{what}: {error}; check the disk, then `midstride rolling-update abort`"
            ) from error

    def give_up(self) -> None:
        """End a turn that changed nothing."""
        if self._beating is not None:
            self._beating.cancel()
        self._record.give_up()

    async def _beat(self) -> None:
        """Give signs of life; stop when someone has ended this rollout for want of them."""
        mine = True
        while mine:
            mine, _ = await asyncio.gather(
                asyncio.to_thread(_sign, self._record), asyncio.sleep(BEAT_SECONDS)
            )
        self.stop("it was put away as a rollout without a driver")


def _sign(record: RolloutRecord) -> bool:
    """Give one sign of life; a disk that takes none is no reason to stop a switch."""
    try:
        return record.beat()
    except CheckpointsError as error:
        log_event("rollout_sign_not_stored", reason=str(error))
        return True


class Watcher:
    """Say each step as it happens, keep it on disk, remember when each slot was adopted."""

    def __init__(self, record: RolloutRecord, notify: Notify) -> None:
        self._record = record
        self._notify = notify
        self._seen: dict[str, Step] = {}
        self._latest: Rollout | None = None
        self._storing: asyncio.Task[None] | None = None
        self.adopted: dict[str, float] = {}
        self.waiting = Waiting()

    def watch(self, rollout: Rollout) -> None:
        self.waiting.see(rollout, wire_ms())
        for slot, handoff in rollout.handoffs.items():
            if self._seen.get(slot) is handoff.step:
                continue
            self._seen[slot] = handoff.step
            if handoff.step in {Step.CONFIRMING, Step.RETIRING, Step.DONE}:
                self.adopted.setdefault(slot, handoff.entered_wire_ms)
            dark = "" if handoff.dark_ms is None else f"  dark {handoff.dark_ms:.1f} ms"
            reason = handoff.failure or handoff.vacated
            why = "" if reason is None else f"  {reason}"
            self._notify(f"{slot:<10} {handoff.step}{dark}{why}")
        self._latest = rollout
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store())

    async def settled(self) -> None:
        if self._storing is not None:
            await self._storing

    async def _store(self) -> None:
        """Write beside the switch, never in it; the gateway's table is the truth meanwhile."""
        stored = None
        while self._latest is not stored and self._latest is not None:
            stored = self._latest
            try:
                await asyncio.to_thread(self._record.watch, stored)
            except CheckpointsError as error:
                self._notify(f"state not stored: {error}")
