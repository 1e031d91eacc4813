"""Which days are to be audited now. Pure: days are UTC days of market time."""

from typing import Final

import msgspec

from actors.config import DailyAudit
from signals.market import DAY_MS, day_of, day_start_ms

CATCH_UP_DAYS_MAX: Final = 7
"""A fleet whose watcher was away for longer is audited by hand: `midstride audit day --date`."""
LATE_MS: Final = 6 * 3_600_000
"""After the configured time. The longest audit, its tries and a machine that was off at night."""
MS_PER_MINUTE: Final = 60_000


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the storage tells of earlier audits."""

    since: str
    """The first day that is owed an audit."""
    audited: frozenset[str]
    with_rows: frozenset[str]
    """Days that the journal has rows of."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    days: tuple[str, ...] = ()
    """To be audited now, oldest first."""
    late: tuple[str, ...] = ()
    """Of these: whose time passed long ago."""


def due_days(now_ms: int, when: DailyAudit, known: Known, *, catches_up: bool) -> Due:
    """Return which days are due. A day that is over is due from the configured time on.

    Of the days before the latest one, those are due that have rows. `catches_up`: False where
    market time runs faster than audits can.
    """
    minutes = when.minutes
    if minutes is None:
        return Due()
    latest = day_of(now_ms - minutes * MS_PER_MINUTE - DAY_MS)
    candidates = [latest]
    if catches_up:
        begin_ms = day_start_ms(latest) - (CATCH_UP_DAYS_MAX - 1) * DAY_MS
        before = (day_of(begin_ms + place * DAY_MS) for place in range(CATCH_UP_DAYS_MAX - 1))
        candidates = [*(day for day in before if day in known.with_rows), latest]
    days = tuple(day for day in candidates if day >= known.since and day not in known.audited)
    begun_late_ms = now_ms - DAY_MS - minutes * MS_PER_MINUTE - LATE_MS
    late = tuple(
        day for day in days if day in known.with_rows and day_start_ms(day) <= begun_late_ms
    )
    return Due(days=days, late=late if catches_up else ())


def is_over(day: str, now_ms: int) -> bool:
    return now_ms >= day_start_ms(day) + DAY_MS
