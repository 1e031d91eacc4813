"""The market stream's socket against a scripted server on loopback."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from actors.config import Venue
from actors.feeds import book_stream
from actors.feeds.book_stream import BookStream
from actors.market_data.events import BookChanged, BooksReceived, Event, StreamFault
from tests.actors.market_data.test_book_frames import book, change, changes
from tests.actors.market_data.test_feed_forms import VENUE

LIMIT_S = 60.0
Serve = Callable[[ServerConnection], Awaitable[None]]


def venue(port: int) -> Venue:
    return msgspec.structs.replace(VENUE, market_ws_url=f"ws://127.0.0.1:{port}/ws/market")


async def with_stream(
    server: Serve, use: Callable[[BookStream, "asyncio.Queue[Event]"], Awaitable[None]]
) -> None:
    async with serve(server, "127.0.0.1", 0) as served:
        port = next(iter(served.sockets)).getsockname()[1]
        events: asyncio.Queue[Event] = asyncio.Queue()
        stream = BookStream(venue(port), events.put_nowait)
        try:
            async with asyncio.timeout(LIMIT_S):
                await use(stream, events)
        finally:
            await stream.close()


class Asked:
    """What a server was asked, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self._more = asyncio.Event()

    def add(self, frame: str | bytes) -> int:
        self.frames.append(told(frame))
        self._more.set()
        return len(self.frames)

    async def until(self, count: int) -> None:
        while len(self.frames) < count:
            self._more.clear()
            await self._more.wait()


def told(frame: str | bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(frame)
    return found


def test_later_wishes_are_asked_on_the_same_connection_and_the_first_form_is_sent_once() -> None:
    asked = Asked()

    async def server(line: ServerConnection) -> None:
        async for frame in line:
            asked.add(frame)

    async def use(stream: BookStream, _: "asyncio.Queue[Event]") -> None:
        stream.follow(["1", "2"], anew=False)
        await asked.until(1)
        stream.follow(["2", "3"], anew=False)
        await asked.until(3)

    asyncio.run(with_stream(server, use))
    assert asked.frames == [
        {"type": "market", "assets_ids": ["1", "2"]},
        {"operation": "subscribe", "assets_ids": ["3"]},
        {"operation": "unsubscribe", "assets_ids": ["1"]},
    ]


def test_every_frame_of_a_burst_is_read_in_order_and_none_is_dropped() -> None:
    count = 20_000

    async def server(line: ServerConnection) -> None:
        await line.recv()
        await line.send(json.dumps([book(asset_id="1")]))
        for number in range(count):
            await line.send(changes(change("1", size=str(number + 1))).decode())
        await line.wait_closed()

    async def use(stream: BookStream, events: "asyncio.Queue[Event]") -> None:
        stream.follow(["1"], anew=False)
        assert isinstance(await events.get(), BooksReceived)
        for number in range(count):
            event = await events.get()
            assert isinstance(event, BookChanged)
            assert event.changes[0].shares == (number + 1) * 1_000_000

    asyncio.run(with_stream(server, use))


@pytest.mark.parametrize("end", ["close", "refuse"])
def test_a_connection_that_ends_is_a_gap_and_everything_is_asked_again(end: str) -> None:
    asked = Asked()

    async def server(line: ServerConnection) -> None:
        if asked.add(await line.recv()) == 1:
            await (line.close() if end == "close" else line.send("INVALID OPERATION"))
        await line.wait_closed()

    async def use(stream: BookStream, events: "asyncio.Queue[Event]") -> None:
        stream.follow(["1", "2"], anew=False)
        assert await events.get() == StreamFault(reconnects=1)
        await asked.until(2)

    asyncio.run(with_stream(server, use))
    assert asked.frames[0] == asked.frames[1] == {"type": "market", "assets_ids": ["1", "2"]}


def test_a_token_that_stays_silent_is_asked_for_again_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(book_stream, "PING_S", 0.05)
    monkeypatch.setattr(book_stream, "FIRST_FRAME_S", 0.01)
    asked = Asked()

    async def server(line: ServerConnection) -> None:
        async for frame in line:
            if frame == "PING":
                await line.send("PONG")
                continue
            if asked.add(frame) == 1:
                await line.send(json.dumps(book(asset_id="1")))

    async def use(stream: BookStream, events: "asyncio.Queue[Event]") -> None:
        stream.follow(["1", "2"], anew=False)
        await events.get()
        await asked.until(3)

    asyncio.run(with_stream(server, use))
    assert asked.frames[1:3] == [
        {"assets_ids": ["2"], "operation": "unsubscribe"},
        {"assets_ids": ["2"], "operation": "subscribe"},
    ]


def test_a_connection_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_stream, "PING_S", 0.02)
    monkeypatch.setattr(book_stream, "QUIET_S", 0.05)

    async def server(line: ServerConnection) -> None:
        await line.wait_closed()

    async def use(stream: BookStream, events: "asyncio.Queue[Event]") -> None:
        stream.follow(["1"], anew=False)
        assert await events.get() == StreamFault(reconnects=1)

    asyncio.run(with_stream(server, use))
