"""The network is lost under resting orders and comes back: a real gateway, the real exchange."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actors.config import SlotConfig
from actors.gateway.actor import Gateway
from actors.gateway.status import GatewayStatus
from actors.messages import Intent, OutboxPage, decode, encode
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.model import CancelReason
from cluster.sandbox.records import OrderEnded
from signals.market import Asset, Slot, Timeframe
from tests.actors.gateway.shells import intent_in, own
from tests.actors.sandbox import Sandbox, admin, fault, sandbox, store_config
from tests.cluster.halting.halted import PRICE, long_market_at, open_at_the_venue

pytestmark = [pytest.mark.exchange, pytest.mark.nemesis]
SLOT = Slot(Asset.BTC, Timeframe.H4)
LIMIT_S = 240.0
POLL_S = 0.2


def test_what_rested_is_cancelled_by_the_venue_and_nothing_is_bought_before_it_was_compared(
    tmp_path: Path,
) -> None:
    with sandbox(tmp_path, "--more-timeframes", "4h", speed=1) as exchange:
        asyncio.run(course(exchange))


async def course(exchange: Sandbox) -> None:
    config = replace(
        exchange.config(),
        storage=str(exchange.folder / "gateway"),
        slots=(SlotConfig(slot=str(SLOT)),),
    )
    shell: Any = Gateway(store_config(config), "gateway/1")  # its methods, without a cluster
    try:
        await own(shell, str(SLOT))
        for leg in range(3):  # on a machine that is far too busy one may be refused
            await shell.send(encode(await made(exchange, leg)))
        await until(lambda: opened(shell, 1))
        lost = await made(exchange, 7)
        again = await made(exchange, 8)

        fault(exchange, "drop_request", "*")
        await until(lambda: by_heartbeat(exchange))
        await until(lambda: in_trouble(shell, "the venue has cancelled all orders"))
        await until(lambda: in_trouble(shell, "orders and trades not listed for"))
        await shell.send(encode(lost))
        await until(lambda: told(shell, "IntentRefused"))
        assert not open_at_the_venue(exchange)

        admin(exchange, "DELETE", "/faults")
        await until(lambda: opened(shell, 0))
        await shell.send(encode(again))
        await until(lambda: opened(shell, 1))
        assert open_at_the_venue(exchange)
    finally:
        admin(exchange, "DELETE", "/faults")
        await shell.stop()


async def made(exchange: Sandbox, leg: int) -> Intent:
    market = await long_market_at(exchange.urls["gamma_url"], exchange.clock)
    return intent_in(exchange, market, leg=leg, price=PRICE, shares=5_000_000, book_mid=PRICE * 10)


async def status(shell: Any) -> GatewayStatus:
    return decode(await shell.status(), GatewayStatus)


async def opened(shell: Any, least: int) -> bool:
    """Whether so many orders rest, or more; 0: none is left, of whatever state."""
    orders = (await status(shell)).open_orders
    rest = [order for order in orders if order.state == "open"]
    return len(rest) >= least if least else not orders


async def in_trouble(shell: Any, words: str) -> bool:
    return any(words in one for one in (await status(shell)).trouble)


async def told(shell: Any, event: str) -> bool:
    page = decode(await shell.outbox(str(SLOT), 1, 0, 0, 0), OutboxPage)
    return event in {type(one).__name__ for one in page.events}


async def by_heartbeat(exchange: Sandbox) -> bool:
    """Whether the venue has cancelled all that rested because no heartbeat came."""
    entries = read_entries(exchange.folder / "exchange")
    reasons = [one.record.reason for one in entries if isinstance(one.record, OrderEnded)]
    return CancelReason.HEARTBEAT in reasons and not open_at_the_venue(exchange)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            if await holds():
                return
            await asyncio.sleep(POLL_S)
