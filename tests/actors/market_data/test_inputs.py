"""What parses is not believed for that: every input has a range and a pace."""

from typing import Any

import msgspec
import pytest

from actors.market_data.events import (
    BookChanged,
    BooksReceived,
    Event,
    FollowPrices,
    FundingReceived,
    KlinesReceived,
    LevelChange,
    MarketFound,
    OpenInterestReceived,
    TickSizeChanged,
    TicksReceived,
    Timer,
)
from actors.market_data.inputs import INPUTS, TICK_SIZES, Name
from actors.market_data.status import Provenance, market_data_status
from actors.market_data.step import step
from actors.supervisor.alarms import judge_feeds
from signals.market import Asset
from signals.snapshot import (
    Candles,
    Feed,
    FundingPoint,
    Interval,
    OpenInterestPoint,
    Ticks,
)
from signals.units import MicroShares
from tests import inputs_page
from tests.actors.market_data.believing import NOW, after, refused, taken, tick, with_feeds
from tests.actors.market_data.builders import T0, at, candles, levels, market, slug
from tests.actors.market_data.journeys import warm_state

WHO = Provenance(name="market-data/1", life="1-1", text="test", snapshots=0, latest_wait_ms=0)
NAN, INF = float("nan"), float("inf")


# ---- a tick from the future ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "observed_ms", [T0 + 3_630_000, 1_767_225_630_000_000, T0 + 42_000, T0 // 1000, T0 + 32_001]
)
def test_no_odd_tick_makes_a_dead_feed_fresh(observed_ms: int) -> None:
    state = warm_state()
    stale: dict[int, bool] = {}
    anew: list[int] = []
    for second in range(1, 261):
        now = at(1_000 * second)
        if 21 <= second <= 140:
            state = after(state, tick(1_000 * second - 500, 100.0 + second % 3), now=now)
        if second == 30:
            odd = Ticks(observed_ms=(observed_ms,), twap=(100.0,), spot=())
            state = after(state, TicksReceived(asset=Asset.BTC, ticks=odd), now=now)
        state, effects = step(state, Timer(), now)
        if any(isinstance(effect, FollowPrices) for effect in effects):
            anew.append(second)
        stale[second] = not taken(state, now).age(Feed.TICKS).fresh
    assert not any(stale[second] for second in range(22, 141))
    assert all(stale[second] for second in (155, 200, 260))
    assert [second for second in anew if 32 <= second <= 140] == [], "the stream lives"
    assert refused(state) == {"btc/tick_time"}, "counted and named"
    assert state.refused["btc/tick_time"].count == 1


# ---- what comes in ------------------------------------------------------------------------------


def kline(**changes: Any) -> KlinesReceived:
    fields: dict[str, Any] = {
        name: tuple(changes.get(name, getattr(_GOOD, name)[0]) for _ in range(1))
        for name in ("open_time_ms", "open", "high", "low", "close", "volume", "taker_buy")
    }
    return KlinesReceived(asset=Asset.BTC, candles=Candles(interval=Interval.M5, **fields))


_GOOD = candles(Interval.M5, -300_000, 1)


def interest(value: float, time_ms: int = T0 + 9_000) -> OpenInterestReceived:
    point = OpenInterestPoint(time_ms=time_ms, base_units=value)
    return OpenInterestReceived(asset=Asset.BTC, points=(point,))


def funding(rate: float = 0.0001, time_ms: int = T0 - 60_000, **changes: Any) -> FundingReceived:
    point = FundingPoint(time_ms=time_ms, rate=rate)
    fields = {"next_funding_ms": T0 + 25_200_000} | changes
    return FundingReceived(asset=Asset.BTC, points=(point,), **fields)


def change(shares: int = 1_000_000, stamp_ms: int = T0 + 9_000) -> BookChanged:
    one = LevelChange(token_id="up5m0", bid=True, price=430_000, shares=shares)
    return BookChanged(changes=(one,), stamp_wire_ms=stamp_ms)


def found(**changes: Any) -> MarketFound:
    known = market()
    return MarketFound(slug=slug(known), market=msgspec.structs.replace(known, **changes))


def book(**changes: Any) -> BooksReceived:
    whole = msgspec.structs.replace(levels("up5m0", stamp_ms=9_000), **changes)
    return BooksReceived(books=(whole,), polled=False)


