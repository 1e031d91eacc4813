"""Evidence that may be looked at all the time: e-values, pooled, and two ways to add them up. Pure.

An e-value is at least 0 and has mean at most 1 while all is well. Those of bets that settle at one
moment are averaged (their mean is one again, however they depend on each other), those of
successive moments multiplied. Of the products

* `Wealth` begins with 1 and is, while all is well, ever above 1/a with probability at most a
  (Ville's inequality): it may be watched for ever.
* `rise` (a CUSUM of log e-values, Page 1954) forgets good times and so finds a fall fast. It is at
  most the Shiryaev-Roberts sum, so the mean time to a false alarm is at least e**threshold whatever
  the dependence; what it really is, tests/bench/detectors measures and prints.
"""

import functools
import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

SHARE_MIN: Final = 0.01
"""Prices and shares are kept this far from 0 and 1: one event must not decide alone."""


def clipped(share: float) -> float:
    return min(max(share, SHARE_MIN), 1 - SHARE_MIN)


def tilted(share: float, tilt: float) -> float:
    """Move a probability by `tilt` in log odds."""
    odds = math.exp(math.log(share / (1 - share)) + tilt)
    return odds / (1 + odds)


@functools.lru_cache(maxsize=4096)
def bernoulli(share: float, tilt: float, *, happened: bool) -> float:
    """Return the e-value of one event against "its probability is `share`" or, by tilt, beyond.

    Negative `tilt` bets on fewer events and has mean at most 1 for every probability >= `share`;
    positive on more, for every one <= `share`.
    """
    share = clipped(share)
    other = tilted(share, tilt)
    return other / share if happened else (1 - other) / (1 - share)


def pooled(e_values: Sequence[float]) -> float:
    """Make one observation of all that settle together."""
    return math.fsum(e_values) / len(e_values) if e_values else 1.0


def rise(level: float, e_value: float) -> float:
    """Advance a CUSUM of log e-values; it never falls below 0."""
    return max(0.0, level + math.log(e_value))


class Wealth(msgspec.Struct, frozen=True, kw_only=True):
    """Equal stakes on several alternatives, each left alone: log of what each has become."""

    logs: tuple[float, ...]

    @classmethod
    def of(cls, bets: int) -> "Wealth":
        return cls(logs=(0.0,) * bets)

    def after(self, e_values: Iterable[float]) -> "Wealth":
        pairs = zip(self.logs, e_values, strict=True)
        return Wealth(logs=tuple(log + math.log(e_value) for log, e_value in pairs))

    @property
    def log(self) -> float:
        """Return the log of the mean."""
        top = max(self.logs)
        return top + math.log(math.fsum(math.exp(x - top) for x in self.logs) / len(self.logs))
