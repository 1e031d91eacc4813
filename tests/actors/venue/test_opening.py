"""Opening an account: nothing is made that nobody asked for, and what cannot trade is refused."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from actors.config import Venue
from actors.venue.account_report import Credentials
from actors.venue.polymarket.account_reads import least_allowance
from actors.venue.polymarket.opening import Absent, connect, create_credentials
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Rejected, Unknown
from tests.actors.venue.loopback import PRIVATE_KEY, Answer, Loopback, loopback
from tests.actors.venue.scripted import TIMEOUT_S

KEY = {"apiKey": "key-1", "secret": "c2VjcmV0c2VjcmV0", "passphrase": "pass"}
EXCHANGE = "0xE111180000d2663C0091e4f400237545B87B996B"


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("MIDSTRIDE_TEST_KEY", PRIVATE_KEY)
    with loopback() as state:
        yield state


def opened(venue: Venue, absent: Absent = Absent.REFUSE) -> Rejected | Unknown | None:
    async def use() -> Rejected | Unknown | None:
        found = await connect(venue, TIMEOUT_S, absent)
        if isinstance(found, PolymarketVenue):
            await found.close()
            return None
        return found

    return asyncio.run(use())


def test_credentials_that_are_there_are_read_and_none_are_made(exchange: Loopback) -> None:
    exchange.answer("GET", "/auth/derive-api-key", Answer(KEY))
    assert opened(exchange.venue()) is None
    assert opened(exchange.venue(), Absent.MAKE) is None
    assert not exchange.asked("POST", "/auth/api-key")
    assert not exchange.asked("POST", "/submit"), "nor a wallet"


@pytest.mark.parametrize("status", [400, 404])
def test_a_start_without_credentials_is_refused_and_makes_none(
    exchange: Loopback, status: int
) -> None:
    exchange.answer("GET", "/auth/derive-api-key", Answer({"error": "none"}, status))
    refused = opened(exchange.venue())
    assert isinstance(refused, Rejected)
    assert "midstride live keys" in refused.message
    assert not exchange.asked("POST", "/auth/api-key")


@pytest.mark.parametrize("status", [425, 429, 500, 503])
def test_a_venue_that_is_away_says_nothing_of_the_key(exchange: Loopback, status: int) -> None:
    exchange.answer("GET", "/auth/derive-api-key", Answer({"error": "x"}, status))
    assert isinstance(opened(exchange.venue(), Absent.MAKE), Unknown)
    assert not exchange.asked("POST", "/auth/api-key")


def test_a_401_that_stays_is_asked_again_and_then_refused(exchange: Loopback) -> None:
    exchange.answer("GET", "/auth/derive-api-key", Answer({"error": "x"}, 401))
    assert isinstance(opened(exchange.venue(), Absent.MAKE), Rejected)
    assert len(exchange.asked("GET", "/auth/derive-api-key")) == 3
    assert not exchange.asked("POST", "/auth/api-key")


def test_a_wallet_that_is_not_deployed_is_not_deployed_by_a_start(exchange: Loopback) -> None:
    exchange.answer("GET", "/auth/derive-api-key", Answer(KEY))
    exchange.answer("GET", "/deployed", Answer({"deployed": False}))
    assert opened(exchange.venue()) is None, "the look before a start says it"
    assert not exchange.asked("POST", "/submit")


def test_a_wallet_of_another_key_is_refused(exchange: Loopback) -> None:
    exchange.answer("GET", "/auth/derive-api-key", Answer(KEY))
    venue = msgspec.structs.replace(exchange.venue(), wallet="0x" + "Ab" * 20)
    refused = opened(venue)
    assert isinstance(refused, Rejected)
    assert "does not belong" in refused.message


def test_a_person_has_credentials_made_once(exchange: Loopback) -> None:
    exchange.answer("GET", "/auth/derive-api-key", Answer({"error": "none"}, 400))
    assert asyncio.run(create_credentials(exchange.venue())) is Credentials.MADE
    exchange.answer("GET", "/auth/derive-api-key", Answer(KEY))
    assert asyncio.run(create_credentials(exchange.venue())) is Credentials.DERIVED
    assert len(exchange.asked("POST", "/auth/api-key")) == 1


@pytest.mark.parametrize(
    ("allowances", "least"),
    [
        ({}, None),
        ({EXCHANGE: 5, "0xe2": 0}, 5),
        ({EXCHANGE.lower(): 5, "0xe2": 0}, 5),
        ({EXCHANGE: 0, "0xe2": 9}, 0),
        ({"0xe2": 9, "0xe3": 4}, 4),
    ],
)
def test_what_counts_is_the_approval_of_the_exchange_that_orders_name(
    allowances: dict[str, int], least: int | None
) -> None:
    assert least_allowance(allowances, EXCHANGE) == least
