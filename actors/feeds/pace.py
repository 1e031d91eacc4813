"""How often a connection that gives nothing is made anew. Pure: time and chance are arguments."""

from collections.abc import Callable
from typing import Final

SILENT_S: Final = (10.0, 20.0, 40.0, 80.0, 120.0)
"""Wire, between two connections that gave nothing; the last one repeats."""
REFUSED_S: Final = (5.0, 20.0, 80.0, 320.0, 600.0)
"""Wire, after the venue refused the log-in: a refusal may be in passing, one that stays is asked
about every ten minutes; the last one repeats."""
JITTER: Final = 0.25
"""Share of a wait that chance adds: a fleet of fleets must not come back at one moment."""


class ReconnectPace:
    """Longer pauses with each connection that stayed silent, until one speaks."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        """0 .. 1."""
        self._silent = self._refused = 0
        self._not_before_s = 0.0

    def may_start(self, now_s: float) -> bool:
        return now_s >= self._not_before_s

    def begin(self, now_s: float) -> None:
        """Note that a connection is made now."""
        pause_s = SILENT_S[min(self._silent, len(SILENT_S) - 1)]
        self._silent += 1
        self._not_before_s = now_s + pause_s * (1 + JITTER * self._chance())

    def speaks(self) -> None:
        """Note that the connection gave something: the next silence is the first one again."""
        self._silent = self._refused = 0
        self._not_before_s = 0.0

    def refuse(self, now_s: float) -> float:
        """Note that the venue said no; return the seconds to wait."""
        pause_s = REFUSED_S[min(self._refused, len(REFUSED_S) - 1)] * (1 + JITTER * self._chance())
        self._refused += 1
        self._not_before_s = now_s + pause_s
        return pause_s
