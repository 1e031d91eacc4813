"""The venue's own SDK, polymarket-client 0.14.0, drives the server over loopback."""

import asyncio
import dataclasses
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from eth_account import Account
from polymarket import AsyncSecureClient
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket.errors import OrderHeartbeatMismatchError, RequestRejectedError, TransportError
from polymarket.streams import CryptoTwapPriceSpec, MarketSpec, UserSpec

from cluster.sandbox.events import LastTrade, Ticked
from cluster.sandbox.model import MICRO, Side
from cluster.sandbox.server.serving import Urls
from tests.cluster.sandbox.server.examples import MARKET, OPEN_MS, UP, tick
from tests.cluster.sandbox.server.running import Running, running
from tests.cluster.sandbox.server.still_exchange import StillExchange

pytestmark = pytest.mark.exchange

SDK_VERSION = "0.14.0"
KEY = "0x" + "22" * 32
SIGNER = Account.from_key(KEY).address
WAIT_S = 90


def environment(urls: Urls) -> object:
    config = dataclasses.replace(
        PRODUCTION_CONFIG,
        clob_url=urls.clob_url,
        gamma_url=urls.gamma_url,
        data_url=urls.data_url,
        relayer_url=urls.relayer_url,
        rpc_url=urls.rpc_url,
        clob_market_ws_url=urls.market_ws_url,
        clob_user_ws_url=urls.user_ws_url,
        realtime_ws_url=urls.prices_ws_url,
        rtds_ws_url=urls.prices_ws_url,
    )
    return create_environment(name="loopback", config=config)


@pytest.fixture
def exchange() -> StillExchange:
    return StillExchange()


@pytest.fixture
def server(exchange: StillExchange, tmp_path: Path) -> Iterator[Running]:
    with running(exchange, tmp_path) as it:
        yield it


async def client_of(server: Running, **options: object) -> AsyncSecureClient:
    return await AsyncSecureClient.create(
        private_key=KEY, environment=environment(server.urls), **options
    )


def test_the_contract_was_checked_with_the_installed_sdk() -> None:
    assert version("polymarket-client") == SDK_VERSION


def test_an_account_with_a_bare_key_places_lists_and_cancels(
    server: Running, exchange: StillExchange
) -> None:
    async def trade() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            signed = await client.create_limit_order(
                token_id=UP, price="0.54", size="10", side="BUY", post_only=True
            )
            placed = await client.post_order(signed)
            assert placed.ok
            assert placed.status == "live"
            assert exchange.placed[0].signature_type == 0
            assert exchange.placed[0].order_id == placed.order_id
            page = await client.list_open_orders().first_page()
            assert [order.id for order in page.items] == [placed.order_id]
            assert str(page.items[0].price) == "0.54"
            found = await client.get_order(order_id=placed.order_id)
            assert found.original_size == 10
            cancelled = await client.cancel_order(order_id=placed.order_id)
            assert cancelled.canceled == (placed.order_id,)
            with pytest.raises(RequestRejectedError):
                await client.get_order(order_id=placed.order_id)

    asyncio.run(trade())


def test_an_account_with_a_deposit_wallet_places_an_order(
    server: Running, exchange: StillExchange
) -> None:
    async def trade() -> None:
        async with await client_of(server) as client:
            signed = await client.create_limit_order(
                token_id=UP, price="0.54", size="10", side="BUY"
            )
            placed = await client.post_order(signed)
            assert placed.ok

    asyncio.run(trade())
    assert exchange.placed[0].signature_type == 3
    assert exchange.placed[0].maker_address != SIGNER
    assert list(exchange.accounts.values()) == [SIGNER.lower()]


def test_the_same_signed_order_twice_is_duplicated(server: Running) -> None:
    async def trade() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            signed = await client.create_limit_order(
                token_id=UP, price="0.54", size="10", side="BUY"
            )
            await client.post_order(signed)
            with pytest.raises(RequestRejectedError, match="Duplicated") as caught:
                await client.post_order(signed)
            assert caught.value.status == 400

    asyncio.run(trade())


def test_an_order_that_was_changed_after_signing_is_refused_and_ledgered(
    server: Running, exchange: StillExchange
) -> None:
    async def trade() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            signed = await client.create_limit_order(
                token_id=UP, price="0.54", size="10", side="BUY"
            )
            forged = dataclasses.replace(signed, maker_amount=signed.maker_amount - 100_000)
            with pytest.raises(RequestRejectedError, match="signature"):
                await client.post_order(forged)

    asyncio.run(trade())
    assert not exchange.placed
    assert len(exchange.refused) == 1


def test_a_batch_of_orders_is_answered_leg_by_leg(server: Running) -> None:
    async def trade() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            one, two = [
                await client.create_limit_order(token_id=UP, price=price, size="10", side="BUY")
                for price in ("0.51", "0.52")
            ]
            first, second, third = await client.post_orders([one, two, one])
            assert (first.ok, second.ok, third.ok) == (True, True, False)
            assert "Duplicated" in third.message
            cancelled = await client.cancel_all()
            assert len(cancelled.canceled) == 2

    asyncio.run(trade())


