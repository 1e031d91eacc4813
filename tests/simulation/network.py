"""The network between simulated processes: it delays, drops, repeats and reorders.

A call is a request that runs in the target's process and an answer that comes back. Either may be
lost: the caller then knows nothing, and the target may or may not have done it.
"""

import asyncio
import contextvars
import random
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from tests.simulation.virtual_loop import EXPECTED, Process, VirtualLoop

BARE = contextvars.Context()
"""Of what belongs to no process: messages on their way."""
Work = Callable[[], Coroutine[Any, Any, Any]]
Target = Callable[[], Process | None]


class Lost(msgspec.Struct, frozen=True):
    """No answer, and why; says nothing about what was done."""

    reason: str


class Weather(msgspec.Struct, kw_only=True):
    """How the network is now."""

    drop: float = 0.004
    duplicate: float = 0.01
    slow: float = 0.02
    """Share of messages that take up to `slow_s` instead of a few milliseconds."""
    slow_s: float = 0.8

    @property
    def calm(self) -> bool:
        return not self.drop and not self.duplicate


class Network:
    def __init__(self, loop: VirtualLoop, rng: random.Random) -> None:
        self.loop = loop
        self.rng = rng
        self.usual = Weather()
        self.weather = self.usual
        self.messages = 0
        self.lost = 0
        self._under_way: dict[int, dict[int, asyncio.Future[Any]]] = {}

    async def call(self, target: Target, work: Work, timeout_s: float) -> Any:
        """Return the answer or `Lost`."""
        answer: asyncio.Future[Any] = self.loop.create_future()
        self.messages += 1
        if self._drops():
            self._give_up_some_time(answer, timeout_s)
        else:
            copies = 2 if self.rng.random() < self.weather.duplicate else 1
            for _ in range(copies):
                self._later(self._delay_s(), lambda: self._arrive(target, work, answer))
        patience = self.loop.call_later(timeout_s, settle, answer, Lost("no answer in time"))
        try:
            return await answer
        finally:
            patience.cancel()

    def _drops(self) -> bool:
        dropped = self.rng.random() < self.weather.drop
        self.lost += dropped
        return dropped

    def _delay_s(self) -> float:
        if self.rng.random() < self.weather.slow:
            return self.rng.uniform(0.0, self.weather.slow_s)
        return self.rng.uniform(0.0002, 0.004)

    def _later(self, delay_s: float, what: Callable[[], None]) -> None:
        self.loop.call_later(delay_s, what, context=BARE)

    def _give_up_some_time(self, answer: "asyncio.Future[Any]", timeout_s: float) -> None:
        """Say that it was lost, soon or after the caller's patience: both happen."""
        if self.rng.random() < 0.7:
            self._later(
                self.rng.uniform(0.02, min(0.5, timeout_s)), lambda: settle(answer, Lost("lost"))
            )

    def _arrive(self, target: Target, work: Work, answer: "asyncio.Future[Any]") -> None:
        process = target()
        if process is None or not process.alive:
            self._later(self._delay_s(), lambda: settle(answer, Lost("nobody there")))
            return
        number = self.messages = self.messages + 1
        if process.number not in self._under_way:
            self._under_way[process.number] = {}
            process.on_death.append(lambda: self._died(process))
        self._under_way[process.number][number] = answer
        process.spawn(self._serve(process, number, work, answer))

    async def _serve(
        self, process: Process, number: int, work: Work, answer: "asyncio.Future[Any]"
    ) -> None:
        try:
            value = await work()
        except EXPECTED as error:
            value = Lost(f"{type(error).__name__}: {error}")
        if not process.alive:
            return  # this very call ended it: its callers hear of that
        self._under_way[process.number].pop(number, None)
        if self._drops():
            self._give_up_some_time(answer, 2.0)
            return
        self._later(self._delay_s(), lambda: settle(answer, value))

    def _died(self, process: Process) -> None:
        """Let callers of a dead process hear of it after a while."""
        for answer in self._under_way.pop(process.number, {}).values():
            delay_s = self.rng.uniform(0.01, 0.6)
            self._later(delay_s, lambda answer=answer: settle(answer, Lost("it died")))


def settle(answer: "asyncio.Future[Any]", value: Any) -> None:
    if not answer.done():
        answer.set_result(value)
