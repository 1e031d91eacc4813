"""The outermost layer: what can go wrong between a client and the exchange goes wrong here."""

import asyncio
from collections import Counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster.sandbox.faults import AFTER, BEFORE, Fault, FaultBoard, FaultKind
from cluster.sandbox.server.wire import refuse

ADMIN_PREFIX: Final = "/admin"
"""The admin door is never faulty: it is how a test ends its faults."""


CLOSE_TRY_LATER: Final = 1_013
ASKED_MAX: Final = 1_000
"""Different routes that requests are counted of."""
FROZEN_MAX: Final = 1_000
"""Different questions that stale answers are kept for."""


class Front:
    """Pass requests on, unless a fault on the board says otherwise."""

    def __init__(self, inner: ASGIApp, faults: FaultBoard, asked: Counter[str]) -> None:
        self._inner = inner
        self._faults = faults
        self._asked = asked
        self._frozen: dict[str, tuple[int, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and self._turns_away(scope):
            await receive()
            await send({"type": "websocket.close", "code": CLOSE_TRY_LATER})
            return
        if scope["type"] != "http" or scope["path"].startswith(ADMIN_PREFIX):
            await self._inner(scope, receive, send)
            return
        route = f"{scope['method']} {scope['path']}"
        if scope["method"] != "GET" and len(self._asked) < ASKED_MAX:
            self._asked[route] += 1
        for fault in self._faults.take(BEFORE, route):
            if await _stops(fault, scope, receive, send):
                return
        after = self._faults.take(AFTER, route)
        if not self._faults.has(FaultKind.STALE):
            self._frozen.clear()
        if after and (scope["method"] == "GET" or after[0].kind is not FaultKind.STALE):
            await self._spoil(after[0], scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    def _turns_away(self, scope: Scope) -> bool:
        route = scope["path"].removeprefix("/")
        return bool(self._faults.take(frozenset({FaultKind.DROP_REQUEST}), route))

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request take effect, then answer as the fault says."""
        status, answer = await _ask(self._inner, scope, receive)
        match fault.kind:
            case FaultKind.DROP_ANSWER:
                await hang_up(send)
            case FaultKind.DELAY_ANSWER:
                await asyncio.sleep(fault.delay_ms / 1_000)
                await _respond(status, answer, send)
            case FaultKind.STATUS_AFTER:
                await _respond(fault.status, _text(fault), send)
            case FaultKind.STALE:
                await _respond(*self._freeze(scope, status, answer), send)
            case _:
                half = answer[: len(answer) // 2]
                await _respond(200, half if fault.body is None else fault.body.encode(), send)

    def _freeze(self, scope: Scope, status: int, answer: bytes) -> tuple[int, bytes]:
        """Return the first answer that this question got under the fault."""
        if len(self._frozen) >= FROZEN_MAX:
            self._frozen.clear()
        question = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        return self._frozen.setdefault(question, (status, answer))


async def _stops(fault: Fault, scope: Scope, receive: Receive, send: Send) -> bool:
    """Do a fault that comes before the exchange sees the request; tell whether it ends there."""
    if fault.kind is FaultKind.DELAY:
        await asyncio.sleep(fault.delay_ms / 1_000)
        return False
    if fault.kind is FaultKind.DROP_REQUEST:
        await hang_up(send)
    elif fault.body is None:
        await refuse(fault.status, "sandbox fault")(scope, receive, send)
    else:
        await _respond(fault.status, fault.body.encode(), send)
    return True


async def _ask(inner: ASGIApp, scope: Scope, receive: Receive) -> tuple[int, bytes]:
    """Run a request and keep its answer instead of sending it."""
    status, answer = 500, bytearray()

    async def keep(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answer.extend(message.get("body", b""))

    await inner(scope, receive, keep)
    return status, bytes(answer)


def _text(fault: Fault) -> bytes:
    return b'{"error":"sandbox fault"}' if fault.body is None else fault.body.encode()


async def _respond(status: int, body: bytes, send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hang_up(send: Send) -> None:
    """Close the client's connection without a byte of answer.

    ASGI has no message for that, so it reaches for uvicorn's transport. Where that has moved, an
    answer that breaks off after its head stands in: the client cannot know the outcome either way.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    abort = getattr(transport, "abort", None)
    if abort is not None:
        abort()
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1024")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
