"""Market data against the sandbox exchange: complete snapshots, and every fault said as stale."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.directory import MARKET_DATA_CURRENT as CURRENT
from actors.market_data.actor import MarketData
from actors.market_data.turn_worker import SERVING
from checkpoints.snapshots import decode_snapshot, snapshot_digest
from signals.market import DEFAULT_SLOTS, Asset, Timeframe
from signals.snapshot import Feed, Interval, Snapshot
from tests.actors.market_data.sandbox_actor import (
    due_ms,
    hits,
    market_data,
    next_snapshot,
    next_whole_ones,
    run,
    stale,
    status,
    until,
    until_status,
)
from tests.actors.sandbox import Sandbox, admin, fault, sandbox

pytestmark = pytest.mark.exchange


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


@pytest.fixture(autouse=True)
def healthy(exchange: Sandbox) -> Iterator[None]:
    yield
    admin(exchange, "DELETE", "/faults")


def test_all_sixteen_slots_get_complete_and_shared_snapshots(
    exchange: Sandbox, tmp_path: Path
) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path, DEFAULT_SLOTS) as actor:
            while not all(up_to_date(made) for made in await shared_snapshots(actor, exchange)):
                pass  # a busy machine was late with one of them
            said = await until_status(actor, lambda said: all(feed.fresh for feed in said.feeds))
            assert not said.waiting
            assert (tmp_path / "storage" / CURRENT).read_text() == "market-data/1"

    run(work)


async def shared_snapshots(actor: MarketData, exchange: Sandbox) -> list[Snapshot]:
    """Let all slots ask for one decision point; return what each asset's slots were answered."""
    due = due_ms(exchange, DEFAULT_SLOTS)
    asked = [actor.snapshot(str(slot.asset), due) for slot in DEFAULT_SLOTS]
    answers = set(await asyncio.gather(*asked))
    assert len(answers) == len(Asset)
    assert all(snapshot_digest(data) == digest for digest, data in answers)
    found = [decode_snapshot(data) for _, data in answers]
    for made in found:
        assert made.taken_ms >= made.due_ms == due
        assert len(made.candles) == 7
    return found


def up_to_date(made: Snapshot) -> bool:
    """Tell whether a snapshot has everything, the candle that closed last included."""
    minutes = made.series(Interval.M5)
    if not made.complete or len(made.markets) != 2 or minutes is None:
        return False
    closed_ms = made.due_ms - made.due_ms % 300_000 - 300_000
    return all(map(len, made.candles)) and minutes.open_time_ms[-1] == closed_ms


def test_two_instances_serve_the_same_snapshot(exchange: Sandbox, tmp_path: Path) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as old:
            await until_status(old, lambda said: said.phase == SERVING)  # two would claim at once
            async with market_data(exchange, tmp_path, name="market-data/2") as new:
                due = due_ms(exchange)
                asked = old.snapshot("btc", due), new.snapshot("btc", due)
                first, second = await asyncio.gather(*asked)
                assert first == second

    run(work)


def test_a_point_of_an_earlier_life_is_served_as_it_was(exchange: Sandbox, tmp_path: Path) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as actor:
            due = due_ms(exchange)
            first = await actor.snapshot("btc", due)
        async with market_data(exchange, tmp_path) as actor:
            assert await actor.snapshot("btc", due) == first
            never_made = await actor.snapshot("btc", due - 3_000_000)
            assert decode_snapshot(never_made[1]).taken_ms > due

    run(work)


def test_what_cannot_be_answered_is_refused(exchange: Sandbox, tmp_path: Path) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as actor:
            with pytest.raises(ValueError, match="no slot"):
                await actor.snapshot("zec", due_ms(exchange))
            with pytest.raises(ValueError, match="ahead"):
                await actor.snapshot("btc", due_ms(exchange) + 86_400_000)

    run(work)


@pytest.mark.parametrize("kind", ["silent", "stale"])
def test_a_price_socket_that_says_nothing_new_is_stale_and_comes_back(
    exchange: Sandbox, tmp_path: Path, kind: str
) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as actor:
            await until(actor, exchange, lambda made: made.complete)
            fault(exchange, kind, "ws/prices")
            await until(actor, exchange, lambda made: stale(made) == {Feed.TICKS})
            admin(exchange, "DELETE", "/faults")
            await until(actor, exchange, lambda made: made.complete)

    run(work)


