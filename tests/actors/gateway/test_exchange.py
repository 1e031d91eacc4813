"""The gateway with the real adapter against the real sandbox exchange: a whole order's life."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from actors.config import RiskLimits, Timing
from actors.feeds.gamma import fetch_market
from actors.gateway.actor import Gateway
from actors.gateway.status import GatewayStatus
from actors.market_data.events import FetchMarket, MarketFound
from actors.market_data.state import KnownMarket
from actors.messages import (
    Filled,
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
from cluster.sandbox.kinds import CancelReason
from signals.decision import Style
from signals.market import Asset, Timeframe, Window, market_slug
from signals.units import PriceMicroUsd
from tests.actors.gateway.shells import intent_in, own
from tests.actors.rollout.queue_places import rests
from tests.actors.sandbox import Sandbox, sandbox, store_config

pytestmark = [pytest.mark.exchange, pytest.mark.anyio]
LIMIT_S = 240.0
SLOT = "btc-15m"
ANY_PRICE = RiskLimits(price_collar_micro_usd=990_000)
"""So that an order may cross the book, whatever the market thinks."""
EARLY_MS = 400_000
"""Market ms before the close, 13 s of wire time: a busy machine is late by less."""
SKEW_MS = 60_000
"""An answer that comes late is no skew: both sides have this machine's clock."""
REST_MS = 300_000
"""Market ms that an order has before that, 10 s of wire time: two heartbeats."""


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


async def events_until(shell: Gateway, kind: type) -> list[OutboxEvent]:
    """Read the outbox from its start until an event of this kind is there."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            page = decode(await shell.outbox(SLOT, 1, 0, 0, 1_000), OutboxPage | Refusal)  # type: ignore[misc]
            assert isinstance(page, OutboxPage), page
            if any(isinstance(event, kind) for event in page.events):
                return list(page.events)
            await asyncio.sleep(0.1)


async def test_a_resting_order_is_cancelled_before_the_close_by_us(exchange: Sandbox) -> None:
    early = Timing(cancel_before_close_ms=EARLY_MS, clock_skew_limit_ms=SKEW_MS)
    shell = Gateway(store_config(replace(exchange.config(), timing=early)), "gateway/1")
    try:
        await own(shell, SLOT)
        market = await market_with_time(exchange, EARLY_MS + REST_MS, Timeframe.M15)
        assert await shell.warm(market.condition_id, [market.up_token_id])
        sent = intent_in(exchange, market, price=PriceMicroUsd(10_000))
        answer = decode(await shell.send(encode(sent)), IntentAnswer)
        assert answer == IntentReceived(intent_id=sent.intent_id, known=False)
        events = await events_until(shell, OrderEnded)
        (ended,) = [event for event in events if isinstance(event, OrderEnded)]
        assert ended.end is OrderEnd.CANCELLED, ended
        assert ended.at_ms <= market.window.close_ms
        by_ledger = rests(exchange.folder / "exchange")[ended.order_id]
        assert by_ledger.end == CancelReason.USER, "not by the venue, which hears the heartbeats"
        status = decode(await shell.status(), GatewayStatus)
        assert status.heartbeat_gap_ms_max > 0
        assert status.latency.samples == 1
    finally:
        await shell.stop()


async def test_a_taken_order_fills_is_confirmed_and_settles(
    exchange: Sandbox, tmp_path: Path
) -> None:
    timing = Timing(clock_skew_limit_ms=SKEW_MS)
    config = replace(exchange.config(), storage=str(tmp_path), timing=timing, risk=ANY_PRICE)
    root = store_config(config)
    shell = Gateway(root, "gateway/1")
    try:
        await own(shell, SLOT)
        market = await market_with_time(exchange, REST_MS, Timeframe.M15)
        sent = intent_in(exchange, market, style=Style.TAKE, price=PriceMicroUsd(990_000))
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
