"""Tell the gateway of each market before anybody trades it: its metadata stays off orders' paths.

A gateway that was replaced or restarted knows nothing yet, so what it was told is remembered by
its name and generation; terms grow old, so all is told again in time. Best effort: a market that
was never told costs its first order a question to the venue, not its order.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from actors.gateway.lock import CURRENT_FILE
from actors.market_data.state import KnownMarket

AGAIN_WIRE_S: Final = 90.0
"""The gateway counts a token as warm for 200 s: one lost telling still leaves time for the next."""
LOOK_WIRE_S: Final = 0.5
"""Between two looks for markets that are new: they are found four market minutes ahead."""
AFTER_FAILURE_WIRE_S: Final = 2.0
"""The gateway starts or the venue is away: neither needs to be asked faster."""


class WarmPort(Protocol):
    """What this needs of `actors.gateway.client.GatewayClient`."""

    async def warm(self, condition_id: str, token_ids: tuple[str, ...]) -> bool: ...


class Announcer:
    """Remembers which gateway was told of what, and tells one market at a time."""

    def __init__(self, storage_root: str, gateway: WarmPort, now_s: Callable[[], float]) -> None:
        self._current = Path(storage_root) / CURRENT_FILE
        self._gateway = gateway
        self._now_s = now_s
        self._told_s: dict[str, float] = {}
        """Condition id -> when the gateway of now was told."""
        self._gateway_now = b""

    def due(self, markets: Iterable[KnownMarket]) -> list[KnownMarket]:
        """Return what the gateway of now must be told, the earliest close first."""
        known = list(markets)
        present = self._gateway_of_now()
        if present != self._gateway_now:
            self._told_s, self._gateway_now = {}, present
        open_ids = {market.condition_id for market in known}
        self._told_s = {key: at for key, at in self._told_s.items() if key in open_ids}
        oldest_s = self._now_s() - AGAIN_WIRE_S
        told = self._told_s
        due = [market for market in known if told.get(market.condition_id, -math.inf) <= oldest_s]
        return sorted(due, key=lambda market: (market.window.close_ms, market.condition_id))

    def _gateway_of_now(self) -> bytes:
        try:
            return self._current.read_bytes()
        except OSError:
            return b""

    async def deliver(self, markets: Iterable[KnownMarket]) -> bool:
        """Tell what is due; stop at the first that the gateway could not take."""
        for market in self.due(markets):
            if not await self._gateway.warm(market.condition_id, market.token_ids):
                return False
            self._told_s[market.condition_id] = self._now_s()
        return True

    async def run(self, markets: Callable[[], Iterable[KnownMarket]]) -> None:
        """Keep the gateway told until cancelled."""
        while True:
            told = await self.deliver(markets())
            await asyncio.sleep(LOOK_WIRE_S if told else AFTER_FAILURE_WIRE_S)
