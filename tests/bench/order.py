"""Intent received to order posted, by the real gateway and SDK against the real sandbox exchange.

Received is when the gateway has the intent's bytes; posted is when its post leaves: checked,
signed, written ahead and fsync'd. The exchange's answer is the venue's time, not ours, and apart.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
from msgspec.structs import replace

from actors.feeds.gamma import fetch_market
from actors.gateway.actor import Gateway
from actors.gateway.status import GatewayStatus, Latency
from actors.market_data.events import FetchMarket, MarketFound
from actors.market_data.state import KnownMarket
from actors.messages import Intent, IntentAnswer, IntentReceived, decode, encode
from actors.runtime import wire_ms
from signals.market import DEFAULT_SLOTS, Slot, Window, market_slug
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import intent
from tests.actors.gateway.shells import own
from tests.actors.sandbox import Sandbox, sandbox, store_config
from tests.bench.frame import Row, Spread, bench, row_at_most, row_free, spread

ORDERS: Final = 100
LEAST_LEFT_MS: Final = 60_000
PAUSE_SECONDS: Final = 0.1
"""Between two single intents, so that none waits for another; also below the venue's limits."""
P50_AIM_MS: Final = 15.0
P99_AIM_MS: Final = 50.0
"""Of our own part: the network's is the venue's distance."""
POSTED_WAIT_SECONDS: Final = 30.0
MARKET_WAIT_SECONDS: Final = 400.0


def measure(orders: int = ORDERS) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder), speed=1) as exchange:
        alone, own_ms = asyncio.run(_post(exchange, "alone", orders, together=1))
        burst, _ = asyncio.run(_post(exchange, "burst", orders, together=len(DEFAULT_SLOTS)))
    share = alone.fsync_p50_ms / alone.received_to_posted_p50_ms
    return (
        row_at_most(
            "one intent at a time, received to posted, p50",
            alone.received_to_posted_p50_ms,
            P50_AIM_MS,
            "ms",
            f"p99 {alone.received_to_posted_p99_ms:.1f}, n={alone.samples}",
        ),
        row_free("of it fsync, p50", alone.fsync_p50_ms, "ms", f"{share:.0%}"),
        row_at_most(
            "one intent at a time, without the venue's answer about the book, p99",
            own_ms.p99,
            P99_AIM_MS,
            "ms",
            f"p50 {own_ms.p50:.1f}, n={own_ms.count}",
        ),
        row_free(
            "sixteen intents at once, received to posted, p50",
            burst.received_to_posted_p50_ms,
            "ms",
            f"p99 {burst.received_to_posted_p99_ms:.1f}, n={burst.samples}",
        ),
        row_free("of it fsync, p50", burst.fsync_p50_ms, "ms"),
    )


async def _post(exchange: Sandbox, name: str, orders: int, together: int) -> tuple[Latency, Spread]:
    """Send intents; return what the gateway measured, and that without the book's reading."""
    risk = replace(exchange.config().risk, orders_per_minute=2_400)
    config = replace(exchange.config(), storage=str(exchange.folder / name), risk=risk)
    shell: Any = Gateway(store_config(config), "gateway/1")  # its methods, without a cluster
    try:
        slots = [str(slot) for slot in DEFAULT_SLOTS[:together]]
        for slot in slots:
            await own(shell, slot)
        markets = {slot: await _market(exchange, Slot.parse(slot)) for slot in slots}
        for market in markets.values():
            await shell.warm(market.condition_id, [market.up_token_id, market.down_token_id])
        books_ms = _time_books(shell)
        for leg in range(-(-orders // together)):
            sent = [_intent(exchange, markets[slot], slot, leg) for slot in slots]
            answers = await asyncio.gather(*(shell.send(encode(one)) for one in sent))
            assert all(isinstance(decode(a, IntentAnswer), IntentReceived) for a in answers)  # type: ignore[arg-type]
            await asyncio.sleep(PAUSE_SECONDS * together)
        latency = await _latency(shell)
        posted_ms = shell._session.gateway_loop._latency_ms
        ours_ms = [posted - book for posted, book in zip(posted_ms, books_ms, strict=False)]
        return latency, spread(ours_ms)
    finally:
        await shell.stop()


def _time_books(shell: Any) -> list[float]:
    """Note how long each reading of a book takes from now on: the network's time, and the venue's.

    One at a time, the readings come in the order of the orders.
    """
    venue = shell._session._venue
    read, took_ms = venue.book, []

    async def timed(token_id: str) -> Any:
        began_s = time.perf_counter()
        try:
            return await read(token_id)
        finally:
            took_ms.append(1_000 * (time.perf_counter() - began_s))

    venue.book = timed
    return took_ms


async def _latency(shell: Any) -> Latency:
    """Wait until what was sent is posted: the count has stopped growing."""
    limit = time.monotonic() + POSTED_WAIT_SECONDS
    latency = decode(await shell.status(), GatewayStatus).latency
    while time.monotonic() < limit:
        await asyncio.sleep(1.0)
        before, latency = latency, decode(await shell.status(), GatewayStatus).latency
        if latency.samples and latency.samples == before.samples:
            return latency
    raise AssertionError("orders are still being posted")


async def _market(exchange: Sandbox, slot: Slot) -> KnownMarket:
    """Return a slot's market that stays open for the measurement."""
    async with httpx.AsyncClient(base_url=exchange.urls["gamma_url"]) as client:
        limit = time.monotonic() + MARKET_WAIT_SECONDS
        while time.monotonic() < limit:
            now_ms = exchange.clock.market_ms(wire_ms())
            window = Window.at(now_ms, slot.timeframe)
            ask = FetchMarket(
                job="", slug=market_slug(slot.asset, window), asset=slot.asset, window=window
            )
            found = await fetch_market(client, ask, now_ms)
            left_ms = window.close_ms - now_ms
            if isinstance(found, MarketFound) and left_ms > LEAST_LEFT_MS:
                return found.market
            await asyncio.sleep(1.0)
    raise AssertionError("the exchange lists no market with time left")


def _intent(exchange: Sandbox, market: KnownMarket, slot: str, leg: int) -> Intent:
    """Make the smallest order, far from the market, each of another content."""
    now_ms = exchange.clock.market_ms(wire_ms())
    return intent(
        slot=slot,
        leg=leg,
        timeframe=market.window.timeframe,
        window_open_ms=market.window.open_ms,
        due_ms=now_ms,
        close_ms=market.window.close_ms,
        condition_id=market.condition_id,
        token_id=market.up_token_id,
        price=PriceMicroUsd(10_000),
        shares=5_000_000,
        book_mid=PriceMicroUsd(100_000),
    )


if __name__ == "__main__":
    bench("intent received to order posted", measure)
