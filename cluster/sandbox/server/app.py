"""The whole application: route tables under their prefixes, the three sockets, the fault layer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from cluster.sandbox.behaviours import Behaviour, Behaviours
from cluster.sandbox.faults import FaultBoard
from cluster.sandbox.server.admin import ADMIN_TABLE
from cluster.sandbox.server.approvals import APPROVALS_TABLE
from cluster.sandbox.server.binance import BINANCE_TABLE
from cluster.sandbox.server.calls import Entry, routes_of
from cluster.sandbox.server.clob_account import ACCOUNT_TABLE
from cluster.sandbox.server.clob_markets import MARKET_TABLE
from cluster.sandbox.server.clob_orders import ORDER_TABLE
from cluster.sandbox.server.clob_prices import PRICE_TABLE
from cluster.sandbox.server.data_api import DATA_TABLE
from cluster.sandbox.server.discovery import GAMMA_TABLE, REGION_TABLE
from cluster.sandbox.server.front import Front
from cluster.sandbox.server.market_lists import CLOB_LIST_TABLE, GAMMA_LIST_TABLE
from cluster.sandbox.server.relayer import RELAYER_TABLE
from cluster.sandbox.server.rpc import RPC_TABLE
from cluster.sandbox.server.wire import refuse
from cluster.sandbox.server.world import World
from cluster.sandbox.sockets.line import Line
from cluster.sandbox.sockets.market_socket import MarketLine
from cluster.sandbox.sockets.price_socket import PriceLine
from cluster.sandbox.sockets.user_socket import UserLine

PREFIXES: Final[dict[str, tuple[Entry, ...]]] = {
    "/clob": ORDER_TABLE + ACCOUNT_TABLE + CLOB_LIST_TABLE + MARKET_TABLE + PRICE_TABLE,
    "/data": (*DATA_TABLE, *APPROVALS_TABLE),
    "/gamma": GAMMA_LIST_TABLE + GAMMA_TABLE,
    "/relayer": RELAYER_TABLE,
    "/rpc": RPC_TABLE,
    "/region": REGION_TABLE,
    "/binance": BINANCE_TABLE,
    "/admin": ADMIN_TABLE,
}
NOT_FOUND: Final = 404
NOT_ALLOWED: Final = 405
CLOSE_POLICY: Final = 1_008
CLOSE_SILENT: Final = 1_001
CLOSING_S: Final = 5.0
"""Wire seconds that a silent client has to answer the close."""
LineKind = TypeVar("LineKind", bound=Line)
LineKind_contra = TypeVar("LineKind_contra", bound=Line, contravariant=True)


class Feed(Protocol[LineKind_contra]):
    def add(self, line: LineKind_contra) -> None: ...
    def remove(self, line: LineKind_contra) -> None: ...
    def receive(self, line: LineKind_contra, text: str | bytes) -> None: ...


async def _serve_line(
    websocket: WebSocket, line: LineKind, feed: Feed[LineKind], behaviours: Behaviours
) -> None:
    """Read a client's frames and write the feed's until either side ends."""
    feed.add(line)
    writer = asyncio.create_task(line.write())
    reader = asyncio.create_task(_read(websocket, line, feed, behaviours))
    try:
        await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
    finally:
        feed.remove(line)
        for task in (writer, reader):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _read(
    websocket: WebSocket, line: LineKind, feed: Feed[LineKind], behaviours: Behaviours
) -> None:
    """Hand a client's frames to its feed; close on silence and on a wrong beginning."""
    strict = behaviours.on(Behaviour.SOCKET_DISCIPLINE)
    try:
        while True:
            async with asyncio.timeout(line.silence_s if strict else None):
                message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            frame: str | bytes = message.get("bytes") or b"" if text is None else text
            if frame == "PING" and (line.subscribed or not strict):
                line.reply("PONG")
            else:
                feed.receive(line, frame)
            if strict and not line.subscribed:
                behaviours.note(Behaviour.SOCKET_DISCIPLINE)
                line.cut(CLOSE_POLICY)
    except TimeoutError:
        behaviours.note(Behaviour.SOCKET_DISCIPLINE)
        line.cut(CLOSE_SILENT)
        await asyncio.sleep(CLOSING_S)  # the writer closes, and ends the line


def _socket(
    world: World, make: Callable[[WebSocket, FaultBoard], LineKind], feed: Feed[LineKind]
) -> Callable[[WebSocket], Awaitable[None]]:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        line = make(websocket, world.faults)
        await _serve_line(websocket, line, feed, world.exchange.behaviours)

    return endpoint


def _unknown_route(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else NOT_FOUND
    return refuse(status, "method not allowed" if status == NOT_ALLOWED else "not found")


def make_app(world: World) -> ASGIApp:
    """Build the ASGI application of one sandbox."""
    routes: list[BaseRoute] = [
        route for prefix, table in PREFIXES.items() for route in routes_of(world, prefix, table)
    ]
    routes += [
        WebSocketRoute("/ws/market", _socket(world, MarketLine, world.market_feed)),
        WebSocketRoute("/ws/user", _socket(world, UserLine, world.user_feed)),
        WebSocketRoute("/ws/prices", _socket(world, PriceLine, world.price_feed)),
    ]
    inner = Starlette(
        routes=routes,
        exception_handlers={NOT_FOUND: _unknown_route, NOT_ALLOWED: _unknown_route},
    )
    inner.router.redirect_slashes = False
    return Front(inner, world.faults, world.asked)
