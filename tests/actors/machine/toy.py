"""A small machine on virtual time: it writes numbers and sends them; slow disk, slow peers."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from actors.machine.instant import Instant
from actors.machine.pump import CAUSE, Machine, Pump
from actors.machine.ready import Ready
from tests.actors.clocks import JumpingLoop

TICK_MS = 100.0
WIRE_MS = 1_790_000_000_000.0


class Note(msgspec.Struct, frozen=True):
    """Write `number`, then send it."""

    number: int


class Sent(msgspec.Struct, frozen=True):
    number: int


class Signed(msgspec.Struct, frozen=True):
    number: int


class Time(msgspec.Struct, frozen=True):
    market_ms: int


Event = Note | Sent | Signed | Time


class Send(msgspec.Struct, frozen=True):
    number: int


class Sign(msgspec.Struct, frozen=True):
    number: int


class Clock:
    """Monotonic time is the loop's; somebody may set the other two."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.market_set_by_ms = 0
        self.wire_set_by_ms = 0.0

    def now(self) -> Instant:
        passed_ms = 1_000 * self._loop.time()
        return Instant(
            market_ms=int(passed_ms) + self.market_set_by_ms,
            wire_exact_ms=WIRE_MS + passed_ms + self.wire_set_by_ms,
            monotonic_ms=passed_ms,
        )


class Toy(Machine[Event, int, Send | Sign]):
    """`signs`: a note is signed first. Everything that happens is in `history`."""

    def __init__(self, *, signs: bool = False) -> None:
        self.signs = signs
        self.history: list[tuple[str, int]] = []
        self.causes: list[tuple[str, int, str]] = []
        self.durable: set[int] = set()
        self.write_s = self.send_s = self.sign_s = 0.0
        self.failing_write: int | None = None
        self.judges_time = True
        self.stop_at: int | None = None
        self.pump: Pump[Event, int, Send | Sign]

    def step(self, event: Event, now: Instant) -> Ready[int, Send | Sign]:
        del now
        number = event.market_ms if isinstance(event, Time) else event.number
        self._note(f"step {type(event).__name__}", number)
        if self.stop_at == number:
            self.pump.end()
        match event:
            case Note(number=number) if self.signs:
                return Ready(first=(Sign(number),), writes=(-number,))
            case Note(number=number) | Signed(number=number):
                return Ready(writes=(number,), effects=(Send(number),))
            case _:
                return Ready()

    def time_passed(self, now: Instant) -> Event | None:
        return Time(now.market_ms) if self.judges_time else None

    async def write(self, writes: Sequence[int]) -> None:
        await asyncio.sleep(self.write_s)
        if self.failing_write in writes:
            raise OSError("the disk is full")
        self.durable |= set(writes)
        self.history.append(("durable", len(writes)))

    def perform(self, effect: Send | Sign) -> Coroutine[Any, Any, Event]:
        if isinstance(effect, Sign):
            return self._sign(effect)
        assert effect.number in self.durable, f"{effect.number} leaves before it is written"
        self._note("leave", effect.number)
        return self._send(effect)

    async def _send(self, effect: Send) -> Event:
        await asyncio.sleep(self.send_s)
        return Sent(effect.number)

    async def _sign(self, effect: Sign) -> Event:
        await asyncio.sleep(self.sign_s)
        return Signed(effect.number)

    def _note(self, what: str, number: int) -> None:
        self.history.append((what, number))
        self.causes.append((what, number, CAUSE.get()))

    def numbers(self, what: str) -> list[int]:
        return [number for name, number in self.history if name == what]


class Rig:
    """A toy, its pump and its clock, inside a loop whose time goes on only by waiting."""

    def __init__(self, loop: asyncio.AbstractEventLoop, toy: Toy) -> None:
        self.toy = toy
        self.clock = Clock(loop)
        self.pump = toy.pump = Pump("toy", toy, self.clock.now, TICK_MS)
        self.running = loop.create_task(self.pump.run())

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


def play(toy: Toy, scenario: Callable[[Rig], Coroutine[Any, Any, None]]) -> Rig:
    """Run a scenario against a running pump."""
    loop = JumpingLoop()

    async def run() -> Rig:
        rig = Rig(loop, toy)
        try:
            await scenario(rig)
        finally:
            await rig.close()
        return rig

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()
