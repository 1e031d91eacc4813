"""Serve the stand-ins beside something else in one process, and tell where each of them is."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from cluster.sandbox.prices.source import Prices
from cluster.sandbox.standins.faults import EXCHANGES
from cluster.sandbox.standins.serving import Floor, make_server
from cluster.sandbox.standins.view import Data

HOST: Final = "127.0.0.1"


class ExchangeAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stand-in is, as the configuration of a fleet's sources has it."""

    name: str
    rest_url: str
    socket_url: str


def addresses(port: int) -> tuple[ExchangeAddress, ...]:
    return tuple(
        ExchangeAddress(
            name=name,
            rest_url=f"http://{HOST}:{port}/{name}",
            socket_url=f"ws://{HOST}:{port}/{name}",
        )
        for name in EXCHANGES
    )


@asynccontextmanager
async def stand_ins_served(
    listener: socket.socket | None, prices: Prices, market_ms: Callable[[], int]
) -> AsyncIterator[tuple[ExchangeAddress, ...]]:
    """Serve on this listener; without one serve nothing."""
    if listener is None:
        yield ()
        return
    server = make_server(Floor(Data(prices, market_ms)))
    await server.startup(sockets=[listener])
    loop = asyncio.create_task(server.main_loop())
    try:
        yield addresses(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await loop
        await server.shutdown(sockets=[listener])
