"""The driver: performs what the rollout machine asks and feeds the answers back, until it ends."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from actors.rollout import handoff_events as on
from actors.rollout import rollout_step as roll
from actors.rollout.handoff_state import Step
from actors.rollout.perform import perform
from actors.rollout.ports import CallFailedError, FleetCalls
from actors.rollout.proof import failure_of, was_asked
from actors.rollout.rollout_state import Phase, Rollout
from checkpoints.journal_rows import JournalRow

TICK_SECONDS: Final = 0.05
"""Deadlines are seconds and a switch is milliseconds: twenty looks a second cost nothing."""
SHADOW_EVERY_TICKS: Final = 10
FROZEN_MS: Final = 1_000
"""Wire. Twenty turns did not happen: the process was stopped, or its machine was."""
DRAIN_MS: Final = 500
"""Wire. Answers that came meanwhile are taken in and journals read before time is judged again."""

Clock = Callable[[], on.Now]
Watch = Callable[[Rollout], None]


def confirmable(rollout: Rollout, market_ms: int) -> Iterator[tuple[str, int]]:
    """Yield slots whose confirming decision may be in the journal, and the sequence to look after.

    Before its due time no look is worth the disk's and the processor's time: switches need both.
    """
    for slot, handoff in rollout.handoffs.items():
        if handoff.step is not Step.CONFIRMING or handoff.record is None:
            continue
        if handoff.confirm_due_ms is None or market_ms >= handoff.confirm_due_ms:
            yield slot, max(handoff.record.journal_sequence, handoff.seen_sequence)


class FreezeGuard:
    """Tells whether time may be judged: whoever was frozen hears first what happened meanwhile.

    Or a good decision, durable for long, would count as one that never came.
    """

    def __init__(self, wire_ms: float) -> None:
        self._turned_ms = wire_ms
        self._until_ms: float | None = None

    def may_judge(self, wire_ms: float) -> bool:
        """Ask once a turn; a freeze that follows on a freeze is not waited for again."""
        frozen = wire_ms - self._turned_ms > FROZEN_MS
        self._turned_ms = wire_ms
        if self._until_ms is None:
            self._until_ms = wire_ms + DRAIN_MS if frozen else None
        elif wire_ms >= self._until_ms:
            self._until_ms = None
        return self._until_ms is None


class Driver:
    """Run one rollout. `watch` sees each state after each event: display and durable record."""

    def __init__(self, rollout: Rollout, calls: FleetCalls, clock: Clock, watch: Watch) -> None:
        self.rollout = rollout
        self._calls = calls
        self._clock = clock
        self._watch = watch
        self._events: asyncio.Queue[roll.Event] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._shadow_asked: set[str] = set()
        self._looking: set[str] = set()

    def stop(self, reason: str) -> None:
        """Ask for an abort: what is switched and not confirmed goes back."""
        self._events.put_nowait(roll.Stop(reason=reason))

    async def run(self) -> Rollout:
        """Drive to the end; return the rollout in phase DONE or STOPPED."""
        hearing = FreezeGuard(self._clock().wire_ms)
        while self.rollout.phase not in {Phase.DONE, Phase.STOPPED}:
            self._poll_decisions()
            event = await self._next_event()
            now = self._clock()
            if hearing.may_judge(now.wire_ms) or not isinstance(event, roll.Tick):
                self._take(event, now)
        await asyncio.gather(*self._tasks)
        return self.rollout

    async def _next_event(self) -> roll.Event:
        try:
            async with asyncio.timeout(TICK_SECONDS):
                return await self._events.get()
        except TimeoutError:
            return roll.Tick()

    def _take(self, event: roll.Event, now: on.Now) -> None:
        self.rollout, effects = roll.step(self.rollout, event, now)
        self._watch(self.rollout)
        for slot_effect in effects:
            if self._asked_already(slot_effect):
                continue
            self._start(self._perform(slot_effect))

    def _asked_already(self, slot_effect: roll.SlotEffect) -> bool:
        """Keep one shadow question under way per slot; every tick asks for one."""
        if not isinstance(slot_effect.effect, on.AskShadow):
            return False
        if slot_effect.slot in self._shadow_asked:
            return True
        self._shadow_asked.add(slot_effect.slot)
        return False

    async def _perform(self, slot_effect: roll.SlotEffect) -> None:
        slot, effect = slot_effect.slot, slot_effect.effect
        if not slot:
            assert isinstance(effect, on.Alarm)
            with contextlib.suppress(CallFailedError):  # the report and the command say it too
                await self._calls.raise_alarm(effect.kind, self.rollout.rollout, effect.reason)
            return
        event = await perform(self._calls, self.rollout.handoffs[slot], effect)
        if isinstance(effect, on.AskShadow):
            await asyncio.sleep(TICK_SECONDS * SHADOW_EVERY_TICKS)
            self._shadow_asked.discard(slot)
        if event is not None:
            self._events.put_nowait(roll.SlotEvent(slot=slot, event=event))

    def _poll_decisions(self) -> None:
        """Confirm from durable rows, not from what an actor says of itself.

        Files are read beside the loop: a switch under way waits for nobody's confirmation.
        """
        for slot, after in confirmable(self.rollout, self._clock().market_ms):
            if slot not in self._looking:
                self._looking.add(slot)
                self._start(self._read_decisions(slot, after))

    async def _read_decisions(self, slot: str, after: int) -> None:
        looked_ms = self._clock().market_ms
        try:
            rows = await self._calls.decisions(slot, after)
            events: list[on.Event] = [self._seen(slot, row) for row in rows]
            for event in events or [on.NothingDecided(looked_ms=looked_ms)]:
                self._events.put_nowait(roll.SlotEvent(slot=slot, event=event))
        except CallFailedError:
            pass  # looked at again; the decision's own deadline ends the waiting
        finally:
            await asyncio.sleep(TICK_SECONDS)
            self._looking.discard(slot)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _seen(self, slot: str, row: JournalRow) -> on.DecisionSeen:
        assert row.due_ms is not None
        point, deadline = self.rollout.schedule.next_due(slot, row.due_ms)
        return on.DecisionSeen(
            due_ms=row.due_ms,
            sequence=row.sequence,
            fence=row.fence,
            release=row.release,
            failure=failure_of(row),
            proves=was_asked(row),
            next_due_ms=point.due_ms,
            next_deadline_ms=deadline,
        )
