"""Known values, and what an interval promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cluster.audit.statistics import (
    Interval,
    annual,
    brier,
    confidence_sequence,
    drawdown,
    log_loss,
    pooled,
    sharpe,
    wilson,
)

HOUR = 3_600_000


def test_the_wilson_interval_of_84_wins_in_92_is_the_published_one() -> None:
    found = wilson(84, 92)
    assert found is not None
    assert found.estimate == pytest.approx(0.913, abs=0.0005)
    assert (round(found.low, 3), round(found.high, 3)) == (0.838, 0.955)
    assert wilson(0, 0) is None


def test_the_wilson_interval_of_no_win_in_ten_begins_at_zero() -> None:
    found = wilson(0, 10)
    assert found is not None
    assert found.low == pytest.approx(0, abs=1e-12)
    z2 = 1.959964**2
    assert found.high == pytest.approx(z2 / (10 + z2), abs=1e-6)


def test_one_observation_leaves_the_confidence_sequence_as_wide_as_its_range() -> None:
    found = confidence_sequence(np.array([0.3]), -1, 1)
    assert found == Interval(estimate=0.3, low=-1.0, high=1.0, n=1)
    assert confidence_sequence(np.array([]), -1, 1) is None


def test_a_confidence_sequence_follows_the_formula_of_its_source() -> None:
    x = [0.2, 0.9, 0.4]
    bets, spread, mean, variance, total = [], [], 0.5, 0.25, 0.5
    squares = 0.25
    for count, value in enumerate(x, 1):
        bets.append(
            min(0.75, math.sqrt(2 * math.log(40) / (variance * count * math.log(count + 1))))
        )
        spread.append(4 * (value - mean) ** 2)
        total += value
        mean = total / (count + 1)
        squares += (value - mean) ** 2
        variance = squares / (count + 1)
    psi = [(-math.log(1 - bet) - bet) / 4 for bet in bets]
    centre = sum(b * v for b, v in zip(bets, x, strict=True)) / sum(bets)
    reach = (math.log(40) + sum(s * p for s, p in zip(spread, psi, strict=True))) / sum(bets)
    found = confidence_sequence(np.array(x), 0, 1)
    assert found is not None
    assert found.low == pytest.approx(max(0, centre - reach))
    assert found.high == pytest.approx(min(1, centre + reach))


def test_the_confidence_sequence_holds_at_all_times_at_once() -> None:
    """200 runs, looked at after each of 300 settlements: the mean leaves in at most 5 % of them."""
    rng = np.random.default_rng(7)
    left = 0
    for _ in range(200):
        values = np.where(rng.random(300) < 0.9, 0.1, -0.9)  # a fair bet at 0.90
        looks = [confidence_sequence(values[:n], -1, 1) for n in range(1, 301, 7)]
        left += any(poll is None or not poll.low <= 0 <= poll.high for poll in looks)
    assert left <= 10


def test_the_confidence_sequence_finds_a_real_edge() -> None:
    rng = np.random.default_rng(8)
    found = confidence_sequence(np.where(rng.random(600) < 0.7, 0.5, -0.5), -1, 1)
    assert found is not None
    assert 0 < found.low < 0.2 < found.high < 0.35


def test_sharpe_of_normal_returns_has_the_known_standard_error() -> None:
    values = np.random.default_rng(1).normal(0.1, 1, 100_000)
    found = sharpe(values)
    assert found is not None
    assert found.estimate == pytest.approx(0.1, abs=0.01)
    error = (found.high - found.low) / 2 / 1.959964
    assert error == pytest.approx(math.sqrt((1 + 0.1**2 / 2) / 100_000), rel=0.02)


def test_sharpe_says_nothing_where_there_is_nothing_to_say() -> None:
    assert sharpe(np.array([1.0, 2.0])) is None
    assert sharpe(np.array([2.0, 2.0, 2.0])) is None


def test_a_year_of_the_same_pace_scales_by_the_root_of_its_observations() -> None:
    found = annual(Interval(estimate=0.1, low=0.0, high=0.2, n=100), 31_557_600_000)
    assert found is not None
    assert found.estimate == pytest.approx(1.0)
    assert annual(Interval(estimate=0.1, low=0.0, high=0.2, n=1), 0) is None


def test_drawdown_and_recovery_of_a_known_path() -> None:
    times = np.arange(6) * HOUR
    found = drawdown(times, np.array([5, -3, -4, 2, 6, -1]))
    assert found.depth_micro_usd == 7
    assert (found.peak_ms, found.trough_ms, found.recovered_ms) == (0, 2 * HOUR, 4 * HOUR)
    assert found.recovery_ms == 4 * HOUR


def test_a_loss_from_the_start_is_a_drawdown_that_has_not_recovered() -> None:
    found = drawdown(np.array([10, 20]), np.array([-3, 1]))
    assert (found.depth_micro_usd, found.recovered_ms, found.recovery_ms) == (3, None, None)
    assert drawdown(np.array([]), np.array([])).depth_micro_usd == 0
    assert drawdown(np.array([1, 2]), np.array([3, 0])).depth_micro_usd == 0


@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=40))
def test_drawdown_is_the_deepest_of_all_pairs(steps: list[int]) -> None:
    totals = [0, *np.cumsum(steps)]
    deepest = max(totals[i] - totals[j] for i in range(len(totals)) for j in range(i, len(totals)))
    assert drawdown(np.arange(len(steps)), np.array(steps)).depth_micro_usd == deepest


def test_log_loss_and_brier_of_known_forecasts() -> None:
    probability, happened = np.array([0.8, 0.3]), np.array([True, False])
    assert log_loss(probability, happened) == pytest.approx(-(math.log(0.8) + math.log(0.7)) / 2)
    assert brier(probability, happened) == pytest.approx((0.04 + 0.09) / 2)
    assert log_loss(np.array([0.5]), np.array([True])) == pytest.approx(math.log(2))
    assert log_loss(np.array([]), np.array([])) is None
    assert brier(np.array([]), np.array([])) is None


def test_a_certain_miss_costs_much_and_not_infinity() -> None:
    loss = log_loss(np.array([1.0]), np.array([False]))
    assert loss is not None
    assert 10 < loss < 20


def test_what_settles_together_is_one_observation() -> None:
    groups, means = pooled(np.array([20, 10, 20]), np.array([1.0, 5.0, 3.0]), np.array([1, 1, 3]))
    assert list(groups) == [10, 20]
    assert list(means) == [5.0, 2.5]


@given(st.integers(1, 400), st.floats(0, 1))
def test_the_wilson_interval_is_scipys(n: int, share: float) -> None:
    wins = round(n * share)
    found, theirs = wilson(wins, n), stats.binomtest(wins, n).proportion_ci(0.95, method="wilson")
    assert found is not None
    assert found.low == pytest.approx(theirs.low, abs=1e-12)
    assert found.high == pytest.approx(theirs.high, abs=1e-12)


def test_sharpes_moments_are_scipys() -> None:
    values = np.random.default_rng(3).exponential(1, 200) - 0.9
    found = sharpe(values)
    assert found is not None
    ratio = values.mean() / values.std(ddof=1)
    skew, kurtosis = stats.skew(values), stats.kurtosis(values, fisher=False)
    variance = (1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2) / 200
    assert found.high - found.low == pytest.approx(2 * stats.norm.ppf(0.975) * variance**0.5)
