"""The venue's hard behaviours, and the fleet's answer to each: `pytest -s` prints the table.

The real adapter asks the real sandbox process, with every behaviour on.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from eth_account import Account as Key

from actors.feeds.book_stream import BookStream
from actors.market_data.events import BooksReceived, Event
from actors.venue.polymarket.opening import Absent, connect
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import (
    Accepted,
    Rejected,
    SignedOrder,
    TradeStatus,
    Unavailable,
    UnavailableKind,
    Unknown,
    UnsignedOrder,
    VenueTrade,
)
from signals.decision import Style
from signals.market import Side
from signals.units import MICRO, MicroShares, PriceMicroUsd
from tests.actors.sandbox import TEST_KEY, Sandbox, admin, fault, sandbox
from tests.actors.venue.trading import TIMEOUT_S, current_market, run, signed, until
from tests.cluster.sandbox.hard.orders import Cancelling, Told

pytestmark = pytest.mark.exchange

ROWS: list[tuple[str, str, str]] = []


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("hard")) as served:
        yield served
        print(f"\n{'behaviour':<38} {'the venue':<58} the fleet")
        for row in ROWS:
            print(f"{row[0]:<38} {row[1]:<58} {row[2]}")
        print("\nstrikes:", admin(served, "GET", "/state")["behaviours"])


@pytest.fixture(autouse=True)
def _healthy(exchange: Sandbox) -> Iterator[None]:
    yield
    admin(exchange, "DELETE", "/faults")


def note(behaviour: str, venue: str, fleet: object) -> None:
    ROWS.append((behaviour, venue, str(fleet)))


def other_wallet(exchange: Sandbox, folder: Path, wallet: str) -> Sandbox:
    """The same exchange, for a configuration that names another wallet."""

    class _Other(Sandbox):
        def venue(self) -> object:  # type: ignore[override]
            return msgspec.structs.replace(exchange.venue(), wallet=wallet)

    return _Other(exchange.process, exchange.urls, exchange.clock, folder)


@pytest.mark.parametrize("bare_key", [True, False])
def test_a_wallet_that_is_not_the_keys_deposit_wallet(
    exchange: Sandbox,
    tmp_path: Path,
    bare_key: bool,  # noqa: FBT001 a parameter of the test
) -> None:
    wallet = Key.from_key(f"0x{TEST_KEY}").address if bare_key else "0x" + "Ab" * 20

    async def use(venue: PolymarketVenue) -> None:
        order = await signed(venue, await current_market(exchange), Style.REST, 10_000)
        outcome = await venue.post(order)
        assert isinstance(outcome, Rejected), outcome
        assert outcome.code == ("wallet_not_allowed" if bare_key else "signer_not_key")
        kind = "account gate: bare key" if bare_key else "account gate: another's wallet"
        note(kind, f"400 {outcome.message}", f"Rejected {outcome.code}")

    run(other_wallet(exchange, tmp_path, wallet), use)


def test_missing_approvals_and_an_empty_account(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(exchange)
        fault(exchange, "no_approval")
        outcome = await venue.post(await signed(venue, market, Style.REST, 10_000))
        assert isinstance(outcome, Rejected), outcome
        note("approvals missing", f"400 {outcome.message[:50]}", f"Rejected {outcome.code}")
        assert outcome.code == "not_enough_balance"
        admin(exchange, "DELETE", "/faults")
        rich = await signed(venue, market, Style.REST, 10_000, 5_000_000 * MICRO)
        outcome = await venue.post(rich)
        assert isinstance(outcome, Rejected), outcome
        assert outcome.code == "not_enough_balance"
        note(
            "balance refusal, itemised", f"400 {outcome.message[-52:]}", f"Rejected {outcome.code}"
        )

    run(exchange, use)


def test_a_taker_spends_its_dollars_and_cannot_sell_fresh_shares(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(exchange)
        since_s = int(time.time()) - 1
        statuses: dict[str, SignedOrder] = {}

        async def both() -> bool:
            order = await signed(venue, market, Style.TAKE, 990_000, 5 * MICRO)
            outcome = await venue.post(order)
            assert isinstance(outcome, Accepted), outcome
            statuses[str(outcome.status)] = order
            return {"matched", "delayed"} <= statuses.keys()

        await until(both)
        note("matched at once, or delayed", "status matched with trade ids, or delayed", "Accepted")
        sale = await venue.sign(_sale(market.condition_id, market.up_token_id))
        assert isinstance(sale, SignedOrder), sale
        refused = await venue.post(sale)
        if isinstance(refused, Rejected):  # else the first purchase was mined already
            assert refused.code in {"not_enough_balance", "fak_not_filled"}
            note("fresh shares sold", f"400 {refused.message[:48]}", f"Rejected {refused.code}")

        async def filled() -> list[VenueTrade] | None:
            trades = await venue.trades(since_s)
            assert not isinstance(trades, Unknown), trades
            mine = [t for t in trades if t.order_id == statuses["matched"].order_id]
            return mine or None

        fills = await until(filled)
        bought = sum(fill.shares for fill in fills)
        assert bought >= 5 * MICRO
        note(
            "market buy spends dollars", "5 @ 0.99 = 4.95 USD", f"fills of {bought / MICRO} shares"
        )

    run(exchange, use)


def _sale(condition_id: str, token_id: str) -> UnsignedOrder:
    return UnsignedOrder(
        condition_id=condition_id,
        token_id=token_id,
        side=Side.SELL,
        style=Style.TAKE,
        price=PriceMicroUsd(10_000),
        shares=MicroShares(4_000 * MICRO),
    )


def test_a_fill_comes_after_a_cancel_and_a_cancel_as_an_update(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        cancelling = Cancelling(venue, exchange)
        listener = asyncio.create_task(cancelling.listen())
        shares = (await until(cancelling.late_fill)).shares / MICRO
        note("fill after a cancel", "canceled, then a trade", f"fill of {shares} shares")
        event = await until(cancelling.update)
        note("CANCELED as UPDATE", "order frame of type UPDATE", f"OrderEvent {event.change}")
        listener.cancel()

    run(exchange, use)


def test_a_matched_trade_fails_on_the_chain(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        told = Told(venue)
        listener = asyncio.create_task(told.listen())
        fault(exchange, "ghost_fill", count=1)

        async def bought() -> bool:
            market = await current_market(exchange)
            order = await signed(venue, market, Style.TAKE, 990_000, 5 * MICRO)
            return isinstance(await venue.post(order), Accepted)

        await until(bought)
        fill = await until(told.failed)
        listener.cancel()
        of_it = [t for t in (*told.listed, *told.streamed) if t.fill_id == fill.fill_id]
        assert {t.status for t in of_it} > {TradeStatus.FAILED}, "it was told as a match before"
        assert not {t.status for t in of_it} & {TradeStatus.CONFIRMED}
        assert len({(t.shares, t.price, t.token_id) for t in of_it}) == 1
        note("match that fails on the chain", "trade MATCHED, then FAILED", "one fill, taken back")

    run(exchange, use)


def test_troubles_of_the_venue_are_passed_or_waited_for(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(exchange)
        fault(exchange, "status", "POST /clob/*", status=401, count=1, body='{"error":"x"}')
        outcome = await venue.post(await signed(venue, market, Style.REST, 10_000))
        assert isinstance(outcome, Accepted), outcome
        note("401 in passing", "401 once for a right request", "repeated: Accepted")
        await venue.cancel_all()
        taker = await signed(venue, market, Style.TAKE, 990_000, 5 * MICRO)
        fault(exchange, "restart", delay_ms=0, post_only_ms=30_000)
        waits = await venue.post(taker)
        assert isinstance(waits, Unavailable), waits
        assert waits.kind is UnavailableKind.POST_ONLY
        assert 10_000 < waits.retry_after_ms <= 30_000, "the venue's own advice"
        note(
            "post-only time",
            "503 post_only_mode, retry_after_seconds",
            f"waits {waits.retry_after_ms} ms",
        )
        fault(exchange, "mode", mode="restarting")
        restarts = await venue.post(taker)
        assert isinstance(restarts, Unavailable), restarts
        note("restart", "425", f"Unavailable {restarts.kind}")
        fault(exchange, "mode", mode="cancel_only")
        closed = await venue.post(taker)
        assert isinstance(closed, Unavailable), closed
        note("cancel-only time", "503", f"Unavailable {closed.kind}")

    run(exchange, use)


def test_what_is_malformed_or_too_small_is_refused_for_good(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(exchange)
        outcome = await venue.cancel(["0xab"])
        assert isinstance(outcome, Rejected), outcome
        note("malformed id", f"400 {outcome.message}", f"Rejected {outcome.code}")
        small = await signed(venue, market, Style.TAKE, 100_000, 5 * MICRO)
        refused = await venue.post(small)
        assert isinstance(refused, Rejected), refused
        assert refused.code == "too_small"
        note("marketable buy under 1 USD", f"400 {refused.message}", f"Rejected {refused.code}")

    run(exchange, use)


def test_the_book_is_repeated_at_a_trade_without_its_tick(exchange: Sandbox) -> None:
    async def use(venue: PolymarketVenue) -> None:
        market = await current_market(exchange)
        events: asyncio.Queue[Event] = asyncio.Queue()
        stream = BookStream(exchange.venue(), events.put_nowait)
        stream.follow((market.up_token_id,), anew=False)
        ticks: list[int | None] = []

        async def repeated() -> bool:
            taker = await signed(venue, await current_market(exchange), Style.TAKE, 990_000)
            await venue.post(taker)
            async with asyncio.timeout(TIMEOUT_S):
                while None not in ticks:
                    found = await events.get()
                    if isinstance(found, BooksReceived):
                        ticks.extend(book.tick_micro_usd for book in found.books)
            return True

        await until(repeated)
        await stream.close()
        assert ticks[0] is not None
        note("book again at each trade", "book without tick_size", "levels replaced, tick kept")

    run(exchange, use)


def test_the_adapter_still_connects(exchange: Sandbox) -> None:
    async def use() -> None:
        venue = await connect(exchange.venue(), TIMEOUT_S, Absent.MAKE)
        assert isinstance(venue, PolymarketVenue)
        note("deposit wallet of the key", "type 3 order", f"trades as {venue.wallet[:10]}...")
        await venue.close()

    asyncio.run(use())
