"""Market data's machine when feeds fail, lie, repeat themselves or fall silent."""

import msgspec

from actors.market_data.events import (
    BookChanged,
    BooksReceived,
    Event,
    FetchBooks,
    FetchFailed,
    FetchFunding,
    FollowBooks,
    FollowPrices,
    LevelChange,
    LogJob,
    MarketFound,
    MarketMissing,
    StreamFault,
    TickSizeChanged,
    TicksReceived,
    Timer,
)
from actors.market_data.jobs import stale_books
from actors.market_data.state import MarketDataState, Now
from actors.market_data.step import SILENT_WIRE_MS, step
from signals.market import Asset
from tests.actors.market_data.builders import (
    BTC_5M,
    T0,
    at,
    fresh_state,
    levels,
    market,
    ticks,
)
from tests.actors.market_data.journeys import answer, warm_state


def test_failures_back_off_doubling_and_speak_at_powers_of_two() -> None:
    state, effects = step(fresh_state(BTC_5M), Timer(), at(0))
    [ask] = [e for e in effects if isinstance(e, FetchFunding)]
    wire, said, waits = T0, [], []
    for _ in range(9):
        now = Now(T0, wire)
        failure = FetchFailed(job=ask.job, reason="refused", malformed=False)
        state, effects = step(state, failure, now)
        said += [e.failures for e in effects if isinstance(e, LogJob)]
        waits.append(state.jobs[ask.job].not_before_wire_ms - wire)
        wire += waits[-1]
        early, _ = step(state, Timer(), Now(T0, wire - 1))
        assert not early.jobs[ask.job].running
        state, _ = step(state, Timer(), Now(T0, wire))
        assert state.jobs[ask.job].running
    assert waits == [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]
    assert said == [1, 2, 4, 8]
    assert state.trouble == {ask.job: "refused"}
    assert state.counts.unreachable == 9


def test_trouble_is_over_with_the_first_good_answer() -> None:
    state, effects = step(fresh_state(BTC_5M), Timer(), at(0))
    [ask] = [e for e in effects if isinstance(e, FetchFunding)]
    state, _ = step(state, FetchFailed(job=ask.job, reason="x", malformed=True), at(0))
    assert state.counts.malformed == 1
    good = answer(ask, at(1_000))
    assert good is not None
    state, _ = step(state, good, at(1_000))
    assert state.trouble == {}
    assert state.jobs[ask.job].failures == 0


def test_a_quiet_book_is_taken_anew_by_rest() -> None:
    state = warm_state()
    _, effects = step(state, Timer(), at(17_000))
    asked = {token for e in effects if isinstance(e, FetchBooks) for token in e.token_ids}
    assert asked == {"up5m0", "down5m0", "up15m0", "down15m0"}


def test_a_change_moves_one_level_and_zero_removes_it() -> None:
    state = warm_state()
    change = LevelChange(token_id="up5m0", bid=True, price=450_000, shares=3_000_000)
    gone = LevelChange(token_id="up5m0", bid=False, price=460_000, shares=0)
    event = BookChanged(changes=(change, gone), stamp_wire_ms=T0 + 2_000)
    state, _ = step(state, event, at(2_000))
    book = state.books["up5m0"]
    assert max(book.bids) == 450_000
    assert min(book.asks) == 470_000
    assert not book.suspect
    assert book.received_ms == T0 + 2_000


def test_a_late_change_is_not_applied_and_makes_the_book_suspect() -> None:
    change = LevelChange(token_id="up5m0", bid=True, price=440_000, shares=3_000_000)
    newer = BookChanged(changes=(change,), stamp_wire_ms=T0 + 2_000)
    state, _ = step(warm_state(), newer, at(2_000))
    before = state.books["up5m0"]
    late = msgspec.structs.replace(change, price=450_000)
    event = BookChanged(changes=(late,), stamp_wire_ms=T0 + 1_999)
    state, _ = step(state, event, at(2_000))
    assert state.books["up5m0"].bids == before.bids
    assert list(stale_books(state, at(2_000))) == ["up5m0"]
    assert state.counts.late == 1


def test_an_older_whole_book_is_not_taken() -> None:
    state = warm_state()
    stale = BooksReceived(books=(levels("up5m0", bid=100_000, stamp_ms=-5_000),), polled=False)
    after, _ = step(state, stale, at(2_000))
    assert after.books["up5m0"] == state.books["up5m0"]
    assert after.counts.late == 1


