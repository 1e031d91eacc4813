"""Decision mix and shadow: quiet while nothing changes, loud when it does, and what they ignore."""

import pytest

from actors.detectors.decision_mix import (
    CATEGORIES_MAX,
    REFERENCE_MIN,
    SHARE_FLOOR,
    Reference,
    advance,
    category,
    findings,
    watch,
)
from actors.detectors.shadow import Declared, ShadowWatch
from actors.detectors.shadow import advance as shadow_advance
from actors.detectors.shadow import findings as shadow_findings
from tests.bench.detectors.cycles import RHOS
from tests.bench.detectors.mix import BEFORE, CHANGES, delay, false_alarms

SEED = 20260101


@pytest.mark.parametrize("rho", RHOS)
def test_an_unchanged_mix_raises_nothing_in_12_days(rho: float) -> None:
    assert false_alarms(SEED, rho, memory=0.0, cycles=3_600).alarms == 0


def test_a_market_that_moves_shares_within_the_margin_raises_nothing() -> None:
    moved = {**BEFORE, "trade Up": 0.21, "trade Down": 0.21, "edge": 0.38}
    assert delay(SEED, moved, rho=0.3, runs=2, limit=1_000) == 1_000


def test_a_signal_that_stops_trading_is_found() -> None:
    assert delay(SEED, CHANGES["trades stop"], rho=0.3, runs=5) <= 90


def test_many_stale_inputs_are_found_soon() -> None:
    assert delay(SEED, CHANGES["stale from 5 % to 50 %"], rho=0.8, runs=10) <= 30


def test_the_alarm_says_which_share_moved() -> None:
    state = watch("after", Reference(release="before", counts={"edge": 700, "trade Up": 300}))
    for _ in range(100):
        state = advance(state, ["edge"] * 16)
    (finding,) = findings(state)
    assert finding.holds
    assert finding.evidence["trade"].startswith("fewer: was 0.300, 0.000")
    assert "edge" in finding.evidence


def test_a_reason_never_seen_before_is_found() -> None:
    state = watch("after", Reference(release="before", counts={"edge": 1_000}))
    for _ in range(10):
        state = advance(state, ["no_data"] * 16)
    assert findings(state)[0].holds


def test_with_little_to_compare_nothing_is_judged() -> None:
    state = watch("after", Reference(release="before", counts={"edge": REFERENCE_MIN - 1}))
    assert not findings(advance(state, ["stale"] * 16))[0].holds


def test_rare_reasons_are_one_and_no_share_is_nothing() -> None:
    counts = {f"reason{n}": 100 - n for n in range(30)}
    shares = Reference(release="before", counts=counts).shares()
    assert len(shares) == CATEGORIES_MAX + 1
    assert min(shares.values()) >= SHARE_FLOOR


@pytest.mark.parametrize(
    ("action", "reason", "outcome", "name"),
    [
        ("trade", "edge 0.031 rest", "Up", "trade Up"),
        ("no_trade", "stale: ticks 4200 ms old", None, "stale"),
        ("no_trade", "edge: too small to rest or take", None, "edge"),
        ("no_trade", "", None, "none"),
    ],
)
def test_a_decision_is_named_by_its_side_or_its_reasons_code(
    action: str, reason: str, outcome: str | None, name: str
) -> None:
    assert category(action, reason, outcome) == name


def shadow(decisions: int, changed_max: int, differed: list[tuple[bool, ...]]) -> bool:
    state = ShadowWatch(
        release="b2", declared=Declared(decisions=decisions, changed_max=changed_max)
    )
    for cycle in differed:
        state = shadow_advance(state, cycle)
    return shadow_findings(state)[0].holds


def test_where_no_change_is_declared_one_difference_is_enough() -> None:
    assert not shadow(288, 0, [(False,) * 16] * 50)
    assert shadow(288, 0, [(False,) * 15 + (True,)])


def test_a_shadow_may_differ_as_often_as_declared() -> None:
    cycle = (True,) + (False,) * 9
    assert not shadow(100, 10, [cycle] * 500)
    assert shadow(100, 10, [(True,) * 5 + (False,) * 5] * 20)
