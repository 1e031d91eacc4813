"""The venue's public market stream, for the markets in which this account may trade.

One connection, kept for as long as the venue is open. Whatever may have lost a frame (a new
connection, a frame that cannot be read, best prices that disagree) makes the books unknown; they
come anew with the next subscription. Nothing fills from a book that is not known.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from actors.machine.backoff import Backoff
from actors.runtime import log_event

PING_S: Final = 10.0
"""Wire: the venue asks for a text PING this often."""
SILENCE_S: Final = 25.0
"""Wire: without even a PONG for so long the connection is dead."""
OPEN_S: Final = 10.0
FRAME_BYTES_MAX: Final = 4_000_000
"""The first books of a connection's tokens come in one message."""
PAUSES: Final = Backoff(first_ms=250, most_ms=10_000)
"""Wire, between attempts."""
LASTED_S: Final = 30.0
"""Wire: a connection that lasted so long begins the backoff anew."""
PONG: Final = "PONG"


class Listener(Protocol):
    """Who is told."""

    def frame(self, text: str | bytes) -> None: ...

    def lost(self, reason: str) -> None:
        """Frames may have been missed: trust no book until it comes anew."""


class MarketStream:
    """Follows tokens; `start` once, `close` once."""

    def __init__(self, url: str, listener: Listener) -> None:
        self._url = url
        self._listener = listener
        self._tokens: set[str] = set()
        self._subscribed: set[str] = set()
        self._changed = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._closing: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._chance: Callable[[], float] = secrets.SystemRandom().random

    def follow(self, tokens: Iterable[str]) -> None:
        """Add tokens; the connection begins with the first ones."""
        self._tokens.update(tokens)
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._keep())

    def leave(self, tokens: Iterable[str]) -> None:
        self._tokens.difference_update(tokens)
        self._changed.set()

    def again(self) -> None:
        """Begin a new connection: its first frames are whole books."""
        if self._socket is not None:
            self._closing = asyncio.create_task(self._socket.close())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _keep(self) -> None:
        attempt = 0
        while True:
            began_s = asyncio.get_running_loop().time()
            try:
                await self._connection()
                reason = "it was closed"
            except (OSError, TimeoutError, WebSocketException) as error:
                reason = f"{type(error).__name__}: {error}"
            self._listener.lost(reason)
            log_event("paper_market_stream_lost", reason=reason, attempt=attempt)
            if asyncio.get_running_loop().time() - began_s > LASTED_S:
                attempt = 0
            attempt += 1
            await asyncio.sleep(PAUSES.wait_s(attempt, self._chance()))

    async def _connection(self) -> None:
        async with asyncio.timeout(OPEN_S):
            socket = await connect(self._url, max_size=FRAME_BYTES_MAX, ping_interval=None)
        self._socket = socket
        self._subscribed = set(self._tokens)
        first = {"type": "market", "assets_ids": sorted(self._subscribed)}
        writer = asyncio.create_task(self._write(socket, msgspec.json.encode(first).decode()))
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    text = await socket.recv()
                if text != PONG:
                    self._listener.frame(text)
        finally:
            self._socket = None
            writer.cancel()
            await socket.close()

    async def _write(self, socket: ClientConnection, first: str) -> None:
        """Subscribe, say what changed, and ping."""
        await socket.send(first)
        while True:
            try:
                async with asyncio.timeout(PING_S):
                    await self._changed.wait()
            except TimeoutError:
                await socket.send("PING")
                continue
            self._changed.clear()
            await self._notify(socket, "subscribe", self._tokens - self._subscribed)
            await self._notify(socket, "unsubscribe", self._subscribed - self._tokens)
            self._subscribed = set(self._tokens)

    @staticmethod
    async def _notify(socket: ClientConnection, operation: str, tokens: set[str]) -> None:
        if tokens:
            asked = {"operation": operation, "assets_ids": sorted(tokens)}
            await socket.send(msgspec.json.encode(asked).decode())
