"""The fleet's time: UTC as it stood at one instant, and the time that has passed since.

`wire_ms` never jumps, whatever sets the machine's clock, and goes on while the machine is
suspended. All processes of a fleet on one machine read the same line of time, so that a stamp of
one can be compared in another. `wall_ms` is the machine's clock: the venue checks the stamps of
orders and log-ins against its own, and nothing else reads it.
"""

import time
from pathlib import Path
from typing import Final

import msgspec

from actors.machine.instant import Instant
from signals.market_time import MarketClock

BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
READ_GAP_MS: Final = 2.0
"""Two clocks that were read this close together belong together; a preempted read is repeated."""
READ_TRIES: Final = 5
SET_MS: Final = 250
"""A clock that was moved by this much was set. Slewing moves both clocks alike and is never seen;
two readings of a quiet machine differ by microseconds."""


def wall_ms() -> float:
    """Return the machine's clock, UTC milliseconds; it may jump."""
    return time.time_ns() / 1e6


def boot_ms() -> float:
    """Return milliseconds since the machine started, suspension included; it never jumps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) / 1e6


def boot_id() -> str:
    """Name this start of the machine; empty where the system does not say."""
    try:
        return BOOT_ID_FILE.read_text().strip()
    except OSError:
        return ""


def wall_over_boot_ms() -> float:
    """Return wall time minus boot time: only a clock that is set changes it."""
    best_gap_ms, best = float("inf"), 0.0
    for _ in range(READ_TRIES):
        before = boot_ms()
        wall = wall_ms()
        after = boot_ms()
        if after - before < best_gap_ms:
            best_gap_ms, best = after - before, wall - (before + after) / 2
        if best_gap_ms <= READ_GAP_MS:
            break
    return best


class WireLine:
    """Where this process's wire time starts: its own start, until the fleet's clock is known."""

    def __init__(self) -> None:
        self.over_boot_ms = wall_over_boot_ms()

    def follow(self, clock: MarketClock, machine: str) -> None:
        """Take over the fleet's line of time, if its clock was anchored on this machine."""
        if machine and clock.anchor_boot_id == machine:
            self.over_boot_ms = float(clock.anchor_wire_ms - clock.anchor_boot_ms)


LINE: Final = WireLine()


def wire_ms() -> float:
    """Return the fleet's time in UTC milliseconds: durations, deadlines and stamps are of it."""
    return boot_ms() + LINE.over_boot_ms


def instant(market: MarketClock) -> Instant:
    """Read the fleet's times as they are at this moment."""
    monotonic_ms = boot_ms()
    wire = monotonic_ms + LINE.over_boot_ms
    return Instant(market_ms=market.market_ms(wire), wire_exact_ms=wire, monotonic_ms=monotonic_ms)


def follow_fleet(clock: MarketClock) -> None:
    """Read the same time as every other process of this fleet; once, when a process starts."""
    LINE.follow(clock, boot_id())


class ClockSet(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody or something set the machine's clock."""

    by_ms: int
    """Above zero: forwards."""

    @property
    def direction(self) -> str:
        return "forwards" if self.by_ms > 0 else "back"


class ClockWatch:
    """Tells when the machine's clock was set, by comparing it with the time since boot."""

    def __init__(self, over_boot_ms: float) -> None:
        self.over_boot_ms = over_boot_ms

    def measure(self, over_boot_ms: float) -> ClockSet | None:
        """Compare; small sets add up until they count. None: nothing to tell."""
        by_ms = round(over_boot_ms - self.over_boot_ms)
        if abs(by_ms) < SET_MS:
            return None
        self.over_boot_ms = over_boot_ms
        return ClockSet(by_ms=by_ms)
