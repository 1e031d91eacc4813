"""Use the adapter against scripted answers, one connection a use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from actors.venue.polymarket.opening import Absent, connect
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import (
    PostOutcome,
    SignedOrder,
    UnsignedOrder,
)
from signals.decision import Style
from signals.market import Side
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.venue.loopback import (
    CONDITION,
    UP_TOKEN,
    Answer,
    Loopback,
)

TIMEOUT_S = 90.0
EXCHANGE_V2 = "0xE111180000d2663C0091e4f400237545B87B996B"
ACCEPTED = {
    "success": True,
    "errorMsg": "",
    "status": "live",
    "makingAmount": "",
    "takingAmount": "",
    "transactionsHashes": [],
    "tradeIDs": [],
}


def order(style: Style = Style.REST, price: int = 520_000) -> UnsignedOrder:
    return UnsignedOrder(
        condition_id=CONDITION,
        token_id=UP_TOKEN,
        side=Side.BUY,
        style=style,
        price=PriceMicroUsd(price),
        shares=MicroShares(7_250_000),
    )


def with_venue(
    exchange: Loopback,
    use: Callable[[PolymarketVenue], Awaitable[Any]],
    timeout_s: float = TIMEOUT_S,
) -> Any:
    async def run() -> Any:
        venue = await connect(exchange.venue(), timeout_s, Absent.MAKE)
        assert isinstance(venue, PolymarketVenue), venue
        try:
            return await use(venue)
        finally:
            await venue.close()

    return asyncio.run(run())


async def signed(venue: PolymarketVenue, unsigned: UnsignedOrder) -> SignedOrder:
    outcome = await venue.sign(unsigned)
    assert isinstance(outcome, SignedOrder), outcome
    return outcome


def post_with(exchange: Loopback, answer: Answer) -> PostOutcome:
    async def use(venue: PolymarketVenue) -> PostOutcome:
        one = await signed(venue, order())
        if isinstance(answer.body, dict) and answer.body.get("success") is True:
            answer.body.setdefault("orderID", one.order_id)
        exchange.answer("POST", "/order", answer)
        return await venue.post(one)

    outcome: PostOutcome = with_venue(exchange, use)
    return outcome
