"""A plain `Gateway` on a folder, without a cluster, with a venue in memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from actors.config import FleetConfig, Mode, Venue
from actors.gateway.actor import Gateway
from actors.market_data.state import KnownMarket
from actors.messages import (
    ClaimAnswer,
    Granted,
    Intent,
    OpenAnswer,
    Opened,
    OutboxPage,
    Refusal,
    decode,
    encode,
)
from actors.runtime import CONFIG_FILE, wire_ms
from signals.market import CYCLE_MS, Slot, Window
from signals.market_time import MarketClock
from signals.params import Params
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import claim, intent, vacancy
from tests.actors.gateway.fake_venue import FakeVenue
from tests.actors.sandbox import Sandbox

WAIT_S = 90.0
Answer = OpenAnswer | Refusal
NOWHERE = "http://127.0.0.1:9"
INTO_THE_WINDOW_MS = 30_000


class Clock:
    """Market time of the newest fleet that was configured: 30 s into a window, whenever it runs."""

    market = MarketClock()

    @classmethod
    def start_in_a_window(cls) -> MarketClock:
        now = int(wire_ms())
        market_ms = now - now % CYCLE_MS + INTO_THE_WINDOW_MS
        cls.market = MarketClock(anchor_wire_ms=now, anchor_market_ms=market_ms)
        return cls.market


def configure(root: Path) -> None:
    venue = Venue(
        clob_url=NOWHERE,
        gamma_url=NOWHERE,
        data_url=NOWHERE,
        relayer_url=NOWHERE,
        market_ws_url=NOWHERE,
        user_ws_url=NOWHERE,
        prices_ws_url=NOWHERE,
        binance_url=NOWHERE,
    )
    config = FleetConfig(
        mode=Mode.SANDBOX,
        storage=str(root),
        clock=Clock.start_in_a_window(),
        venue=venue,
        slots=(),
        params=Params(),
    )
    path = root / CONFIG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(config))


@asynccontextmanager
async def gateway(root: Path, venue: FakeVenue, name: str = "gateway/1") -> AsyncIterator[Gateway]:
    async def connect(_config: FleetConfig, _timeout_s: float) -> FakeVenue:
        return venue

    kind = type("Gateway", (Gateway,), {"connect": staticmethod(connect)})
    shell: Gateway = kind(str(root), name)
    try:
        yield shell
    finally:
        await shell.cut_off()


async def own(shell: Any, slot: str = "btc-5m", fence: int = 0, life: str = "10-1") -> Granted:
    asked_for = encode(vacancy(slot, fence))
    opened = decode(await shell.open_incarnation(asked_for), Answer)
    async with asyncio.timeout(WAIT_S):
        while isinstance(opened, Refusal):  # it starts
            await asyncio.sleep(0.01)
            opened = decode(await shell.open_incarnation(asked_for), Answer)
    assert isinstance(opened, Opened), opened
    asked = claim(slot, opened.incarnation, life)
    granted = decode(await shell.claim(encode(asked)), ClaimAnswer)
    assert isinstance(granted, Granted)
    return granted


def current_intent(**changes: object) -> Intent:
    """Return an intent of the slot's window that is open on the configured clock."""
    now = Clock.market.market_ms(wire_ms())
    window = Window.at(now, Slot.parse(str(changes.get("slot", "btc-5m"))).timeframe)
    facts = {
        "timeframe": window.timeframe,
        "window_open_ms": window.open_ms,
        "due_ms": now - 1_000,
        "close_ms": window.close_ms,
    }
    return intent(**{**facts, **changes})


def intent_in(exchange: Sandbox, market: KnownMarket, **changes: object) -> Intent:
    """Return an intent for a market of the sandbox exchange, at its present time."""
    facts = {
        "slot": f"{market.asset}-{market.window.timeframe}",
        "timeframe": market.window.timeframe,
        "window_open_ms": market.window.open_ms,
        "due_ms": exchange.clock.market_ms(wire_ms()),
        "close_ms": market.window.close_ms,
        "condition_id": market.condition_id,
        "token_id": market.up_token_id,
        "book_mid": PriceMicroUsd(500_000),
    }
    return intent(**{**facts, **changes})


async def until(shell: Any, slot: str, kind: str) -> OutboxPage:
    """Poll the outbox until an event of this name is there."""
    ends_s = time.monotonic() + WAIT_S
    while time.monotonic() < ends_s:
        page = decode(await shell.outbox(slot, 1, 0, 0, 200), OutboxPage | Refusal)
        assert isinstance(page, OutboxPage), page
        if any(type(event).__name__ == kind for event in page.events):
            return page
    raise AssertionError(f"no {kind} in {WAIT_S} s")


async def eventually(met: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(WAIT_S):
        while not met():  # noqa: ASYNC110 the state of a shell has no event to wait on
            await asyncio.sleep(0.01)
