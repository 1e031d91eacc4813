"""The tape: a path through candles, resampling, snapshots without the future, settlement."""

import msgspec
import pytest

from cluster.try_signal.model_market import LOOK_BACK_SECONDS, ModelMarket
from cluster.try_signal.price_path import PricePath
from cluster.try_signal.tape import AssetTape, generate_tape
from cluster.try_signal.tape_snapshots import TapeSnapshots, resampled
from signals.market import Outcome, Timeframe, Window
from signals.risk_gate import understated_age
from signals.snapshot import Candles, Interval
from tests.signals.builders import make_candles

TIMEFRAMES = (Timeframe.M5, Timeframe.M15)


@pytest.fixture(scope="module")
def tape() -> AssetTape:
    return generate_tape(3).assets[0]


@pytest.fixture(scope="module")
def market(tape: AssetTape) -> ModelMarket:
    return ModelMarket(tape, PricePath(tape, 3), 3)


def last_window(tape: AssetTape) -> Window:
    return Window(tape.candles.open_time_ms[-1], Timeframe.M5)


def test_a_path_goes_from_open_to_close_and_touches_high_and_low(tape: AssetTape) -> None:
    path = PricePath(tape, 1)
    candles = tape.candles
    for place in range(100, 140):
        open_ms = candles.open_time_ms[place]
        prices = [path.spot(open_ms + 1000 * second) for second in range(300)]
        known = [price for price in prices if price is not None]
        assert known[0] == pytest.approx(candles.open[place])
        assert min(known) == pytest.approx(candles.low[place])
        assert max(known) == pytest.approx(candles.high[place])
        reach = candles.high[place] - candles.low[place]
        assert abs(known[-1] - candles.close[place]) < reach
    again = PricePath(tape, 1)
    other = PricePath(tape, 2)
    at = candles.open_time_ms[50] + 150_000
    assert again.spot(at) == path.spot(at) != other.spot(at)
    assert path.spot(candles.open_time_ms[0] - 1000) is None
    assert path.average(candles.open_time_ms[0] + 10_000, 60) is None


def test_resampling_joins_whole_groups_and_leaves_gaps_out() -> None:
    candles = make_candles(
        closes=[10.0, 12.0, 11.0, 13.0, 15.0, 14.0],
        volumes=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        taker_buy=[1.0, 1.0, 1.0, 1.0, None, 1.0],
        end_ms=900_000 * 1000,
    )
    joined = resampled(candles, Interval.M15)
    assert joined.open == (10.0, 11.0)
    assert joined.close == (11.0, 14.0)
    assert joined.high == (12.0, 15.0)
    assert joined.low == (10.0, 11.0)
    assert joined.volume == (6.0, 15.0)
    assert joined.taker_buy == (3.0, None)
    columns = {
        name: getattr(candles, name)[:1] + getattr(candles, name)[2:]
        for name in Candles.__struct_fields__
        if name != "interval"
    }
    holed = Candles(interval=Interval.M5, **columns)
    assert resampled(holed, Interval.M15).open == (11.0,)


def test_a_week_begins_on_monday() -> None:
    monday_ms = 1_767_571_200_000  # 2026-01-05
    candles = make_candles(closes=[1.0] * 2016, end_ms=monday_ms + 604_800_000)
    assert resampled(candles, Interval.W1).open_time_ms == (monday_ms,)


def test_a_snapshot_sees_only_what_has_closed(tape: AssetTape, market: ModelMarket) -> None:
    due_ms = last_window(tape).open_ms + 20_000
    snapshot = TapeSnapshots(tape, PricePath(tape, 3), market, TIMEFRAMES).at(due_ms)
    assert snapshot is not None
    assert snapshot.complete
    assert understated_age(snapshot) is None
    lengths = {"5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14400, "1d": 86400}
    for candles in snapshot.candles:
        if len(candles) and candles.interval is not Interval.W1:
            close_ms = candles.open_time_ms[-1] + 1000 * lengths[candles.interval]
            assert due_ms - 1000 * lengths[candles.interval] < close_ms <= due_ms
    assert snapshot.ticks.observed_ms[-1] == due_ms - 1000
    assert snapshot.funding[-1].time_ms <= due_ms
    assert snapshot.open_interest[-1].time_ms <= due_ms
    views = [view.price_to_beat for view in snapshot.markets]
    at_open = snapshot.ticks.observed_ms.index(last_window(tape).open_ms)
    assert views[0] == pytest.approx(snapshot.ticks.twap[at_open])


def test_the_winner_is_settled_by_average_and_a_tie_is_up(tape: AssetTape) -> None:
    flat = msgspec.structs.replace(
        tape, candles=make_candles(closes=[100.0] * 100, end_ms=300_000_000)
    )
    calm = ModelMarket(flat, PricePath(flat, 1), 1)
    assert calm.winner(Window(flat.candles.open_time_ms[50], Timeframe.M5)) is Outcome.UP
    assert calm.winner(Window(flat.candles.open_time_ms[-1], Timeframe.M5)) is None


def test_the_look_back_of_the_model_is_the_venues() -> None:
    assert LOOK_BACK_SECONDS == 60
