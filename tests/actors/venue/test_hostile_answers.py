"""A venue that lies in its answers: about its clock, the account, fees, ticks and pages."""

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from actors.gateway.events import TimeSeen
from actors.gateway.market_events import AccountSeen
from actors.gateway.status import Identity, Latency, status_of
from actors.messages import encode
from actors.venue.answers import AccountBalance, ListedMarket
from actors.venue.polymarket.fills import FEE_NOT_KNOWN, FeeTerms, fee_terms
from actors.venue.polymarket.listed_markets import read_listed_market
from actors.venue.polymarket.listings import Rows, read_trade
from actors.venue.polymarket.outcomes import RETRY_AFTER_MS_MAX, unavailable
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import SignedOrder, UnavailableKind, Unknown, Unsignable
from signals.market import Outcome
from tests.actors.gateway.builders import Machine
from tests.actors.venue.gamma_events import iso
from tests.actors.venue.loopback import CONDITION, PRIVATE_KEY, UP_TOKEN, Answer, Loopback, loopback
from tests.actors.venue.scripted import order, with_venue
from tests.actors.venue.test_hostile_amounts import ACCOUNT, GAMMA_WINDOW, SLUG, listed
from tests.actors.venue.test_listings import trade

IDENTITY = Identity(name="gateway/1", pid=1, process_start=1, node_id="n", life="l")


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("MIDSTRIDE_TEST_KEY", PRIVATE_KEY)
    with loopback() as running:
        yield running


def status_after(machine: Machine) -> bytes:
    state, at = machine.state, machine.at
    return encode(status_of(IDENTITY, "serving", state.ledger, state.flight, Latency(), **at))


@pytest.mark.parametrize("body", ["9" * 34, "-" + "9" * 34, "1790000000000", "0"])
def test_a_venue_clock_of_another_world_can_be_told(exchange: Loopback, body: str) -> None:
    exchange.answer("GET", "/time", Answer(body, 200))
    seen = with_venue(exchange, lambda venue: venue.server_time_ms())
    machine = Machine().start()
    machine.apply(TimeSeen(server_ms=seen, round_trip_ms=10, wall_ms=machine.wire_ms, **machine.at))
    assert abs(machine.state.flight.skew_ms) > machine.rules.timing.clock_skew_limit_ms
    assert status_after(machine)


@pytest.mark.parametrize("balance", ["9" * 31, "1" + "0" * 77])
def test_a_balance_of_another_world_can_be_told(exchange: Loopback, balance: str) -> None:
    body = {"balance": balance, "allowances": {"0xe": balance}}
    exchange.answer("GET", "/balance-allowance", Answer(body, 200))
    seen = with_venue(exchange, lambda venue: venue.account((UP_TOKEN,)))
    assert isinstance(seen, AccountBalance), seen
    machine = Machine().start()
    machine.apply(AccountSeen(account=seen, **machine.at))
    assert status_after(machine)
    assert encode(seen)


def test_pages_that_go_in_a_circle_are_no_listing(exchange: Loopback) -> None:
    body = {"data": [trade(1)], "next_cursor": "MTAw", "limit": 100, "count": 1}
    exchange.answer("GET", "/data/trades", Answer(body, 200))
    seen = with_venue(exchange, lambda venue: venue.trades(0))
    assert seen == Unknown(reason="the pages of trades go in a circle")
    assert sum(request.path == "/data/trades" for request in exchange.requests) == 2


def clob_market(**changes: Any) -> Answer:
    row = {
        "t": [{"t": UP_TOKEN, "o": "Up"}, {"t": "2", "o": "Down"}],
        "mos": 5,
        "mts": 0.01,
        "nr": False,
        "fd": {"r": 0.07, "e": 1, "to": True},
    }
    return Answer(row | changes, 200)


def test_a_tick_that_became_finer_is_read_again_before_an_order_is_given_up(
    exchange: Loopback,
) -> None:
    async def use(venue: PolymarketVenue) -> list[object]:
        assert await venue.warm(CONDITION, UP_TOKEN) is None
        before = await venue.sign(order(price=955_000))
        exchange.answer("GET", f"/clob-markets/{CONDITION}", clob_market(mts=0.001))
        return [before, await venue.sign(order(price=955_000))]

    exchange.answer("GET", f"/clob-markets/{CONDITION}", clob_market())
    before, after = with_venue(exchange, use)
    assert isinstance(before, Unsignable)
    assert isinstance(after, SignedOrder), after


