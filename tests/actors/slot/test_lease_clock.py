"""A lease runs on a monotonic clock: setting the machine's clock neither ends nor extends it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from actors.handoff import PinBase, Quiesce, Quiesced
from actors.runtime import monotonic_ms, wire_ms
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import Shell, SlotLoop
from actors.slot.seat import Phase
from tests.actors.slot.test_slot_loop import World, kill, until, when_quiet

HOUR_MS = 3_600_000


class Clocks:
    """The machine's clock, which someone sets, and the monotonic one, which nobody does."""

    def __init__(self) -> None:
        self.set_by_ms = 0
        self.looks = 0

    def wire_ms(self) -> float:
        self.looks += 1
        return wire_ms() + self.set_by_ms


def open_loop(folder: Path, clocks: Clocks) -> SlotLoop:
    loop = World(folder).open()
    shell = Shell(
        wire_ms=clocks.wire_ms,
        leave=lambda _: None,
        observe=lambda _before, _after: None,
        monotonic_ms=monotonic_ms,
    )
    return SlotLoop(loop.seat, loop.requests, shell)


async def quiesce(loop: SlotLoop, lease_ms: int) -> None:
    await until(lambda: loop.seat.state.counts.decisions >= 1, "a decision")
    side = SlotHandoff(loop)
    await when_quiet(side, PinBase(handoff="h"))
    ask = Quiesce(handoff="h", expected_fence=loop.seat.fence, lease_ms=lease_ms)
    answer = await when_quiet(side, ask)
    assert isinstance(answer, Quiesced), answer


def play(folder: Path, scene: Callable[[SlotLoop, Clocks], Awaitable[None]]) -> None:
    async def scenario() -> None:
        clocks = Clocks()
        loop = open_loop(folder, clocks)
        task = asyncio.create_task(loop.run())
        await scene(loop, clocks)
        await kill(task)

    asyncio.run(scenario())


def test_a_clock_set_forwards_does_not_end_a_lease(tmp_path: Path) -> None:
    async def scene(loop: SlotLoop, clocks: Clocks) -> None:
        await quiesce(loop, lease_ms=HOUR_MS)
        clocks.set_by_ms = 2 * HOUR_MS
        looks = clocks.looks
        await until(lambda: clocks.looks >= looks + 10, "looks at the clock")
        assert loop.seat.phase is Phase.QUIESCED

    play(tmp_path, scene)


def test_a_clock_set_back_does_not_keep_a_slot_dark(tmp_path: Path) -> None:
    async def scene(loop: SlotLoop, clocks: Clocks) -> None:
        await quiesce(loop, lease_ms=2_000)
        clocks.set_by_ms = -2 * HOUR_MS
        await until(lambda: loop.seat.phase is Phase.ACTIVE, "the end of the lease")

    play(tmp_path, scene)


def test_without_a_lease_the_machines_clock_rules(tmp_path: Path) -> None:
    async def scene(loop: SlotLoop, clocks: Clocks) -> None:
        await until(lambda: loop.seat.state.counts.decisions >= 1, "a decision")
        before = loop.seat.state.counts.decisions
        clocks.set_by_ms = 5_000
        await until(lambda: loop.seat.state.counts.decisions > before, "a decision")
        decided = loop.seat.state.last_decision
        assert decided is not None
        assert decided.journaled_ms - loop.market_ms() < HOUR_MS

    play(tmp_path, scene)
