"""Market data's machine: what it fetches and when, what it shows, what it does when feeds fail."""

import msgspec
import pytest

from actors.market_data.events import (
    BooksReceived,
    Event,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FollowBooks,
    FollowPrices,
    FundingReceived,
    KlinesReceived,
    LogJob,
    MarketFound,
    MarketMissing,
    MarketRefused,
    OpenInterestReceived,
    SnapshotAsked,
    TicksReceived,
    Timer,
)
from actors.market_data.jobs import RUNNING_MAX
from actors.market_data.state import CANDLES_KEPT, INTERVAL_MS, Now
from actors.market_data.status import Provenance, market_data_status
from actors.market_data.step import step
from actors.supervisor.alarms import judge_feeds
from signals.market import Asset
from signals.snapshot import Feed, FundingPoint, Interval, OpenInterestPoint
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
from tests.actors.market_data.journeys import settle, snapshots, warm_state


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
    events += [
        KlinesReceived(asset=Asset.BTC, candles=candles(i, hours_ms - INTERVAL_MS[i], 1))
        for i in (Interval.M15, Interval.M30, Interval.H1, Interval.H4)
    ]
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


def test_a_market_whose_rule_changes_is_not_traded_any_more_and_an_alarm_says_why() -> None:
    state = warm_state()
    name = slug(market(BTC_5M, 0))
    assert name in state.markets
    refused = MarketRefused(slug=name, asset=Asset.BTC, reason="twapEnabled False")
    state, effects = step(state, refused, at(5_000))
    assert name not in state.markets
    assert [e.job for e in effects if isinstance(e, LogJob)] == [f"market/{name}"]
    who = Provenance(name="market-data/1", life="1-1", text="", snapshots=0, latest_wait_ms=0)
    status = market_data_status(state, at(5_000), who)
    [held] = [f for f in judge_feeds(status) if f.holds and f.kind == "market_refused"]
    assert "twapEnabled False" in held.evidence["btc"]
    _, effects = step(state, Timer(), at(16_000))
    assert name in [e.slug for e in effects if isinstance(e, FetchMarket)], "it is asked again"
    late, _ = step(fresh_state(BTC_5M), refused, at(400_000))
    assert not late.refused, "a window that is over"


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