ODD: list[tuple[Event, Name]] = [
    *((tick(9_000, value), Name.TICK_PRICE) for value in (NAN, INF, -INF, 0.0, -100.0, 1e300)),
    (tick(9_000, 10_000.0), Name.TICK_PRICE),  # cents
    (tick(9_000, 1.0), Name.TICK_PRICE),  # another asset's
    (tick(12_001), Name.TICK_TIME),
    (tick(-86_400_000), Name.TICK_TIME),
    *(
        (kline(close=value, high=max(value, 101.0)), Name.CANDLE_PRICE)
        for value in (NAN, INF, 0.0, -1.0, 1e300, 10_000.0)
    ),
    (kline(open=105.0), Name.CANDLE_PRICE),  # above its high
    (kline(low=99.5, close=99.4), Name.CANDLE_PRICE),
    *((kline(volume=value), Name.CANDLE_VOLUME) for value in (NAN, INF, -1.0, 1e300)),
    (kline(taker_buy=6.0), Name.CANDLE_TAKER),
    (kline(taker_buy=NAN), Name.CANDLE_TAKER),
    (kline(open_time_ms=T0), Name.CANDLE_TIME),  # it forms
    (kline(open_time_ms=T0 - 299_999), Name.CANDLE_TIME),
    (kline(open_time_ms=T0 // 1_000), Name.CANDLE_TIME),
    (kline(open_time_ms=T0 * 1_000), Name.CANDLE_TIME),
    *((interest(value), Name.INTEREST) for value in (NAN, INF, 0.0, -5.0, 1e300, 10.0, 2.5)),
    (interest(5.0 * 90_000), Name.INTEREST),  # USD
    (interest(5.0, T0 // 1_000), Name.INTEREST_TIME),
    (interest(5.0, T0 + 60_000), Name.INTEREST_TIME),
    *((funding(value), Name.FUNDING_RATE) for value in (NAN, INF, 0.06, -1.0)),
    (funding(time_ms=T0 // 1_000), Name.FUNDING_TIME),
    (funding(time_ms=T0 + 3_600_000), Name.FUNDING_TIME),
    (funding(next_funding_ms=T0 // 1_000), Name.FUNDING_NEXT),
    (funding(next_funding_ms=T0 * 1_000), Name.FUNDING_NEXT),
    (book(bids={440_000: 10**17}), Name.BOOK_SHARES),
    (book(stamp_wire_ms=T0 * 1_000), Name.BOOK_STAMP),
    (book(stamp_wire_ms=T0 + 25_000), Name.BOOK_STAMP),
    (book(tick_micro_usd=0), Name.TICK_SIZE),
    (book(tick_micro_usd=1_000_000), Name.TICK_SIZE),
    (change(shares=-1), Name.BOOK_SHARES),
    (change(shares=10**17), Name.BOOK_SHARES),
    (change(stamp_ms=T0 * 1_000), Name.BOOK_STAMP),
    (TickSizeChanged(token_id="up5m0", tick_micro_usd=7), Name.TICK_SIZE),
    (found(min_order_shares=MicroShares(0)), Name.MIN_ORDER),
    (found(min_order_shares=MicroShares(10**12)), Name.MIN_ORDER),
    (found(tick_micro_usd=0), Name.TICK_SIZE),
    (found(twap_lookback_seconds=0), Name.LOOK_BACK),
    (found(twap_lookback_seconds=60_000), Name.LOOK_BACK),
    (found(price_to_beat=1e300), Name.STRIKE),
    (found(price_to_beat=-1.0), Name.STRIKE),
]


@pytest.mark.parametrize(("event", "name"), ODD, ids=lambda one: str(one)[:60])
def test_an_odd_datum_is_refused_counted_and_named(event: Event, name: Name) -> None:
    before = warm_state()
    state = after(before, event)
    assert {key.partition("/")[2] for key in refused(state)} == {name}
    kept, known = state.feeds[Asset.BTC], before.feeds[Asset.BTC]
    assert kept.ticks == known.ticks
    assert kept.candles[Interval.M5] in (known.candles[Interval.M5], *_emptied(kept))
    assert kept.funding == known.funding or isinstance(event, FundingReceived)
    assert {b.stamp_wire_ms for b in state.books.values()} == {
        b.stamp_wire_ms for b in before.books.values()
    }
    status = market_data_status(state, NOW, WHO)
    assert any(name in line for line in status.trouble)
    held = [finding for finding in judge_feeds(status) if finding.holds]
    assert [(f.kind, f.subject) for f in held if f.kind == "input_refused"] == [
        ("input_refused", str(name))
    ]


def _emptied(feeds: Any) -> tuple[Candles, ...]:
    series = feeds.candles[Interval.M5]
    return (series,) if not len(series) else ()


def test_good_data_is_refused_nowhere() -> None:
    state = after(
        warm_state(),
        tick(9_000),
        tick(9_500, 100.5),
        kline(),
        interest(5.1),
        funding(),
        book(),
        change(),
        found(),
        TickSizeChanged(token_id="up5m0", tick_micro_usd=1_000),
    )
    assert refused(state) == set()
    assert taken(state).complete, taken(state).ages


def test_a_series_that_began_in_another_unit_is_asked_for_again_as_a_whole() -> None:
    state = warm_state()
    cents = candles(Interval.M5, -60 * 300_000, 60, price=10_000.0)
    series = state.feeds[Asset.BTC].candles | {Interval.M5: cents}
    state = with_feeds(state, candles=series)
    state = after(
        state, KlinesReceived(asset=Asset.BTC, candles=candles(Interval.M5, 0, 1)), now=at(301_000)
    )
    assert refused(state) == {"btc/candle_price"}
    assert not len(state.feeds[Asset.BTC].candles[Interval.M5]), "the old ones may be the odd ones"


def test_candles_of_another_interval_are_no_candles() -> None:
    hours = candles(Interval.H1, -12 * 3_600_000, 12)
    odd = msgspec.structs.replace(hours, interval=Interval.M5)
    state = after(warm_state(), KlinesReceived(asset=Asset.BTC, candles=odd))
    assert refused(state) == {"btc/candle_time"}


# ---- the table ----------------------------------------------------------------------------------


def test_every_input_is_in_the_table_once_and_no_range_takes_nonsense() -> None:
    assert set(INPUTS) == set(Name)
    for row in INPUTS.values():
        assert row.low <= row.high
        assert not any(row.holds(value) for value in (NAN, INF, -INF, 1e300))
    assert all(INPUTS[Name.TICK_SIZE].holds(size) for size in TICK_SIZES)


def test_the_page_of_inputs_is_the_table() -> None:
    assert inputs_page.PAGE.read_text(encoding="utf-8") == inputs_page.page()
