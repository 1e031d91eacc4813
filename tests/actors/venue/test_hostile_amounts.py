"""No number of the venue's, however it is written, ends or holds up a process that reads it."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from polymarket.models.clob.user_events import UserEvent, parse_user_event

from actors.feeds.books import ReadBooks, parse_books
from actors.feeds.gamma import parse_event
from actors.feeds.http import Malformed
from actors.venue.polymarket.fills import Account, FeeTerms
from actors.venue.polymarket.listed_markets import read_book, read_listed_market
from actors.venue.polymarket.listings import Rows, read_order, read_trade
from actors.venue.polymarket.user_stream import read_user_event
from actors.venue.port import StreamLost, Unknown, VenueTrade
from signals.market import Asset, Timeframe, Window, market_slug
from signals.units import AMOUNT_MAX, MICRO, AmountError, to_micro
from tests.actors.market_data.builders import T0
from tests.actors.venue.gamma_events import event_body
from tests.actors.venue.test_listings import order, trade

HOSTILE = ("1e13", "1e30", "1e400", "1e5000", "1e999990", "-1e999990", "NaN", "sNaN", "Infinity")
GAMMA_WINDOW = Window(T0, Timeframe.M5)
SLUG = market_slug(Asset.BTC, GAMMA_WINDOW)
ACCOUNT = Account(owner="key-1", wallet="0x" + "22" * 20)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_amount_is_refused_before_it_is_written_out(text: str) -> None:
    with pytest.raises(AmountError):
        to_micro(Decimal(text))


def test_the_largest_amount_fits_a_message() -> None:
    assert to_micro(Decimal(AMOUNT_MAX)) == AMOUNT_MAX * MICRO < 1 << 63
    assert to_micro(Decimal("1e-999990")) == 0


def book(**changes: Any) -> bytes:
    row = {"market": "m", "asset_id": "1", "tick_size": "0.01", "bids": [], "asks": []}
    return json.dumps(row | changes).encode()


def listed(**changes: Any) -> bytes:
    return event_body(Asset.BTC, GAMMA_WINDOW, **changes)


GATEWAY_READS: dict[str, Callable[[str], object]] = {
    "tick": lambda text: read_book(book(tick_size=text), "1"),
    "price": lambda text: read_book(book(bids=[{"price": text}]), "1"),
    "minimum": lambda text: read_listed_market(listed(orderMinSize=text), SLUG),
}


@pytest.mark.parametrize("what", list(GATEWAY_READS))
@pytest.mark.parametrize("text", [*HOSTILE, "-5", "0"])
def test_the_gateways_own_looks_know_nothing_then(what: str, text: str) -> None:
    assert isinstance(GATEWAY_READS[what](text), Unknown)


def books(**changes: Any) -> bytes:
    row = {"asset_id": "1", "bids": [], "asks": [], "timestamp": "5", "tick_size": "0.01"}
    return json.dumps([row | changes]).encode()


FEED_READS: dict[str, Callable[[str], object]] = {
    "size": lambda text: parse_books(books(bids=[{"price": "0.4", "size": text}])),
    "price": lambda text: parse_books(books(asks=[{"price": text, "size": "1"}])),
    "tick": lambda text: parse_books(books(tick_size=text)),
}


@pytest.mark.parametrize("what", list(FEED_READS))
@pytest.mark.parametrize("text", HOSTILE)
def test_market_data_calls_it_odd(what: str, text: str) -> None:
    found = FEED_READS[what](text)
    assert isinstance(found, ReadBooks)
    assert (found.books, len(found.odd)) == ((), 1)


@pytest.mark.parametrize("text", ["9" * 4_300, "-" + "9" * 4_300, "\u0661\u0662\u0663", "1e3"])
def test_a_stamp_is_a_short_plain_number(text: str) -> None:
    assert parse_books(books(timestamp=text)).books == ()


@pytest.mark.parametrize("ids", ['["1","1"]', '["\u0661","2"]', '["","2"]', '["-1","2"]'])
def test_a_market_whose_tokens_are_not_two_plain_numbers_is_not_read(ids: str) -> None:
    body = event_body(Asset.BTC, GAMMA_WINDOW, clobTokenIds=ids)
    with pytest.raises(Malformed):
        parse_event(body, Asset.BTC, GAMMA_WINDOW, T0)


async def _terms(_: str) -> FeeTerms:
    return FeeTerms(rate=Decimal("0.07"))


@pytest.mark.parametrize("field", ["price", "size"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_row_of_a_listing_is_odd_then(field: str, text: str) -> None:
    rows = Rows()
    asyncio.run(read_trade(trade(1, **{field: text}), ACCOUNT, _terms, rows))
    read_order(order(1, **{"original_size" if field == "size" else field: text}), rows)
    assert (rows.orders, rows.trades) == ([], [])
    assert [odd.listing for odd in rows.odd] == ["trades", "orders"]
    assert all(odd.order_ids for odd in rows.odd), "what became of these orders is not known"


def frame(**changes: Any) -> UserEvent:
    row = {**trade(1), **changes}
    makers = row.pop("maker_orders")
    return parse_user_event({"event_type": "trade", **row, "maker_orders": makers})


@pytest.mark.parametrize(
    "changes",
    [
        *({field: text} for field in ("price", "size") for text in ("1e30", "1e999990", "0")),
        {"size": "-5"},
        {"price": "1.5"},
        {"asset_id": "none"},
    ],
)
def test_a_frame_that_cannot_be_believed_is_a_reason_to_look(changes: dict[str, Any]) -> None:
    async def terms(token_id: str) -> FeeTerms:
        int(token_id)
        return FeeTerms(rate=Decimal("0.07"))

    [said] = asyncio.run(read_user_event(frame(maker_orders=[], **changes), ACCOUNT, terms))
    assert isinstance(said, StreamLost)


def test_a_frame_that_can_is_a_fill() -> None:
    [said] = asyncio.run(read_user_event(frame(), ACCOUNT, _terms))
    assert isinstance(said, VenueTrade)
