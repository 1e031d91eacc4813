"""The fleet's time: it never jumps, is one for all processes, and tells when the clock was set."""

import math
from pathlib import Path

import msgspec
import pytest

from actors import clock
from actors.clock import ClockWatch, WireLine, boot_ms, wall_over_boot_ms, wire_ms
from actors.elapsed import elapsed_ms
from actors.runtime import CONFIG_FILE, load_config
from actors.supervisor.clock_watch import ClockWatcher
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from signals.market_time import MarketClock
from tests.actors.clocks import BOOTED_MS, HOUR_MS, T0_MS, SteppedMachine
from tests.cluster.rolling_update.test_params import config

SETS_MS = (-2_000, -30_000, -120_000, -HOUR_MS, HOUR_MS, 30_000)
"""By how much a clock is set; below zero: back."""


@pytest.mark.parametrize("set_by_ms", SETS_MS)
def test_a_clock_that_is_set_moves_no_wire_time(
    monkeypatch: pytest.MonkeyPatch, set_by_ms: int
) -> None:
    machine = SteppedMachine().take_over(monkeypatch)
    assert wire_ms() == T0_MS
    machine.set_by_ms, machine.passed_s = set_by_ms, 1.5
    assert wire_ms() == T0_MS + 1_500
    assert clock.wall_ms() == T0_MS + 1_500 + set_by_ms


def test_processes_on_both_sides_of_a_set_clock_read_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = SteppedMachine().take_over(monkeypatch)
    anchored = MarketClock(
        anchor_wire_ms=int(T0_MS), anchor_boot_ms=int(BOOTED_MS), anchor_boot_id="this boot"
    )
    old = WireLine()
    machine.set_by_ms, machine.passed_s = -HOUR_MS, 60
    new = WireLine()
    assert new.over_boot_ms == old.over_boot_ms - HOUR_MS
    for line in (old, new):
        line.follow(anchored, "this boot")
    assert new.over_boot_ms == old.over_boot_ms
    other = WireLine()
    other.follow(anchored, "another boot, or another machine")
    assert other.over_boot_ms == old.over_boot_ms - HOUR_MS, "its own start is all it has"


def test_a_process_takes_the_fleets_time_from_the_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = SteppedMachine().take_over(monkeypatch)
    monkeypatch.setattr(clock, "boot_id", lambda: "b")
    anchor = MarketClock(
        speed=30, anchor_wire_ms=int(T0_MS), anchor_boot_ms=int(BOOTED_MS), anchor_boot_id="b"
    )
    (tmp_path / "config").mkdir()
    stored = msgspec.structs.replace(config(tmp_path), clock=anchor)
    (tmp_path / CONFIG_FILE).write_bytes(msgspec.json.encode(stored))
    machine.set_by_ms = 30_000
    clock.LINE.over_boot_ms = wall_over_boot_ms()  # a process that starts after the clock was set
    assert wire_ms() == T0_MS + 30_000
    assert load_config(str(tmp_path)).clock == anchor
    assert wire_ms() == T0_MS, "as every process of the fleet, not as this machine's clock"


def test_time_goes_on_while_the_machine_is_suspended() -> None:
    before = boot_ms()
    assert clock.time.CLOCK_BOOTTIME != clock.time.CLOCK_MONOTONIC
    assert boot_ms() >= before


def test_a_stamp_from_the_future_holds_nothing() -> None:
    assert elapsed_ms(10_000, 4_000) == 6_000
    assert elapsed_ms(10_000, 11_000) == 0, "another machine's, a little ahead"
    assert math.isinf(elapsed_ms(10_000, 10_000 + HOUR_MS))


# ---- a clock that was set is said ---------------------------------------------------------------


@pytest.mark.parametrize("set_by_ms", [*SETS_MS, 250, -250, 999])
def test_a_set_clock_is_told_once_with_size_and_direction(
    monkeypatch: pytest.MonkeyPatch, set_by_ms: int
) -> None:
    machine = SteppedMachine().take_over(monkeypatch)
    watch = ClockWatch(wall_over_boot_ms())
    for second in range(60):
        machine.passed_s = second
        assert watch.measure(wall_over_boot_ms()) is None
    machine.set_by_ms = set_by_ms
    found = watch.measure(wall_over_boot_ms())
    assert found is not None
    assert found.by_ms == set_by_ms
    assert found.direction == ("forwards" if set_by_ms > 0 else "back")
    assert watch.measure(wall_over_boot_ms()) is None


def test_small_sets_add_up_and_a_slewed_clock_is_no_set_clock() -> None:
    watch = ClockWatch(0.0)
    told = [watch.measure(-60.0 * number) for number in range(10)]
    assert [found.by_ms for found in told if found] == [-300]
    # slewing changes the rate of both clocks: their difference stays but for the reading's error
    watch = ClockWatch(0.0)
    assert not any(watch.measure(error_ms) for error_ms in (0.4, -0.7, 3.0, -9.0))


def test_a_preempted_reading_is_no_set_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SteppedMachine().take_over(monkeypatch)
    before = wall_over_boot_ms()
    reads = iter((0.0, 0.4, 0.0, 0.0))  # seconds that pass at each of the next readings

    def slow() -> int:
        machine.passed_s += next(reads, 0.0)
        return round((BOOTED_MS + machine.true_ms) * 1e6)

    monkeypatch.setattr(machine, "clock_gettime_ns", lambda _which: slow())
    assert abs(wall_over_boot_ms() - before) < 1


def test_the_alarm_survives_the_supervisor_and_is_raised_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = SteppedMachine().take_over(monkeypatch)
    storage = LocalStorage(tmp_path)

    def measure() -> list[str]:
        """A supervisor starts, looks once and dies."""
        watcher = ClockWatcher(storage, lambda: (int(wire_ms()), 0))
        found = watcher._watch.measure(wall_over_boot_ms())
        if found is not None:
            watcher.report(found)
        return [state.alarm.evidence["set_by_ms"] for state in AlarmStore(storage).latched()]

    assert measure() == []
    machine.set_by_ms = -30_000
    assert measure() == ["-30000"], "it was set while nobody watched"
    AlarmStore(storage).clear("clock_set.back.1", "seen", "me")
    assert measure() == [], "told once"
    machine.set_by_ms = 0
    assert measure() == ["+30000"]
    monkeypatch.setattr(clock.LINE, "over_boot_ms", wall_over_boot_ms() - 5_000)
    assert measure() == ["+30000"], (
        "latched already: another fleet's start counts from its own clock"
    )
    assert [s.alarm.subject for s in AlarmStore(storage).history()] == ["back", "forwards"]
