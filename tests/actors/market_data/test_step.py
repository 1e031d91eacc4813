"""Market data's machine: what it fetches and when, what it shows, what it does when feeds fail."""

from collections.abc import Sequence

import msgspec
import pytest

from actors.market_data_events import (
    AnswerSnapshot,
    BookChanged,
    BooksReceived,
    Effect,
    Event,
    FetchBooks,
    FetchFailed,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
    FollowBooks,
    FollowPrices,
    FundingReceived,
    KlinesReceived,
    LevelChange,
    MarketFound,
    MarketMissing,
    OpenInterestReceived,
    Say,
    SnapshotAsked,
    StreamFault,
    TickSizeChanged,
    TicksReceived,
    Timer,
)
from actors.market_data_jobs import RUNNING_MAX, stale_books
from actors.market_data_state import CANDLES_KEPT, INTERVAL_MS, MarketDataState, Now
from actors.market_data_step import SILENT_WIRE_MS, step
from signals.market import Asset
from signals.snapshot import Feed, FundingPoint, Interval, OpenInterestPoint, Snapshot
from tests.actors.market_data.builders import (
    BTC_5M,
    BTC_15M,
    T0,
    at,
    candles,
    fresh_state,
    levels,
    market,
    slug,
    ticks,
)


def answer(ask: Effect, now: Now) -> Event | None:
    """Answer a fetch as a healthy source would at that instant."""
    match ask:
        case FetchKlines(asset=asset, interval=interval, limit=limit):
            length = INTERVAL_MS[interval]
            closed = now.market_ms - (now.market_ms - 345_600_000) % length
            count = limit - 1
            first = closed - length * count - T0
            return KlinesReceived(asset=asset, candles=candles(interval, first, count))
        case FetchFunding(asset=asset):
            point = FundingPoint(time_ms=T0 - 3_600_000, rate=0.0001)
            return FundingReceived(asset=asset, points=(point,), next_funding_ms=T0 + 25_200_000)
        case FetchOpenInterest(asset=asset):
            point_of_now = OpenInterestPoint(time_ms=now.market_ms, base_units=5.0)
            return OpenInterestReceived(asset=asset, points=(point_of_now,))
        case FetchMarket(slug=name, window=window):
            slot = BTC_5M if window.timeframe is BTC_5M.timeframe else BTC_15M
            found = market(slot, window.open_ms - T0, now.market_ms - T0)
            return MarketFound(slug=name, market=found)
        case FetchBooks(token_ids=tokens):
            stamp_ms = now.wire_ms - T0
            return BooksReceived(
                books=tuple(levels(token, stamp_ms=stamp_ms) for token in tokens), polled=True
            )
        case _:
            return None


def settle(
    state: MarketDataState, now: Now, events: Sequence[Event] = (Timer(),)
) -> tuple[MarketDataState, list[Effect]]:
    """Give events, answer every fetch, until nothing more is asked at this instant."""
    done: list[Effect] = []
    pending = list(events)
    for _ in range(200):
        if not pending:
            break
        state, effects = step(state, pending.pop(0), now)
        done += effects
        answers = [reply for effect in effects if (reply := answer(effect, now))]
        pending += [*answers, Timer()] if answers else []
    return state, done


def warm_state(ms: int = 0) -> MarketDataState:
    """Return a state that has had everything by now."""
    state, _ = settle(fresh_state(ms=ms), at(ms))
    state, _ = settle(state, at(ms + 1_000))
    known, _ = settle(
        state, at(ms + 1_000), [TicksReceived(asset=Asset.BTC, ticks=ticks((ms + 500, 100.0)))]
    )
    return known


def snapshots(effects: Sequence[Effect]) -> list[Snapshot]:
    return [effect.snapshot for effect in effects if isinstance(effect, AnswerSnapshot)]


def test_a_cold_start_asks_for_everything_within_the_limit_of_running_fetches() -> None:
    state, effects = step(fresh_state(), Timer(), at(0))
    fetches = [e for e in effects if isinstance(e, FetchKlines | FetchFunding | FetchMarket)]
    assert 0 < len(fetches) <= RUNNING_MAX
    assert sum(job.running for job in state.jobs.values()) == min(RUNNING_MAX, len(state.jobs) - 1)
    again, _ = step(state, Timer(), at(10))
    assert sum(job.running for job in again.jobs.values()) <= RUNNING_MAX
    assert FollowPrices(assets=(Asset.BTC,)) in effects


