"""Spot rebuilt from averages: exact where it can be, and as uncertain as it says."""

import math
import random

import msgspec
import pytest

from signals.snapshot import Ticks
from signals.spot_from_averages import rebuild_spot
from tests.signals.builders import DUE_MS, make_ticks

LOOK_BACK = 60


def averages_only(ticks: Ticks) -> Ticks:
    return msgspec.structs.replace(ticks, spot=())


def walk(seed: int, seconds: int = 960) -> Ticks:
    return make_ticks(taken_ms=DUE_MS, price=60_000.0, rng=random.Random(seed), seconds=seconds)


def test_the_rebuilt_spot_has_the_averages_it_came_from() -> None:
    rebuilt = rebuild_spot(averages_only(walk(1)), LOOK_BACK)
    assert rebuilt is not None
    spot, twap = rebuilt.ticks.spot, rebuilt.ticks.twap
    assert len(spot) == len(twap) == 960
    for end in range(LOOK_BACK, 960, 37):
        mean = math.fsum(spot[end - LOOK_BACK + 1 : end + 1]) / LOOK_BACK
        assert mean == pytest.approx(twap[end], abs=1e-4)


def test_the_error_of_the_last_price_is_what_the_bridge_says() -> None:
    sigma = 60_000.0 * 0.0001
    squares = []
    for seed in range(100):
        ticks = walk(seed)
        rebuilt = rebuild_spot(averages_only(ticks), LOOK_BACK)
        assert rebuilt is not None
        squares.append((rebuilt.ticks.spot[-1] - ticks.spot[-1]) ** 2)
        assert rebuilt.variance_share == pytest.approx(LOOK_BACK / (12 * 16))
    found = math.fsum(squares) / len(squares)
    assert found == pytest.approx(sigma**2 * LOOK_BACK / (12 * 16), rel=0.35)


def test_a_constant_price_is_rebuilt_exactly() -> None:
    times = tuple(DUE_MS + 1000 * second for second in range(200))
    rebuilt = rebuild_spot(Ticks(observed_ms=times, twap=(5.0,) * 200, spot=()), LOOK_BACK)
    assert rebuilt is not None
    assert rebuilt.ticks.spot == pytest.approx((5.0,) * 200)


def dropped(ticks: Ticks, gone: set[int]) -> Ticks:
    keep = [place for place in range(len(ticks.twap)) if place not in gone]
    return Ticks(
        observed_ms=tuple(ticks.observed_ms[place] for place in keep),
        twap=tuple(ticks.twap[place] for place in keep),
        spot=(),
    )


def test_a_short_gap_is_bridged_and_a_long_one_ends_the_part_used() -> None:
    ticks = walk(4)
    short = rebuild_spot(dropped(ticks, {700, 701}), LOOK_BACK)
    assert short is not None
    assert len(short.ticks.spot) == 960
    assert short.ticks.spot[-1] == pytest.approx(ticks.spot[-1], abs=6.0 * 3)
    long = rebuild_spot(dropped(ticks, {700, 701, 702}), LOOK_BACK)
    assert long is not None
    assert len(long.ticks.spot) == 960 - 703
    assert long.ticks.observed_ms == ticks.observed_ms[703:]


def test_less_than_two_look_backs_are_not_enough() -> None:
    assert rebuild_spot(averages_only(walk(1, seconds=119)), LOOK_BACK) is None
    assert rebuild_spot(averages_only(walk(1, seconds=120)), LOOK_BACK) is not None
    assert rebuild_spot(Ticks(observed_ms=(), twap=(), spot=()), LOOK_BACK) is None
