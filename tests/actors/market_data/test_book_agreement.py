"""Books held against the stream's own best prices."""

from typing import Any

import msgspec
import pytest

from actors.market_data.agreement import faults
from actors.market_data.events import (
    BookChanged,
    BookLevels,
    BooksReceived,
    FetchBooks,
    LevelChange,
    StreamFault,
    Timer,
)
from actors.market_data.inputs import Name
from actors.market_data.state import BookBuffer, MarketDataState
from actors.market_data.step import step
from signals.market import Asset
from signals.snapshot import Feed
from tests.actors.market_data.builders import BTC_5M, T0, at, market
from tests.actors.market_data.journeys import warm_state

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
