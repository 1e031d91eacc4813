"""Frames of the market stream, and books held against the stream's own best prices."""

import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.book_frames import LOST, read_frame
from actors.feeds.books import parse_books
from actors.market_data.agreement import faults
from actors.market_data.events import (
    BookChanged,
    BookLevels,
    BooksReceived,
    FetchBooks,
    LevelChange,
    StreamFault,
    TickSizeChanged,
    Timer,
)
from actors.market_data.inputs import Name
from actors.market_data.state import BookBuffer, MarketDataState
from actors.market_data.step import step
from signals.market import Asset
from signals.snapshot import Feed
from tests.actors.market_data.builders import BTC_5M, T0, at, market
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


# ---- books held against the stream --------------------------------------------------------------

TOKEN = market(BTC_5M, 0).up_token_id


def level(
    *, bid: bool, price: int, shares: int, best: tuple[int | None, int | None]
) -> LevelChange:
    return LevelChange(
        token_id=TOKEN, bid=bid, price=price, shares=shares, best_bid=best[0], best_ask=best[1]
    )


def changed(state: MarketDataState, ms: int, *rows: LevelChange) -> MarketDataState:
    return step(state, BookChanged(changes=rows, stamp_wire_ms=T0 + ms), at(ms))[0]


def taken(state: MarketDataState, ms: int, bids: dict[int, int], asks: dict[int, int]) -> Any:
    whole = BookLevels(
        token_id=TOKEN, bids=bids, asks=asks, tick_micro_usd=10_000, stamp_wire_ms=T0 + ms
    )
    return step(state, BooksReceived(books=(whole,), polled=True), at(ms + 50))[0]


def fresh() -> MarketDataState:
    return taken(warm_state(), 1_000, {440_000: 9}, {480_000: 9})


def doubts(state: MarketDataState) -> str:
    known = tuple(m for m in state.markets.values() if TOKEN in m.token_ids)
    found = faults(state.feeds[Asset.BTC], known, state.books, T0 + 10_000).get(Feed.BOOKS)
    return "" if found is None or found.name is not Name.BOOK_DOUBT else found.cause


def test_a_book_that_agrees_with_the_stream_is_trusted() -> None:
    state = changed(
        fresh(), 1_100, level(bid=True, price=450_000, shares=5, best=(450_000, 480_000))
    )
    state = changed(state, 1_200, level(bid=True, price=450_000, shares=0, best=(440_000, 480_000)))
    empty = level(bid=False, price=480_000, shares=0, best=(440_000, 1_000_000))
    state = changed(state, 1_300, empty)
    none = level(bid=True, price=440_000, shares=0, best=(0, 0))
    state = changed(state, 1_400, none)
    assert not state.books[TOKEN].suspect
    assert not doubts(state)


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ((460_000, 480_000), "best bid 450000, the stream says 460000"),
        ((450_000, 470_000), "best ask 480000, the stream says 470000"),
        ((450_000, 1_000_000), "best ask 480000, the stream says none"),
        ((0, 480_000), "best bid 450000, the stream says none"),
    ],
)
def test_a_book_that_missed_a_message_is_not_decided_on_and_is_taken_anew_at_once(
    best: tuple[int, int], said: str
) -> None:
    state = changed(fresh(), 1_100, level(bid=True, price=450_000, shares=5, best=best))
    assert said in doubts(state)
    _, effects = step(state, Timer(), at(1_450))
    assert [TOKEN in e.token_ids for e in effects if isinstance(e, FetchBooks)] == [True]
    state = taken(state, 1_500, {460_000: 9}, {470_000: 9})
    assert not doubts(state)
    assert not state.books[TOKEN].suspect


def test_of_two_changes_in_one_frame_only_the_end_is_compared() -> None:
    state = changed(
        fresh(),
        1_100,
        level(bid=True, price=450_000, shares=5, best=(450_000, 470_000)),
        level(bid=False, price=470_000, shares=5, best=(450_000, 470_000)),
    )
    assert not doubts(state)


def test_where_the_stream_says_no_best_prices_nothing_is_compared() -> None:
    state = changed(fresh(), 1_100, level(bid=True, price=450_000, shares=5, best=(None, None)))
    assert not doubts(state)


def test_in_a_busy_market_an_older_answer_mends_a_book_with_what_came_since() -> None:
    state = changed(
        fresh(), 1_100, level(bid=True, price=450_000, shares=5, best=(460_000, 480_000))
    )
    for ms in range(1_200, 1_900, 100):  # the answer of 1_500 is under way meanwhile
        row = level(bid=True, price=430_000, shares=ms, best=(460_000, 480_000))
        state = changed(state, ms, row)
    state = taken(state, 1_500, {460_000: 9, 450_000: 5, 430_000: 1_500}, {480_000: 9})
    held: BookBuffer = state.books[TOKEN]
    assert held.bids == {460_000: 9, 450_000: 5, 430_000: 1_800}
    assert (held.suspect, held.contradicted, held.later) == (False, "", ())
    assert held.stamp_wire_ms == T0 + 1_800


def test_a_change_that_a_whole_book_has_already_is_no_doubt() -> None:
    state = fresh()
    state = changed(state, 900, level(bid=True, price=470_000, shares=5, best=(470_000, 480_000)))
    assert state.books[TOKEN].bids == {440_000: 9}
    assert not state.books[TOKEN].suspect
    late = changed(state, 1_300, level(bid=True, price=440_000, shares=7, best=(440_000, 480_000)))
    late = changed(late, 1_200, level(bid=True, price=440_000, shares=8, best=(440_000, 480_000)))
    assert late.books[TOKEN].suspect, "the stream itself came out of order"
    assert late.books[TOKEN].bids == {440_000: 7}


def test_an_odd_book_of_an_answer_is_told() -> None:
    state, _ = step(warm_state(), BooksReceived(books=(), polled=True, odd=("why",)), at(1_000))
    assert "why" in state.refused["books/book_price"].cause


def test_a_gap_makes_every_book_suspect() -> None:
    for gap in (StreamFault(reconnects=1), StreamFault(dropped=3)):
        state, _ = step(fresh(), gap, at(2_000))
        assert all(one.suspect for one in state.books.values())


def test_what_a_book_keeps_crosses_a_handoff_in_both_directions() -> None:
    state = changed(
        fresh(), 1_100, level(bid=True, price=450_000, shares=5, best=(460_000, 480_000))
    )
    state = changed(state, 1_200, level(bid=True, price=450_000, shares=6, best=(460_000, 480_000)))
    held = state.books[TOKEN]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(held), type=BookBuffer) == held
    old = msgspec.to_builtins(held)
    for name in ("later", "whole_stamp_wire_ms", "contradicted"):
        del old[name]
    assert msgspec.convert(old, BookBuffer).suspect
