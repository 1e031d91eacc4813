"""The whole application: route tables under their prefixes, the three sockets, the fault layer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from starlette.applications import Starlette
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from cluster.sandbox.faults import FaultBoard
from cluster.sandbox.server.admin import ADMIN_TABLE
from cluster.sandbox.server.binance import BINANCE_TABLE
from cluster.sandbox.server.calls import Entry, routes_of
from cluster.sandbox.server.clob_account import ACCOUNT_TABLE
from cluster.sandbox.server.clob_markets import MARKET_TABLE
from cluster.sandbox.server.clob_orders import ORDER_TABLE
from cluster.sandbox.server.discovery import GAMMA_TABLE, RELAYER_TABLE, RPC_TABLE
from cluster.sandbox.server.front import Front
from cluster.sandbox.server.world import World
from cluster.sandbox.sockets.line import Line
from cluster.sandbox.sockets.market_socket import MarketLine
from cluster.sandbox.sockets.price_socket import PriceLine
from cluster.sandbox.sockets.user_socket import UserLine

PREFIXES: Final[dict[str, tuple[Entry, ...]]] = {
    "/clob": ORDER_TABLE + ACCOUNT_TABLE + MARKET_TABLE,
    "/gamma": GAMMA_TABLE,
    "/relayer": RELAYER_TABLE,
    "/rpc": RPC_TABLE,
    "/binance": BINANCE_TABLE,
    "/admin": ADMIN_TABLE,
}
LineKind = TypeVar("LineKind", bound=Line)
LineKind_contra = TypeVar("LineKind_contra", bound=Line, contravariant=True)


class Feed(Protocol[LineKind_contra]):
    def add(self, line: LineKind_contra) -> None: ...
    def remove(self, line: LineKind_contra) -> None: ...
    def receive(self, line: LineKind_contra, text: str | bytes) -> None: ...


async def _serve_line(websocket: WebSocket, line: LineKind, feed: Feed[LineKind]) -> None:
    """Read a client's frames and write the feed's until either side ends."""
    feed.add(line)
    writer = asyncio.create_task(line.write())
    reader = asyncio.create_task(_read(websocket, line, feed))
    try:
        await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
    finally:
        feed.remove(line)
        for task in (writer, reader):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _read(websocket: WebSocket, line: LineKind, feed: Feed[LineKind]) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            text = await websocket.receive_text()
            if text == "PING":
                line.reply("PONG")
            else:
                feed.receive(line, text)


def _socket(
    make: Callable[[WebSocket, FaultBoard], LineKind], feed: Feed[LineKind], faults: FaultBoard
) -> Callable[[WebSocket], Awaitable[None]]:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await _serve_line(websocket, make(websocket, faults), feed)

    return endpoint


def make_app(world: World) -> ASGIApp:
    """Build the ASGI application of one sandbox."""
    routes: list[BaseRoute] = [
        route for prefix, table in PREFIXES.items() for route in routes_of(world, prefix, table)
    ]
    faults = world.faults
    routes += [
        WebSocketRoute("/ws/market", _socket(MarketLine, world.market_feed, faults)),
        WebSocketRoute("/ws/user", _socket(UserLine, world.user_feed, faults)),
        WebSocketRoute("/ws/prices", _socket(PriceLine, world.price_feed, faults)),
    ]
    return Front(Starlette(routes=routes), faults)
