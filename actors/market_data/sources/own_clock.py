"""Is our clock right? The exchanges' clocks say so, again and again while the fleet runs. Pure.

Two of them at least must agree: one alone may be wrong itself, and more so where others differ.
Everything is wire ms; above zero means that the exchanges are ahead of us.
"""

import statistics
from collections.abc import Mapping
from typing import Final

import msgspec

from actors.market_data.sources.port import SourceName

AWAY_MS: Final = 1_000
"""As much as decision points and deadlines have to spare."""
JUMP_MS: Final = 250
"""Between two readings, a minute apart: a clock that drifts does so in hours."""
SPREAD_MS: Final = 500
"""Between exchanges: some tell whole seconds or the time of their newest book."""
NEEDED: Final = 2


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    ahead_ms: int
    """Of the fleet's time."""
    slack_ms: int
    """Half of the round trip: so far the answer may mislead."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with our clock; empty texts: nothing."""

    away: str = ""
    jumped: str = ""


Readings = Mapping[SourceName, Reading]


def judge(before: Readings, now: Readings, wall_ahead_ms: int) -> Judged | None:
    """Judge two rounds of readings; None: too few exchanges agree to say anything.

    `wall_ahead_ms`: the machine's clock over the fleet's time, for somebody may have set it.
    """
    agreed = _agreed(now)
    if agreed is None:
        return None
    return Judged(away=_away(agreed, now, wall_ahead_ms), jumped=_jumped(before, now))


def _agreed(readings: Readings) -> Reading | None:
    """Return what more than half of the exchanges say alike."""
    if len(readings) < NEEDED:
        return None
    middle = statistics.median(one.ahead_ms for one in readings.values())
    alike = [
        one for one in readings.values() if abs(one.ahead_ms - middle) <= SPREAD_MS + one.slack_ms
    ]
    if len(alike) < NEEDED or 2 * len(alike) <= len(readings):
        return None
    return Reading(
        ahead_ms=round(statistics.median(one.ahead_ms for one in alike)),
        slack_ms=round(statistics.median(one.slack_ms for one in alike)),
    )


def _away(agreed: Reading, readings: Readings, wall_ahead_ms: int) -> str:
    of_machine_ms = agreed.ahead_ms - wall_ahead_ms
    worst_ms = max(abs(agreed.ahead_ms), abs(of_machine_ms))
    if worst_ms - agreed.slack_ms <= AWAY_MS:
        return ""
    told = ", ".join(f"{name} {one.ahead_ms:+d}" for name, one in sorted(readings.items()))
    return (
        f"the exchanges are {of_machine_ms:+d} ms ahead of this machine's clock and "
        f"{agreed.ahead_ms:+d} ms of the fleet's time (+-{agreed.slack_ms}; {told}); "
        f"the limit is {AWAY_MS}"
    )


def _jumped(before: Readings, now: Readings) -> str:
    """Compare each exchange with itself, so that one which comes or goes changes nothing."""
    both = sorted(before.keys() & now.keys())
    if len(both) < NEEDED:
        return ""
    moved_ms = statistics.median(now[name].ahead_ms - before[name].ahead_ms for name in both)
    slack_ms = statistics.median(now[name].slack_ms + before[name].slack_ms for name in both)
    if abs(moved_ms) - slack_ms <= JUMP_MS:
        return ""
    way = "back" if moved_ms > 0 else "ahead"
    return (
        f"the fleet's time went {way} by {abs(moved_ms):.0f} ms against {', '.join(both)} "
        f"since the reading before; the limit is {JUMP_MS}"
    )
