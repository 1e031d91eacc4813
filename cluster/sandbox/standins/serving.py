"""Serve all stand-ins on one loopback port, each under its own name, with their faults."""

import asyncio
import contextlib
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from cluster.sandbox.server.front import hang_up
from cluster.sandbox.standins.binance import BinanceSpot, BinanceUsdm
from cluster.sandbox.standins.bybit import Bybit
from cluster.sandbox.standins.coinbase import Coinbase
from cluster.sandbox.standins.faults import Fault, Switch
from cluster.sandbox.standins.hyperliquid import Hyperliquid
from cluster.sandbox.standins.okx import Okx
from cluster.sandbox.standins.quotas import Counter
from cluster.sandbox.standins.standin import Answer, Asked, StandIn, Topic
from cluster.sandbox.standins.view import Data, View
from cluster.sandbox.wire_time import wire_clock_ms

PUSH_S: Final = 0.25
"""Wire, between two sendings on a socket."""
TOPICS_MAX: Final = 200
STATUS_FAULTS: Final = (Fault.TOO_MANY, Fault.BANNED, Fault.COUNTRY, Fault.FORBIDDEN)
CLIENT_REFUSED: Final = b"error code: 1010"
PAGE: Final = b"<!DOCTYPE html><html><body><h1>Under maintenance</h1></body></html>"
CLOSE_AWAY: Final = 1_001


def stand_ins() -> dict[str, StandIn]:
    found = (BinanceUsdm(), BinanceSpot(), Okx(), Bybit(), Hyperliquid(), Coinbase())
    return {one.name: one for one in found}


class Floor:
    """Every stand-in, and what they share."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.stand_ins = stand_ins()
        self.counters = {name: Counter() for name in self.stand_ins}

    def answer(self, one: StandIn, asked: Asked, wire_ms: int) -> Answer:
        view = self.data.view(one.name)
        group, weight = one.cost(asked)
        verdict = self.counters[one.name].count(group, one.quotas[group], weight, wire_ms)
        if verdict.over:
            return one.limited(verdict)
        spoilt = spoilt_answer(one, view)
        if spoilt is not None:
            return spoilt
        found = one.answer(asked, view)
        if view.fault(Fault.OLD_FORMAT):
            found = Answer(
                found.status, b'{"ret_code":0,"ext_code":"","result":' + found.body + b"}"
            )
        return found._replace(headers=(*found.headers, *one.headers(verdict)))


def spoilt_answer(one: StandIn, view: View) -> Answer | None:
    """Return what a fault answers in the exchange's place."""
    for fault in STATUS_FAULTS:
        switch = view.fault(fault)
        if switch is not None:
            wait = (("retry-after", str(switch.value)),) if switch.value else ()
            return Answer(int(fault.value), b'{"code":"refused"}', wait)
    if view.fault(Fault.CLIENT):
        return Answer(403, CLIENT_REFUSED)
    if view.fault(Fault.HTML):
        return Answer(200, PAGE)
    if view.fault(Fault.EMPTY):
        return Answer(200, b"")
    return one.own_error() if view.fault(Fault.ENVELOPE) else None


# ---- REST -------------------------------------------------------------------------------------


