"""The volume factor by hand: time of day, takers, divergence."""

import msgspec
import pytest

from signals.factors import volume
from signals.factors.case import Part
from signals.param_sections import VolumeParams
from signals.snapshot import Candles, Feed, Interval, Snapshot
from tests.signals.altered import without
from tests.signals.builders import DUE_MS, make_candles, make_snapshot

PARAMS = VolumeParams()


def read(candles: Candles, halves: Candles | None = None) -> tuple[Part, Part, Part]:
    """Return the three parts: against the time of day, pressure, divergence."""
    given: tuple[Candles, ...] = (candles,) if halves is None else (candles, halves)
    snapshot: Snapshot = msgspec.structs.replace(make_snapshot(), candles=given)
    first, second, third = volume.parts(snapshot, PARAMS)
    return first, second, third


def rising(volumes: list[float] | None = None) -> Candles:
    """Make twenty candles that alternate within one USD, then three that rise one USD each."""
    closes = [*[100.0, 101.0] * 8, 100.0, 101.0, 102.0, 103.0]
    return make_candles(closes=closes, volumes=volumes)


def test_volume_above_its_time_of_day_counts_for_the_direction_of_price() -> None:
    # the last candle opened 23:55, in the half hour of 23:30: 300 there is 50 a candle
    halves = make_candles(Interval.M30, closes=[100.0] * 336, volumes=[300.0] * 336, end_ms=DUE_MS)
    part = read(rising([100.0] * 20), halves)[0]
    # ratio 300 / 150 = 2, strength (2 - 1) / (3 - 1); price 100 -> 103 is over one range of 1
    assert (part.bull, part.bear) == (0.5, 0.0)
    assert "volume 2.00" in part.why


def test_only_the_same_half_hour_of_the_day_counts_for_the_average() -> None:
    volumes = [9_000.0] * 336
    for day in range(7):
        volumes[day * 48 + 47] = 300.0  # 23:30
    halves = make_candles(Interval.M30, closes=[100.0] * 336, volumes=volumes, end_ms=DUE_MS)
    assert "volume 2.00" in read(rising([100.0] * 20), halves)[0].why


def test_usual_volume_says_nothing_and_too_few_days_are_no_data() -> None:
    halves = make_candles(Interval.M30, closes=[100.0] * 336, volumes=[600.0] * 336, end_ms=DUE_MS)
    part = read(rising([100.0] * 20), halves)[0]
    assert (part.bull, part.bear) == (0.0, 0.0)
    short = make_candles(Interval.M30, closes=[100.0] * 96, volumes=[600.0] * 96, end_ms=DUE_MS)
    part = read(rising(), short)[0]
    assert part.bull is None
    assert "2 of 3 days" in part.why
    enough = make_candles(Interval.M30, closes=[100.0] * 144, volumes=[600.0] * 144, end_ms=DUE_MS)
    assert read(rising([100.0] * 20), enough)[0].bull == 0.0


def test_a_half_hour_in_which_nothing_ever_traded_is_no_data() -> None:
    empty = make_candles(Interval.M30, closes=[100.0] * 336, volumes=[0.0] * 336, end_ms=DUE_MS)
    part = read(rising([100.0] * 20), empty)[0]
    assert part.bull is None
    assert "no volume at this time of day" in part.why


@pytest.mark.parametrize(
    ("bought", "bull", "bear"), [(50.0, 0, 0), (55.0, 0.5, 0), (30.0, 0, 1), (45.0, 0, 0.5)]
)
def test_takers_who_buy_more_than_half_speak_for_the_bulls(
    bought: float, bull: float, bear: float
) -> None:
    closes = [100.0, 101.0] * 10
    part = read(make_candles(closes=closes, taker_buy=[bought] * 20))[1]
    assert part.bull == pytest.approx(bull)
    assert part.bear == pytest.approx(bear)


def test_unknown_taker_volume_is_no_data_not_zero() -> None:
    closes = [100.0, 101.0] * 10
    part = read(make_candles(closes=closes, taker_buy=[50.0] * 19 + [None]))[1]
    assert part.bull is None
    assert part.why == "no data: taker-buy volume"


def test_price_that_rises_against_its_volume_is_doubted() -> None:
    # twelve changes: eleven falls of 0.1 on volume 100, one rise of 5 on volume 10
    closes = [100.0] * 8 + [100 - 0.1 * step for step in range(1, 12)] + [103.9]
    volumes = [100.0] * 19 + [10.0]
    part = read(make_candles(closes=closes, volumes=volumes))[2]
    flow = (10 - 1100) / 1110
    assert part.bear == pytest.approx(-flow)
    assert part.bull == 0
    assert "they diverge" in part.why


def test_price_that_rises_with_its_volume_is_no_divergence() -> None:
    part = read(rising())[2]
    assert (part.bull, part.bear) == (0.0, 0.0)
    assert "no divergence" in part.why


def test_shares_of_the_parts_add_up_to_one_with_and_without_data() -> None:
    for snapshot in (make_snapshot(), without(make_snapshot(), Feed.CANDLES)):
        parts = volume.parts(snapshot, PARAMS)
        assert sum(part.share for part in parts) == pytest.approx(1)
    assert all(
        part.bull is None for part in volume.parts(without(make_snapshot(), Feed.CANDLES), PARAMS)
    )
