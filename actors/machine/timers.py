"""When a machine looks at the clock next: pure, on monotonic time alone."""

import heapq
from typing import Final

ASKED_MAX: Final = 10_000
"""Moments that may wait. A machine asks for the next few; more means that it asks in a circle."""


class Timers:
    """A regular tick, and the moments that were asked for; time is due when either is reached."""

    def __init__(self, tick_ms: float) -> None:
        self._tick_ms = tick_ms
        self._tick_due_ms = float("-inf")
        """The first look at the clock comes at once."""
        self._asked: list[float] = []

    def ask(self, monotonic_ms: float) -> None:
        """Make time due at a moment; one that has passed is due at once."""
        assert len(self._asked) < ASKED_MAX, "a machine asks for more moments than can come"
        heapq.heappush(self._asked, monotonic_ms)

    @property
    def next_ms(self) -> float:
        return min([self._tick_due_ms, *self._asked[:1]])

    def is_due(self, monotonic_ms: float) -> bool:
        return monotonic_ms >= self.next_ms

    def passed(self, monotonic_ms: float) -> None:
        """Note that the machine was told of this moment: what was due until now is over."""
        while self._asked and self._asked[0] <= monotonic_ms:
            heapq.heappop(self._asked)
        self._tick_due_ms = monotonic_ms + self._tick_ms
