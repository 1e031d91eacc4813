"""Virtual time: an asyncio loop without a clock, and processes that can be killed and paused.

Every handle of the loop belongs to the process in whose context it was scheduled. A dead process's
handles are dropped, as SIGKILL does; a paused one's wait until it wakes, as SIGSTOP does. Time
jumps to the next handle, so a minute of the fleet costs only its events.
"""

import asyncio
import contextvars
import heapq
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from checkpoints.errors import CheckpointsError
from cluster.rolling_update.calls import CallFailedError

PROCESS: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)
EXPECTED = (asyncio.CancelledError, CheckpointsError, CallFailedError, TimeoutError)
"""What a task may end with; anything else is a fault of the fleet's code."""
Coro = Coroutine[Any, Any, Any]


class Process:
    """One simulated operating-system process."""

    def __init__(self, loop: "VirtualLoop", name: str, number: int) -> None:
        self.loop = loop
        self.name = name
        self.number = number
        self.alive = True
        self.paused = False
        self.parked: list[asyncio.Handle] = []
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


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs handles in order of their virtual time; `after_event` looks at the world after each."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.events = 0
        self.after_event: Callable[[], None] = lambda: None
        self.faults: list[str] = []
        self._open: dict[asyncio.Task[Any], None] = {}
        """Tasks that have not ended: a killed process's must not be closed by the collector."""
        self.set_task_factory(self._make_task)
        self.set_exception_handler(self._hear_exception)

    def time(self) -> float:
        return self.now_s

    def take_back(self, handles: list[asyncio.Handle]) -> None:
        self._ready.extend(handles)

    def _make_task(self, loop: asyncio.AbstractEventLoop, work: Any, **extra: Any) -> Any:
        task = asyncio.Task(work, loop=loop, **extra)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        task.add_done_callback(self._judge_task)
        self._open[task] = None
        return task

    def _judge_task(self, task: "asyncio.Task[Any]") -> None:
        self._open.pop(task, None)
        if task.cancelled():
            return
        fault = task.exception()
        if fault is not None and not isinstance(fault, EXPECTED):
            where = traceback.extract_tb(fault.__traceback__)[-3:]
            lines = " < ".join(
                f"{f.name} in {Path(f.filename).name}:{f.lineno}" for f in where[::-1]
            )
            self.faults.append(f"a task ended with {type(fault).__name__}: {fault} ({lines})")

    def _hear_exception(self, _loop: asyncio.AbstractEventLoop, said: dict[str, Any]) -> None:
        self.faults.append(f"{said.get('message')}: {said.get('exception')!r}")

    def _run_once(self) -> None:
        if not self._ready:
            self._advance()
        handle = self._ready.popleft()
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)
        if process is not None and not process.alive:
            return
        if process is not None and process.paused:
            process.parked.append(handle)
            return
        self.events += 1
        handle._run()
        self.after_event()

    def _advance(self) -> None:
        """Move time to the next scheduled handle."""
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        assert self._scheduled, "nothing will ever happen again"
        self.now_s = max(self.now_s, self._scheduled[0]._when)
        while self._scheduled and self._scheduled[0]._when <= self.now_s:
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False
            self._ready.append(handle)

    def _process_events(self, event_list: Any) -> None:
        """Satisfy the base class: there is nothing outside."""

    def _write_to_self(self) -> None:
        """Satisfy the base class: there is no other thread."""

    def end(self) -> None:
        """Drop everything that still waits; coroutines are closed while nobody looks."""
        self.after_event = lambda: None
        for task in list(self._open):
            _close(task.get_coro())
        self._open.clear()
        self._ready.clear()
        self._scheduled.clear()
        self.close()


def _close(work: Any) -> None:
    """Close a coroutine, also one that waits again in a `finally`."""
    for _ in range(5):
        try:
            work.close()
        except RuntimeError:
            continue
        return
