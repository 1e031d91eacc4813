"""A machine whose clock somebody sets, and an asyncio loop that needs no time to wait."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

import pytest

from actors import clock
from actors.machine.instant import Instant, Now
from signals.market_time import MarketClock

T0_MS = 1_790_000_000_000.0
BOOTED_MS = 5_000_000.0
HOUR_MS = 3_600_000


class SteppedMachine:
    """True time that a test moves on, and a wall clock that is off by whatever it was set by.

    Stands in for the module `time` inside `actors.clock`.
    """

    CLOCK_BOOTTIME = 7

    def __init__(self, true_s: Callable[[], float] | None = None) -> None:
        self.passed_s = 0.0
        self.set_by_ms = 0.0
        self._true_s = true_s or (lambda: self.passed_s)

    @property
    def true_ms(self) -> float:
        return 1_000 * self._true_s()

    def time_ns(self) -> int:
        return round((T0_MS + self.true_ms + self.set_by_ms) * 1e6)

    def clock_gettime_ns(self, which: int) -> int:
        assert which == self.CLOCK_BOOTTIME
        return round((BOOTED_MS + self.true_ms) * 1e6)

    def take_over(self, patch: pytest.MonkeyPatch) -> "SteppedMachine":
        """Make this the machine that the fleet's clock reads, as a process that starts now."""
        patch.setattr(clock, "time", self)
        patch.setattr(clock.LINE, "over_boot_ms", clock.wall_over_boot_ms())
        return self


class _Jumping(selectors.DefaultSelector):
    """Does not wait: what was to be waited for is added to the loop's time."""

    waited_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0 if timeout else timeout)
        if not ready and timeout:
            self.waited_s += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """Time goes on only by waiting; an hour of timers costs what the timers do."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.waited_s


def instants(market: MarketClock, wire_ms: Callable[[], float]) -> Now:
    """Return what reads all times of a fleet whose wire time is given: it never jumps."""

    def now() -> Instant:
        wire = wire_ms()
        return Instant(market_ms=market.market_ms(wire), wire_exact_ms=wire, monotonic_ms=wire)

    return now
