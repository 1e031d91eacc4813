"""A sandbox with resting orders, a state folder without a fleet, and the halt as a command."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from actors.feeds.gamma import fetch_market
from actors.market_data.events import FetchMarket, MarketFound
from actors.market_data.state import KnownMarket
from actors.runtime import wire_ms
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Accepted
from cluster.local.state_folder import StateFolder
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.records import OrderAccepted, OrderEnded, Traded
from signals.decision import Style
from signals.market import Asset, Timeframe, Window, market_slug
from signals.market_time import MarketClock
from tests.actors.sandbox import Sandbox, store_config
from tests.actors.venue.trading import run, signed

PRICE = 10_000
"""One cent: below every ask of a market that is hours from its close."""
HALT_LIMIT_S = 240.0


async def long_market_at(
    gamma_url: str, clock: MarketClock, asset: Asset = Asset.BTC
) -> KnownMarket:
    """Return the present 4h market: nearly always far from its end."""
    now_ms = clock.market_ms(wire_ms())
    window = Window.at(now_ms, Timeframe.H4)
    async with httpx.AsyncClient(base_url=gamma_url) as client:
        while True:
            ask = FetchMarket(job="", slug=market_slug(asset, window), asset=asset, window=window)
            found = await fetch_market(client, ask, now_ms)
            if isinstance(found, MarketFound) and found.market.accepting_orders:
                return found.market
            await asyncio.sleep(0.2)


def rest(exchange: Sandbox, count: int) -> tuple[str, ...]:
    """Post so many orders that rest; return their ids."""

    async def post(venue: PolymarketVenue) -> tuple[str, ...]:
        market = await long_market_at(exchange.urls["gamma_url"], exchange.clock)
        ids: list[str] = []
        for _ in range(count):
            one = await signed(venue, market, Style.REST, PRICE, 5_000_000)
            outcome = await venue.post(one)
            assert isinstance(outcome, Accepted), outcome
            ids.append(one.order_id)
        return tuple(ids)

    return run(exchange, post)


def folder_of(exchange: Sandbox) -> StateFolder:
    """Make the state folder of a fleet that is gone: its configuration, nothing that runs."""
    folder = StateFolder(exchange.folder / "state")
    config = msgspec.structs.replace(exchange.config(), storage=str(folder.storage))
    store_config(config)
    return folder


def halt(
    folder: StateFolder, *words: str, no_room: bool = False
) -> tuple[int, dict[str, Any], str]:
    """Run the command as a person would; return exit code, JSON and what it said."""
    with _begun(folder, *words, no_room=no_room) as halting:
        told, said = halting.communicate(timeout=HALT_LIMIT_S)
    return halting.returncode, json.loads(told or b"{}"), said.decode()


def halt_and(
    folder: StateFolder, when_it_says: str, then: Callable[[], object]
) -> tuple[int, dict[str, Any], str]:
    """Run the command, and do something once it has said these words."""
    with _begun(folder) as halting:
        assert halting.stderr is not None
        said = b""
        while when_it_says.encode() not in said:
            line = halting.stderr.readline()
            assert line, said
            said += line
        then()
        told, rest = halting.communicate(timeout=HALT_LIMIT_S)
    return halting.returncode, json.loads(told or b"{}"), (said + rest).decode()


def _begun(folder: StateFolder, *words: str, no_room: bool = False) -> subprocess.Popen[bytes]:
    """Start the command; `no_room`: no file of it may grow, which is what a full disk does."""
    command = [sys.executable, "-m", "cluster", "trading", "halt", "--json"]
    limited = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh"] if no_room else []
    return subprocess.Popen(
        [*limited, *command, "--state", str(folder.root), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def open_at_the_venue(exchange: Sandbox) -> set[str]:
    """Return the orders that the ledger has no end of."""
    alive: set[str] = set()
    for entry in read_entries(exchange.folder / "exchange"):
        match entry.record:
            case OrderAccepted(order=order):
                alive.add(order.order_id)
            case OrderEnded(order_id=order_id):
                alive.discard(order_id)
            case Traded():
                pass  # at a cent nobody sells
            case _:
                pass
    return alive


def cancelled_at(exchange: Sandbox) -> dict[str, int]:
    """Return when the ledger ended each order, wire ms."""
    return {
        entry.record.order_id: entry.wire_ms
        for entry in read_entries(exchange.folder / "exchange")
        if isinstance(entry.record, OrderEnded)
    }