def test_a_backfill_asks_for_the_whole_history_and_an_open_candle() -> None:
    _, effects = settle(fresh_state(), at(0))
    asked = {e.interval: e.limit for e in effects if isinstance(e, FetchKlines)}
    assert asked == {interval: CANDLES_KEPT[interval] + 1 for interval in Interval}


def test_after_a_boundary_only_what_closed_is_fetched_and_only_a_little_of_it() -> None:
    state = warm_state()
    _, effects = settle(state, at(300_000))
    asked = [(e.interval, e.limit) for e in effects if isinstance(e, FetchKlines)]
    assert [interval for interval, _ in asked] == [Interval.M5]
    assert asked[0][1] < 6


def test_a_candle_that_is_not_there_yet_is_asked_again_soon() -> None:
    state = warm_state()
    state, effects = step(state, Timer(), at(300_000))
    [ask] = [e for e in effects if isinstance(e, FetchKlines)]
    old = KlinesReceived(asset=Asset.BTC, candles=candles(Interval.M5, -300_000, 1))
    state, _ = step(state, old, at(300_010))
    again = Now(T0 + 300_400, T0 + 300_400)
    _, effects = step(state, Timer(), again)
    assert [e.job for e in effects if isinstance(e, FetchKlines)] == [ask.job]


def test_everything_healthy_gives_a_complete_snapshot_at_the_due_time_unasked() -> None:
    state = warm_state()
    state, _ = step(state, TicksReceived(asset=Asset.BTC, ticks=ticks((19_000, 101.0))), at(19_500))
    state, effects = step(state, Timer(), at(20_000))
    [made] = snapshots(effects)
    assert made.complete, made.ages
    assert (made.due_ms, made.taken_ms) == (T0 + 20_000, T0 + 20_000)
    assert {view.window.timeframe for view in made.markets} == {"5m", "15m"}
    assert state.next_due_ms == T0 + 320_000


def test_before_the_due_time_nothing_is_made() -> None:
    _, effects = step(warm_state(), Timer(), at(19_999))
    assert not snapshots(effects)


def test_after_a_pause_only_the_newest_decision_point_is_made() -> None:
    state, effects = step(warm_state(), Timer(), at(950_000))
    assert [made.due_ms for made in snapshots(effects)] == [T0 + 920_000]
    assert state.next_due_ms == T0 + 1_220_000


def test_a_past_point_is_made_when_it_is_asked_for_and_says_when_it_was_taken() -> None:
    _, effects = step(warm_state(), SnapshotAsked(asset=Asset.BTC, due_ms=T0 - 280_000), at(5_000))
    [made] = snapshots(effects)
    assert (made.due_ms, made.taken_ms) == (T0 - 280_000, T0 + 5_000)


def test_with_nothing_at_all_the_snapshot_says_that_nothing_was_ever_seen() -> None:
    _, effects = step(fresh_state(), Timer(), at(20_000))
    [made] = snapshots(effects)
    assert all(age.age_ms is None for age in made.ages)
    assert not made.complete
    assert made.markets == ()


@pytest.mark.parametrize("feed", list(Feed))
def test_a_feed_that_stopped_is_stale_and_the_others_are_not(feed: Feed) -> None:
    """Let every feed but one go on for twelve hours."""
    state = warm_state()
    hours_ms = 12 * 3_600_000
    lags = {Feed.CANDLES: 0, Feed.MARKETS: 600_000}
    state = msgspec.structs.replace(state, next_due_ms=T0 + hours_ms + 20_000)
    end = hours_ms + 20_000
    fresh: dict[Feed, Event] = {
        Feed.CANDLES: KlinesReceived(
            asset=Asset.BTC, candles=candles(Interval.M5, hours_ms - 300_000, 1)
        ),
        Feed.TICKS: TicksReceived(asset=Asset.BTC, ticks=ticks((end - 1_000, 100.0))),
        Feed.FUNDING: FundingReceived(
            asset=Asset.BTC,
            points=(FundingPoint(time_ms=T0 + hours_ms, rate=0.0),),
            next_funding_ms=None,
        ),
        Feed.OPEN_INTEREST: OpenInterestReceived(
            asset=Asset.BTC, points=(OpenInterestPoint(time_ms=T0 + end, base_units=1.0),)
        ),
    }
    found = [market(BTC_5M, hours_ms, end), market(BTC_15M, hours_ms, end)]
    if feed is Feed.MARKETS:
        found = [msgspec.structs.replace(m, checked_ms=T0 + end - 700_000) for m in found]
    state, _ = step(state, Timer(), at(hours_ms))
    events: list[Event] = [MarketFound(slug=slug(m), market=m) for m in found]
    events += [event for other, event in fresh.items() if other is not feed]
    now = at(end - 100)
    stamp = end - 40_000 if feed is Feed.BOOKS else end - 100
    for event in events:
        state, _ = step(state, event, now)
    tokens = [token for m in found for token in m.token_ids]
    received = BooksReceived(books=tuple(levels(t, stamp_ms=stamp) for t in tokens), polled=False)
    state, _ = step(state, received, at(stamp))
    _, effects = step(state, Timer(), at(end))
    [made] = snapshots(effects)
    assert [age.feed for age in made.ages if not age.fresh] == [feed], lags


