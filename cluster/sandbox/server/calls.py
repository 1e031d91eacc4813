"""One request as its handler sees it, and who may make it.

Handlers are plain functions from a call to an answer, run to the end without a pause in the order
in which requests arrived: that order is the exchange's time priority.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cluster.sandbox.auth import UNAUTHORIZED, Account, Refusal
from cluster.sandbox.limits import Kind
from cluster.sandbox.model import Now, VenueMode
from cluster.sandbox.modes import DISABLED
from cluster.sandbox.server.wire import refuse
from cluster.sandbox.server.world import World

BODY_BYTES_MAX: Final = 1_000_000
"""A batch of fifteen orders has about 20 kB."""
BODY_S: Final = 15.0
"""Wire seconds that a client may take to send its body."""
CLOSED: Final = {
    VenueMode.RESTARTING: (425, "the matching engine is restarting"),
    VenueMode.DISABLED: (DISABLED.http_status, DISABLED.error),
}
"""Modes in which neither orders nor cancels are taken, and what is answered."""
TOO_MANY: Final = "Too Many Requests"
BAD_ORDER: Final = "Invalid order payload"
BAD_PAYLOAD: Final = "Invalid payload"

Decoded = TypeVar("Decoded")


class Door(StrEnum):
    PUBLIC = "public"
    KEY = "key"
    """L2: API key and HMAC."""
    TRADING = "trading"
    """L2, and closed while the matching engine restarts or trading is disabled."""


class Call(NamedTuple):
    world: World
    now: Now
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    account: Account | None

    @property
    def owner(self) -> Account:
        """The authorized account; the door has checked that there is one."""
        assert self.account is not None
        return self.account


class MalformedBodyError(ValueError):
    """The client's body is no JSON of the expected shape; answered with 400."""


def decode(body: bytes, kind: type[Decoded], what: str = BAD_ORDER) -> Decoded:
    """Decode a request body; raise `MalformedBodyError` with the field that is wrong."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(f"{what}: {error}") from error


def decode_exactly(body: bytes, kind: type[Decoded], words: str) -> Decoded:
    """Decode a request body; raise `MalformedBodyError` with the venue's words alone."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(words) from error


Handler = Callable[[Call], Response]


class Price(NamedTuple):
    """What a request costs its signer, and of which bucket."""

    kind: Kind
    cost: Callable[[Call], int]


class Entry(NamedTuple):
    """One line of a route table."""

    method: str
    path: str
    handler: Handler
    door: Door = Door.PUBLIC
    price: Price | None = None


def _run(call: Call, entry: Entry) -> Response:
    """Take the request's price from its signer's bucket, if it has one, and handle it."""
    if entry.price is None:
        return entry.handler(call)
    limits = call.world.limits
    kind, cost = entry.price.kind, entry.price.cost(call)
    spent = limits.spend(call.owner.address, kind, cost, call.now.wire_ms)
    if spent is None:
        return entry.handler(call)
    answered = entry.handler(call) if spent.granted else refuse(429, TOO_MANY)
    answered.headers["Poly-RateLimit-Remaining"] = str(spent.remaining)
    answered.headers["Poly-RateLimit-Reset"] = str(spent.reset_wire_s)
    answered.headers["Poly-RateLimit-Tier"] = limits.tier
    if not spent.granted:
        answered.headers["Retry-After"] = str(spent.wait_s)
    return answered


def _authorize(world: World, request: Request, prefix: str, body: bytes) -> Account | Refusal:
    return world.accounts.authorize(
        request.headers,
        request.method,
        str(request.scope["path"]).removeprefix(prefix),
        body,
        world.reported_wire_ms(),
    )


def _answer(world: World, request: Request, entry: Entry, prefix: str, body: bytes) -> Response:
    account: Account | None = None
    if entry.door is not Door.PUBLIC:
        allowed = _authorize(world, request, prefix, body)
        if not isinstance(allowed, Refusal) and world.refuses_in_passing():
            allowed = UNAUTHORIZED
        if isinstance(allowed, Refusal):
            return refuse(allowed.status, allowed.error)
        account = allowed
    closed = CLOSED.get(world.exchange.mode)
    if entry.door is Door.TRADING and closed is not None:
        return refuse(*closed)
    call = Call(
        world,
        world.now(),
        request.path_params,
        request.query_params,
        request.headers,
        body,
        account,
    )
    try:
        return _run(call, entry)
    except MalformedBodyError as error:
        return refuse(400, str(error))


async def read_body(request: Request) -> bytes | Response:
    """Read a body of bounded size in bounded time; what is answered where that fails."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    return _refuse_and_close(413, "body too large")
    except TimeoutError:
        return _refuse_and_close(408, "the body did not arrive in time")
    except ClientDisconnect:
        return _refuse_and_close(400, "the client left")  # nobody reads it
    return bytes(body)


def _refuse_and_close(status: int, error: str) -> Response:
    """What is left of the body would be read as the next request: end the connection."""
    answered = refuse(status, error)
    answered.headers["Connection"] = "close"
    return answered


def routes_of(world: World, prefix: str, table: tuple[Entry, ...]) -> list[Route]:
    """Mount a route table under a prefix; a request's path without it is what clients sign."""

    def endpoint_of(entry: Entry) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            body = await read_body(request)
            if isinstance(body, Response):
                return body
            answered = _answer(world, request, entry, prefix, body)
            if entry.door is not Door.PUBLIC:
                world.commit()
            return answered

        return endpoint

    return [
        Route(prefix + entry.path, endpoint_of(entry), methods=[entry.method]) for entry in table
    ]
