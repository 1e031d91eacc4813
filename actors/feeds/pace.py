"""How often a connection that gives nothing is made anew. Pure: time and chance are arguments."""

from collections.abc import Callable
from typing import Final

from actors.machine.backoff import Backoff

SILENT: Final = Backoff(first_ms=10_000, most_ms=120_000)
"""Wire, between two connections that gave nothing."""
REFUSED: Final = Backoff(first_ms=5_000, most_ms=600_000, factor=4)
"""Wire, after the venue refused the log-in: a refusal may be in passing, one that stays is asked
about every ten minutes."""


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
        self._silent += 1
        self._not_before_s = now_s + SILENT.wait_s(self._silent, self._chance())

    def speaks(self) -> None:
        """Note that the connection gave something: the next silence is the first one again."""
        self._silent = self._refused = 0
        self._not_before_s = 0.0

    def refuse(self, now_s: float) -> float:
        """Note that the venue said no; return the seconds to wait."""
        self._refused += 1
        pause_s = REFUSED.wait_s(self._refused, self._chance())
        self._not_before_s = now_s + pause_s
        return pause_s
