"""Listings with odd rows: the others count, the odd one is named, and nothing is guessed."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polymarket.errors import RequestRejectedError

from actors.venue.answers import OddRow
from actors.venue.polymarket.fills import Account, FeeTerms
from actors.venue.polymarket.listings import Rows, read_order, read_trade
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Unknown, VenueTrade
from tests.actors.venue.loopback import CONDITION, PRIVATE_KEY, UP_TOKEN, Answer, Loopback, loopback
from tests.actors.venue.scripted import with_venue

END = "LTE="
OWN = "0xown"


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("MIDSTRIDE_TEST_KEY", PRIVATE_KEY)
    with loopback() as running:
        yield running


Listed = tuple[tuple[VenueTrade, ...], tuple[OddRow, ...]]


def trade(number: int, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"t{number}",
        "taker_order_id": f"{OWN}{number}",
        "market": CONDITION,
        "asset_id": UP_TOKEN,
        "side": "BUY",
        "size": "6.5",
        "fee_rate_bps": "0",
        "price": "0.47",
        "status": "CONFIRMED",
        "match_time": "1790000000",
        "last_update": "1790000002",
        "outcome": "Up",
        "bucket_index": 0,
        "owner": "key-1",
        "maker_address": "0x" + "22" * 20,
        "transaction_hash": "0x" + "33" * 32,
        "trader_side": "TAKER",
        "maker_orders": [
            {
                "order_id": f"0xother{number}",
                "owner": "other",
                "maker_address": "0x" + "44" * 20,
                "matched_amount": "6.5",
                "price": "0.47",
                "fee_rate_bps": "0",
                "asset_id": UP_TOKEN,
                "outcome": "Up",
                "side": "SELL",
            }
        ],
    }
    return {name: value for name, value in {**row, **changes}.items() if value is not ...}


def order(number: int, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"{OWN}{number}",
        "market": CONDITION,
        "asset_id": UP_TOKEN,
        "owner": "key-1",
        "maker_address": "0x" + "22" * 20,
        "side": "BUY",
        "price": "0.47",
        "original_size": "6.5",
        "size_matched": "0",
        "outcome": "Up",
        "order_type": "GTC",
        "status": "LIVE",
        "associate_trades": [],
        "created_at": 1_790_000_000,
        "expiration": "0",
    }
    return {name: value for name, value in {**row, **changes}.items() if value is not ...}


def page(rows: list[Any], cursor: str = END) -> Answer:
    return Answer({"data": rows, "next_cursor": cursor, "limit": 100, "count": len(rows)})


async def fee_terms(token_id: str) -> FeeTerms:
    if token_id != UP_TOKEN:
        raise RequestRejectedError("market not found", status=404)
    return FeeTerms(rate=Decimal("0.07"))


def trades_of(rows: list[Any]) -> Listed:
    async def read() -> Rows:
        found = Rows()
        for row in rows:
            await read_trade(row, Account(owner="key-1", wallet="0x" + "22" * 20), fee_terms, found)
        return found

    found = asyncio.run(read())
    return tuple(found.trades), tuple(found.odd)


NOT_COUNTED = {
    "a status never heard of": {"status": "TRADE_STATUS_REORGED"},
    "no status": {"status": None},
    "a side never heard of": {"side": "SHORT"},
    "no id": {"id": ...},
    "no taker": {"taker_order_id": None},
    "a price of 40": {"price": "40", "maker_orders": []},
    "a negative price": {"price": "-0.47", "maker_orders": []},
    "no number": {"size": "NaN", "maker_orders": []},
    "without end": {"size": "Infinity", "maker_orders": []},
    "nothing": {"size": "0", "maker_orders": []},
    "more than there is": {"size": "1e30", "maker_orders": []},
    "no time": {"match_time": None},
    "a time in microseconds": {"match_time": "1790000000000000"},
    "a time before the venue": {"match_time": "7"},
    "a maker without makers": {"trader_side": "MAKER", "maker_orders": None},
    "makers that are no list": {"maker_orders": "none"},
    "a market that the venue does not know": {"market": "0x" + "cd" * 32, "asset_id": "998"},
    "a token that is no number": {"asset_id": "Up"},
}
COUNTED = {
    "an empty fee": {"fee_rate_bps": ""},
    "no fee": {"fee_rate_bps": None},
    "a fee left out": {"fee_rate_bps": ...},
    "no makers": {"maker_orders": None},
    "makers left out": {"maker_orders": ...},
    "an empty trader side": {"trader_side": ""},
    "no last update": {"last_update": None},
    "an empty last update": {"last_update": ""},
    "no bucket": {"bucket_index": None},
    "no outcome": {"outcome": None},
    "no owner": {"owner": None},
}


@pytest.mark.parametrize("changes", NOT_COUNTED.values(), ids=NOT_COUNTED)
def test_nine_good_trades_count_and_the_odd_one_is_named(
    changes: dict[str, Any],
) -> None:
    rows = [*(trade(number) for number in range(9)), trade(9, **changes)]
    found, odd = trades_of(rows)
    assert {fill.order_id for fill in found} == {f"{OWN}{number}" for number in range(9)}
    (row,) = odd
    assert not row.counted
    assert row.listing == "trades"
    assert row.why


@pytest.mark.parametrize("changes", COUNTED.values(), ids=COUNTED)
def test_an_odd_field_of_no_consequence_is_named_and_its_trade_counts(
    changes: dict[str, Any],
) -> None:
    found, odd = trades_of([trade(1), trade(2, **changes)])
    assert [fill.order_id for fill in found] == [f"{OWN}1", f"{OWN}2"]
    assert found[0].price == found[1].price
    assert found[0].shares == found[1].shares
    (row,) = odd
    assert row.counted
    assert next(iter(changes)) in row.why


def test_a_venue_that_is_busy_makes_no_row_odd() -> None:
    async def busy(token_id: str) -> FeeTerms:
        raise RequestRejectedError(f"busy: {token_id}", status=503)

    account = Account(owner="key-1", wallet="")
    with pytest.raises(RequestRejectedError):
        asyncio.run(read_trade(trade(1), account, busy, Rows()))


def test_an_own_maker_order_is_found_where_the_trade_does_not_say_our_side() -> None:
    leg = {**trade(1)["maker_orders"][0], "order_id": "0xmine", "owner": "key-1"}
    found, _ = trades_of([trade(1, trader_side="", taker_order_id="0xtheirs", maker_orders=[leg])])
    assert [(fill.order_id, fill.maker) for fill in found] == [("0xmine", True)]


@pytest.mark.parametrize("row", [None, 7, "row", [], {}, {"id": {"a": 1}}], ids=repr)
def test_a_row_that_is_no_trade_at_all_is_named(row: object) -> None:
    found, odd = trades_of([trade(1), row])
    assert len(found) == len(odd) == 1


def test_an_odd_row_names_the_orders_whose_fate_it_hides() -> None:
    _, (row,) = trades_of([trade(4, status="NEW")])
    assert row.row_id == "t4"
    assert set(row.order_ids) == {f"{OWN}4", "0xother4"}


def test_odd_rows_are_those_of_the_newest_listing(exchange: Loopback) -> None:
    async def use(venue: PolymarketVenue) -> list[int]:
        counts = []
        for rows in ([trade(1, status="NEW")], [trade(1)]):
            exchange.answer("GET", "/data/trades", page(rows))
            await venue.trades(0)
            counts.append(len(venue.odd_rows()))
        return counts

    assert with_venue(exchange, use) == [1, 0]


def test_an_open_order_that_is_odd_hides_no_other(exchange: Loopback) -> None:
    rows = [order(1), order(2, side="BOTH"), order(3, price="x"), order(4, created_at=None), 5]
    exchange.answer("GET", "/data/orders", page(rows))

    async def use(venue: PolymarketVenue) -> Any:
        return await venue.open_orders(), venue.odd_rows()

    found, odd = with_venue(exchange, use)
    assert [one.order_id for one in found] == [f"{OWN}1"]
    assert [row.order_ids for row in odd] == [(f"{OWN}2",), (f"{OWN}3",), (f"{OWN}4",), ()]


@pytest.mark.parametrize(
    "body",
    [{}, {"data": None}, {"data": {}}, [], "rows", {"data": [], "next_cursor": ""}],
    ids=repr,
)
def test_an_answer_that_is_no_listing_is_not_known(exchange: Loopback, body: object) -> None:
    exchange.answer("GET", "/data/trades", Answer(body))
    exchange.answer("GET", "/data/orders", Answer(body))

    async def use(venue: PolymarketVenue) -> Any:
        return await venue.trades(0), await venue.open_orders()

    assert [type(found) for found in with_venue(exchange, use)] == [Unknown, Unknown]


def test_a_cursor_that_never_ends_ends_here(
    exchange: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.venue.polymarket.account_reads.PAGES_MAX", 1)
    exchange.answer("GET", "/data/orders", page([], cursor="MTAw"))
    found = with_venue(exchange, lambda venue: venue.open_orders())
    assert isinstance(found, Unknown)
    assert "more than 1 pages" in found.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(sorted(order(1))), JSON)
def test_whatever_stands_in_a_field_one_row_is_read_or_named(name: str, value: object) -> None:
    rows = Rows()
    read_order({**order(1), name: value}, rows)
    assert len(rows.orders) + len(rows.odd) == 1
    json.dumps([row.why for row in rows.odd])
