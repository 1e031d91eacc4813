"""Real Ray, real exchange: a gateway that is killed comes back; one that hangs is replaced."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import ray

from actors.config import Timing
from actors.gateway.actor import GatewayActor
from actors.gateway.client import GatewayClient, NoAnswer
from actors.gateway.status import GatewayStatus
from actors.messages import (
    Claim,
    Granted,
    Intent,
    IntentReceived,
    Opened,
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    OutboxEvent,
    OutboxPage,
)
from signals.market import Timeframe
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import claim, vacancy
from tests.actors.gateway.shells import intent_in
from tests.actors.gateway.test_exchange import SKEW_MS, market_with_time, replace
from tests.actors.sandbox import Sandbox, sandbox, store_config
from tests.local_ray import TEST_ACTOR, local_ray

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]
LIMIT_S = 240.0
EARLY_MS = 200_000
"""Market ms before the close."""
SLOT = "btc-15m"
Found = TypeVar("Found")


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with sandbox(tmp_path) as served, local_ray(tmp_path / "home", monkeypatch):
        yield served


def start(root: str, name: str) -> Any:
    return GatewayActor.options(**TEST_ACTOR, name=name, max_restarts=-1).remote(root, name)


async def until(poll: Callable[[], Awaitable[Found | None]], what: str) -> Found:
    end_s = time.monotonic() + LIMIT_S
    while (found := await poll()) is None:
        assert time.monotonic() < end_s, f"waited {LIMIT_S} s for {what}"
        await asyncio.sleep(0.1)
    return found


async def serving(client: GatewayClient, generation: int) -> GatewayStatus:
    async def poll() -> GatewayStatus | None:
        status = await client.status()
        if not isinstance(status, GatewayStatus) or status.generation != generation:
            return None
        return status if status.phase == "serving" else None

    return await until(poll, f"generation {generation}")


async def events(client: GatewayClient, kind: type) -> tuple[OutboxEvent, ...]:
    async def poll() -> tuple[OutboxEvent, ...] | None:
        page = await client.outbox(SLOT, 1, 0, 0, 500)
        if not isinstance(page, OutboxPage):
            return None
        return page.events if any(isinstance(event, kind) for event in page.events) else None

    return await until(poll, kind.__name__)


async def resting_order(client: GatewayClient, exchange: Sandbox) -> Intent:
    assert await client.open_incarnation(vacancy(SLOT)) == Opened(incarnation=1)
    asked: Claim = claim(SLOT)
    assert isinstance(await client.claim(asked), Granted)
    market = await market_with_time(exchange, 600_000, Timeframe.M15)
    sent = intent_in(exchange, market, price=PriceMicroUsd(10_000))
    answer = await client.send(sent)
    assert answer == IntentReceived(intent_id=sent.intent_id, known=False)
    await events(client, OrderOpened)
    return sent


def test_a_killed_gateway_knows_its_orders_and_a_hung_one_is_replaced(exchange: Sandbox) -> None:
    early = Timing(cancel_before_close_ms=EARLY_MS, clock_skew_limit_ms=SKEW_MS)
    root = store_config(replace(exchange.config(), timing=early))
    client = GatewayClient(root, tries=20, call_s=10.0)
    first_actor = start(root, "gateway/1")

    async def play() -> None:
        first = await serving(client, 1)
        # an answer that came too late would be asked for again, and then be "known"
        sent = await resting_order(GatewayClient(root, tries=20, call_s=90.0), exchange)

        os.kill(first.pid, signal.SIGKILL)
        second = await serving(client, 2)
        assert second.pid != first.pid
        known = IntentReceived(intent_id=sent.intent_id, known=True)
        assert await client.send(sent) == known

        os.kill(second.pid, signal.SIGSTOP)
        successor = start(root, "gateway/2")

        async def ended() -> bool | None:
            return await asyncio.wait_for(successor.take_over.remote(), LIMIT_S) or None

        await until(ended, "the end of the hung process")
        await serving(client, 3)
        assert await client.send(sent) == known

        told = await events(client, OrderEnded)
        assert [event.sequence for event in told] == list(range(1, len(told) + 1))
        assert sum(isinstance(event, OrderSigned) for event in told) == 1
        (ended,) = [event for event in told if isinstance(event, OrderEnded)]
        # by us before the close, or by the venue if this machine was too slow for that
        assert ended.end in (OrderEnd.CANCELLED, OrderEnd.EXPIRED)
        assert not isinstance(await client.fences(), NoAnswer)
        ray.kill(first_actor, no_restart=True)
        await successor.stop.remote()

    asyncio.run(play())
