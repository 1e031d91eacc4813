"""A busy market stream: 2,000 frames a second on 32 tokens, read, checked and shown in snapshots.

The venue is a process of its own on loopback; sent is the millisecond that it stamps into a frame.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from websockets.asyncio.server import ServerConnection, serve

from actors.feeds.book_stream import BookStream
from actors.market_data.events import BookChanged, Event, MarketFound
from actors.market_data.snapshot import build_snapshot
from actors.market_data.state import KnownMarket, MarketDataState, Now, Settings, initial_state
from actors.market_data.step import step
from actors.runtime import wire_ms
from signals.market import DEFAULT_SLOTS, Window, market_slug
from tests.actors.market_data.builders import LIMITS, market
from tests.actors.market_data.test_feed_forms import VENUE
from tests.bench.frame import ROOT, Row, bench, row_at_most, row_free, spread

FRAMES_A_SECOND: Final = 2_000
SECONDS: Final = 20
LEVELS: Final = 40
P99_AIM_MS: Final = 20.0
CORE_AIM: Final = 40.0
SNAPSHOT_EVERY: Final = 20
"""Frames: a hundred snapshots a second, far more than the fleet makes."""
READY_S: Final = 60.0


def tokens() -> list[str]:
    return [str(1_000 + number) for number in range(2 * len(DEFAULT_SLOTS))]


def levels(start: int, direction: int) -> list[dict[str, str]]:
    prices = [start + direction * number for number in range(LEVELS)]
    return [{"price": f"{price / 100:.2f}", "size": "100"} for price in prices if 0 < price < 100]


def stamp() -> str:
    return str(int(time.time() * 1_000))


def whole(token: str) -> dict[str, Any]:
    sides = {"bids": levels(45, -1)[::-1], "asks": levels(55, 1)[::-1]}
    return {"event_type": "book", "asset_id": token, "timestamp": stamp(), **sides}


def changed(number: int) -> str:
    """Write two changes of one market, as the venue mirrors them, both below the best prices."""
    pair = number % len(DEFAULT_SLOTS)
    size = str(1 + number % 997)
    rows = [
        {
            "asset_id": tokens()[2 * pair + side],
            "price": "0.44" if side == 0 else "0.56",
            "size": size,
            "side": "BUY" if side == 0 else "SELL",
            "hash": "5f" * 20,
            "best_bid": "0.45",
            "best_ask": "0.55",
        }
        for side in (0, 1)
    ]
    told = {"event_type": "price_change", "market": "0x" + "ab" * 32, "timestamp": stamp()}
    return json.dumps(told | {"price_changes": rows})


async def send(line: ServerConnection, count: int) -> None:
    await line.recv()
    await line.send(json.dumps([whole(token) for token in tokens()]))
    began = time.perf_counter()
    for number in range(count):
        ahead = began + number / FRAMES_A_SECOND - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        await line.send(changed(number))
    await line.wait_closed()


async def serve_venue(count: int) -> None:
    """Be the venue until killed."""
    async with serve(lambda line: send(line, count), "127.0.0.1", 0, compression=None) as served:
        sys.stdout.write(f"{next(iter(served.sockets)).getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


class Reader:
    """What the actor does with each event: step, and a snapshot now and then."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.done = asyncio.Event()
        self.applied_ms: list[float] = []
        self.shown_ms: list[float] = []
        wire = int(wire_ms())
        self._ids = tokens()
        settings = Settings(slots=DEFAULT_SLOTS, offsets_ms=(20_000,), speed=1, limits_ms=LIMITS)
        self.state: MarketDataState = initial_state(settings, Now(wire, wire))
        for place, slot in enumerate(DEFAULT_SLOTS):
            known: KnownMarket = msgspec.structs.replace(
                market(slot),
                window=Window.at(wire, slot.timeframe),
                up_token_id=self._ids[2 * place],
                down_token_id=self._ids[2 * place + 1],
            )
            slug = market_slug(slot.asset, known.window)
            jobs = self.state.jobs | {f"market/{slug}": self.state.jobs["books"]}
            self.state = msgspec.structs.replace(self.state, jobs=jobs)
            self.deliver(MarketFound(slug=slug, market=known))

    def deliver(self, event: Event) -> None:
        wire = wire_ms()
        self.state, _ = step(self.state, event, Now(int(wire), int(wire)))
        if not isinstance(event, BookChanged):
            return
        self.applied_ms.append(wire_ms() - event.stamp_wire_ms)
        self._left -= 1
        if self._left % SNAPSHOT_EVERY == 0:
            asset = DEFAULT_SLOTS[self._ids.index(event.changes[0].token_id) // 2].asset
            build_snapshot(self.state, asset, int(wire), int(wire))
            self.shown_ms.append(wire_ms() - event.stamp_wire_ms)
        if self._left == 0:
            self.done.set()


async def read(port: int, count: int) -> tuple[Reader, float]:
    """Return the reader and the percent of a core that it needed."""
    reader = Reader(count)
    venue = msgspec.structs.replace(VENUE, market_ws_url=f"ws://127.0.0.1:{port}")
    stream = BookStream(venue, reader.deliver)
    cpu, began = time.process_time(), time.perf_counter()
    stream.follow(tokens(), anew=False)
    await asyncio.wait_for(reader.done.wait(), READY_S + 10 * count / FRAMES_A_SECOND)
    share = 100 * (time.process_time() - cpu) / (time.perf_counter() - began)
    await stream.close()
    return reader, share


def measure(seconds: int = SECONDS) -> Sequence[Row]:
    count = seconds * FRAMES_A_SECOND
    command = [sys.executable, "-m", "tests.bench.market_stream", "serve", str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            reader, share = asyncio.run(read(port, count))
        finally:
            server.kill()
    shown, applied = spread(reader.shown_ms), spread(reader.applied_ms)
    doubts = sum(book.suspect for book in reader.state.books.values())
    lost = reader.state.counts.dropped + reader.state.counts.malformed + count - applied.count
    return (
        row_at_most("a book change to its snapshot, p99", shown.p99, P99_AIM_MS, "ms", str(shown)),
        row_at_most("market data at that rate", share, CORE_AIM, "% of one core"),
        row_at_most("frames dropped or unread", lost, 0, "frames", f"of {count:,}"),
        row_at_most("books in doubt at the end", doubts, 0, "books", "of 32"),
        row_free("a book change applied, p99", applied.p99, "ms", str(applied)),
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve_venue(int(sys.argv[2])))
    else:
        bench("Market stream: 2,000 frames a second on 32 tokens", measure)
