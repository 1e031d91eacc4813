"""Timers alone: what is due when, against a plain list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine import timers as timers_module
from actors.machine.instant import Instant
from actors.machine.timers import Timers
from signals.market_time import MarketClock

TICK_MS = 250.0


def test_the_first_look_at_the_clock_comes_at_once() -> None:
    timers = Timers(TICK_MS)
    assert timers.is_due(0)
    timers.passed(0)
    assert not timers.is_due(TICK_MS - 1)
    assert timers.is_due(TICK_MS)


@given(asked=st.lists(st.floats(0, 5_000)), steps=st.lists(st.floats(0.1, 700), min_size=1))
def test_every_moment_is_told_once_and_never_early(asked: list[float], steps: list[float]) -> None:
    timers, now_ms, ticked_ms = Timers(TICK_MS), 0.0, float("-inf")
    waits = sorted(asked)
    for moment in asked:
        timers.ask(moment)
    for step_ms in steps:
        due = bool(waits and waits[0] <= now_ms) or now_ms - ticked_ms >= TICK_MS
        assert timers.is_due(now_ms) is due
        if due:
            timers.passed(now_ms)
            ticked_ms = now_ms
            waits = [moment for moment in waits if moment > now_ms]
            assert timers.next_ms == min([now_ms + TICK_MS, *waits])
        now_ms += step_ms


def test_a_machine_that_asks_in_a_circle_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers_module, "ASKED_MAX", 3)
    timers = Timers(TICK_MS)
    for moment in range(3):
        timers.ask(moment)
    with pytest.raises(AssertionError, match="moments"):
        timers.ask(4)


@given(
    speed=st.integers(1, 3_600),
    anchor=st.integers(1_500_000_000_000, 1_900_000_000_000),
    ahead_ms=st.integers(1, 86_400_000),
    booted_ms=st.floats(0, 1e10),
)
def test_a_market_moment_has_come_when_its_timer_is_due(
    speed: int, anchor: int, ahead_ms: int, booted_ms: float
) -> None:
    """Or the machine would look at a clock that stands a millisecond short, and wait a tick."""
    clock = MarketClock(speed=speed, anchor_wire_ms=anchor, anchor_market_ms=anchor)
    due_ms = anchor + ahead_ms
    now = Instant(market_ms=anchor, wire_exact_ms=float(anchor), monotonic_ms=booted_ms)
    at_ms = now.monotonic_at(clock.wire_ms(due_ms))
    then_wire_ms = anchor + (at_ms - booted_ms)
    assert due_ms <= clock.market_ms(then_wire_ms) <= due_ms + 1 + speed // 10
