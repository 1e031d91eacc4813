"""The shell with real storage and fake neighbours: a slot that runs, fails, and comes back."""

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.messages import Settled
from actors.rollout.handoff_messages import HandoffAsk, HandoffFailed
from actors.slot.events import StopAsked
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import Shell, SlotLoop
from actors.slot.recovery import MemoryKind, recover
from actors.slot.requests import Requests
from actors.slot.seat import Phase, open_seat
from actors.slot.strategy import StrategyRunner
from actors.undated import undated
from checkpoints.journal import Journal
from checkpoints.record_set import RecordSet
from checkpoints.storage import LocalStorage
from signals.market import CYCLE_MS, Outcome, Timeframe
from signals.params import Params, params_id
from tests.actors.clocks import instants
from tests.actors.slot.builders import SLOT, Memory, Told, hold, identity, rules, trade
from tests.actors.slot.fakes import FakeGateway, FakeMarketData, SteadyClock

SPEED = 300
"""A cycle takes a second."""
CYCLE_WIRE_MS = CYCLE_MS / SPEED
LIMIT_SECONDS = 90.0


class World:
    def __init__(self, folder: Path, speed: int = SPEED) -> None:
        self.speed = speed
        self.storage = LocalStorage(folder)
        self.gateway = FakeGateway()
        self.market_data = FakeMarketData()
        self.told = Told()
        self.left: list[str] = []
        self.clock = SteadyClock()
        self.anchor_wire_ms = int(self.clock.wire_ms())

    def open(self, life: str = "1-1") -> SlotLoop:
        wanted = MemoryKind(strategy="told", kind=Memory)
        found = recover(self.storage, SLOT, wanted)
        seat = open_seat(
            who=identity(life=life),
            rules=rules(self.speed, self.anchor_wire_ms),
            params=Params(),
            params_id=params_id(Params()),
            state=found.state,
            memory=found.memory,
            checkpoint_outbox_sequence=found.checkpoint_outbox_sequence,
        )
        requests = Requests(
            who=seat.who,
            gateway=self.gateway,
            snapshots=self.market_data,
            storage=self.storage,
            runner=StrategyRunner(self.told.strategy(), Timeframe.M5, RecordSet()),
            memory=wanted,
        )
        shell = Shell(
            now=instants(seat.rules.clock, self.clock.wire_ms),
            leave=self.left.append,
            observe=lambda _before, _after: None,
        )
        return SlotLoop(seat, requests, shell)

    def rows(self) -> list[Any]:
        return list(Journal(self.storage, SLOT).rows_after(0).rows)


async def until(met: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not met():
        assert time.monotonic() < end, f"waited {LIMIT_SECONDS} s for {what}"
        await asyncio.sleep(0.01)


def last_reason(loop: SlotLoop) -> str:
    last = loop.seat.state.last_decision
    return "" if last is None else last.reason


async def when_quiet(side: SlotHandoff, ask: HandoffAsk) -> msgspec.Struct:
    """Ask as the driver does: again while the slot is busy with a decision or a page of events."""
    end = time.monotonic() + LIMIT_SECONDS
    while isinstance(answer := await side.answer(ask), HandoffFailed):
        assert time.monotonic() < end, answer
        await asyncio.sleep(0.01)
    return answer


async def kill(task: "asyncio.Task[None]") -> None:
    """End a loop as SIGKILL would: no last words."""
    for other in asyncio.all_tasks():
        if other is not asyncio.current_task():
            other.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_slot_decides_each_cycle_journals_and_then_sends(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.decisions >= 3, "three decisions")
        await until(lambda: loop.seat.state.counts.orders >= 2, "two orders")
        await kill(task)
        rows = world.rows()
        dues = [row.due_ms for row in rows if row.kind == "decision"]
        assert [b - a for a, b in itertools.pairwise(dues)] == [300_000] * (len(dues) - 1)
        journaled = {row.intent_id for row in rows if row.kind == "decision"}
        assert {intent.intent_id for intent in world.gateway.sends} <= journaled
        assert all(row.complete and row.pre_state_hash for row in rows if row.kind == "decision")
        assert loop.seat.state.counts.missed == 0

    asyncio.run(scenario())


def test_killed_slot_comes_back_with_the_same_state_and_repeats_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.orders >= 2, "two orders")
        await kill(task)
        durable = loop.seat.durable_sequence
        again = world.open(life="2-2")
        assert again.seat.state.journal_sequence >= durable
        assert isinstance(again.seat.memory, Memory)
        counts = again.seat.state.counts
        assert again.seat.memory.calls == counts.decisions - counts.strategy_errors
        task = asyncio.create_task(again.run())
        before = again.seat.state.counts.decisions
        await until(lambda: again.seat.state.counts.decisions >= before + 2, "two more")
        assert again.seat.fence == 2
        await kill(task)
        dues = [row.due_ms for row in world.rows() if row.kind == "decision"]
        assert len(dues) == len(set(dues))
        assert len(world.gateway.intents) == len({i.due_ms for i in world.gateway.intents.values()})

    asyncio.run(scenario())


def test_silent_market_data_is_a_decision_that_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.market_data.silent = True
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.decisions >= 2, "two decisions")
        assert last_reason(loop).startswith("stale: no snapshot")
        world.market_data.silent = False
        await until(lambda: loop.seat.state.counts.complete >= 1, "a complete one again")
        assert loop.seat.state.counts.missed == 0
        await kill(task)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda _: 1 / 0, "strategy_error: ZeroDivisionError"),
        (lambda _: time.sleep(1.2 * CYCLE_WIRE_MS / 1000) or hold(), "strategy_error: blocked"),
        (lambda _: None, "strategy_error: decide returned NoneType"),
        (lambda _: trade(reason="x" * 9000), "x"),
    ],
)
def test_failing_strategy_never_stops_the_clock(
    tmp_path: Path, answer: Callable[[Any], Any], code: str
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.told.answer = answer
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.decisions >= 3, "three decisions")
        # on a busy machine some answer may come too late to be looked at
        await until(lambda: last_reason(loop).startswith(code), f"a decision that says {code}")
        assert loop.seat.state.counts.missed == 0
        await kill(task)

    asyncio.run(scenario())


def test_stop_leaves_a_checkpoint_of_the_last_row_and_skips_are_declared(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.orders >= 1, "an order")
        await loop.ask("stop", undated(StopAsked, reason="test"))
        assert loop.seat.phase is Phase.STOPPED
        assert loop.seat.checkpoint_sequence == loop.seat.state.journal_sequence
        await kill(task)
        world.clock.skip(2.4 * CYCLE_WIRE_MS)
        again = world.open(life="2-2")
        task = asyncio.create_task(again.run())
        await until(lambda: again.seat.state.counts.skipped >= 1, "skipped points")
        assert again.seat.state.counts.missed == 0
        await kill(task)

    asyncio.run(scenario())


def test_settlement_reaches_the_books_and_the_next_checkpoint_acknowledges_it(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.orders >= 1, "an order")
        condition = next(iter(loop.seat.state.orders.values())).condition_id
        sequence = world.gateway.next_sequence
        world.gateway.emit(
            Settled(sequence=sequence, condition_id=condition, winner=Outcome.UP, at_ms=0)
        )
        await until(lambda: world.gateway.acknowledged >= sequence, "the acknowledgement")
        await kill(task)

    asyncio.run(scenario())
