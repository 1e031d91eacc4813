"""A stream that is kept open for ever, with backoff; each end is told, since it is a gap."""

import asyncio
import secrets
from abc import ABC, abstractmethod
from typing import Final

from actors.config import Venue
from actors.machine.backoff import Backoff
from actors.market_data.events import StreamFault
from actors.market_data.venue_feed import Deliver, Keep
from actors.runtime import log_event

PAUSES: Final = Backoff(first_ms=250, most_ms=10_000)
"""Wire, between attempts; for as long as it takes."""
CLOSE_TIMEOUT_S: Final = 5.0
OPEN_TIMEOUT_S: Final = 5.0
FRAME_BYTES_MAX: Final = 4_000_000
"""A burst of whole books in one array is some 100 kB."""
AGENT: Final = "midstride"
"""The front refuses the names of common libraries."""

_sleep = asyncio.sleep


def keep_nothing(_stream: str, _frame: bytes) -> None:
    """Take a frame and forget it."""


class Ended(Exception):  # noqa: N818 how a connection ends, raised and caught here
    """The connection is of no more use; the message says why."""


class KeptStream(ABC):
    """A task that runs one connection after another until it is closed."""

    name = ""

    def __init__(self, venue: Venue, deliver: Deliver, keep: Keep = keep_nothing) -> None:
        self._venue = venue
        self._deliver = deliver
        self._keep_frame = keep
        self._task: asyncio.Task[None] | None = None
        self._chance = secrets.SystemRandom().random

    @abstractmethod
    async def _connection(self) -> None:
        """Open, subscribe and read until it fails or ends."""

    def _restart(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        attempt = 0
        while True:
            started_s = asyncio.get_running_loop().time()
            try:
                await self._connection()
                reason = "the stream ended"
            except Exception as error:  # noqa: BLE001 a frame of strangers must not end the stream
                reason = f"{type(error).__name__}: {error}"
            log_event("stream_lost", stream=self.name, reason=reason[:300], attempt=attempt)
            self._deliver(StreamFault(stream=self.name, reconnects=1))
            lasted_s = asyncio.get_running_loop().time() - started_s
            attempt = 1 if 1_000 * lasted_s > PAUSES.most_ms else attempt + 1
            await _sleep(PAUSES.wait_s(attempt, self._chance()))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE_TIMEOUT_S)


async def first_to_end(*tasks: asyncio.Task[None]) -> None:
    """Wait until one of a connection's tasks ends, end the others, and raise what it raised."""
    try:
        done, _ = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()
