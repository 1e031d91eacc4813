"""What moves on an open page: one reader for all pages, and to each page only what changed.

A fragment is a piece of the page with an id. Each has the number of the change that made it; a page
that has seen change 41 gets the fragments with a higher one. Nothing is queued for a page: one that
reads slowly gets the newest, once it reads again.
"""

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from cluster.terminal.faults import report
from cluster.web.sessions import Session, Sessions

PAGES_MAX: Final = 100
"""Open at once. The next one says so and does not move."""
PUSH_S_MIN: Final = 0.25
"""Wire, between two pushes to one page."""
COMMENT_S: Final = 15.0
"""Wire, after which a silent stream says that it lives."""
SEND_S_MAX: Final = 30.0
"""Wire, for a browser to take a push; a stopped one is let go."""
FAULT_S: Final = 10.0
"""Wire, until a reader that met a fault reads again: each fault leaves a report of its own."""
REST_S: Final = 60.0
"""Wire, that the reader goes on after the last page has gone: it may only be loaded again."""
EVENTS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
RETRY_MS: Final = range(2_000, 6_000)
"""After which a browser that lost its stream asks again: not all at once."""
ENDED: Final = 'Your session has ended: <a href="/login">log in again</a>.'
FULL: Final = "Too many pages are open: this one does not move. Close some, then load it again."


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One fragment as it looks now."""

    html: str
    key: str | None = None
    """What tells whether it changed; None: its whole text does."""


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    html: str
    digest: str
    change: int


class Fragments:
    """The newest fragments, and which change each is of."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(4)
        """Of this process: numbers of an older one mean nothing."""
        self.change = 0
        self._found: dict[str, Fragment] = {}
        self._moved = asyncio.Event()

    def put(self, made: Mapping[str, Piece]) -> None:
        """Take what the page looks like now; wake who waits if something changed."""
        before = self.change
        for name, piece in made.items():
            compared = piece.html if piece.key is None else piece.key
            digest = hashlib.sha256(compared.encode(errors="replace")).hexdigest()
            old = self._found.get(name)
            if old is None or old.digest != digest:
                self.change += 1
                self._found[name] = Fragment(html=piece.html, digest=digest, change=self.change)
        if self.change != before:
            self.wake()

    def wake(self) -> None:
        """Let every stream look again."""
        self._moved.set()
        self._moved = asyncio.Event()

    def since(self, change: int) -> str:
        """Return the parts that a page that has seen a change lacks, oldest first, as one text.

        Each stands in a template of its own: a parser drops a row of a table that follows a part of
        another kind.
        """
        newer = [one for one in self._found.items() if one[1].change > change]
        newer.sort(key=lambda one: one[1].change)
        return "".join(f"<template>{one.html}</template>" for _, one in newer)

    async def moved(self, limit_s: float) -> None:
        """Wait for the next change, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._moved.wait()

    @property
    def id(self) -> str:
        return f"{self.epoch}-{self.change}"

    def seen_by(self, event_id: str) -> int:
        """Return the change that an event's id names; 0 for one of another process, or none."""
        epoch, _, change = event_id.partition("-")
        right = epoch == self.epoch and change.isascii() and change.isdigit()
        return min(int(change[:12]), self.change) if right else 0


class Source(Protocol):
    async def read(self) -> Mapping[str, Piece]:
        """Wait for something new, a few seconds at most; return the fragments."""

    async def rest(self) -> None:
        """Nobody looks any more: let go of what costs."""


class Live:
    """Keeps the fragments new while somebody looks."""

    def __init__(self, source: Source) -> None:
        self.fragments = Fragments()
        self._source = source
        self._pages = 0
        self._wanted = asyncio.Event()

    @property
    def full(self) -> bool:
        return self._pages >= PAGES_MAX

    async def run(self) -> None:
        """Read while a page is open, and for a while after the last one has gone."""
        try:
            while True:
                await self._wanted.wait()
                idle_s = time.monotonic()
                while self._pages or time.monotonic() - idle_s < REST_S:
                    await self._read()
                    if self._pages:
                        idle_s = time.monotonic()
                self._wanted.clear()
                await self._source.rest()
        finally:
            await self._source.rest()

    async def _read(self) -> None:
        """Read once; a fault is reported and ends no page: the next reading may go well."""
        try:
            self.fragments.put(await self._source.read())
        except Exception as fault:  # noqa: BLE001 whatever it is, the pages move on
            await asyncio.to_thread(report, ["console"], fault)
            await asyncio.sleep(FAULT_S)

    @contextlib.contextmanager
    def page(self, session: Session) -> Iterator[None]:
        """Count a page while it is open."""
        self._pages += 1
        session.live += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._pages -= 1
            session.live -= 1


class Stream:
    """ASGI endpoint of a live page's stream."""

    def __init__(self, live: Live, sessions: Sessions) -> None:
        self._live = live
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        session: Session = request.state.session
        if self._live.full:
            answer = HTMLResponse(FULL, 503, {"Retry-After": "60"})
            await answer(scope, receive, send)
            return
        seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
        with self._live.page(session):
            gone = asyncio.create_task(_gone(receive))
            pushing = asyncio.create_task(self._push(session, seen, send))
            try:
                await asyncio.wait({gone, pushing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (gone, pushing):
                    task.cancel()
                await asyncio.gather(gone, pushing, return_exceptions=True)

    async def _push(self, session: Session, event_id: str, send: Send) -> None:
        fragments = self._live.fragments
        seen = fragments.seen_by(event_id)
        await send({"type": "http.response.start", "status": 200, "headers": list(EVENTS)})
        await _sent(send, f"retry: {secrets.choice(RETRY_MS)}\n\n".encode())
        while self._sessions.holds(session):
            news, seen_now = fragments.since(seen), fragments.change
            if news:
                await _sent(send, message(fragments.id, news))
                seen = seen_now
                await asyncio.sleep(PUSH_S_MIN)
                continue
            await fragments.moved(COMMENT_S)
            if fragments.change == seen:
                await _sent(send, b":\n\n")
        await _sent(send, b"event: ended\n" + message("", ENDED))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def message(event_id: str, text: str) -> bytes:
    """Write one event of a stream."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"id: {event_id}\n{lines}\n".encode(errors="replace")


async def _sent(send: Send, body: bytes) -> None:
    async with asyncio.timeout(SEND_S_MAX):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
