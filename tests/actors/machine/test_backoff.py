"""Waits after failures: they grow, end at a limit, and chance only adds its share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.backoff import JITTER, Backoff


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    first_ms = draw(st.integers(1, 100_000))
    most_ms = draw(st.integers(first_ms, 10_000_000))
    return Backoff(first_ms=first_ms, most_ms=most_ms, factor=draw(st.integers(2, 10)))


@given(backoff=backoffs(), failures=st.integers(1, 1_000_000))
def test_waits_grow_up_to_the_limit_and_stay_there(backoff: Backoff, failures: int) -> None:
    wait_ms = backoff.wait_ms(failures)
    assert backoff.first_ms <= wait_ms <= backoff.wait_ms(failures + 1) <= backoff.most_ms
    assert backoff.wait_ms(failures + 1) in (wait_ms * backoff.factor, backoff.most_ms)


def test_without_a_failure_nothing_waits_and_the_first_wait_is_the_first() -> None:
    backoff = Backoff(first_ms=250, most_ms=10_000)
    assert [backoff.wait_ms(failures) for failures in range(-1, 8)] == [
        *(0, 0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000)
    ]
    assert Backoff(first_ms=5_000, most_ms=600_000, factor=4).wait_ms(4) == 320_000


@given(backoff=backoffs(), failures=st.integers(0, 100), chance=st.floats(0, 1))
def test_chance_adds_at_most_its_share(backoff: Backoff, failures: int, chance: float) -> None:
    plain_s = backoff.wait_ms(failures) / 1_000
    assert plain_s <= backoff.wait_s(failures, chance) <= plain_s * (1 + JITTER) + 1e-9


@pytest.mark.parametrize("wrong", [{"first_ms": 0}, {"most_ms": 1}, {"factor": 1}])
def test_waits_that_would_not_grow_or_end_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(AssertionError):
        Backoff(**{"first_ms": 10, "most_ms": 100, **wrong})
