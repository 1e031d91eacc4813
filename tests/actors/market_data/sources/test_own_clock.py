"""The exchanges' clocks tell whether ours is right: two must agree, no slow answer counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.market_data.sources.own_clock import (
    AWAY_MS,
    JUMP_MS,
    SPREAD_MS,
    Judged,
    Reading,
    Readings,
    judge,
)
from actors.market_data.sources.port import SourceName

NAMES = tuple(SourceName)


def readings(*ahead_ms: int, slack_ms: int = 20) -> Readings:
    return {
        name: Reading(ahead_ms=ahead, slack_ms=slack_ms)
        for name, ahead in zip(NAMES, ahead_ms, strict=False)
    }


def test_a_clock_that_agrees_with_the_exchanges_is_right() -> None:
    assert judge({}, readings(3, -8, 40, 12, 0, -30), 0) == Judged()


@pytest.mark.parametrize("off_ms", [3_000, -3_000, 60_000, -60_000])
def test_a_clock_that_is_off_is_told_with_the_figure(off_ms: int) -> None:
    judged = judge({}, readings(off_ms, off_ms + 15, off_ms - 15), 0)
    assert judged is not None
    assert f"{off_ms:+d} ms ahead of this machine's clock" in judged.away
    assert judged.jumped == ""


@pytest.mark.parametrize("set_ms", [60_000, -60_000, 3_000])
def test_a_machines_clock_that_was_set_is_told_though_the_fleets_time_goes_on(set_ms: int) -> None:
    judged = judge(readings(0, 5, 9), readings(0, 5, 9), set_ms)
    assert judged is not None
    assert f"{5 - set_ms:+d} ms ahead of this machine's clock and +5 ms of the fleet" in judged.away
    assert judged.jumped == ""


def test_a_wrong_clock_that_was_set_right_leaves_the_fleets_own_time_to_be_told() -> None:
    judged = judge({}, readings(3_000, 3_000), 3_000)
    assert judged is not None
    assert "+0 ms ahead of this machine's clock and +3000 ms of the fleet" in judged.away


def test_one_exchange_alone_says_nothing() -> None:
    assert judge({}, readings(50_000), 0) is None
    assert judge({}, {}, 0) is None


def test_two_that_disagree_say_nothing() -> None:
    assert judge({}, readings(0, 60_000), 0) is None
    assert judge({}, readings(0, 0, 60_000, 60_000), 0) is None


def test_one_odd_exchange_among_others_does_not_make_our_clock_wrong() -> None:
    assert judge({}, readings(60_000, 4, 9), 0) == Judged()


def test_an_odd_exchange_does_not_hide_that_ours_is_wrong() -> None:
    judged = judge({}, readings(0, 3_000, 3_010, 2_990), 0)
    assert judged is not None
    assert judged.away


def test_a_slow_answer_is_no_difference() -> None:
    assert judge({}, readings(2_500, 2_600, 2_400, slack_ms=2_900), 0) == Judged()


@pytest.mark.parametrize("moved_ms", [400, -400, 5_000])
def test_time_that_jumps_between_two_readings_is_told(moved_ms: int) -> None:
    judged = judge(readings(0, 10, 20), readings(moved_ms, 10 + moved_ms, 20 + moved_ms), 0)
    assert judged is not None
    assert f"by {abs(moved_ms)} ms" in judged.jumped
    assert ("back" if moved_ms > 0 else "ahead") in judged.jumped


def test_one_exchange_that_sets_its_clock_or_goes_or_comes_is_no_jump() -> None:
    assert judge(readings(0, 10, 20), readings(900, 10, 20), 0) == Judged()
    three, two = readings(-450, 10, 20), readings(-450, 10)
    assert judge(three, two, 0) == Judged()
    assert judge(two, three, 0) == Judged()


@given(
    st.lists(st.integers(-SPREAD_MS // 2, SPREAD_MS // 2), min_size=2, max_size=6),
    st.integers(0, 200),
)
def test_small_differences_are_never_told(ahead_ms: list[int], slack_ms: int) -> None:
    found = readings(*ahead_ms, slack_ms=slack_ms)
    assert judge(found, found, 0) == Judged()


@given(
    st.sampled_from([1, -1]),
    st.integers(AWAY_MS + 400, 10_000_000),
    st.lists(st.integers(-50, 50), min_size=2, max_size=6),
)
def test_a_large_difference_that_all_show_is_always_told(
    sign: int, off_ms: int, noise_ms: list[int]
) -> None:
    judged = judge({}, readings(*(sign * off_ms + one for one in noise_ms)), 0)
    assert judged is not None
    assert judged.away


@given(st.integers(JUMP_MS + 150, 10_000_000), st.lists(st.integers(-20, 20), min_size=2))
def test_a_large_jump_is_always_told(moved_ms: int, noise_ms: list[int]) -> None:
    before = readings(*(0 for _ in noise_ms))
    now = readings(*(moved_ms + one for one in noise_ms))
    judged = judge(before, now, 0)
    assert judged is not None
    assert judged.jumped
