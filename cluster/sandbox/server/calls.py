"""One request as its handler sees it, and who may make it.

Handlers are plain functions from a call to an answer, run to the end without a pause in the order
in which requests arrived: that order is the exchange's time priority.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cluster.sandbox.auth import Account, Refusal
from cluster.sandbox.limits import Kind
from cluster.sandbox.model import Now, VenueMode
from cluster.sandbox.server.wire import refuse
from cluster.sandbox.server.world import World

BODY_BYTES_MAX = 1_000_000
"""A batch of fifteen orders has about 20 kB."""
RESTARTING = (425, "the matching engine is restarting")

Decoded = TypeVar("Decoded")


class Door(StrEnum):
    PUBLIC = "public"
    KEY = "key"
    """L2: API key and HMAC."""
    TRADING = "trading"
    """L2, and closed while the matching engine restarts."""


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


def decode(body: bytes, kind: type[Decoded]) -> Decoded:
    """Decode a request body; raise `MalformedBodyError` with the field that is wrong."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBodyError(f"Invalid order payload: {error}") from error


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
    answered = entry.handler(call) if spent.granted else refuse(429, "rate limit exceeded")
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
        request.url.path.removeprefix(prefix),
        body,
        world.told_wire_ms(),
    )


def _answer(world: World, request: Request, entry: Entry, prefix: str, body: bytes) -> Response:
    account: Account | None = None
    if entry.door is not Door.PUBLIC:
        allowed = _authorize(world, request, prefix, body)
        if isinstance(allowed, Refusal):
            return refuse(allowed.status, allowed.error)
        account = allowed
    if entry.door is Door.TRADING and world.exchange.mode is VenueMode.RESTARTING:
        return refuse(*RESTARTING)
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


def routes_of(world: World, prefix: str, table: tuple[Entry, ...]) -> list[Route]:
    """Mount a route table under a prefix; a request's path without it is what clients sign."""

    def endpoint_of(entry: Entry) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            if len(body) > BODY_BYTES_MAX:
                return refuse(413, "body too large")
            answered = _answer(world, request, entry, prefix, body)
            if entry.door is not Door.PUBLIC:
                world.commit()
            return answered

        return endpoint

    return [
        Route(prefix + entry.path, endpoint_of(entry), methods=[entry.method]) for entry in table
    ]
