"""The relayer's limit of submits per key and minute."""

from collections import deque
from typing import Final

SUBMITS_PER_MINUTE: Final = 25
"""Per key, as the venue publishes it."""
MINUTE_MS: Final = 60_000


class Submits:
    """When each key submitted lately."""

    def __init__(self) -> None:
        self._times: dict[str, deque[int]] = {}

    def spend(self, key: str, wire_ms: int) -> bool:
        times = self._times.setdefault(key, deque(maxlen=SUBMITS_PER_MINUTE))
        if len(times) == SUBMITS_PER_MINUTE and wire_ms - times[0] < MINUTE_MS:
            return False
        times.append(wire_ms)
        return True
