"""The venue's other reads, asked as its SDK and plain clients do, on the real sandbox process."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from polymarket import AsyncPublicClient
from polymarket.streams import MarketSpec

from actors.venue.polymarket.environment import venue_environment
from tests.actors.sandbox import ANSWER_LIMIT_S, Sandbox, admin, sandbox

pytestmark = pytest.mark.exchange

CLIENT = httpx.Client(timeout=ANSWER_LIMIT_S)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("reads"), "--market-clock", "wall", speed=1) as served:
        yield served


def get(exchange: Sandbox, service: str, path: str, **query: object) -> Any:
    answered = CLIENT.get(exchange.urls[service] + path, params=query)
    assert answered.status_code == 200, answered.text
    return answered.json()


def test_market_time_is_the_walls(exchange: Sandbox) -> None:
    clock = admin(exchange, "GET", "/clock")
    assert clock["market_ms"] == clock["wire_ms"]


def test_lists_of_markets_have_pages_and_series(exchange: Sandbox) -> None:
    first = get(exchange, "gamma_url", "/events/keyset", limit=10)
    rest = get(exchange, "gamma_url", "/events/keyset", after_cursor=first["next_cursor"])
    slugs = [event["slug"] for event in first["events"] + rest["events"]]
    assert len(slugs) == len(set(slugs)) >= 16
    bitcoin = get(exchange, "gamma_url", "/markets/keyset", series_id="10684")["markets"]
    assert bitcoin
    assert all(market["slug"].startswith("btc-updown-5m-") for market in bitcoin)
    assert {"volume24hr", "rewardsMaxSpread", "umaEndDate", "restricted"} <= bitcoin[0].keys()
    for path in ("/markets", "/sampling-markets", "/simplified-markets"):
        page = get(exchange, "clob_url", path)
        assert page["count"] >= 16
        assert {token["outcome"] for token in page["data"][0]["tokens"]} == {"Up", "Down"}


def test_prices_are_read_as_the_sdk_reads_them(exchange: Sandbox) -> None:
    async def use() -> None:
        async with AsyncPublicClient(environment=venue_environment(exchange.venue())) as client:
            token = await _traded_token(exchange, client)
            book = await client.get_order_book(token_id=token)
            assert book.tick_size
            assert 0 < await client.get_midpoint(token_id=token) < 1
            bid = await client.get_price(token_id=token, side="BUY")
            ask = await client.get_price(token_id=token, side="SELL")
            assert 0 < bid < ask < 1
            assert await client.get_spread(token_id=token) > 0
            assert token in await client.get_midpoints(token_ids=[token])
            last = await client.get_last_trade_price(token_id=token)
            assert last is not None
        history = get(exchange, "clob_url", "/prices-history", market=token)["history"]
        assert history
        assert 0 < history[-1]["p"] < 1

    asyncio.run(use())


async def _traded_token(exchange: Sandbox, client: AsyncPublicClient) -> str:
    """Return a token of a market in which the house has just traded."""
    markets = get(exchange, "clob_url", "/sampling-markets")["data"]
    tokens = [market["tokens"][0]["token_id"] for market in markets]
    handle = await client.subscribe(MarketSpec(token_ids=tuple(tokens)))
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            async for event in handle:
                if type(event).__name__ == "MarketLastTradePriceEvent":
                    return str(event.payload.asset_id)
    finally:
        await handle.close()
    raise AssertionError("no trade")


def test_the_data_service_answers_for_a_wallet_it_does_not_know(exchange: Sandbox) -> None:
    for path in ("/positions", "/v2/trades", "/v2/activity"):
        page = get(exchange, "data_url", path, user="0x" + "ab" * 20)
        assert page == {"data": [], "pagination": {"has_more": False, "next_cursor": None}}
    assert CLIENT.get(exchange.urls["data_url"] + "/positions").status_code == 400
