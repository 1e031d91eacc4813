"""Frames of the market stream."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.book_frames import LOST, read_frame
from actors.feeds.books import parse_books
from actors.market_data.events import (
    BookChanged,
    BooksReceived,
    TickSizeChanged,
)
from actors.market_data.step import step
from tests.actors.market_data.builders import at
from tests.actors.market_data.journeys import warm_state
from tests.actors.market_data.recordings import fixture

STAMP = "1767225600200"


def frame(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def change(token: str = "7", **fields: Any) -> dict[str, Any]:
    row = {"asset_id": token, "price": "0.46", "size": "5", "side": "BUY", "hash": "x"}
    return row | fields


def changes(*rows: dict[str, Any], **fields: Any) -> bytes:
    told = {"event_type": "price_change", "market": "0x", "timestamp": STAMP}
    return frame(**(told | {"price_changes": list(rows)} | fields))


def book(**fields: Any) -> dict[str, Any]:
    told = {
        "event_type": "book",
        "asset_id": "7",
        "timestamp": STAMP,
        "bids": [{"price": "0.44", "size": "10"}],
        "asks": [{"price": "0.48", "size": "3"}],
        "tick_size": "0.01",
    }
    return told | fields


def test_a_price_change_says_its_levels_and_the_best_prices_after_it() -> None:
    [found] = read_frame(
        changes(
            change(best_bid="0.46", best_ask="0.48"),
            change(price="0.48", size="0", side="SELL", best_bid="0", best_ask="1"),
        )
    )
    assert isinstance(found, BookChanged)
    assert found.stamp_wire_ms == int(STAMP)
    first, second = found.changes
    assert (first.bid, first.price, first.shares) == (True, 460_000, 5_000_000)
    assert (first.best_bid, first.best_ask) == (460_000, 480_000)
    assert (second.bid, second.shares, second.best_bid, second.best_ask) == (False, 0, 0, 1_000_000)


def test_a_frame_may_be_an_object_or_an_array() -> None:
    [one] = read_frame(json.dumps(book()).encode())
    two = read_frame(json.dumps([book(), book(asset_id="8", tick_size=None)]).encode())
    assert isinstance(one, BooksReceived)
    assert [b.token_id for e in two if isinstance(e, BooksReceived) for b in e.books] == ["7", "8"]
    assert one.books[0].tick_micro_usd == 10_000


def test_a_tick_that_changes_is_read_as_text_or_number() -> None:
    for tick in ("0.001", 0.001):
        told = frame(event_type="tick_size_change", asset_id="7", new_tick_size=tick)
        assert read_frame(told) == [TickSizeChanged(token_id="7", tick_micro_usd=1_000)]


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"PONG",
        b"PING",
        b"[]",
        frame(gameId=1, score="1-0"),
        frame(event_type="new_market", slug="x"),
        frame(event_type="last_trade_price", asset_id="7", price="0.6"),
        frame(event_type="best_bid_ask", asset_id="7", best_bid="0", best_ask="0"),
        frame(event_type="market_resolved", winning_outcome="Yes"),
    ],
)
def test_what_changes_no_book_is_nothing(told: bytes) -> None:
    assert read_frame(told) == []


@pytest.mark.parametrize(
    "told",
    [
        b"<html>",
        b"{",
        b"\xff\xfe",
        b"[" * 5_000,
        changes(change(side="HOLD")),
        changes(change(price="1.5")),
        changes(change(price="0")),
        changes(change(price="NaN")),
        changes(change(price="1e999990")),
        changes(change(size="-1")),
        changes(change(size="9" * 400)),
        changes(change(size=None)),
        changes(change(), timestamp="soon"),
        changes(change(), timestamp="-5"),
        changes(change(), price_changes=None),
        json.dumps(book(bids=[{"price": "1.5", "size": "1"}])).encode(),
        json.dumps(book(asks=None)).encode(),
        frame(event_type="tick_size_change", asset_id="7", new_tick_size="x"),
    ],
)
def test_what_cannot_be_read_is_a_lost_frame_and_no_book_is_trusted_over_it(told: bytes) -> None:
    assert read_frame(told) == [LOST]
    state, _ = step(warm_state(), LOST, at(10_000))
    assert all(book.suspect for book in state.books.values())


def test_an_odd_row_of_an_array_hides_no_other() -> None:
    rows = [
        book(),
        book(asset_id="8", asks=None),
        {"event_type": "of tomorrow"},
        book(asset_id="9"),
    ]
    found = read_frame(json.dumps(rows).encode())
    tokens = [b.token_id for e in found if isinstance(e, BooksReceived) for b in e.books]
    assert tokens == ["7", "9"]
    assert LOST in found


def test_an_odd_book_of_an_answer_hides_no_other_and_their_order_is_free() -> None:
    rows = [book(asset_id="9"), book(asset_id="8", bids=[{"price": "x", "size": "1"}]), 5, book()]
    found = parse_books(json.dumps(rows).encode())
    assert [one.token_id for one in found.books] == ["9", "7"]
    assert len(found.odd) == 2


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise(told: bytes) -> None:
    read_frame(told)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists), st.data())
def test_no_value_in_a_field_makes_the_reader_raise(value: Any, data: st.DataObject) -> None:
    rows = [book(), json.loads(changes(change(best_bid="0.46", best_ask="0.48")))]
    row = data.draw(st.sampled_from(rows))
    name = data.draw(st.sampled_from(sorted(row)))
    read_frame(json.dumps(row | {name: value}).encode())


@pytest.mark.data
def test_every_recorded_frame_is_read() -> None:
    text = fixture("polymarket/clob_ws_market_events_2026-05.jsonl").read_text()
    for line in text.splitlines():
        row = json.loads(line)
        found = read_frame(row["raw"].encode())
        assert LOST not in found
        assert bool(found) == row["case"].startswith(("book", "price", "tick")), row["case"]
    [single] = read_frame(
        json.dumps(
            {"event_type": "book"}
            | json.loads(fixture("clob_ws_market_book_single.json").read_text())
        ).encode()
    )
    assert isinstance(single, BooksReceived)


@pytest.mark.data
def test_every_recorded_book_of_a_whole_window_is_read() -> None:
    with gzip.open(fixture("clob_ws_market_book_btc-updown-5m-1776329100.jsonl.gz"), "rt") as file:
        rows = [json.loads(line)["raw"] for line in file]
    assert len(rows) == 1_974
    for raw in rows:
        [found] = read_frame(json.dumps({"event_type": "book", **raw}).encode())
        assert isinstance(found, BooksReceived)
        if found.books[0].bids and found.books[0].asks:
            assert max(found.books[0].bids) < min(found.books[0].asks)