def test_a_silent_book_socket_is_replaced_by_rest(exchange: Sandbox, tmp_path: Path) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as actor:
            await until(actor, exchange, lambda made: made.complete)
            fault(exchange, "silent", "ws/market")
            # three market minutes: without another source the books would be stale
            while not await next_whole_ones(actor, exchange, 3):
                pass
            assert hits(exchange) > 0

    run(work)


def test_with_socket_and_rest_silent_the_books_are_stale(exchange: Sandbox, tmp_path: Path) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as actor:
            await until(actor, exchange, lambda made: made.complete)
            fault(exchange, "silent", "ws/market")
            fault(exchange, "status", "POST /clob/books", status=500)
            await until(actor, exchange, lambda made: stale(made) == {Feed.BOOKS})
            await until_status(actor, lambda said: bool(said.trouble))
            admin(exchange, "DELETE", "/faults")
            await until(actor, exchange, lambda made: made.complete)

    run(work)


@pytest.mark.parametrize("kind", ["duplicate", "reorder", "disconnect"])
def test_a_disturbed_book_socket_costs_no_snapshot(
    exchange: Sandbox, tmp_path: Path, kind: str
) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as actor:
            await until(actor, exchange, lambda made: made.complete)
            limited = {"count": 3} if kind == "disconnect" else {"probability": 0.3}
            found: list[Snapshot] = []
            while not found or not hits(exchange):
                admin(exchange, "DELETE", "/faults")
                fault(exchange, kind, "ws/market", **limited)
                found = await next_whole_ones(actor, exchange, 2)
                for view in (view for made in found for view in made.markets):
                    for book in (view.up_book, view.down_book):
                        assert book is not None
                        if book.bids and book.asks:
                            assert book.bids[0].price < book.asks[0].price

    run(work)


@pytest.mark.parametrize("kind", ["malformed", "status", "drop_answer"])
def test_candles_that_do_not_come_are_stale_and_come_back(
    exchange: Sandbox, tmp_path: Path, kind: str
) -> None:
    async def work() -> None:
        async with market_data(exchange, tmp_path) as actor:
            await until(actor, exchange, lambda made: made.complete)
            body = '{"status":"ERROR","code":"99099990","data":null}'
            fault(
                exchange,
                kind,
                "GET /binance/*",
                **({} if kind == "drop_answer" else {"body": body}),
            )
            await until(
                actor,
                exchange,
                lambda made: Feed.CANDLES in stale(made) and Feed.TICKS not in stale(made),
            )
            counts = (await status(actor)).counts
            assert (counts.malformed if kind == "malformed" else counts.unreachable) > 0
            admin(exchange, "DELETE", "/faults")
            await until(actor, exchange, lambda made: made.complete)

    run(work)


def test_markets_that_are_late_and_prices_that_are_null_do_no_harm(
    exchange: Sandbox, tmp_path: Path
) -> None:
    async def work() -> None:
        fault(exchange, "null_price", "*", match="btc-updown-5m-*")
        fault(exchange, "late_market", "*", match="btc-updown-15m-*", delay_ms=60_000)
        async with market_data(exchange, tmp_path) as actor:
            made = await until(
                actor, exchange, lambda made: len(made.markets) == 1 or not made.markets
            )
            assert made.market(Timeframe.M15) is None
            made = await until(actor, exchange, lambda made: made.complete)
            five = made.market(Timeframe.M5)
            assert five is not None
            observed = dict(zip(made.ticks.observed_ms, made.ticks.twap, strict=True))
            own = observed.get(five.window.open_ms)
            assert five.price_to_beat == own, "what was observed at the open, else unknown"

    run(work)


def test_an_exchange_that_cannot_be_reached_at_start_is_waited_for(
    exchange: Sandbox, tmp_path: Path
) -> None:
    async def work() -> None:
        for route in ("GET /binance/*", "GET /gamma/*", "POST /clob/*"):
            fault(exchange, "drop_request", route)
        async with market_data(exchange, tmp_path) as actor:
            made = await next_snapshot(actor, exchange)
            assert stale(made) == set(Feed)
            assert made.markets == ()
            said = await until_status(actor, lambda said: said.counts.unreachable > 0)
            assert said.waiting
            assert said.trouble
            admin(exchange, "DELETE", "/faults")
            await until(actor, exchange, lambda made: made.complete)
            assert not (await status(actor)).waiting

    run(work)
