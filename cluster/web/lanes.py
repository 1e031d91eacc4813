"""Lanes for what takes long: one kind of call waits for its own kind, never for another.

Pages of the record read days of journal. However many of them are asked for, the page that halts
and the page of the fleet do not wait behind them.
"""

from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread

from cluster.errors import FleetError


class Lane:
    """So many calls at once in threads; so many more may wait, and the next one is refused."""

    def __init__(self, at_once: int, waiting_max: int) -> None:
        self._at_once = at_once
        self._most = at_once + waiting_max
        self._inside = 0
        self._threads: anyio.CapacityLimiter | None = None

    async def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call in a thread; raise `FleetError` where too many wait already."""
        if self._inside >= self._most:
            raise FleetError("too many pages are asked for at once: load this one again in a while")
        self._threads = self._threads or anyio.CapacityLimiter(self._at_once)
        self._inside += 1
        try:
            return await anyio.to_thread.run_sync(call, *arguments, limiter=self._threads)
        finally:
            self._inside -= 1
