"""One instant in the fleet's three times."""

from collections.abc import Callable
from typing import Final

import msgspec

ROUNDING_MS: Final = 0.01
"""UTC milliseconds as floats are exact to 0.0003: a wake that is so much too early finds nothing
due, and the next look at the clock is a tick away."""


class Instant(msgspec.Struct, frozen=True, kw_only=True):
    """Market, wire and monotonic time, read together."""

    market_ms: int
    """UTC of the markets; a new anchor or a higher speed may set it."""
    wire_exact_ms: float
    """UTC as the fleet counts it: the stamps that other processes and a later life read."""
    monotonic_ms: float
    """Since the machine started: durations and deadlines of this process run on it alone."""

    @property
    def wire_ms(self) -> int:
        return int(self.wire_exact_ms)

    def monotonic_at(self, wire_ms: float) -> float:
        """Return when a moment that is given in wire time has surely come."""
        return self.monotonic_ms + (wire_ms - self.wire_exact_ms) + ROUNDING_MS


Now = Callable[[], Instant]
