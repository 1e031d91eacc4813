"""The adapter against the sandbox exchange: the whole life of an order through the real SDK."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    Duplicated,
    HeartbeatMismatch,
    OrderEvent,
    PostOutcome,
    Rejected,
    SignedOrder,
    TradeStatus,
    Unknown,
    VenueEvent,
    VenueTrade,
)
from signals.decision import Style
from signals.market import Outcome
from signals.units import fill_value_micro_usd
from tests.actors.sandbox import Sandbox, sandbox
from tests.actors.venue.trading import current_market, run, signed, until

pytestmark = pytest.mark.exchange


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


def test_a_resting_order_is_listed_cancelled_and_gone(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(exchange)
        one = await signed(venue, market, Style.REST, 10_000)
        outcome = await venue.post(one)
        assert outcome == Accepted(status=AcceptedStatus.LIVE, order_id=one.order_id)
        orders = await venue.open_orders()
        assert not isinstance(orders, Unknown)
        [mine] = [order for order in orders if order.order_id == one.order_id]
        assert (mine.price, mine.shares, mine.filled_shares) == (10_000, 10_000_000, 0)
        assert mine.token_id == market.up_token_id
        assert await venue.cancel([one.order_id]) == Cancelled(cancelled=(one.order_id,))
        left = await venue.open_orders()
        assert not isinstance(left, Unknown)
        assert one.order_id not in {order.order_id for order in left}
        again = await venue.cancel([one.order_id])
        assert isinstance(again, Cancelled)
        assert [refused.order_id for refused in again.not_cancelled] == [one.order_id]

    run(exchange, use)


def test_the_same_bytes_from_another_life_are_a_duplicate(exchange: Sandbox) -> None:
    async def first(venue: PolymarketVenue) -> SignedOrder:
        one = await signed(venue, await current_market(exchange), Style.REST, 10_000)
        assert isinstance(await venue.post(one), Accepted)
        return one

    one = run(exchange, first)

    async def second(venue: PolymarketVenue) -> PostOutcome:
        outcome = await venue.post(one)
        await venue.cancel([one.order_id])
        return outcome

    assert run(exchange, second) == Duplicated()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange where no late fill of another test's order moves the cash."""
    with sandbox(tmp_path) as served:
        yield served


def test_a_taken_order_fills_with_its_fee_and_is_confirmed(own: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(own, least_left_ms=600_000)  # settles after the counting
        started_s = int(time.time()) - 1
        before = await venue.account(())
        one = await signed(venue, market, Style.TAKE, 990_000)
        outcome = await venue.post(one)
        assert isinstance(outcome, Accepted), outcome

        async def confirmed() -> tuple[VenueTrade, ...] | None:
            trades = await venue.trades(started_s)
            assert not isinstance(trades, Unknown), trades
            mine = tuple(trade for trade in trades if trade.order_id == one.order_id)
            done = mine and all(fill.status is TradeStatus.CONFIRMED for fill in mine)
            return mine if done else None

        fills = await until(confirmed)
        assert sum(fill.shares for fill in fills) >= 10_000_000, "dollars are spent, not shares"
        assert not any(fill.maker for fill in fills)
        assert len({fill.fill_id for fill in fills}) == len(fills)
        cost = sum(fill_value_micro_usd(Outcome.UP, fill.price, fill.shares) for fill in fills)
        assert 0 <= 9_900_000 - cost <= 2, "10 shares at the limit of 0.99"
        fees = sum(fill.fee_micro_usd for fill in fills)
        after = await venue.account(())
        assert not isinstance(before, Unknown)
        assert not isinstance(after, Unknown)
        assert before.cash_micro_usd - after.cash_micro_usd == cost + fees

    run(own, use)


def test_a_post_only_order_that_would_cross_is_rejected(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        one = await signed(venue, await current_market(exchange), Style.REST, 990_000)
        outcome = await venue.post(one)
        assert isinstance(outcome, Rejected)
        assert outcome.code == "post_only_would_cross"

    run(exchange, use)


def test_heartbeats_are_chained(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        first = await venue.heartbeat("")
        if isinstance(first, HeartbeatMismatch):
            first = await venue.heartbeat(first.heartbeat_id)
        assert isinstance(first, Beaten)
        wrong = await venue.heartbeat("not-the-id")
        assert wrong == HeartbeatMismatch(heartbeat_id=first.heartbeat_id)
        second = await venue.heartbeat(first.heartbeat_id)
        assert isinstance(second, Beaten)
        await venue.cancel_all()

    run(exchange, use)


def test_the_user_stream_tells_of_own_orders(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        seen: list[VenueEvent] = []

        async def listen() -> None:
            async for event in venue.events():
                seen.append(event)  # noqa: PERF401 it is read while it grows

        listener = asyncio.create_task(listen())
        try:
            markets: set[str] = set()

            async def placed() -> OrderEvent | None:
                market = await current_market(exchange)
                markets.add(market.condition_id)
                await venue.post(await signed(venue, market, Style.REST, 10_000))
                await asyncio.sleep(0.2)
                found = [e for e in seen if isinstance(e, OrderEvent)]
                return found[0] if found else None

            event = await until(placed)
            assert event.condition_id in markets
        finally:
            listener.cancel()
            await venue.cancel_all()

    run(exchange, use)


def test_a_fill_is_the_same_on_the_stream_and_in_the_list(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        seen: dict[str, VenueTrade] = {}

        async def listen() -> None:
            async for event in venue.events():
                if isinstance(event, VenueTrade):
                    seen.setdefault(event.fill_id, event)

        listener = asyncio.create_task(listen())
        try:
            started_s = int(time.time()) - 1

            async def heard() -> dict[str, VenueTrade] | None:
                market = await current_market(exchange)
                await venue.post(await signed(venue, market, Style.TAKE, 990_000, 5_000_000))
                await asyncio.sleep(0.3)
                return dict(seen)

            told = await until(heard)
            listed = await venue.trades(started_s)
            assert not isinstance(listed, Unknown)
            same = {fill.fill_id: fill for fill in listed}
            for fill_id, fill in told.items():
                twin = same[fill_id]
                assert (fill.order_id, fill.price, fill.shares, fill.fee_micro_usd) == (
                    twin.order_id,
                    twin.price,
                    twin.shares,
                    twin.fee_micro_usd,
                )
        finally:
            listener.cancel()

    run(exchange, use)


def test_a_market_resolves_to_one_of_its_outcomes(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> Any:
        market = await current_market(exchange)
        assert await venue.resolution(market.condition_id) is None
        return await until(lambda: venue.resolution(market.condition_id))

    assert run(exchange, use) in set(Outcome)


def test_the_clocks_agree(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        asked_ms = time.time() * 1000
        theirs = await venue.server_time_ms()
        assert not isinstance(theirs, Unknown)
        assert asked_ms - 1_000 < theirs < time.time() * 1000 + 1_000, "the middle of a second"

    run(exchange, use)


def test_the_key_file_is_never_written_elsewhere(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> SignedOrder:
        return await signed(venue, await current_market(exchange), Style.REST, 10_000)

    body = run(exchange, use).body
    assert (Path(exchange.folder) / "key").read_text().encode() not in body
