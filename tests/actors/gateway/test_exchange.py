"""The gateway with the real adapter against the real sandbox exchange: a whole order's life."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from actors.config import Timing
from actors.feeds.gamma import fetch_market
from actors.gateway.actor import Gateway
from actors.gateway.status import GatewayStatus
from actors.market_data.events import FetchMarket, MarketFound
from actors.market_data.state import KnownMarket
from actors.messages import (
    Filled,
    Intent,
    IntentAnswer,
    IntentReceived,
    OrderEnd,
    OrderEnded,
    OutboxEvent,
    OutboxPage,
    Refusal,
    Settled,
    decode,
    encode,
)
from actors.runtime import wire_ms
from signals.decision import Style
from signals.market import Asset, Timeframe, Window, market_slug
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import intent
from tests.actors.gateway.shells import own
from tests.actors.sandbox import Sandbox, sandbox, store_config

pytestmark = [pytest.mark.exchange, pytest.mark.anyio]
LIMIT_S = 90.0
EARLY_MS = 200_000
"""Market ms before the close, 6.7 s of wire time: a busy machine is late by less."""
HEARTBEAT_LIMIT_MS = 10_000
"""Wire: the venue cancels everything after it."""
replace = msgspec.structs.replace


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


async def market_with_time(
    exchange: Sandbox, least_left_ms: int, timeframe: Timeframe = Timeframe.M5
) -> KnownMarket:
    """Return a current BTC market with so much market time left."""
    async with httpx.AsyncClient(base_url=exchange.urls["gamma_url"]) as client:
        while True:
            now_ms = exchange.clock.market_ms(time.time() * 1000)
            window = Window.at(now_ms, timeframe)
            slug = market_slug(Asset.BTC, window)
            ask = FetchMarket(job="", slug=slug, asset=Asset.BTC, window=window)
            if window.close_ms - now_ms > least_left_ms:
                found = await fetch_market(client, ask, now_ms)
                if isinstance(found, MarketFound) and found.market.accepting_orders:
                    return found.market
            await asyncio.sleep(0.2)


def intent_in(exchange: Sandbox, market: KnownMarket, **changes: object) -> Intent:
    now_ms = exchange.clock.market_ms(wire_ms())
    facts = {
        "window_open_ms": market.window.open_ms,
        "due_ms": now_ms,
        "close_ms": market.window.close_ms,
        "condition_id": market.condition_id,
        "token_id": market.up_token_id,
        "book_mid": PriceMicroUsd(500_000),
    }
    return intent(**{**facts, **changes})


async def events_until(shell: Gateway, kind: type) -> list[OutboxEvent]:
    """Read the outbox from its start until an event of this kind is there."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            page = decode(await shell.outbox("btc-5m", 1, 0, 0, 1_000), OutboxPage | Refusal)  # type: ignore[misc]
            assert isinstance(page, OutboxPage), page
            if any(isinstance(event, kind) for event in page.events):
                return list(page.events)
            await asyncio.sleep(0.1)


async def test_a_resting_order_is_cancelled_before_the_close_by_us(exchange: Sandbox) -> None:
    early = Timing(cancel_before_close_ms=EARLY_MS)
    shell = Gateway(store_config(replace(exchange.config(), timing=early)), "gateway/1")
    try:
        await own(shell)
        market = await market_with_time(exchange, 2 * EARLY_MS, Timeframe.M15)
        assert await shell.warm(market.condition_id, [market.up_token_id])
        sent = intent_in(exchange, market, price=PriceMicroUsd(10_000))
        answer = decode(await shell.send(encode(sent)), IntentAnswer)
        assert answer == IntentReceived(intent_id=sent.intent_id, known=False)
        events = await events_until(shell, OrderEnded)
        (ended,) = [event for event in events if isinstance(event, OrderEnded)]
        assert ended.end is OrderEnd.CANCELLED, ended
        assert ended.at_ms <= market.window.close_ms
        status = decode(await shell.status(), GatewayStatus)
        assert status.heartbeat_gap_ms_max < HEARTBEAT_LIMIT_MS
        assert status.latency.samples == 1
    finally:
        await shell.stop()


async def test_a_taken_order_fills_is_confirmed_and_settles(
    exchange: Sandbox, tmp_path: Path
) -> None:
    root = store_config(replace(exchange.config(), storage=str(tmp_path)))
    shell = Gateway(root, "gateway/1")
    try:
        await own(shell)
        market = await market_with_time(exchange, 150_000)
        sent = intent_in(exchange, market, style=Style.TAKE, price=PriceMicroUsd(640_000))
        await shell.send(encode(sent))
        events = await events_until(shell, Settled)
        names = [type(event).__name__ for event in events]
        assert names[:2] == ["OrderSigned", "OrderOpened"], events
        assert "OrderEnded" in names
        filled = [event for event in events if isinstance(event, Filled)]
        if filled:
            assert names.count("FillConfirmed") + names.count("FillFailed") == len(filled)
            assert names[-1] == "Settled"
        status = decode(await shell.status(), GatewayStatus)
        assert status.unsettled_markets == 0
        assert status.fleet_exposure_micro_usd == 0
    finally:
        await shell.stop()
