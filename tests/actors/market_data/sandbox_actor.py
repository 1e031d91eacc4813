"""A market data actor in this process beside a sandbox exchange, and what it answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from actors.config import Timing
from actors.market_data.actor import MarketData
from actors.market_data.state import next_decision_point, settings_of
from actors.market_data.status import MarketDataStatus
from actors.messages import decode
from checkpoints.snapshots import decode_snapshot
from signals.market import Asset, Slot, Timeframe
from signals.snapshot import Feed, Snapshot
from tests.actors.sandbox import Sandbox, admin, store_config

LIMIT_S = 240.0


TIMING = Timing(decision_offsets_ms=(20_000, 80_000, 140_000, 200_000, 260_000))
"""A decision point every market minute, so that a test need not wait long for one."""


BTC = (Slot(Asset.BTC, Timeframe.M5), Slot(Asset.BTC, Timeframe.M15))


def hits(exchange: Sandbox) -> int:
    return sum(state["hits"] for state in admin(exchange, "GET", "/state")["faults"])


@asynccontextmanager
async def market_data(
    exchange: Sandbox, folder: Path, slots: tuple[Slot, ...] = BTC, name: str = "market-data/1"
) -> AsyncIterator[MarketData]:
    exchange_here = Sandbox(exchange.process, exchange.urls, exchange.clock, folder)
    actor = MarketData(store_config(exchange_here.config(slots, TIMING)), name)
    try:
        async with asyncio.timeout(LIMIT_S):
            yield actor
    finally:
        await actor.stop()


def due_ms(exchange: Sandbox, slots: tuple[Slot, ...] = BTC) -> int:
    """Return the next decision point that leaves a moment to ask for it."""
    now_ms = exchange.clock.market_ms(time.time() * 1000)
    settings = settings_of(exchange.config(slots, TIMING))
    return next_decision_point(settings, now_ms + 10_000).due_ms


async def next_snapshot(actor: MarketData, exchange: Sandbox) -> Snapshot:
    _, data = await actor.snapshot("btc", due_ms(exchange))
    return decode_snapshot(data)


async def until(
    actor: MarketData, exchange: Sandbox, wanted: Callable[[Snapshot], bool]
) -> Snapshot:
    """Ask snapshot after snapshot; the fixture's limit ends a search without success."""
    while True:
        found = await next_snapshot(actor, exchange)
        if wanted(found):
            return found


async def next_whole_ones(actor: MarketData, exchange: Sandbox, count: int) -> list[Snapshot]:
    """Return so many snapshots in a row that are all complete; none if one is not.

    A busy machine is late by seconds, and a second is half a minute of market time: stale.
    """
    found: list[Snapshot] = []
    for _ in range(count):
        made = await next_snapshot(actor, exchange)
        if not made.complete:
            return []
        found.append(made)
    return found


async def status(actor: MarketData) -> MarketDataStatus:
    return decode(await actor.status(), MarketDataStatus)


async def until_status(
    actor: MarketData, wanted: Callable[[MarketDataStatus], bool]
) -> MarketDataStatus:
    while not wanted(found := await status(actor)):  # noqa: ASYNC110 a status tells no news
        await asyncio.sleep(0.05)
    return found


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def inner() -> None:
        await work()

    asyncio.run(inner())


def stale(snapshot: Snapshot) -> set[Feed]:
    return {age.feed for age in snapshot.ages if not age.fresh}
