"""Keep one exchange's stream open, with backoff; say when it was lost."""

import asyncio
import secrets
import socket as sockets
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from actors.market_data.sources.exchange import Exchange, Subscription
from actors.market_data.sources.health import Health, after_refusal, read_status
from actors.market_data.sources.port import Cause, Deliver, Refusal, StreamLost
from actors.market_data.sources.reading import SourceFault, Unreadable
from actors.market_data.sources.rest import AGENT, wire_now_ms
from actors.market_data.sources.watch import StreamWatch, note_value, stalled
from signals.market import Asset

OPEN_S: Final = 5.0
CLOSE_S: Final = 2.0
FRAME_BYTES_MAX: Final = 4_000_000
POLL_S: Final = 1.0
"""Wire, between two looks at the stamps where no frame comes."""
UNREADABLE_MAX: Final = 50
"""Frames in a row: then it speaks another format, and a new connection may not."""
LASTED_MS: Final = 60_000
"""Wire: a connection that lived so long was a good one."""


class Ended(Exception):  # noqa: N818 how a connection ends, raised and caught here
    """The connection is of no more use; the message says why."""


class SocketSide:
    """One exchange's stream: one connection after another until it is closed."""

    def __init__(self, exchange: Exchange, url: str) -> None:
        self._exchange = exchange
        self._url = url
        self._assets: tuple[Asset, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._chance = secrets.SystemRandom().random
        self.health = Health()

    def follow(self, assets: tuple[Asset, ...], deliver: Deliver) -> None:
        if assets == self._assets and self._task is not None and not self._task.done():
            return
        self._assets = assets
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._keep(assets, deliver)) if assets else None

    async def close(self) -> None:
        self._assets = ()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE_S)
            self._task = None

    async def _keep(self, assets: tuple[Asset, ...], deliver: Deliver) -> None:
        while True:
            began_ms = wire_now_ms()
            refusal = await self._one(assets, deliver)
            if wire_now_ms() - began_ms > LASTED_MS:
                self.health = Health()
            self.health = after_refusal(self.health, refusal, wire_now_ms(), self._chance())
            said_no = refusal.cause not in (Cause.UNREACHABLE, Cause.MALFORMED)
            deliver(
                StreamLost(
                    source=self._exchange.name,
                    reason=refusal.reason,
                    refusal=refusal if said_no else None,
                )
            )
            await asyncio.sleep(max(0, self.health.not_before_ms - wire_now_ms()) / 1_000)

    async def _one(self, assets: tuple[Asset, ...], deliver: Deliver) -> Refusal:
        """Run one connection to its end, and say what that was."""
        name = self._exchange.name
        try:
            await self._connection(assets, deliver)
        except InvalidStatus as error:
            answer = error.response
            headers = {key.lower(): value for key, value in answer.headers.raw_items()}
            found = read_status(name, answer.status_code, headers, answer.body or b"")
            return found or Refusal(
                source=name, cause=Cause.MALFORMED, reason=f"HTTP {answer.status_code}, no socket"
            )
        except SourceFault as said:
            return Refusal(source=name, cause=said.cause, reason=str(said), wait_ms=said.wait_ms)
        except Unreadable as error:
            return Refusal(source=name, cause=Cause.MALFORMED, reason=str(error))
        except (Ended, WebSocketException, OSError, TimeoutError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            return Refusal(source=name, cause=Cause.UNREACHABLE, reason=reason)
        return Refusal(source=name, cause=Cause.UNREACHABLE, reason="the stream ended")

    async def _connection(self, assets: tuple[Asset, ...], deliver: Deliver) -> None:
        how = self._exchange.subscription(assets)
        async with connect(
            self._url + how.path,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            max_size=FRAME_BYTES_MAX,
            user_agent_header=AGENT,
            family=sockets.AF_INET,
        ) as line:
            for frame in how.frames:
                await line.send(frame)
            pings = asyncio.create_task(_ping(line, how)) if how.ping else None
            try:
                await self._read(line, assets, deliver)
            finally:
                if pings is not None:
                    pings.cancel()

    async def _read(
        self, line: ClientConnection, assets: tuple[Asset, ...], deliver: Deliver
    ) -> None:
        watch = StreamWatch(began_ms=wire_now_ms(), assets=assets)
        unreadable = 0
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    frame = await line.recv(decode=False)
            except TimeoutError:
                frame = b""
            try:
                values = self._exchange.read_frame(frame) if frame else ()
                unreadable = 0
            except SourceFault:
                raise
            except Exception as error:
                unreadable, values = unreadable + 1, ()
                if unreadable >= UNREADABLE_MAX:
                    raise Unreadable(f"{unreadable} frames in a row: {error}") from error
            for value in values:
                watch = note_value(watch, value, wire_now_ms())
                deliver(value)
            still = stalled(watch, wire_now_ms())
            if still:
                raise Ended(still)


async def _ping(line: ClientConnection, how: Subscription) -> None:
    while True:
        await asyncio.sleep(how.ping_every_s)
        await line.send(how.ping)
