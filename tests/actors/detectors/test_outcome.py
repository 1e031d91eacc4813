"""Outcome minus price: the short run of tests/bench/detectors, and how settlement times pool."""

import pytest

from actors.detectors.outcome import (
    BETS_MAX,
    FALL_LEVEL,
    OPEN_MAX,
    Bet,
    ReleaseWatch,
    advance,
    apply,
    close,
    findings,
)
from tests.bench.detectors.cycles import RHOS
from tests.bench.detectors.outcome import PERIOD, delay, false_alarms

RELEASE = "a1" * 32
SEED = 20260101


def bet(close_ms: int, slot: str = "btc-5m", cost: float = 0.9, *, won: bool = True) -> Bet:
    return Bet(slot=slot, close_ms=close_ms, cost=cost, won=won)


def losing(cycles: int) -> ReleaseWatch:
    watch = ReleaseWatch(release=RELEASE)
    for number in range(1, cycles + 1):
        watch = close(apply(watch, bet(number, won=False)), number)
    return watch


@pytest.mark.parametrize("rho", RHOS)
def test_a_good_release_is_called_bad_less_than_once_in_12_days(rho: float) -> None:
    found = false_alarms(SEED, rho, 8 * PERIOD)
    print(f"\ncorrelation {rho}: {found.alarms} false alarms in {found.periods:g} periods")
    assert found.per_period <= 1


@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize(("to", "limit"), [(0.80, 60), (0.50, 15)])
def test_a_fall_is_found_in_time(rho: float, to: float, limit: int) -> None:
    found = delay(SEED, rho, to, runs=60)
    print(f"\ncorrelation {rho}, to {to}: median {found.median} cycles, seed {SEED}")
    assert found.median <= limit


def test_slots_that_settle_together_are_one_observation() -> None:
    lost = ((0.9, False),)
    one, sixteen = ReleaseWatch(release=RELEASE).scores, ReleaseWatch(release=RELEASE).scores
    for _ in range(3):
        one, sixteen = advance(one, lost), advance(sixteen, lost * 16)
    assert sixteen.fall == pytest.approx(one.fall)
    assert (sixteen.bets, sixteen.cycles) == (48, 3)


def test_losses_raise_the_alarm_with_its_evidence() -> None:
    watch = losing(8)
    fell, worthless = findings(watch)
    assert fell.holds
    assert watch.scores.fall >= FALL_LEVEL
    assert fell.evidence["outcome_minus_price"] == "-0.9000"
    assert fell.evidence["settlement_times"] == "8"
    assert worthless.kind == "release_without_edge"


def test_bets_are_scored_in_the_order_of_settlement_not_of_news() -> None:
    first = apply(apply(ReleaseWatch(release=RELEASE), bet(300, won=False)), bet(600))
    second = apply(apply(ReleaseWatch(release=RELEASE), bet(600)), bet(300, won=False))
    assert close(first, 600).scores == close(second, 600).scores
    assert close(first, 300).scores.cycles == 1


def test_news_of_a_closed_settlement_time_is_counted_and_never_scored() -> None:
    watch = close(apply(ReleaseWatch(release=RELEASE), bet(300)), 300)
    late = apply(watch, bet(300, "eth-5m", won=False))
    assert (late.late, late.scores) == (1, watch.scores)


def test_what_is_kept_open_is_bounded() -> None:
    watch = ReleaseWatch(release=RELEASE)
    for number in range(1, OPEN_MAX + 10):
        watch = apply(watch, bet(number))
    for _ in range(BETS_MAX + 10):
        watch = apply(watch, bet(1))
    assert len(watch.open) == OPEN_MAX
    assert len(watch.open["1"]) == BETS_MAX
    assert watch.late == 9 + 11
