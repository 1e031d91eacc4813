"""Setting the machine's clock neither ends nor extends a lease, and moves no decision."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actors import clock
from actors.clock import wire_ms
from actors.rollout.handoff_messages import PinBase, Quiesce, Quiesced
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import Shell, SlotLoop
from actors.slot.seat import Phase
from tests.actors.clocks import instants
from tests.actors.slot.test_slot_loop import World, kill, until, when_quiet

HOUR_MS = 3_600_000


class Clocks:
    """The machine's clock, which someone sets; it stands in for `time` inside `actors.clock`."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME
    clock_gettime_ns = staticmethod(time.clock_gettime_ns)

    def __init__(self) -> None:
        self.set_by_ms = 0
        self.looks = 0

    def time_ns(self) -> int:
        return time.time_ns() + self.set_by_ms * 1_000_000

    def wire_ms(self) -> float:
        self.looks += 1
        return wire_ms()


def open_loop(folder: Path, clocks: Clocks) -> SlotLoop:
    loop = World(folder).open()
    now = instants(loop.seat.rules.clock, clocks.wire_ms)
    shell = Shell(now=now, leave=lambda _: None, observe=lambda _before, _after: None)
    return SlotLoop(loop.seat, loop.requests, shell)


async def quiesce(loop: SlotLoop, lease_ms: int) -> None:
    await until(lambda: loop.seat.state.counts.decisions >= 1, "a decision")
    side = SlotHandoff(loop)
    await when_quiet(side, PinBase(handoff="h"))
    ask = Quiesce(handoff="h", expected_fence=loop.seat.fence, lease_ms=lease_ms)
    answer = await when_quiet(side, ask)
    assert isinstance(answer, Quiesced), answer


def play(
    folder: Path,
    patch: pytest.MonkeyPatch,
    scene: Callable[[SlotLoop, Clocks], Awaitable[None]],
) -> None:
    clocks = Clocks()
    patch.setattr(clock, "time", clocks)

    async def scenario() -> None:
        loop = open_loop(folder, clocks)
        task = asyncio.create_task(loop.run())
        await scene(loop, clocks)
        await kill(task)

    asyncio.run(scenario())


def test_a_clock_set_forwards_does_not_end_a_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(loop: SlotLoop, clocks: Clocks) -> None:
        await quiesce(loop, lease_ms=HOUR_MS)
        clocks.set_by_ms = 2 * HOUR_MS
        looks = clocks.looks
        await until(lambda: clocks.looks >= looks + 10, "looks at the clock")
        assert loop.seat.phase is Phase.QUIESCED

    play(tmp_path, monkeypatch, scene)


def test_a_clock_set_back_does_not_keep_a_slot_dark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(loop: SlotLoop, clocks: Clocks) -> None:
        await quiesce(loop, lease_ms=2_000)
        clocks.set_by_ms = -2 * HOUR_MS
        await until(lambda: loop.seat.phase is Phase.ACTIVE, "the end of the lease")

    play(tmp_path, monkeypatch, scene)


def test_decisions_go_on_when_the_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(loop: SlotLoop, clocks: Clocks) -> None:
        dues: list[int] = []
        for set_by_ms in (0, -2 * HOUR_MS, 2 * HOUR_MS):
            clocks.set_by_ms = set_by_ms
            before = loop.seat.state.counts.decisions
            await until(lambda: loop.seat.state.counts.decisions > before, "a decision")  # noqa: B023
            decided = loop.seat.state.last_decision
            assert decided is not None
            assert 0 <= loop.market_ms() - decided.journaled_ms < HOUR_MS
            dues.append(decided.due_ms)
        assert dues == sorted(set(dues)), "no decision point twice, none skipped by the clock"
        assert max(dues) - min(dues) < HOUR_MS

    play(tmp_path, monkeypatch, scene)
