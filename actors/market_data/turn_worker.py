"""Does what market data's turn asks for: its file, the one before it, and its feeds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, assert_never

from actors.directory import named, write_name
from actors.machine.vocabulary import At, Wait
from actors.market_data.turn import (
    BuffersLost,
    BuffersTaken,
    NameRead,
    NameStored,
    Phase,
    PollFeeds,
    ReadName,
    StoreName,
    TakeBuffers,
    Turn,
    WarmthSeen,
    Work,
)
from actors.runtime import log_event
from actors.shared_kind import Kind
from checkpoints.storage import Storage

WARMING: Final = "warming"
STANDING_BY: Final = "standing by"
SERVING: Final = "serving"
MOVED: Final = "moved"
PUBLISHES: Final = frozenset({Phase.LOOKING, Phase.CLAIMING, Phase.SERVING})
"""Phases in which nobody else is known to serve: the first durable snapshot counts."""


class NoBuffersError(Exception):
    """The one before cannot be asked, or its buffers cannot be read: start without."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    storage: Storage
    take_buffers: Callable[[str], Awaitable[None]]
    """Start from the buffers of that actor; raise `NoBuffersError`."""
    is_warm: Callable[[], bool]
    at_ms: Callable[[], float]
    """Monotonic."""


class TurnWorker:
    def __init__(self, name: str, ports: Ports) -> None:
        self._name = name
        self._ports = ports

    async def perform(self, work: Work) -> At:
        """Do one piece of the machine's work; see `actors.machine.work`."""
        match work:
            case ReadName():
                name = await asyncio.to_thread(named, self._ports.storage, Kind.MARKET_DATA)
                return NameRead(at_ms=self._ports.at_ms(), name=name)
            case StoreName():
                await asyncio.to_thread(
                    write_name, self._ports.storage, Kind.MARKET_DATA, self._name
                )
                return NameStored(at_ms=self._ports.at_ms())
            case TakeBuffers(before=before):
                return await self._take_buffers(before)
            case PollFeeds(after_ms=after_ms):
                await asyncio.sleep(after_ms / 1_000)
                return WarmthSeen(at_ms=self._ports.at_ms(), warm=self._ports.is_warm())
            case Wait():
                raise AssertionError("the pump waits itself")
            case _:
                assert_never(work)

    async def _take_buffers(self, before: str) -> At:
        try:
            await self._ports.take_buffers(before)
        except NoBuffersError as error:
            log_event("market_data_starts_cold", before=before, reason=str(error)[:200])
            return BuffersLost(at_ms=self._ports.at_ms(), reason=str(error))
        return BuffersTaken(at_ms=self._ports.at_ms())


def phase_text(state: Turn) -> str:
    """Say the phase as other actors read it in the status."""
    match state.phase:
        case Phase.SERVING:
            return SERVING
        case Phase.MOVED | Phase.GONE:
            return MOVED
        case Phase.STANDING_BY | Phase.CHECKING:
            return MOVED if state.moved else STANDING_BY
        case _:
            return WARMING
