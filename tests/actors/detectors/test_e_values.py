"""The arithmetic of evidence: means of at most one, whatever depends on what."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.detectors.e_values import SHARE_MIN, Wealth, bernoulli, pooled, rise, tilted

SHARES = st.floats(SHARE_MIN, 1 - SHARE_MIN)
TILTS = st.floats(0.1, 4.0)


def mean(share: float, tilt: float, true_share: float) -> float:
    won = bernoulli(share, tilt, happened=True)
    lost = bernoulli(share, tilt, happened=False)
    return true_share * won + (1 - true_share) * lost


@given(SHARES, TILTS, st.floats(0, 1))
def test_betting_on_fewer_gains_nothing_where_events_are_as_likely_or_more(
    share: float, tilt: float, more: float
) -> None:
    true_share = share + more * (1 - share)
    assert mean(share, -tilt, true_share) <= 1 + 1e-9


@given(SHARES, TILTS, st.floats(0, 1))
def test_betting_on_more_gains_nothing_where_events_are_as_likely_or_fewer(
    share: float, tilt: float, part: float
) -> None:
    assert mean(share, tilt, part * share) <= 1 + 1e-9


@given(SHARES, TILTS)
def test_betting_gains_where_the_bet_is_right(share: float, tilt: float) -> None:
    assert mean(share, -tilt, tilted(share, -tilt)) > 1


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=16))
def test_a_pool_lies_between_its_e_values(e_values: list[float]) -> None:
    assert min(e_values) - 1e-9 <= pooled(e_values) <= max(e_values) + 1e-9


def test_nothing_that_settled_is_no_evidence() -> None:
    assert pooled([]) == 1.0


def test_sixteen_equal_outcomes_weigh_as_much_as_one() -> None:
    one = bernoulli(0.9, -1.2, happened=False)
    assert pooled([one] * 16) == pytest.approx(one)


def test_hand_computed_e_values_of_a_fall_from_90_to_80_percent() -> None:
    tilt = -math.log(9 / 4)
    assert bernoulli(0.9, tilt, happened=True) == pytest.approx(0.8 / 0.9)
    assert bernoulli(0.9, tilt, happened=False) == pytest.approx(0.2 / 0.1)


@given(st.lists(st.floats(0.05, 20), max_size=40))
def test_a_rise_forgets_good_times_and_only_those(e_values: list[float]) -> None:
    """It is the best product of any latest stretch."""
    level = 0.0
    for e_value in e_values:
        level = rise(level, e_value)
    logs = [math.log(e_value) for e_value in e_values]
    best = max((math.fsum(logs[start:]) for start in range(len(logs))), default=0.0)
    assert level == pytest.approx(max(0.0, best), abs=1e-9)


def test_wealth_is_the_mean_of_its_stakes_and_stands_long_bad_times() -> None:
    wealth = Wealth.of(2).after((2.0, 4.0))
    assert math.exp(wealth.log) == pytest.approx(3.0)
    for _ in range(100_000):
        wealth = wealth.after((0.5, 1.01))
    assert math.isfinite(wealth.log)