def test_heartbeats_are_chained_and_a_wrong_one_names_the_right_one(server: Running) -> None:
    async def beat() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            first = await client.send_order_heartbeat()
            second = await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
            with pytest.raises(OrderHeartbeatMismatchError) as caught:
                await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
            assert caught.value.heartbeat_id == second.heartbeat_id

    asyncio.run(beat())


def test_keys_survive_a_second_login_and_balances_books_and_markets_are_read(
    server: Running,
) -> None:
    async def read() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            async with await client_of(server, wallet=SIGNER) as again:
                assert (await again.get_closed_only_mode()) is False
            balance = await client.get_balance_allowance(asset_type="COLLATERAL")
            assert balance.balance == 10_000 * MICRO
            book = await client.get_order_book(token_id=UP)
            assert [str(level.price) for level in book.bids] == ["0.53", "0.54"]
            assert str(book.tick_size) == "0.01"
            market = await client.get_market(slug=MARKET.slug)
            assert market.condition_id == MARKET.condition_id
            assert market.outcomes.yes.token_id == UP
            event = await client.get_event(slug=MARKET.slug)
            assert str(event.markets[0].trading.fee_schedule.rate) == "0.07"

    asyncio.run(read())


def test_the_user_stream_tells_placement_and_cancel(server: Running) -> None:
    async def listen() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            stream = await client.subscribe([UserSpec()])
            signed = await client.create_limit_order(
                token_id=UP, price="0.54", size="10", side="BUY"
            )
            placed = await client.post_order(signed)
            first = await asyncio.wait_for(anext(stream), WAIT_S)
            assert (first.payload.id, first.payload.order_event_type) == (
                placed.order_id,
                "PLACEMENT",
            )
            await client.cancel_order(order_id=placed.order_id)
            second = await asyncio.wait_for(anext(stream), WAIT_S)
            assert second.payload.order_event_type == "CANCELLATION"
            await stream.close()

    asyncio.run(listen())


def test_the_market_stream_starts_with_the_book_and_goes_on_with_trades(server: Running) -> None:
    async def listen() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            stream = await client.subscribe(
                [MarketSpec(token_ids=(UP,), custom_feature_enabled=True)]
            )
            first = await asyncio.wait_for(anext(stream), WAIT_S)
            assert first.type == "book"
            assert str(first.payload.bids[-1].price) == "0.54"
            trade = LastTrade(
                condition_id=MARKET.condition_id,
                token_id=UP,
                side=Side.BUY,
                price=560_000,
                shares=12 * MICRO,
                wire_ms=1,
                market_ms=1,
            )
            await asyncio.to_thread(server.publish, trade)
            second = await asyncio.wait_for(anext(stream), WAIT_S)
            assert (second.type, str(second.payload.price)) == ("last_trade_price", "0.56")
            await stream.close()

    asyncio.run(listen())


def test_the_price_stream_starts_with_a_snapshot_and_goes_on_with_averages(
    server: Running,
) -> None:
    async def listen() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            stream = await client.subscribe([CryptoTwapPriceSpec(symbols=("btcusd",))])
            first = await asyncio.wait_for(anext(stream), WAIT_S)
            assert first.type == "subscribe"
            assert [str(point.value) for point in first.payload.data] == ["95001.5", "95001.5"]
            await asyncio.to_thread(server.publish, Ticked(tick=tick(OPEN_MS), wire_ms=5))
            second = await asyncio.wait_for(anext(stream), WAIT_S)
            assert second.payload.timestamp.timestamp() * 1000 == OPEN_MS
            assert second.payload.source == "chainlink"
            await stream.close()

    asyncio.run(listen())


def test_an_answer_dropped_after_accepting_is_a_transport_error_and_the_order_is_there(
    server: Running, exchange: StillExchange
) -> None:
    server.fault(kind="drop_answer", route="POST /clob/order", count=1)

    async def trade() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            signed = await client.create_limit_order(
                token_id=UP, price="0.54", size="10", side="BUY"
            )
            with pytest.raises(TransportError):
                await client.post_order(signed)
            with pytest.raises(RequestRejectedError, match="Duplicated"):
                await client.post_order(signed)

    asyncio.run(trade())
    assert len(exchange.placed) == 1


def test_a_restarting_venue_answers_425_to_orders_and_cancels(server: Running) -> None:
    server.fault(kind="restart", delay_ms=600_000)

    async def trade() -> None:
        async with await client_of(server, wallet=SIGNER) as client:
            signed = await client.create_limit_order(
                token_id=UP, price="0.54", size="10", side="BUY"
            )
            with pytest.raises(RequestRejectedError) as caught:
                await client.post_order(signed)
            assert caught.value.restriction == "restarting"
            with pytest.raises(RequestRejectedError) as caught:
                await client.cancel_all()
            assert caught.value.status == 425

    asyncio.run(trade())