def test_one_silent_book_makes_the_books_stale() -> None:
    state = warm_state()
    known = state.books["up5m0"]
    silent = msgspec.structs.replace(known, received_ms=T0 - 60_000)
    state = msgspec.structs.replace(state, books=state.books | {"up5m0": silent})
    _, effects = step(state, Timer(), at(20_000))
    [made] = snapshots(effects)
    assert not made.age(Feed.BOOKS).fresh


def test_a_missing_market_is_missing_in_the_snapshot_and_looked_for_again() -> None:
    state, effects = step(fresh_state(BTC_5M), Timer(), at(0))
    [ask] = [e for e in effects if isinstance(e, FetchMarket)]
    state, _ = step(state, MarketMissing(slug=ask.slug), at(100))
    _, effects = step(state, SnapshotAsked(asset=Asset.BTC, due_ms=T0 + 200), at(200))
    assert snapshots(effects)[0].markets == ()
    state, effects = step(state, Timer(), at(40_000))
    assert ask.slug in [e.slug for e in effects if isinstance(e, FetchMarket)]


def test_the_next_window_is_looked_for_and_followed_before_it_opens() -> None:
    state = warm_state()
    state, effects = settle(state, at(100_000))
    asked = [e.slug for e in effects if isinstance(e, FetchMarket)]
    assert slug(market(BTC_5M, 300_000)) in asked
    assert "0x5m300000" not in state.followed
    state, effects = settle(state, at(250_000))
    assert "0x5m300000" in state.followed
    follow = [e for e in effects if isinstance(e, FollowBooks)][-1]
    assert set(follow.markets) == {"0x5m0", "0x15m0", "0x5m300000"}


def test_markets_and_books_of_past_windows_are_forgotten() -> None:
    state = warm_state()
    for ms in (100_000, 250_000, 300_000, 400_000, 600_000, 700_000, 900_000, 1_000_000):
        state, _ = settle(state, at(ms))
    open_times = {known.window.open_ms - T0 for known in state.markets.values()}
    assert 0 not in open_times
    assert not [token for token in state.books if token.endswith("m0")]
    assert len(state.jobs) < 20


def test_a_price_to_beat_once_known_stays_and_an_unknown_one_is_looked_for() -> None:
    state = warm_state()
    with_price = market(BTC_5M, 0, 6_000, price_to_beat=100.5)
    state, effects = step(state, Timer(), at(7_000))
    assert slug(with_price) in [e.slug for e in effects if isinstance(e, FetchMarket)]
    state, _ = step(state, MarketFound(slug=slug(with_price), market=with_price), at(7_100))
    null_again = market(BTC_5M, 0, 9_000)
    state, _ = step(state, MarketFound(slug=slug(null_again), market=null_again), at(9_000))
    assert state.markets[slug(with_price)].price_to_beat == 100.5


def test_a_price_that_never_comes_is_given_up_after_two_minutes() -> None:
    state = warm_state()
    state, _ = settle(state, at(130_000))
    _, effects = step(state, Timer(), at(140_000))
    assert not [e for e in effects if isinstance(e, FetchMarket)]


def test_failures_back_off_doubling_and_speak_at_powers_of_two() -> None:
    state, effects = step(fresh_state(BTC_5M), Timer(), at(0))
    [ask] = [e for e in effects if isinstance(e, FetchFunding)]
    wire, said, waits = T0, [], []
    for _ in range(9):
        now = Now(T0, wire)
        failure = FetchFailed(job=ask.job, reason="refused", malformed=False)
        state, effects = step(state, failure, now)
        said += [e.failures for e in effects if isinstance(e, Say)]
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
    state = warm_state()
    before = state.books["up5m0"]
    change = LevelChange(token_id="up5m0", bid=True, price=450_000, shares=3_000_000)
    event = BookChanged(changes=(change,), stamp_wire_ms=before.stamp_wire_ms - 1)
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
    mixed = ticks((3_000, 103.0), (2_000, 102.0), (3_000, 999.0), (2_500, 102.5))
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
