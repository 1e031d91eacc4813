"""A sandbox with resting orders, a state folder without a fleet, and the halt as a command."""

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from actors.feeds.gamma import fetch_market
from actors.market_data.events import FetchMarket, MarketFound
from actors.market_data.state import KnownMarket
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Accepted
from cluster.local.state_folder import StateFolder
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.records import OrderAccepted, OrderEnded, Traded
from signals.decision import Style
from signals.market import Asset, Timeframe, Window, market_slug
from tests.actors.sandbox import Sandbox, store_config
from tests.actors.venue.trading import run, signed

PRICE = 10_000
"""One cent: below every ask of a market that is hours from its close."""
HALT_LIMIT_S = 240.0


async def long_market(exchange: Sandbox) -> KnownMarket:
    """Return the next 4h market but one: it takes orders, and is far from its end at any time."""
    now_ms = exchange.clock.market_ms(asyncio_wire_ms())
    window = Window.at(now_ms, Timeframe.H4)
    async with httpx.AsyncClient(base_url=exchange.urls["gamma_url"]) as client:
        while True:
            ask = FetchMarket(
                job="", slug=market_slug(Asset.BTC, window), asset=Asset.BTC, window=window
            )
            found = await fetch_market(client, ask, now_ms)
            if isinstance(found, MarketFound) and found.market.accepting_orders:
                return found.market
            await asyncio.sleep(0.2)


def asyncio_wire_ms() -> float:
    from actors.runtime import wire_ms

    return wire_ms()


def rest(exchange: Sandbox, count: int) -> tuple[str, ...]:
    """Post so many orders that rest; return their ids."""

    async def post(venue: PolymarketVenue) -> tuple[str, ...]:
        market = await long_market(exchange)
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
    command = [sys.executable, "-m", "cluster", "trading", "halt", "--json"]
    done = subprocess.run(
        [*command, "--state", str(folder.root), *words],
        capture_output=True,
        timeout=HALT_LIMIT_S,
        check=False,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=_allow_no_file if no_room else None,
    )
    said = done.stderr.decode()
    return done.returncode, json.loads(done.stdout or b"{}"), said


def _allow_no_file() -> None:
    """No file of this process may grow: what a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


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