def test_a_stream_that_repeats_its_last_word_grows_old() -> None:
    state = warm_state()
    known = state.books["up5m0"]
    word = levels("up5m0", stamp_ms=known.stamp_wire_ms - T0)
    heard_ms = state.last_book_wire_ms
    for ms in range(2_000, 40_000, 1_000):
        state, _ = step(state, BooksReceived(books=(word,), polled=False), at(ms))
    assert state.books["up5m0"].received_ms == known.received_ms
    assert state.last_book_wire_ms == heard_ms
    assert "up5m0" in list(stale_books(state, at(40_000)))


def test_repeated_ticks_are_no_sign_of_life() -> None:
    state = warm_state()
    again = TicksReceived(asset=Asset.BTC, ticks=ticks((1_500, 100.0)))
    state, _ = step(state, again, at(2_000))
    later, _ = step(state, again, at(9_000))
    assert later.last_tick_wire_ms == state.last_tick_wire_ms == T0 + 2_000
    assert later.feeds[Asset.BTC].ticks.observed_ms == (T0 + 500, T0 + 1_500)


def test_late_ticks_are_put_in_their_place_and_the_first_value_stays() -> None:
    state = warm_state()
    mixed = ticks((3_000, 103.0), (2_000, 102.0), (3_000, 99.0), (2_500, 102.5))
    state, _ = step(state, TicksReceived(asset=Asset.BTC, ticks=mixed), at(4_000))
    assert state.feeds[Asset.BTC].ticks.twap == (100.0, 102.0, 102.5, 103.0)
    assert state.counts.late == 3


def test_a_book_that_crosses_itself_is_suspect() -> None:
    change = LevelChange(token_id="up5m0", bid=True, price=470_000, shares=1_000_000)
    event = BookChanged(changes=(change,), stamp_wire_ms=T0 + 2_000)
    state, _ = step(warm_state(), event, at(2_000))
    assert state.books["up5m0"].suspect


def test_after_a_gap_in_the_stream_every_book_is_suspect() -> None:
    state, _ = step(warm_state(), StreamFault(reconnects=1), at(2_000))
    assert all(book.suspect for book in state.books.values())
    assert state.counts.reconnects == 1


def test_a_changed_tick_is_shown() -> None:
    state, _ = step(
        warm_state(), TickSizeChanged(token_id="up5m0", tick_micro_usd=1_000), at(2_000)
    )
    assert state.books["up5m0"].tick_micro_usd == 1_000


def test_silent_streams_are_made_anew_but_not_at_every_look() -> None:
    state = warm_state()
    silence = at(1_000 + SILENT_WIRE_MS)
    state, effects = step(state, Timer(), silence)
    assert [e for e in effects if isinstance(e, FollowPrices)]
    assert [e for e in effects if isinstance(e, FollowBooks) and e.anew]
    _, effects = step(state, Timer(), at(1_500 + SILENT_WIRE_MS))
    assert not [e for e in effects if isinstance(e, FollowPrices | FollowBooks)]


def test_events_of_unknown_assets_markets_and_tokens_change_nothing() -> None:
    state = warm_state()
    strange: list[Event] = [
        TicksReceived(asset=Asset.ZEC, ticks=ticks((1, 5.0))),
        BooksReceived(books=(levels("nobody"),), polled=False),
        BookChanged(
            changes=(LevelChange(token_id="nobody", bid=True, price=1, shares=1),),
            stamp_wire_ms=T0,
        ),
        TickSizeChanged(token_id="nobody", tick_micro_usd=1),
        FetchFailed(job="market/gone", reason="x", malformed=False),
        MarketMissing(slug="gone"),
        MarketFound(slug="gone", market=market(BTC_5M, -900_000)),
    ]
    for event in strange:
        after, effects = step(state, event, at(1_000))
        assert not effects
        assert (after.feeds, after.markets, after.books, after.jobs) == (
            state.feeds,
            state.markets,
            state.books,
            state.jobs,
        )


def test_the_state_travels_as_bytes() -> None:
    state = warm_state()
    data = msgspec.msgpack.encode(state)
    assert msgspec.msgpack.decode(data, type=MarketDataState) == state