class Rest:
    """The REST side of all stand-ins, as one ASGI endpoint."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        one = self._floor.stand_ins.get(request.path_params["exchange"])
        if one is None:
            await Response(b"no such exchange", 404)(scope, receive, send)
            return
        body = await request.body()
        if self._floor.data.view(one.name).fault(Fault.KILL):
            await hang_up(send)
            return
        path = "/" + request.path_params["rest"]
        asked = Asked(request.method, path, dict(request.query_params), body)
        found = self._floor.answer(one, asked, wire_clock_ms())
        clock_s = self._floor.data.view(one.name).clock_ms // 1_000
        headers = {"date": formatdate(clock_s, usegmt=True), **dict(found.headers)}
        answer = Response(found.body, found.status, headers, "application/json")
        await answer(scope, receive, send)


# ---- sockets ----------------------------------------------------------------------------------


class Line:
    """One client's socket."""

    def __init__(self, floor: Floor, one: StandIn, websocket: WebSocket, path: str) -> None:
        self._floor = floor
        self._one = one
        self._websocket = websocket
        self._path = path
        self._topics: dict[Topic, int] = dict.fromkeys(
            one.topics_of(path, dict(websocket.query_params)), 0
        )

    async def run(self) -> None:
        tasks = [asyncio.create_task(part()) for part in (self._read, self._push)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self._websocket.close(CLOSE_AWAY)

    async def _read(self) -> None:
        while True:
            limit_s = self._one.silence_s if self._topics else self._one.hello_s
            async with asyncio.timeout(limit_s):
                text = await self._websocket.receive_text()
            heard = self._one.apply(text, self._path)
            for topic in heard.topics[: TOPICS_MAX - len(self._topics)]:
                self._topics.setdefault(topic, 0)
            for reply in heard.replies:
                await self._websocket.send_text(reply.decode())

    async def _push(self) -> None:
        while True:
            view = self._floor.data.view(self._one.name)
            if view.fault(Fault.KILL):
                return
            for topic, before_ms in list(self._topics.items()):
                for frame in self._frames(topic, view, before_ms):
                    await self._websocket.send_text(frame.decode())
                self._topics[topic] = view.market_ms
            await asyncio.sleep(PUSH_S)

    def _frames(self, topic: Topic, view: View, before_ms: int) -> list[bytes]:
        if view.fault(Fault.HTML) or view.fault(Fault.EMPTY):
            return [PAGE if view.fault(Fault.HTML) else b""]
        frames = self._one.frames(topic, view, before_ms)
        if view.fault(Fault.OLD_FORMAT):
            return [b'{"table":"old","rows":' + frame + b"}" for frame in frames]
        return frames


def _socket(floor: Floor) -> Callable[[WebSocket], object]:
    async def endpoint(websocket: WebSocket) -> None:
        one = floor.stand_ins.get(websocket.path_params["exchange"])
        path = "/" + websocket.path_params["rest"]
        if one is None or path not in one.socket_paths:
            await websocket.send_denial_response(Response(b"no such socket", 404))
            return
        view = floor.data.view(one.name)
        refused = spoilt_answer(one, view)
        if view.fault(Fault.KILL) or (refused is not None and refused.status != 200):  # noqa: PLR2004
            answer = refused or Answer(503, b"")
            headers = dict(answer.headers)
            await websocket.send_denial_response(Response(answer.body, answer.status, headers))
            return
        await websocket.accept()
        await Line(floor, one, websocket, path).run()

    return endpoint


# ---- the application --------------------------------------------------------------------------


def make_app(floor: Floor) -> ASGIApp:
    async def admin(request: Request) -> Response:
        """Switch a fault, or tell how much of each limit was used at most."""
        if request.method == "GET":
            worst = {name: counter.worst for name, counter in floor.counters.items()}
            return Response(msgspec.json.encode(worst), media_type="application/json")
        try:
            switch = msgspec.json.decode(await request.body(), type=Switch)
        except msgspec.DecodeError as error:
            return Response(str(error).encode(), 400)
        if switch.exchange not in floor.stand_ins:
            return Response(f"no exchange {switch.exchange!r}".encode(), 400)
        floor.data.faults.set(switch, floor.data.market_ms())
        return Response(b"{}", media_type="application/json")

    return Starlette(
        routes=[
            Route("/admin/faults", admin, methods=["GET", "POST"]),
            WebSocketRoute("/{exchange}/{rest:path}", _socket(floor)),
            Route("/{exchange}/{rest:path}", Rest(floor)),
        ]
    )


def make_server(floor: Floor) -> uvicorn.Server:
    config = uvicorn.Config(
        make_app(floor),
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws_per_message_deflate=False,
        date_header=False,  # each stand-in tells its own time
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server
