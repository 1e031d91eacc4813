"""How much the detectors looked at, day by day: what an audit holds against the journal. Pure.

A detector that reads nothing raises nothing, and that looks like health.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import day_of

DAYS_KEPT: Final = 10
"""More than the days that a daily audit catches up with."""


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at on one UTC day of market time."""

    polls: int = 0
    rows: int = 0
    """Of the journal, by the day on which they were written."""
    decisions: int = 0
    """Rows of decisions among them."""
    cycles: int = 0
    """Sets of snapshots that the input detectors took."""
    failed: dict[str, int] = {}
    """Part of a look -> how often it failed."""


Counts = dict[str, DayCount]


def add_poll(counts: Counts, market_ms: int, cycles: int, failed: Iterable[str]) -> Counts:
    """Count one look, the cycles that it took in and the parts of it that failed."""
    day = day_of(market_ms)
    one = counts.get(day, DayCount())
    fails = dict(one.failed)
    for name in failed:
        fails[name] = fails.get(name, 0) + 1
    one = replace(one, polls=one.polls + 1, cycles=one.cycles + cycles, failed=fails)
    return _kept({**counts, day: one})


def add_rows(counts: Counts, rows: Iterable[JournalRow]) -> Counts:
    """Count rows that were read."""
    found = dict(counts)
    for row in rows:
        day = day_of(row.market_ms)
        one = found.get(day, DayCount())
        decided = row.kind is RowKind.DECISION
        found[day] = replace(one, rows=one.rows + 1, decisions=one.decisions + decided)
    return _kept(found)


def _kept(counts: Counts) -> Counts:
    return {day: counts[day] for day in sorted(counts)[-DAYS_KEPT:]}
