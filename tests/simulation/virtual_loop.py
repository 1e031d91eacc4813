"""Virtual time: an asyncio loop without a clock, and processes that can be killed and paused.

Every handle of the loop belongs to the process in whose context it was scheduled. A dead process's
handles are dropped, as SIGKILL does; a paused one's wait until it wakes, as SIGSTOP does. Time
jumps to the next handle, so a minute of the fleet costs only its events.
"""

import asyncio
import contextvars
import heapq
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from actors.rollout.ports import CallFailedError
from checkpoints.errors import CheckpointsError

PROCESS: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)
EXPECTED = (asyncio.CancelledError, CheckpointsError, CallFailedError, TimeoutError)
"""What a task may end with; anything else is a fault of the fleet's code."""
OPEN_TASKS = 200
"""Tasks that may wait for being judged, beside those that run."""
Coro = Coroutine[Any, Any, Any]


class Process:
    """One simulated operating-system process."""

    def __init__(self, loop: "VirtualLoop", name: str, number: int) -> None:
        self.loop = loop
        self.name = name
        self.number = number
        self.alive = True
        self.paused = False
        self.parked: list[Handle] = []
        self.on_death: list[Callable[[], None]] = []
        self.context = contextvars.copy_context()
        self.context.run(PROCESS.set, self)

    def spawn(self, work: Coro) -> "asyncio.Task[Any]":
        """Run a coroutine inside this process."""
        task: asyncio.Task[Any] = self.context.run(self.loop.create_task, work)
        return task

    def kill(self) -> None:
        """End at once: nothing of it runs any more, not even a `finally`."""
        if not self.alive:
            return
        self.loop.judge_tasks()
        self.alive, self.parked = False, []
        for hook in self.on_death:
            hook()

    def pause(self) -> None:
        self.paused = True

    def wake(self) -> None:
        """Go on with the old state; all that came due meanwhile comes at once."""
        self.paused = False
        parked, self.parked = self.parked, []
        if self.alive:
            self.loop.take_back(parked)


class Handle:
    """What asyncio keeps of a scheduled call, and whose process it is."""

    __slots__ = ("arguments", "callback", "cancelled_", "context", "process", "when_s")

    def __init__(
        self,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        context: contextvars.Context | None,
        when_s: float,
    ) -> None:
        self.callback = callback
        self.arguments = arguments
        self.context = contextvars.copy_context() if context is None else context
        self.process: Process | None = self.context.get(PROCESS)
        self.when_s = when_s
        self.cancelled_ = False

    def cancel(self) -> None:
        self.cancelled_ = True

    def cancelled(self) -> bool:
        return self.cancelled_

    def when(self) -> float:
        return self.when_s


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs handles in order of their virtual time, of the same time in the order of scheduling.

    asyncio's own handles and heap spend half of a seed on what only debuggers and threads need.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.events = 0
        self.faults: list[str] = []
        self._line: deque[Handle] = deque()
        self._later: list[tuple[float, int, Handle]] = []
        self._scheduled_count = 0
        self._open: dict[asyncio.Task[Any], Process | None] = {}
        """Tasks not judged yet: a killed process's must not be closed by the collector."""
        self._judge_at = OPEN_TASKS
        self.set_exception_handler(self._hear_exception)

    def time(self) -> float:
        return self.now_s

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args, context, self.now_s)
        self._line.append(handle)
        return handle

    def pass_time(self, seconds: float) -> "asyncio.Future[None]":
        """Return what is done after so much time: a sleep without a coroutine."""
        passed: asyncio.Future[None] = asyncio.Future(loop=self)
        self.call_at(self.now_s + seconds, _settle, passed)
        return passed

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_at(self.now_s + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args, context, when)
        self._scheduled_count += 1
        heapq.heappush(self._later, (when, self._scheduled_count, handle))
        return handle

    def take_back(self, handles: list[Handle]) -> None:
        self._line.extend(handles)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        if len(self._open) >= self._judge_at:
            self.judge_tasks()
            self._judge_at = 2 * len(self._open) + OPEN_TASKS
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._open[task] = PROCESS.get()
        return task

    def run_for(self, work: Coro) -> None:
        self.run_until_complete(work)
        self.judge_tasks()

    def judge_tasks(self) -> None:
        """Look how tasks ended; a process that was killed in one does not answer for it."""
        for task in [task for task in self._open if task.done()]:
            process = self._open.pop(task)
            fault = None if task.cancelled() else task.exception()
            alive = process is None or process.alive
            if alive and fault is not None and not isinstance(fault, EXPECTED):
                self._blame(fault)

    def _blame(self, fault: BaseException) -> None:
        where = traceback.extract_tb(fault.__traceback__)[-3:]
        lines = " < ".join(f"{f.name} in {Path(f.filename).name}:{f.lineno}" for f in where[::-1])
        self.faults.append(f"a task ended with {type(fault).__name__}: {fault} ({lines})")

    def _hear_exception(self, _loop: asyncio.AbstractEventLoop, said: dict[str, Any]) -> None:
        self.faults.append(f"{said.get('message')}: {said.get('exception')!r}")

    def _run_once(self) -> None:
        """Run handles until the loop is told to stop."""
        line = self._line
        while not self._stopping:  # type: ignore[attr-defined]
            if not line:
                self._advance()
            handle = line.popleft()
            process = handle.process
            if handle.cancelled_ or (process is not None and not process.alive):
                continue
            if process is not None and process.paused:
                process.parked.append(handle)
                continue
            self.events += 1
            handle.context.run(handle.callback, *handle.arguments)

    def _advance(self) -> None:
        """Move time to the next scheduled handle that still matters."""
        later = self._later
        while later[0][2].cancelled_:
            heapq.heappop(later)
        now_s = self.now_s = max(self.now_s, later[0][0])
        while later and later[0][0] <= now_s:
            self._line.append(heapq.heappop(later)[2])

    def _process_events(self, event_list: Any) -> None:
        """Satisfy the base class: there is nothing outside."""

    def _write_to_self(self) -> None:
        """Satisfy the base class: there is no other thread."""

    def end(self) -> None:
        """Drop everything that still waits; coroutines are closed while nobody looks."""
        for task in list(self._open):
            _close(task.get_coro())
        self._open.clear()
        self._line.clear()
        self._later.clear()
        self.close()


def _settle(passed: "asyncio.Future[None]") -> None:
    if not passed.done():
        passed.set_result(None)


def _close(work: Any) -> None:
    """Close a coroutine, also one that waits again in a `finally`."""
    for _ in range(5):
        try:
            work.close()
        except RuntimeError:
            continue
        return
