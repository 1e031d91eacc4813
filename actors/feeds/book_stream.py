"""The socket of the venue's market stream: one connection, every frame read, none dropped."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from actors.config import Venue
from actors.feeds.book_frames import REFUSED, BookEvent, read_frame
from actors.feeds.kept_stream import (
    AGENT,
    CLOSE_TIMEOUT_S,
    FRAME_BYTES_MAX,
    OPEN_TIMEOUT_S,
    Ended,
    KeptStream,
    first_to_end,
    keep_nothing,
)
from actors.market_data.events import BookChanged, BooksReceived
from actors.market_data.venue_feed import Deliver, Keep
from actors.runtime import log_event

PING_S: Final = 10.0
"""Wire. The venue closes a connection that sends no text PING."""
QUIET_S: Final = 30.0
"""Wire. Not even a PONG for so long: the connection hangs."""
FIRST_FRAME_S: Final = 15.0
"""Wire. A token that was asked for and is silent so long is asked for again: it may be lost."""
QUEUE_FRAMES: Final = 4_096
"""Two seconds of the busiest opens; beyond it the socket's own buffers wait: nothing is lost."""
SEND_S: Final = 5.0


class BookStream(KeptStream):
    """Books of the wanted tokens; a changed wish is asked for on the same connection."""

    name = "books"

    def __init__(self, venue: Venue, deliver: Deliver, keep: Keep = keep_nothing) -> None:
        super().__init__(venue, deliver, keep)
        self._token_ids: tuple[str, ...] = ()
        self._changed = asyncio.Event()
        self._asked: dict[str, float] = {}
        """Tokens of this connection, and when they were asked for."""
        self._silent: set[str] = set()
        """Those of them that have sent nothing yet."""
        self._heard_s = 0.0

    def follow(self, token_ids: Sequence[str], *, anew: bool) -> None:
        self._token_ids = tuple(dict.fromkeys(token_ids))
        self._changed.set()
        if anew or self._task is None:
            self._restart()

    async def _connection(self) -> None:
        self._asked, self._silent = {}, set()
        async with connect(
            self._venue.market_ws_url,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_size=FRAME_BYTES_MAX,
            max_queue=QUEUE_FRAMES,
            compression=None,
            user_agent_header=AGENT,
            family=socket.AF_INET,
        ) as line:
            self._heard_s = asyncio.get_running_loop().time()
            self._changed.set()
            await first_to_end(
                asyncio.create_task(self._read(line)),
                asyncio.create_task(self._subscribe(line)),
                asyncio.create_task(self._ping(line)),
            )

    async def _read(self, line: ClientConnection) -> None:
        now_s = asyncio.get_running_loop().time
        while True:
            frame = await line.recv(decode=False)
            self._heard_s = now_s()
            self._keep_frame(self.name, frame)
            if frame == REFUSED:
                raise Ended("the venue did not understand a subscription")
            for event in read_frame(frame):
                if self._silent:
                    self._silent -= tokens_of(event)
                self._deliver(event)

    async def _subscribe(self, line: ClientConnection) -> None:
        """Ask for what is wanted and leave what is not; the first question has its own form."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = dict.fromkeys(self._token_ids)
            fresh = [token for token in wanted if token not in self._asked]
            over = [token for token in self._asked if token not in wanted]
            if fresh:
                first = not self._asked
                await _send(line, _First(assets_ids=fresh) if first else _more(fresh))
                self._asked |= dict.fromkeys(fresh, asyncio.get_running_loop().time())
                self._silent |= set(fresh)
            if over:
                await _send(line, _less(over))
                self._silent -= set(over)
                for token in over:
                    del self._asked[token]

    async def _ping(self, line: ClientConnection) -> None:
        while True:
            await asyncio.sleep(PING_S)
            now_s = asyncio.get_running_loop().time()
            if now_s - self._heard_s > QUIET_S:
                raise Ended(f"nothing for {QUIET_S:g} s, not even a PONG")
            await _send(line, "PING")
            lost = [token for token in self._silent if now_s - self._asked[token] > FIRST_FRAME_S]
            if lost:
                log_event("tokens_silent", count=len(lost), first=lost[0])
                await _send(line, _less(lost))
                await _send(line, _more(lost))
                self._asked |= dict.fromkeys(lost, now_s)


class _First(msgspec.Struct):
    assets_ids: list[str]
    type: str = "market"


class _Change(msgspec.Struct):
    assets_ids: list[str]
    operation: str


def _more(tokens: list[str]) -> _Change:
    return _Change(assets_ids=tokens, operation="subscribe")


def _less(tokens: list[str]) -> _Change:
    return _Change(assets_ids=tokens, operation="unsubscribe")


async def _send(line: ClientConnection, said: _First | _Change | str) -> None:
    text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    async with asyncio.timeout(SEND_S):
        await line.send(text)


def tokens_of(event: BookEvent) -> set[str]:
    """Return whose books an event is of."""
    match event:
        case BooksReceived(books=books):
            return {book.token_id for book in books}
        case BookChanged(changes=changes):
            return {change.token_id for change in changes}
        case _:
            return set()