@pytest.mark.parametrize("rate", ["0", "0.07", "1"])
def test_a_fee_schedule_that_is_said_is_known(rate: str) -> None:
    assert fee_terms(Decimal(rate), Decimal(1)) == FeeTerms(rate=Decimal(rate))


@pytest.mark.parametrize(
    ("rate", "exponent"),
    [("0", "0"), ("-0.07", "1"), ("7", "1"), ("NaN", "1"), ("0.07", "1e999990"), ("1e999990", "1")],
)
def test_a_fee_schedule_that_is_absent_or_cannot_be_is_not_known(rate: str, exponent: str) -> None:
    assert fee_terms(Decimal(rate), Decimal(exponent)) == FEE_NOT_KNOWN


@pytest.mark.parametrize(("side", "odd"), [("TAKER", 1), ("MAKER", 0)])
def test_a_trade_without_a_known_fee_counts_and_is_named(side: str, odd: int) -> None:
    async def terms(_: str) -> FeeTerms:
        return FEE_NOT_KNOWN

    rows = Rows()
    row = trade(1, trader_side=side)
    if side == "MAKER":
        row["maker_orders"][0]["owner"] = ACCOUNT.owner
    asyncio.run(read_trade(row, ACCOUNT, terms, rows))
    assert [fill.fee_micro_usd for fill in rows.trades] == [0]
    assert [one.counted for one in rows.odd] == [True] * odd
    assert all("fee" in one.why for one in rows.odd)


@pytest.mark.parametrize("was_known", [True, False])
def test_an_absent_schedule_takes_no_known_fee_away(
    exchange: Loopback,
    was_known: bool,  # noqa: FBT001 a case
) -> None:
    async def use(venue: PolymarketVenue) -> FeeTerms:
        if was_known:
            assert await venue.warm(CONDITION, UP_TOKEN) is None
        exchange.answer("GET", f"/clob-markets/{CONDITION}", clob_market(fd=None))
        assert isinstance(await venue.sign(order(price=955_500)), Unsignable)  # reads terms anew
        return await venue._fee_terms(UP_TOKEN)

    assert with_venue(exchange, use).known is was_known


LOCAL = iso(GAMMA_WINDOW.open_ms).removesuffix("Z")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_a_time_without_a_zone_is_utc_wherever_this_machine_is(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        found = read_listed_market(listed(eventStartTime=LOCAL), SLUG)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert isinstance(found, ListedMarket)
    assert found.open_ms == GAMMA_WINDOW.open_ms


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -5.0, 1e300, 0.0])
def test_an_advice_to_wait_is_never_beyond_its_bounds(seconds: float) -> None:
    found = unavailable(UnavailableKind.RATE_LIMITED, seconds)
    assert 0 <= found.retry_after_ms <= RETRY_AFTER_MS_MAX


def test_the_winner_of_another_market_is_no_winner(exchange: Loopback) -> None:
    tokens = [{"outcome": "Up", "winner": True}, {"outcome": "Down", "winner": False}]
    path = f"/markets/{CONDITION}"
    exchange.answer("GET", path, Answer({"tokens": tokens, "condition_id": "0xother"}))
    assert isinstance(with_venue(exchange, lambda venue: venue.resolution(CONDITION)), Unknown)
    exchange.answer("GET", path, Answer({"tokens": tokens, "condition_id": CONDITION}))
    assert with_venue(exchange, lambda venue: venue.resolution(CONDITION)) is Outcome.UP


BODIES = {
    "a page": "<html>down</html>",
    "null": "null",
    "nothing": "",
    "a list": "[]",
    "too deep": "[" * 50_000,
    "no number": "NaN",
    "no rows": '{"data": null}',
    "a cursor of another kind": '{"data": [], "next_cursor": 5}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_of_another_kind_says_that_nothing_is_known(exchange: Loopback, body: str) -> None:
    async def use(venue: PolymarketVenue) -> list[object]:
        signed = await venue.sign(order())
        assert isinstance(signed, SignedOrder)
        for method, path in (
            ("GET", "/data/orders"),
            ("GET", "/data/trades"),
            ("POST", "/order"),
            ("DELETE", "/orders"),
            ("POST", "/v1/heartbeats"),
            ("GET", "/balance-allowance"),
        ):
            exchange.answer(method, path, Answer(body, 200))
        return [
            await venue.open_orders(),
            await venue.trades(0),
            await venue.post(signed),
            await venue.cancel(["0x1"]),
            await venue.heartbeat(""),
            await venue.account(()),
        ]

    assert {type(answer) for answer in with_venue(exchange, use)} == {Unknown}
