"""Runs a machine that does one piece of work at a time, and answers those that ask it.

The work's result comes back as an event. A move that asks for new work breaks off what is under
way: tables ask so only where waiting or serving may be broken off.
"""

import asyncio
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from actors.machine.rows import Phased, Table
from actors.machine.vocabulary import Answer, At, Failed, Wait, Waited

S = TypeVar("S", bound=Phased)
W = TypeVar("W")
W_contra = TypeVar("W_contra", contravariant=True)


class Worker(Protocol[W_contra]):
    async def perform(self, work: W_contra) -> At:
        """Do the work and return its one result; whatever is raised becomes `Failed`."""
        ...


class WorkPump(Generic[S, W]):
    """One running machine."""

    def __init__(
        self,
        table: Table[S, W | Answer],
        begun: tuple[S, tuple[W | Answer, ...]],
        worker: Worker[W],
        at_ms: Callable[[], float],
        observe: Callable[[S, S], None] = lambda _before, _after: None,
        expected: tuple[type[Exception], ...] = (Exception,),
    ) -> None:
        """`observe` is told each move, before anything that the new phase asks for is done.

        What work raises of `expected` is `Failed` to the machine; anything else ends `run`.
        """
        self.table = table
        self.state, self._first = begun
        self._worker = worker
        self._at_ms = at_ms
        self._observe = observe
        self._expected = expected
        self.changed = asyncio.Event()
        """Set, and replaced, with each move."""
        self._events: asyncio.Queue[At | Exception] = asyncio.Queue()
        self._work: asyncio.Task[None] | None = None
        self._replies: dict[int, asyncio.Future[bool]] = {}
        self._reply_count = 0

    async def ask(self, make: Callable[[int, float], At]) -> bool:
        """Queue the event that `make` builds of a reply number and the time; return the answer."""
        self._reply_count += 1
        reply: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._replies[self._reply_count] = reply
        self._events.put_nowait(make(self._reply_count, self._at_ms()))
        return await reply

    async def run(self, ends: Collection[StrEnum] = ()) -> None:
        """Step events until the machine is in one of `ends`; without any, for ever."""
        self._observe(self.state, self.state)
        self._perform(self._first)
        try:
            while self.state.phase not in ends:
                event = await self._events.get()
                if isinstance(event, Exception):
                    raise event
                before = self.state
                self.state, effects = self.table.step(before, event)
                if self.state.phase is not before.phase:
                    self._observe(before, self.state)
                    self.changed.set()
                    self.changed = asyncio.Event()
                self._perform(effects)
        finally:
            if self._work is not None:
                self._work.cancel()

    def _perform(self, effects: tuple[W | Answer, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Answer):
                reply = self._replies.pop(effect.reply_to, None)
                if reply is not None and not reply.done():
                    reply.set_result(effect.done)
            else:
                if self._work is not None:
                    self._work.cancel()
                self._work = asyncio.get_running_loop().create_task(self._do(effect))

    async def _do(self, work: W) -> None:
        try:
            result: At | Exception = await self._perform_one(work)
        except self._expected as error:
            result = Failed(at_ms=self._at_ms(), reason=str(error) or repr(error))
        except Exception as error:  # noqa: BLE001 `run` raises it
            result = error
        self._events.put_nowait(result)

    async def _perform_one(self, work: W) -> At:
        if isinstance(work, Wait):
            await asyncio.sleep(work.ms / 1_000)
            return Waited(at_ms=self._at_ms())
        return await self._worker.perform(work)

    async def until(self, phases: Collection[StrEnum]) -> None:
        """Return when the machine is in one of these phases."""
        while self.state.phase not in phases:
            await self.changed.wait()
