"""The adapter against the sandbox exchange while it misbehaves."""

import time
from collections.abc import Iterator

import pytest

from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import (
    Accepted,
    Duplicated,
    TradeStatus,
    Unavailable,
    UnavailableKind,
    Unknown,
    VenueTrade,
)
from signals.decision import Style
from tests.actors.sandbox import Sandbox, admin, fault, sandbox
from tests.actors.venue.trading import current_market, run, signed, until

pytestmark = pytest.mark.exchange


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


@pytest.fixture(autouse=True)
def healthy(exchange: Sandbox) -> Iterator[None]:
    yield
    admin(exchange, "DELETE", "/faults")


def test_an_answer_that_was_lost_is_unknown_and_the_same_bytes_prove_that_it_landed(
    exchange: Sandbox,
) -> None:
    async def use(venue: PolymarketVenue) -> None:
        one = await signed(venue, await current_market(exchange), Style.REST, 10_000)
        fault(exchange, "drop_answer", "POST /clob/order", count=1)
        assert isinstance(await venue.post(one), Unknown)
        assert await venue.post(one) == Duplicated()
        orders = await venue.open_orders()
        assert not isinstance(orders, Unknown)
        assert [order.order_id for order in orders].count(one.order_id) == 1
        await venue.cancel([one.order_id])

    run(exchange, use)


@pytest.mark.parametrize("kind", ["status", "status_after"])
def test_a_server_error_says_nothing_about_the_order(exchange: Sandbox, kind: str) -> None:
    async def use(venue: PolymarketVenue) -> None:
        one = await signed(venue, await current_market(exchange), Style.REST, 10_000)
        fault(exchange, kind, "POST /clob/order", count=1, status=500)
        assert isinstance(await venue.post(one), Unknown)
        again = await venue.post(one)
        assert isinstance(again, Accepted if kind == "status" else Duplicated)
        await venue.cancel([one.order_id])

    run(exchange, use)


def test_a_restarting_venue_is_unavailable_and_takes_the_same_bytes_later(
    exchange: Sandbox,
) -> None:
    async def use(venue: PolymarketVenue) -> None:
        one = await signed(venue, await current_market(exchange), Style.REST, 10_000)
        fault(exchange, "mode", mode="restarting")
        outcome = await venue.post(one)
        assert isinstance(outcome, Unavailable)
        assert outcome.kind is UnavailableKind.RESTARTING
        admin(exchange, "DELETE", "/faults")
        assert isinstance(await venue.post(one), Accepted)
        await venue.cancel([one.order_id])

    run(exchange, use)


def test_a_fill_that_fails_on_chain_is_said_to_have_failed(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        started_s = int(time.time()) - 1
        fault(exchange, "ghost_fill", count=100)  # an earlier test's order may be filled late
        one = await signed(venue, await current_market(exchange), Style.TAKE, 990_000, 5_000_000)
        assert isinstance(await venue.post(one), Accepted)

        async def failed() -> list[VenueTrade] | None:
            trades = await venue.trades(started_s)
            assert not isinstance(trades, Unknown)
            own = [t for t in trades if t.order_id == one.order_id]
            return [t for t in own if t.status is TradeStatus.FAILED]

        assert await until(failed)

    run(exchange, use)
