"""Keep the settlement price's stream subscribed, for ever, with backoff; tell of every gap."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import httpx
from polymarket.errors import PolymarketError, RequestRejectedError
from polymarket.streams import CryptoTwapPriceSpec

from actors.config import Venue
from actors.feeds.kept_stream import CLOSE_TIMEOUT_S, Deliver, KeptStream
from actors.feeds.pace import ReconnectPace
from actors.feeds.prices import QUOTE, PriceLogin, read_ticks
from actors.market_data.events import StreamFault
from actors.runtime import log_event
from signals.market import Asset

REFUSED: Final = frozenset({400, 401, 403})
"""Answers to a log-in that the same question would get again."""

EXPECTED: Final = (PolymarketError, OSError, TimeoutError, httpx.HTTPError)
_sleep = asyncio.sleep


class PriceStream(KeptStream):
    """Averages of all assets, through the venue's authenticated price socket."""

    name = "prices"

    def __init__(self, venue: Venue, deliver: Deliver) -> None:
        super().__init__(venue, deliver)
        self._assets: tuple[Asset, ...] = ()
        self._login = PriceLogin()
        self._pace = ReconnectPace(self._chance)

    def follow(self, assets: tuple[Asset, ...]) -> None:
        """Subscribe, or do it again on a new connection: less and less often where that is no use.

        A connection that is silent is kept meanwhile: it may begin to speak.
        """
        now_s = asyncio.get_running_loop().time()
        if assets == self._assets and self._task is not None and not self._pace.may_start(now_s):
            return
        self._assets = assets
        self._pace.begin(now_s)
        self._restart()

    async def _connection(self) -> None:
        try:
            client = await self._login.open_client(self._venue)
        except RequestRejectedError as error:
            if error.status in REFUSED:
                await self._wait_refused(error)
            raise
        try:
            symbols = tuple(f"{asset}{QUOTE}" for asset in self._assets)
            handle = await client.subscribe(CryptoTwapPriceSpec(symbols=symbols))
            dropped = 0
            async for event in handle:
                lost = int(getattr(handle, "dropped", 0)) - dropped
                dropped += lost
                if lost or event.dropped:
                    self._deliver(StreamFault(dropped=lost + (event.dropped or 0)))
                self._pace.speaks()
                self._deliver(read_ticks(event) or StreamFault(malformed=1))
        finally:
            await _closed(client.close())

    async def _wait_refused(self, error: RequestRejectedError) -> None:
        """The venue said no: ask no more for long, and then with the same key."""
        pause_s = self._pace.refuse(asyncio.get_running_loop().time())
        log_event(
            "stream_refused",
            stream=self.name,
            status=error.status,
            reason=str(error),
            again_in_s=round(pause_s),
        )
        await _sleep(pause_s)


async def _closed(closing: Awaitable[None]) -> None:
    """Close without letting a hung or broken connection keep us."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await closing
    except EXPECTED as error:
        log_event("stream_close_failed", reason=f"{type(error).__name__}: {error}")
