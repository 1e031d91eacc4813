"""Does what the supervisor's turn asks for: its files, and the watch that it begins and ends."""

import asyncio
from collections.abc import Callable
from typing import Protocol, assert_never

from actors.directory import named, write_name
from actors.machine.vocabulary import At, Wait, Waited
from actors.shared_kind import Kind
from actors.supervisor.active import keep_conditions
from actors.supervisor.state import SupervisorState
from actors.supervisor.turn_machine import (
    Close,
    Closed,
    Keep,
    Kept,
    NameRead,
    NameStored,
    Open,
    Opened,
    ReadName,
    StoreName,
    Watch,
    Work,
)
from checkpoints.storage import Storage


class Watcher(Protocol):
    """The supervisor's loop, and all that runs beside it."""

    async def open(self) -> None: ...

    async def watch(self, seconds: float) -> None:
        """Return after so long; raise what ended the loop."""
        ...

    async def close(self) -> SupervisorState | None:
        """End the watch; return what it knew, None where it was not open."""
        ...


class TurnWorker:
    def __init__(self, storage: Storage, watcher: Watcher, at_ms: Callable[[], float]) -> None:
        self._storage = storage
        self._watcher = watcher
        self._at_ms = at_ms
        self._known: SupervisorState | None = None

    async def perform(self, work: Work) -> At:
        """Do one piece of the machine's work; see `actors.machine.work`."""
        match work:
            case ReadName() | StoreName() | Keep():
                return await self._on_files(work)
            case Open():
                await self._watcher.open()
                return Opened(at_ms=self._at_ms())
            case Watch(ms=ms):
                await self._watcher.watch(ms / 1_000)
                return Waited(at_ms=self._at_ms())
            case Close():
                self._known = await self._watcher.close()
                return Closed(at_ms=self._at_ms())
            case Wait():
                raise AssertionError("the pump waits itself")
            case _:
                assert_never(work)

    async def _on_files(self, work: ReadName | StoreName | Keep) -> At:
        match work:
            case ReadName():
                name = await asyncio.to_thread(named, self._storage, Kind.SUPERVISOR)
                return NameRead(at_ms=self._at_ms(), name=name)
            case StoreName(name=name):
                await asyncio.to_thread(write_name, self._storage, Kind.SUPERVISOR, name)
                return NameStored(at_ms=self._at_ms())
            case Keep(to=to):
                if self._known is not None:
                    await asyncio.to_thread(keep_conditions, self._storage, self._known, to)
                return Kept(at_ms=self._at_ms())
