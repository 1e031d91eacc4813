"""Does what the authority asks of its files and its lock."""

import asyncio
from collections.abc import Callable
from typing import Protocol, assert_never

import msgspec

from actors.gateway.authority.effects import (
    EndHolder,
    NameHeir,
    Publish,
    ReadHeir,
    ReleaseLock,
    StoreGeneration,
    TryLock,
)
from actors.gateway.authority.events import (
    GenerationStored,
    HeirNamed,
    HeirRead,
    Holder,
    HolderEnded,
    LockHeld,
    LockReleased,
    LockTaken,
    Published,
)
from actors.gateway.holder import heir, name_heir, read_moves
from actors.gateway.lock import CURRENT_FILE, GENERATION_FILE, Current, stored_generation
from actors.machine.vocabulary import At
from actors.runtime import log_event
from checkpoints.storage import Storage

FilesWork = ReadHeir | NameHeir | TryLock | ReleaseLock | EndHolder | StoreGeneration | Publish


class LockPort(Protocol):
    """The gateway's one lock, as this process sees it. Nothing here waits."""

    @property
    def held(self) -> bool: ...

    def take(self) -> bool:
        """Take it; True too where this process has it already."""

    def holder(self) -> Holder | None:
        """Return who refused it just now; None: it has not said so yet."""

    def release(self) -> None: ...

    def end(self, holder: Holder) -> bool:
        """End the holder's process; False where it is gone, or runs on another node."""


class AuthorityFiles:
    def __init__(
        self, storage: Storage, name: str, lock: LockPort, at_ms: Callable[[], float]
    ) -> None:
        self._storage = storage
        self._name = name
        self.lock = lock
        self._at_ms = at_ms

    async def perform(self, work: FilesWork) -> At:
        match work:
            case ReadHeir():
                return await asyncio.to_thread(self._read_heir)
            case NameHeir(to=to, beat_wire_ms=beat_ms):
                await asyncio.to_thread(name_heir, self._storage, to, beat_ms)
                return HeirNamed(at_ms=self._at_ms())
            case StoreGeneration():
                return await asyncio.to_thread(self._raise_generation)
            case Publish(generation=generation):
                current = Current(name=self._name, generation=generation)
                data = msgspec.json.encode(current)
                await asyncio.to_thread(self._storage.write, CURRENT_FILE, data)
                log_event("gateway_serving", name=self._name, generation=generation)
                return Published(at_ms=self._at_ms())
            case TryLock() | ReleaseLock() | EndHolder():
                return self._on_lock(work)
            case _:
                assert_never(work)

    def _on_lock(self, work: TryLock | ReleaseLock | EndHolder) -> At:
        match work:
            case TryLock():
                if self.lock.take():
                    return LockTaken(at_ms=self._at_ms())
                return LockHeld(at_ms=self._at_ms(), holder=self.lock.holder())
            case ReleaseLock():
                self.lock.release()
                return LockReleased(at_ms=self._at_ms())
            case EndHolder(holder=holder):
                ended = self.lock.end(holder)
                log_event("gateway_holder_ended", pid=holder.pid, ended=ended)
                return HolderEnded(at_ms=self._at_ms(), ended=ended)

    def _read_heir(self) -> HeirRead:
        """Raise `msgspec.DecodeError` for a damaged record: nobody takes a doubtful lock."""
        move = read_moves(self._storage).get(self._name)
        return HeirRead(
            at_ms=self._at_ms(),
            heir=heir(self._storage),
            moved_to=None if move is None else move.to,
        )

    def _raise_generation(self) -> GenerationStored:
        """Only the lock's holder comes here, so nobody else counts meanwhile."""
        generation = stored_generation(self._storage) + 1
        self._storage.write(GENERATION_FILE, str(generation).encode())
        return GenerationStored(at_ms=self._at_ms(), generation=generation)
