"""How long to wait after failures in a row: longer each time, up to a limit. Pure."""

from typing import Final

import msgspec

JITTER: Final = 0.25
"""Share of a wait that chance adds: a fleet of fleets must not come back at one moment."""
FAILURES_COUNTED_MAX: Final = 64
"""Far beyond every limit; keeps the power small when something fails for days."""


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """The waits of one kind of attempt, on wire time."""

    first_ms: int
    """After the first failure in a row."""
    most_ms: int
    """No wait is longer, but for chance's share; the last one repeats."""
    factor: int = 2

    def __post_init__(self) -> None:
        assert 0 < self.first_ms <= self.most_ms, self
        assert self.factor > 1, self

    def wait_ms(self, failures: int, chance: float = 0.0) -> int:
        """Return the wait after so many failures in a row; none without a failure.

        `chance` (0 .. 1) spreads those who failed together.
        """
        if failures <= 0:
            return 0
        grown_ms = self.first_ms * int(self.factor ** min(failures - 1, FAILURES_COUNTED_MAX))
        return int(min(grown_ms, self.most_ms) * (1 + JITTER * chance))

    def wait_s(self, failures: int, chance: float = 0.0) -> float:
        return self.wait_ms(failures, chance) / 1_000
