"""The gateway's own reading of the venue's discovery and of a book."""

import json
from typing import Any

import pytest

from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.polymarket.listed_markets import read_book, read_listed_market
from actors.venue.port import Unknown
from signals.market import Asset, Outcome, Timeframe, Window
from tests.actors.venue.gamma_events import event_body

SLUG = "btc-updown-5m-1790000100"


def event(**changes: Any) -> bytes:
    window = Window(1_790_000_100_000, Timeframe.M5)
    own = {"conditionId": "0xc", "outcomes": '["Down", "Up"]', "clobTokenIds": '["22", "11"]'}
    return event_body(Asset.BTC, window, **(own | changes))


def test_outcomes_and_tokens_are_paired_by_place_whatever_their_order() -> None:
    found = read_listed_market(event(), SLUG)
    assert isinstance(found, ListedMarket)
    assert (found.up_token_id, found.down_token_id) == ("11", "22")
    assert found.token(Outcome.DOWN) == "22"
    assert found.outcome_of("11") is Outcome.UP
    assert found.outcome_of("33") is None
    assert found.min_order_shares == 5_000_000
    assert found.close_ms is not None
    assert found.open_ms is not None
    assert found.close_ms - found.open_ms == 300_000


def test_the_ids_of_the_newer_protocol_count_where_the_market_says_so() -> None:
    found = read_listed_market(event(version="v2", positionIds=["4", "3"]), SLUG)
    assert isinstance(found, ListedMarket)
    assert found.up_token_id == "3"


@pytest.mark.parametrize(
    "changes",
    [
        {"outcomes": '["Yes", "No"]'},
        {"outcomes": '["Up"]'},
        {"clobTokenIds": '["11", "11"]'},
        {"clobTokenIds": None},
        {"slug": "eth-updown-5m-1790000100"},
        {"endDate": "soon"},
        {"orderMinSize": "many"},
        {"conditionId": None},
    ],
    ids=repr,
)
def test_a_market_that_is_not_clear_is_not_known(changes: dict[str, Any]) -> None:
    assert isinstance(read_listed_market(event(**changes), SLUG), Unknown)


def test_two_markets_under_one_slug_are_not_known() -> None:
    both = json.loads(event())
    both["markets"] *= 2
    assert isinstance(read_listed_market(json.dumps(both).encode(), SLUG), Unknown)


def book(**changes: Any) -> bytes:
    body = {
        "market": "0xc",
        "asset_id": "11",
        "tick_size": "0.01",
        "bids": [{"price": "0.45", "size": "9"}, {"price": "0.47", "size": "9"}],
        "asks": [{"price": "0.53", "size": "9"}, {"price": "0.50", "size": "9"}],
        **changes,
    }
    return json.dumps(body).encode()


def test_the_mid_is_between_the_best_prices() -> None:
    found = read_book(book(), "11")
    assert isinstance(found, TokenBook)
    assert (found.bid, found.ask, found.mid) == (470_000, 500_000, 485_000)
    assert found.tick_micro_usd == 10_000


def test_a_book_of_one_side_has_no_mid() -> None:
    found = read_book(book(asks=[]), "11")
    assert isinstance(found, TokenBook)
    assert found.mid is None


@pytest.mark.parametrize(
    "changes",
    [
        {"asset_id": "12"},
        {"tick_size": "0"},
        {"tick_size": "x"},
        {"bids": [{"price": "1.2"}]},
        {"bids": [{"price": "NaN"}]},
        {"asks": None},
    ],
    ids=repr,
)
def test_a_book_that_is_not_clear_is_not_known(changes: dict[str, Any]) -> None:
    assert isinstance(read_book(book(**changes), "11"), Unknown)
