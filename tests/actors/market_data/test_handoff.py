"""A successor starts from its predecessor's buffers and fetches only what is missing."""

import msgspec
import pytest

from actors.market_data.events import FetchBooks, FetchKlines, Timer
from actors.market_data.handoff import (
    Buffers,
    BuffersError,
    encode_buffers,
    is_warm,
    restored_state,
)
from actors.market_data.step import step
from actors.messages import encode
from signals.market import Asset, Slot, Timeframe
from tests.actors.market_data.builders import BTC_5M, at, fresh_state, settings
from tests.actors.market_data.journeys import settle, warm_state


def test_the_buffers_come_over_whole_and_the_books_are_looked_at_again() -> None:
    old = warm_state()
    new = restored_state(settings(), at(2_000), encode_buffers(old, at(2_000)))
    assert new.feeds == old.feeds
    assert new.markets == old.markets
    assert set(new.books) == set(old.books)
    assert all(book.suspect for book in new.books.values())
    assert not any(job.running for job in new.jobs.values())


def test_a_successor_asks_only_for_the_candles_that_are_missing() -> None:
    data = encode_buffers(warm_state(), at(2_000))
    state = restored_state(settings(), at(2_000), data)
    state, effects = settle(state, at(2_000))
    assert max(e.limit for e in effects if isinstance(e, FetchKlines)) < 6
    assert [e for e in effects if isinstance(e, FetchBooks)]
    assert not any(book.suspect for book in state.books.values())


def test_a_successor_is_warm_at_once_and_a_cold_start_is_not() -> None:
    old = warm_state()
    assert is_warm(restored_state(settings(), at(2_000), encode_buffers(old, at(2_000))), at(2_000))
    assert not is_warm(fresh_state(), at(0))
    assert not is_warm(old, at(400_000))


def test_windows_that_closed_on_the_way_are_left_behind() -> None:
    data = encode_buffers(warm_state(), at(2_000))
    state = restored_state(settings(), at(301_000), data)
    assert [market.window.timeframe for market in state.markets.values()] == [Timeframe.M15]
    assert set(state.books) == {"up15m0", "down15m0"}
    _, effects = step(state, Timer(), at(301_000))
    assert effects


def test_an_asset_that_is_new_starts_empty_and_one_that_is_gone_is_dropped() -> None:
    data = encode_buffers(warm_state(), at(2_000))
    eth = Slot(Asset.ETH, Timeframe.M5)
    grown = restored_state(settings(BTC_5M, eth), at(2_000), data)
    assert grown.feeds[Asset.ETH].funding == ()
    other = restored_state(settings(eth), at(2_000), data)
    assert set(other.feeds) == {Asset.ETH}
    assert not other.markets


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        encode(Buffers(version=2, taken_ms=0, feeds={}, markets={}, books={})),
        msgspec.msgpack.encode({"type": "something_else"}),
    ],
)
def test_buffers_of_another_kind_are_refused(data: bytes) -> None:
    with pytest.raises(BuffersError):
        restored_state(settings(), at(0), data)
