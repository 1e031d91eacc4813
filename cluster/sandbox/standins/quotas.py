"""Each exchange's limits, counted as it counts them.

A client that goes on in spite of 429 is banned. Limits are wire time: they protect machines.
"""

from typing import Final, NamedTuple

OVER_MAX: Final = 20
"""Requests after the limit until the client is banned, where the exchange bans."""


class Quota(NamedTuple):
    weight: int
    per_ms: int


class Verdict(NamedTuple):
    used: int
    limit: int
    left_ms: int
    """Until the running period ends."""
    banned: bool

    @property
    def over(self) -> bool:
        return self.used > self.limit


class Counter:
    """Weight used in fixed periods, by group."""

    def __init__(self) -> None:
        self._used: dict[str, tuple[int, int]] = {}
        self._over: dict[str, int] = {}
        self.worst: dict[str, int] = {}
        """Group -> the most that was used in one period; for tests of a client's manners."""

    def count(self, group: str, quota: Quota, weight: int, wire_ms: int) -> Verdict:
        period = wire_ms // quota.per_ms
        before, used = self._used.get(group, (period, 0))
        used = used + weight if before == period else weight
        self._used[group] = (period, used)
        self.worst[group] = max(self.worst.get(group, 0), used)
        over = self._over.get(group, 0) + 1 if used > quota.weight else 0
        self._over[group] = over
        left_ms = (period + 1) * quota.per_ms - wire_ms
        return Verdict(used, quota.weight, left_ms, over > OVER_MAX)
