"""The pump: take an event, step, write, let effects leave, feed their answers back as events.

One task steps; effects run beside it and answer with an event. The pump waits for nothing but the
next event, the next moment asked for, and the writes of the batch before. Nothing leaves before
what it rests on is durable: a write that fails ends the pump, and recovery is a new start.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Final, Generic, TypeVar

import msgspec

from actors.machine.instant import Instant, Now
from actors.machine.ready import Ready
from actors.machine.timers import Timers

E = TypeVar("E")
W = TypeVar("W")
F = TypeVar("F")
A = TypeVar("A")
R = TypeVar("R")
Work = Coroutine[object, object, E | None]
"""What an effect does, and the event that answers it."""
EVENTS_WAITING_MAX: Final = 10_000
"""Far more than the effects that can be under way; reached only by a fault."""
FIRST_S: Final = 0.2
"""Wire. What a batch waits for its own first work; an answer that takes longer comes later."""
CAUSE: Final[ContextVar[str]] = ContextVar("cause", default="")
"""Which event the running code goes back to; empty outside of every pump."""


class Caused(msgspec.Struct, Generic[E], frozen=True):
    """An event or an effect, and the id of the first event that it goes back to."""

    what: E
    cause: str


class Machine(ABC, Generic[E, W, F]):
    """One machine, and what its effects mean. The pump calls it from one task."""

    @abstractmethod
    def step(self, event: E, now: Instant) -> Ready[W, F]:
        """Apply one event to the machine's state."""

    @abstractmethod
    def time_passed(self, now: Instant) -> E | None:
        """Return the event that says so; None: time is not to be judged yet."""

    async def write(self, writes: Sequence[W]) -> None:
        """Return when all is durable; raise where it is not: the pump ends."""
        raise NotImplementedError(f"{type(self).__name__} has no place for {writes}")

    def served(self) -> None:
        """Note the end of a batch: all that it asked for is durable and has left."""

    @abstractmethod
    def perform(self, effect: F) -> Work[E] | None:
        """Do it at once, or return the work that does it and answers with an event."""


class Pump(Generic[E, W, F]):
    """Runs one machine. `name` begins the ids of causes: it names this life of the machine."""

    def __init__(self, name: str, machine: Machine[E, W, F], now: Now, tick_ms: float) -> None:
        self._timers = Timers(tick_ms)
        self._name = name
        self._machine = machine
        self._now = now
        self._events: deque[Caused[E]] = deque()
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[E | None]] = set()
        self._fault: BaseException | None = None
        self._ended = False
        self._roots = 0

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self._events)

    @property
    def busy(self) -> int:
        """How many effects are under way."""
        return len(self._tasks)

    def post(self, event: E) -> None:
        """Queue an event; it goes back to what the calling code goes back to."""
        assert len(self._events) < EVENTS_WAITING_MAX, "events pile up; end and recover"
        self._events.append(Caused(event, CAUSE.get() or self._root()))
        self._arrived.set()

    def wake_at(self, monotonic_ms: float) -> None:
        """Let time be the event at a moment, beside the regular tick."""
        self._timers.ask(monotonic_ms)
        self._arrived.set()

    def start(self, work: Work[E]) -> None:
        """Run beside the steps; the event it returns is queued, its fault ends the pump."""
        self._task(self._post_answer(work), work)

    def end(self) -> None:
        """Step nothing more after this batch."""
        self._ended = True
        self._arrived.set()

    async def run(self) -> None:
        """Run until `end`, a failed write, or a fault of the machine or of an effect."""
        try:
            while not self._ended:
                await self._wait()
                if self._fault is not None:
                    raise self._fault
                await self._serve(self._batch())
        finally:
            for task in (tasks := tuple(self._tasks)):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # ---- what comes in ------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Wait for an event, or until time is due."""
        self._arrived.clear()
        left_ms = self._timers.next_ms - self._now().monotonic_ms
        if self._events or self._ended or self._fault is not None or left_ms <= 0:
            await asyncio.sleep(0)  # a machine that is busy lets its effects run
            return
        try:
            async with asyncio.timeout(left_ms / 1_000):
                await self._arrived.wait()
        except TimeoutError:
            return

    def _batch(self) -> list[Caused[E]]:
        """Take all that waits, and time last: what has arrived counts before time is judged."""
        batch = list(self._events)
        self._events.clear()
        now = self._now()
        if self._timers.is_due(now.monotonic_ms):
            self._timers.passed(now.monotonic_ms)
            event = self._machine.time_passed(now)
            if event is not None:
                batch.append(Caused(event, self._root()))
        return batch

    def _root(self) -> str:
        self._roots += 1
        return f"{self._name}#{self._roots}"

    # ---- what goes out ------------------------------------------------------------------------

    async def _serve(self, batch: list[Caused[E]]) -> None:
        """Step a batch. An effect waits only for the writes of its own step and of those before."""
        writes: list[W] = []
        held: list[Caused[F]] = []
        while batch:
            first: list[Caused[F]] = []
            for caused in batch:
                if self._ended:
                    break
                ready = self._step(caused)
                writes += ready.writes
                first += [Caused(effect, caused.cause) for effect in ready.first]
                held += [Caused(effect, caused.cause) for effect in ready.effects]
                if not writes:
                    self._perform_all(held)
                    held = []
            batch = await self._first(first) if first else []
        if writes:
            await self._machine.write(writes)
        self._perform_all(held)
        self._machine.served()

    def _perform_all(self, effects: Sequence[Caused[F]]) -> None:
        for effect in effects:
            self._perform(effect)

    def _step(self, caused: Caused[E]) -> Ready[W, F]:
        return self._in_context(caused, lambda event: self._machine.step(event, self._now()))

    def _perform(self, caused: Caused[F]) -> None:
        work = self._in_context(caused, self._machine.perform)
        if work is not None:
            self._in_context(Caused(work, caused.cause), self.start)

    def _in_context(self, caused: Caused[A], act: Callable[[A], R]) -> R:
        """Act so that all that comes of it goes back to the same cause."""
        token = CAUSE.set(caused.cause)
        try:
            return act(caused.what)
        finally:
            CAUSE.reset(token)

    async def _first(self, effects: Sequence[Caused[F]]) -> list[Caused[E]]:
        """Perform what asks nobody; what takes long is posted, and comes with a later batch."""
        tasks: dict[asyncio.Task[E | None], str] = {}
        for effect in effects:
            work = self._in_context(effect, self._machine.perform)
            assert work is not None, "first work answers with an event"
            tasks[self._task(self._answer(work), work)] = effect.cause
        done, late = await asyncio.wait(tasks, timeout=FIRST_S)
        for task in late:
            self._in_context(Caused(_result(task), tasks[task]), self.start)
        answers = [(task.result(), cause) for task, cause in tasks.items() if task in done]
        return [Caused(event, cause) for event, cause in answers if event is not None]

    def _task(self, answer: Work[E], work: Work[E]) -> "asyncio.Task[E | None]":
        task = asyncio.create_task(answer)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # it may have been cancelled before it began
        return task

    async def _post_answer(self, work: Work[E]) -> None:
        event = await self._answer(work)
        if event is not None:
            self.post(event)

    async def _answer(self, work: Work[E]) -> E | None:
        """Await an effect's work; an answer that never comes would stop the machine: it ends."""
        try:
            return await work
        except Exception as fault:  # noqa: BLE001 whatever it is, the pump raises it
            self._fault = self._fault or fault
            self._arrived.set()
            return None


async def _result(task: "asyncio.Task[R]") -> R:
    return await task
