"""Inputs: quiet on recorded markets, loud on wrong units, dead feeds and feeds that disagree."""

import math

import pytest
from msgspec.structs import replace

from actors.detectors.input_drift import (
    STILL_MAX,
    WARM_CYCLES,
    DriftWatch,
    advance,
    features,
    findings,
)
from signals.market import Asset
from signals.snapshot import Candles, FundingPoint, Interval, Snapshot, Ticks
from tests.bench.detectors.drift import delays, false_alarms, generated, recorded
from tests.recorded import absent

START_MS = 1_767_225_600_000


def snapshot(cycle: int, close: float = 100.0, twap: float = 100.0) -> Snapshot:
    candles = Candles(
        interval=Interval.M5,
        open_time_ms=(START_MS + cycle * 300_000,),
        open=(99.0,),
        high=(close + 1,),
        low=(close - 1,),
        close=(close,),
        volume=(10.0,),
        taker_buy=(None,),
    )
    return Snapshot(
        asset=Asset.BTC,
        due_ms=0,
        taken_ms=0,
        candles=(candles,),
        ticks=Ticks(observed_ms=(1,), twap=(twap,), spot=()),
        funding=(FundingPoint(time_ms=0, rate=0.0001),),
        next_funding_ms=None,
        open_interest=(),
        markets=(),
        ages=(),
    )


def held(state: DriftWatch) -> set[str]:
    return {finding.kind for finding in findings(state) if finding.holds}


def test_generated_markets_raise_next_to_nothing() -> None:
    assert false_alarms("generated", generated(20260101, 3_600)).alarms <= 1


def test_a_wrong_unit_is_found_within_ten_cycles() -> None:
    median, missed = delays(generated(7, 2_000), "volume", 8.0, runs=3)
    assert (median <= 10, missed) == (True, 0)


@pytest.mark.data
def test_eighteen_recorded_days_raise_nothing_and_a_wrong_unit_is_found() -> None:
    series = recorded()
    if not series:
        absent("the recorded market data folder is not here (MIDSTRIDE_DATA)")
    assert false_alarms("recorded", series).alarms == 0
    median, missed = delays(series, "volume", math.log(1_000), runs=3)
    assert (median <= 10, missed) == (True, 0)


def test_a_snapshot_gives_the_features_it_has_inputs_for() -> None:
    found = features(snapshot(1))
    assert found == pytest.approx(
        {"candle_range": math.log(2 / 100), "volume": math.log(10), "funding": 1.0}
    )


def test_settlement_price_and_candles_of_different_worlds_are_named() -> None:
    leap = advance(DriftWatch(), (snapshot(1, twap=120.0),))
    assert held(leap) == set()
    assert held(advance(leap, (snapshot(2, close=119.0, twap=120.0),))) == set()
    assert held(advance(leap, (snapshot(2, twap=120.0),))) == {"inputs_disagree"}


def test_new_candles_that_repeat_the_old_one_are_named() -> None:
    state = advance(DriftWatch(), (snapshot(0),))
    for cycle in range(1, STILL_MAX + 1):
        assert held(state) == set()
        state = advance(state, (snapshot(cycle),))
    assert held(state) == {"input_frozen"}
    assert held(advance(state, (snapshot(STILL_MAX + 1, close=101.0),))) == set()


def test_the_same_candle_seen_again_is_not_a_dead_feed() -> None:
    state = DriftWatch()
    for _ in range(3 * STILL_MAX):
        state = advance(state, (snapshot(0),))
    assert held(state) == set()


def test_nothing_is_judged_before_the_usual_level_is_known() -> None:
    state = DriftWatch()
    assets = [replace(snapshot(0), asset=asset) for asset in Asset]
    for _ in range(WARM_CYCLES // 2):
        state = advance(state, tuple(assets))
    wild = [replace(one, funding=(FundingPoint(time_ms=0, rate=9.0),)) for one in assets]
    assert held(advance(state, tuple(wild))) == set()
