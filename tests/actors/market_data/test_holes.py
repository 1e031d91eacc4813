"""A hole in the history is found and mended by asking for all of it."""

import msgspec
import pytest

from actors.market_data.buffers import COLUMNS
from actors.market_data.events import FetchKlines, KlinesReceived
from actors.market_data.jobs import HOLE_LOOK_MS, start_due_jobs
from actors.market_data.state import CANDLES_KEPT, INTERVAL_MS, MarketDataState
from actors.market_data.step import step
from signals.market import Asset
from signals.snapshot import Candles, Interval
from tests.actors.market_data.builders import at, candles, fresh_state

BTC = Asset("btc")
KEPT = CANDLES_KEPT[Interval.M5]
LENGTH_MS = INTERVAL_MS[Interval.M5]


def _without(found: Candles, place: int) -> Candles:
    columns = {name: getattr(found, name) for name in COLUMNS}
    return msgspec.structs.replace(
        found, **{name: column[:place] + column[place + 1 :] for name, column in columns.items()}
    )


def _filled(*, hole: bool) -> MarketDataState:
    first = candles(Interval.M5, -(KEPT + 1) * LENGTH_MS, KEPT + 1)
    if hole:
        first = _without(first, 5)
    state = fresh_state()
    return step(state, KlinesReceived(asset=BTC, candles=first), at(1_000))[0]


def _limit(state: MarketDataState) -> int:
    job = msgspec.structs.replace(state.jobs["klines/btc/5m"], due_ms=0, not_before_wire_ms=0)
    _, fetches = start_due_jobs(
        msgspec.structs.replace(state, jobs={"klines/btc/5m": job}), at(LENGTH_MS + 1_000)
    )
    (fetch,) = fetches
    assert isinstance(fetch, FetchKlines)
    return fetch.limit


def test_a_whole_history_is_continued_with_the_newest_alone() -> None:
    assert _limit(_filled(hole=False)) < 10


def test_a_history_with_a_hole_is_asked_for_as_a_whole() -> None:
    assert _limit(_filled(hole=True)) == KEPT + 1


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_an_answer_that_leaves_out_a_known_candle_makes_no_hole(place: int) -> None:
    state = _filled(hole=False)
    known = state.feeds[BTC].candles[Interval.M5]
    again = _without(candles(Interval.M5, -5 * LENGTH_MS, 5), place)
    after = step(state, KlinesReceived(asset=BTC, candles=again), at(2_000))[0]
    found = after.feeds[BTC].candles[Interval.M5]
    assert found.open_time_ms == known.open_time_ms


@pytest.mark.parametrize("interval", [Interval.M5, Interval.H4])
def test_a_hole_is_looked_at_again_within_a_minute_and_not_all_the_time(
    interval: Interval,
) -> None:
    length_ms = INTERVAL_MS[interval]
    found = _without(candles(interval, -10 * length_ms, 10), 5)
    after = step(fresh_state(), KlinesReceived(asset=BTC, candles=found), at(1_000))[0]
    assert after.jobs[f"klines/btc/{interval}"].due_ms == at(1_000 + HOLE_LOOK_MS).market_ms
    whole = candles(interval, -10 * length_ms, 10)
    mended = step(after, KlinesReceived(asset=BTC, candles=whole), at(2_000))[0]
    assert mended.jobs[f"klines/btc/{interval}"].due_ms == at(length_ms).market_ms
