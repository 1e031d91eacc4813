"""What anybody may ask the CLOB: time, books and the terms of a market."""

from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.model import Market
from cluster.sandbox.numbers import whole_number
from cluster.sandbox.server.calls import BAD_PAYLOAD, Call, Entry, decode_exactly
from cluster.sandbox.server.market_bodies import (
    BASE_FEE_BPS,
    BookBody,
    book_body,
    clob_market_body,
    market_body,
    token_market_body,
)
from cluster.sandbox.server.wire import answer, decimal_number, refuse

BOOKS_MAX: Final = 500
"""Tokens in one POST /books."""
NO_BOOK: Final = "No orderbook exists for the requested token id"


UNKNOWN_ID: Final = "Invalid token id"
TOKEN_MAX: Final = 2**256 - 1


class BookAsk(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str


class VersionBody(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 2


class TickBody(msgspec.Struct, frozen=True, kw_only=True):
    minimum_tick_size: float


class NegRiskBody(msgspec.Struct, frozen=True, kw_only=True):
    neg_risk: bool = False


class FeeRateBody(msgspec.Struct, frozen=True, kw_only=True):
    base_fee: int = BASE_FEE_BPS


def ok(_call: Call) -> Response:
    return answer("OK")


def server_time(call: Call) -> Response:
    return answer(call.world.reported_wire_ms() // 1_000)


def version(_call: Call) -> Response:
    return answer(VersionBody())


def _market_of_token(call: Call) -> Market | None:
    return call.world.exchange.market_of_token(call.query.get("token_id", ""), call.now)


def tick_size(call: Call) -> Response:
    market = _market_of_token(call)
    if market is None:
        return refuse(404, "market not found")
    return answer(TickBody(minimum_tick_size=decimal_number(market.tick_micro_usd)))


def neg_risk(call: Call) -> Response:
    return (
        refuse(404, "market not found") if _market_of_token(call) is None else answer(NegRiskBody())
    )


def fee_rate(call: Call) -> Response:
    return (
        refuse(404, "fee rate not found for market")
        if _market_of_token(call) is None
        else answer(FeeRateBody())
    )


def book(call: Call) -> Response:
    token_id = call.query.get("token_id", "")
    if whole_number(token_id, TOKEN_MAX) is None:
        return refuse(400, UNKNOWN_ID)
    view = call.world.exchange.book(token_id, call.now)
    return refuse(404, NO_BOOK) if view is None else answer(book_body(view))


def books(call: Call) -> Response:
    """Books of the known tokens among those asked for, in the order asked."""
    asks = decode_exactly(call.body, tuple[BookAsk, ...], BAD_PAYLOAD)
    if len(asks) > BOOKS_MAX:
        return refuse(400, BAD_PAYLOAD)
    views = (call.world.exchange.book(ask.token_id, call.now) for ask in asks)
    bodies: list[BookBody] = [book_body(view) for view in views if view is not None]
    return answer(bodies)


def market_by_token(call: Call) -> Response:
    market = call.world.exchange.market_of_token(call.path["token_id"], call.now)
    shown = call.world.as_shown(market, call.now)
    return refuse(404, "market not found") if shown is None else answer(token_market_body(shown))


def clob_market(call: Call) -> Response:
    market = call.world.exchange.market(call.path["condition_id"], call.now)
    shown = call.world.as_shown(market, call.now)
    return refuse(404, "market not found") if shown is None else answer(clob_market_body(shown))


def market(call: Call) -> Response:
    found = call.world.exchange.market(call.path["condition_id"], call.now)
    shown = call.world.as_shown(found, call.now)
    return refuse(404, "market not found") if shown is None else answer(market_body(shown))


MARKET_TABLE: Final = (
    Entry("GET", "/", ok),
    Entry("GET", "/ok", ok),
    Entry("GET", "/time", server_time),
    Entry("GET", "/version", version),
    Entry("GET", "/tick-size", tick_size),
    Entry("GET", "/neg-risk", neg_risk),
    Entry("GET", "/fee-rate", fee_rate),
    Entry("GET", "/book", book),
    Entry("POST", "/books", books),
    Entry("GET", "/markets-by-token/{token_id}", market_by_token),
    Entry("GET", "/clob-markets/{condition_id}", clob_market),
    Entry("GET", "/markets/{condition_id}", market),
)
