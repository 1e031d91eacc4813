"""Keep the two public streams subscribed, for ever, with backoff; tell when one had a gap.

The SDK reconnects by itself, without a word. A connection that closed in between is looked for, and
said as a fault: no book can be trusted over a gap.
"""

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import httpx
from polymarket import AsyncPublicClient
from polymarket.errors import PolymarketError, RequestRejectedError
from polymarket.models.clob.market_events import MarketEvent
from polymarket.streams import CryptoTwapPriceSpec, MarketSpec

from actors.config import Venue
from actors.feeds.books import read_book_event
from actors.feeds.pace import JITTER, ReconnectPace
from actors.feeds.prices import QUOTE, PriceLogin, read_ticks
from actors.market_data.events import Event, StreamFault
from actors.runtime import log_event
from actors.venue.polymarket.environment import (
    market_stream_open,
    stream_malformed,
    venue_environment,
)
from signals.market import Asset

BACKOFF_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Wire, between attempts; the last one repeats for as long as it takes."""
LOOK_S: Final = 0.5
"""Wire. How often the connection's state is looked at."""
CLOSE_TIMEOUT_S: Final = 5.0
REFUSED: Final = frozenset({400, 401, 403})
"""Answers to a log-in that the same question would get again."""

Deliver = Callable[[Event], None]
EXPECTED: Final = (PolymarketError, OSError, TimeoutError, httpx.HTTPError)


_sleep = asyncio.sleep


class _Stream(ABC):
    """A task that runs one connection after another until it is closed."""

    name = ""

    def __init__(self, venue: Venue, deliver: Deliver) -> None:
        self._venue = venue
        self._deliver = deliver
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
            log_event("stream_lost", stream=self.name, reason=reason, attempt=attempt)
            self._deliver(StreamFault(reconnects=1))
            lasted_s = asyncio.get_running_loop().time() - started_s
            attempt = 0 if lasted_s > BACKOFF_S[-1] else attempt
            pause_s = BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)]
            await _sleep(pause_s * (1 + JITTER * self._chance()))
            attempt += 1

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE_TIMEOUT_S)


class PriceStream(_Stream):
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


class BookStream(_Stream):
    """Books of the wanted tokens; a changed wish is a new subscription before the old one ends."""

    name = "books"

    def __init__(self, venue: Venue, deliver: Deliver) -> None:
        super().__init__(venue, deliver)
        self._token_ids: tuple[str, ...] = ()
        self._changed = asyncio.Event()

    def follow(self, token_ids: Sequence[str], *, anew: bool) -> None:
        self._token_ids = tuple(token_ids)
        self._changed.set()
        if anew or self._task is None:
            self._restart()

    async def _connection(self) -> None:
        client = AsyncPublicClient(environment=venue_environment(self._venue))
        reader: asyncio.Task[None] | None = None
        handle: Any = None
        watch = _Watch(client, self._deliver)
        self._changed.set()
        try:
            while reader is None or not reader.done():
                if self._changed.is_set() and self._token_ids:
                    self._changed.clear()
                    fresh = await client.subscribe(MarketSpec(asset_ids=self._token_ids))
                    fresh_reader = asyncio.create_task(self._read(fresh))
                    await _ended(reader, handle)
                    reader, handle = fresh_reader, fresh
                await _first({reader}, self._changed)
                watch.look(int(getattr(handle, "dropped", 0)))
            await reader
        finally:
            await _ended(reader, handle)
            await _closed(client.close())

    async def _read(self, handle: Any) -> None:
        event: MarketEvent
        async for event in handle:
            read = read_book_event(event)
            if read is not None:
                self._deliver(read)


class _Watch:
    """Notices closed connections, dropped events and unreadable frames of the market stream."""

    def __init__(self, client: AsyncPublicClient, deliver: Deliver) -> None:
        self._client = client
        self._deliver = deliver
        self._open = True
        self._dropped = 0
        self._malformed = 0

    def look(self, dropped: int) -> None:
        is_open = market_stream_open(self._client)
        again = is_open and not self._open
        malformed = stream_malformed(self._client)
        # A new subscription counts its drops from zero.
        lost = dropped - self._dropped if dropped >= self._dropped else dropped
        bad = malformed - self._malformed
        self._open, self._dropped, self._malformed = is_open, dropped, malformed
        if again or lost or bad:
            self._deliver(StreamFault(reconnects=int(again), dropped=lost, malformed=bad))


async def _first(tasks: set[asyncio.Task[None] | None], changed: asyncio.Event) -> None:
    """Wait for a task's end, a change, or the next look."""
    waiter = asyncio.create_task(changed.wait())
    running = {task for task in tasks if task is not None}
    try:
        await asyncio.wait({waiter, *running}, timeout=LOOK_S, return_when="FIRST_COMPLETED")
    finally:
        waiter.cancel()


async def _ended(reader: asyncio.Task[None] | None, handle: Any) -> None:
    if reader is None:
        return
    reader.cancel()
    await asyncio.wait({reader}, timeout=CLOSE_TIMEOUT_S)
    await _closed(handle.close())


async def _closed(closing: Awaitable[None]) -> None:
    """Close without letting a hung or broken connection keep us."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await closing
    except EXPECTED as error:
        log_event("stream_close_failed", reason=f"{type(error).__name__}: {error}")
