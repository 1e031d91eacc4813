"""The five factors together: bounds, mirror, missing inputs, weights."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.decision import FactorScore
from signals.factors import score_factors, spread
from signals.factors.case import compose, lean, no_data
from signals.market import Timeframe
from signals.params import Params, override
from signals.regime import FundingHistory, Regime
from signals.snapshot import Candles, Feed, Interval, Snapshot
from tests.signals.altered import mirrored, without
from tests.signals.builders import make_snapshot

PARAMS = Params()
NONE = FundingHistory()
MAXIMA = {"pattern": 30, "volume": 25, "alignment": 20, "confluence": 15, "positioning": 10}


def score(snapshot: Snapshot, history: FundingHistory = NONE) -> tuple[FactorScore, ...]:
    return score_factors(snapshot, Timeframe.M5, history, None, PARAMS)


def test_parts_without_data_leave_the_maximum_and_are_named() -> None:
    parts = (lean(0.6, 0.5, "here"), no_data(0.4, "there"))
    one = compose("x", 10.0, parts, 7)
    assert (one.maximum, one.bull, one.bear) == (6.0, 3.0, 0.0)
    assert one.reason == "here; no data: there"
    gone = compose("x", 10.0, (no_data(1.0, "there"),), None)
    assert (gone.bull, gone.bear, gone.available) == (None, None, False)


def test_spread_is_over_the_available_maximum() -> None:
    scores = (
        FactorScore(name="a", maximum=30.0, bull=20.0, bear=5.0, reason=""),
        FactorScore(name="b", maximum=20.0, bull=0.0, bear=5.0, reason=""),
        FactorScore(name="c", maximum=50.0, bull=None, bear=None, reason=""),
    )
    assert spread(scores).points == pytest.approx(100 * 10 / 50)
    assert spread(scores).available == 50
    assert spread(scores[2:]).points is None


def test_a_complete_snapshot_scores_all_five_with_the_published_maxima() -> None:
    scores = score(make_snapshot())
    assert {one.name: round(one.maximum, 9) for one in scores} == MAXIMA
    assert all(one.available and one.input_age_ms in {1_000, 20_000, 60_000} for one in scores)


def test_in_a_regime_shift_the_other_weights_count() -> None:
    shifted = score_factors(make_snapshot(), Timeframe.M5, NONE, Regime.REGIME_SHIFT, PARAMS)
    assert {one.name: round(one.maximum, 9) for one in shifted} == MAXIMA | {
        "pattern": 20,
        "positioning": 20,
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(Timeframe))
def test_a_mirrored_market_mirrors_the_cases(seed: int, timeframe: Timeframe) -> None:
    snapshot = make_snapshot(seed=seed, funding=(0.0003, -0.0001))
    about = snapshot.candles[0].close[-1]
    history = FundingHistory(sign=-1, flip_ms=snapshot.taken_ms - 60_000)
    image = msgspec.structs.replace(history, sign=1)
    ours = score_factors(snapshot, timeframe, history, None, PARAMS)
    theirs = score_factors(mirrored(snapshot, about), timeframe, image, None, PARAMS)
    for one, other in zip(ours, theirs, strict=True):
        assert one.bull == pytest.approx(other.bear, abs=1e-6), one.name
        assert one.bear == pytest.approx(other.bull, abs=1e-6), one.name
        assert one.maximum == other.maximum
    here, there = spread(ours).points, spread(theirs).points
    assert here is not None
    assert there is not None
    assert here == pytest.approx(-there, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sets(st.sampled_from(Feed)))
def test_points_stay_within_bounds_whatever_is_missing(seed: int, missing: set[Feed]) -> None:
    snapshot = make_snapshot(seed=seed)
    for feed in sorted(missing):
        snapshot = without(snapshot, feed)
    scores = score(snapshot)
    for one in scores:
        if one.bull is not None and one.bear is not None:
            assert 0 <= one.bull <= one.maximum + 1e-9
            assert 0 <= one.bear <= one.maximum + 1e-9
            assert one.maximum <= MAXIMA[one.name] + 1e-9
        else:
            assert one.reason.startswith("no data: ")
    total = spread(scores)
    assert total.points is None or -100 <= total.points <= 100
    assert total.available <= 100 + 1e-9


@pytest.mark.parametrize(
    ("feed", "gone"),
    [
        (Feed.CANDLES, {"pattern", "volume", "alignment", "confluence"}),
        (Feed.FUNDING, set()),
        (Feed.OPEN_INTEREST, set()),
        (Feed.TICKS, set()),
    ],
)
def test_a_missing_input_takes_its_factors_out(feed: Feed, gone: set[str]) -> None:
    scores = score(without(make_snapshot(), feed))
    assert {one.name for one in scores if not one.available} == gone


def stale_candles(snapshot: Snapshot) -> Snapshot:
    ages = tuple(
        msgspec.structs.replace(age, age_ms=age.limit_ms + 1) if age.feed is Feed.CANDLES else age
        for age in snapshot.ages
    )
    return msgspec.structs.replace(snapshot, ages=ages)


def test_stale_candles_are_no_data_although_they_are_there() -> None:
    scores = score(stale_candles(make_snapshot()))
    assert [one.name for one in scores if one.available] == ["positioning"]
    assert spread(scores).available <= 10


def broken(candles: Candles, value: float) -> Candles:
    return msgspec.structs.replace(candles, close=(*candles.close[:-1], value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_a_number_that_is_none_is_no_data_never_a_score(value: float) -> None:
    snapshot = make_snapshot()
    broken_all = tuple(broken(candles, value) for candles in snapshot.candles)
    scores = score(msgspec.structs.replace(snapshot, candles=broken_all))
    for one in scores:
        assert one.bull is None or math.isfinite(one.bull), one.name
    available = {one.name for one in scores if one.available}
    assert available == {"positioning"}
    assert scores[-1].maximum == 5  # funding alone: open interest needs a price to compare with


def test_weights_are_parameters() -> None:
    params = override(PARAMS, {"weights.pattern": 0, "weights.volume": 50})
    scores = score_factors(make_snapshot(), Timeframe.M5, NONE, None, params)
    assert [round(one.maximum) for one in scores] == [0, 50, 20, 15, 10]


def test_candles_of_one_interval_do_not_stand_in_for_another() -> None:
    snapshot = make_snapshot()
    hourly = tuple(one for one in snapshot.candles if one.interval is Interval.H1)
    scores = score(msgspec.structs.replace(snapshot, candles=hourly))
    reasons = {one.name: one.reason for one in scores}
    assert reasons["pattern"].startswith("no data: 5m candles")
    assert "no data: 15m" in reasons["alignment"]
