"""The journal against the schedule: every decision point is decided, or given up with its cause."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import numpy as np

from checkpoints.journal import JOURNAL
from cluster.audit.problem import Problem, points_text, rows_text
from cluster.audit.slot_rows import SlotRows
from signals.market import CYCLE_MS, Slot, decision_points

DARK_POINTS_MAX: Final = 2
"""Decision points that a slot may be behind the others: one under way, one not yet on the disk."""
POINTS_MAX: Final = 2_000_000
"""Nineteen years of one slot: what is beyond is no schedule."""
_COVERED: Final = r"""
select slot, due_ms as last, case when kind = 'decision' then due_ms else
  coalesce(try_cast(regexp_extract(reason, '^\d+ from (\d+):', 1) as bigint), due_ms) end as first
from valid where due_ms is not null and
  (kind = 'decision' or (kind = 'note' and action in ('missed', 'skipped')))
"""
"""Of a decision its point twice, of points that were given up the first and the last."""

Covered = tuple[Any, Any]
"""Two arrays, in order of time: the first and the last point that each row is about."""


def covered_points(view: Any) -> dict[str, Covered]:
    """Return what each slot's rows are about, in one look: sorted here, not by the database."""
    table = view.arrow(_COVERED)
    codes = table["slot"].combine_chunks().dictionary_encode()
    numbers = codes.indices.to_numpy(zero_copy_only=False)
    first, last = (table[name].to_numpy() for name in ("first", "last"))
    found: dict[str, Covered] = {}
    for number, slot in enumerate(codes.dictionary.to_pylist()):
        chosen = np.flatnonzero(numbers == number)
        chosen = chosen[np.argsort(last[chosen], kind="stable")]
        found[slot] = first[chosen], last[chosen]
    return found


def missing_points(
    rows: SlotRows, covered: Covered, offsets_ms: tuple[int, ...]
) -> Iterator[Problem]:
    """Yield decision points between the slot's first claim and its last row that no row is about.

    A record that was made under other offsets is checked from its last such point on.
    """
    first, last = covered
    if rows.claimed_ms is None or not len(last):
        return
    other = last[~np.isin(last % CYCLE_MS, offsets_ms)]
    after_ms = max([rows.claimed_ms, *map(int, other[-1:])])
    reached = np.maximum.accumulate(np.concatenate(([after_ms], np.maximum(last, after_ms))))
    slot = Slot.parse(rows.slot)
    for place in np.flatnonzero(first - reached[:-1] > _step_ms(offsets_ms)):
        due = _points(slot, offsets_ms, int(reached[place]), int(first[place]) - 1)
        if due:
            said = f"{points_text(due)}: no row is about {'it' if len(due) == 1 else 'them'}"
            yield Problem(kind="missing_rows", subject=rows.slot, reason=said)


def _step_ms(offsets_ms: tuple[int, ...]) -> int:
    """Return a time in which at most one more point can lie: what is shorter holds none."""
    after = [*offsets_ms[1:], offsets_ms[0] + CYCLE_MS]
    return min(b - a for a, b in zip(offsets_ms, after, strict=True)) if offsets_ms[1:] else 0


def _points(slot: Slot, offsets_ms: tuple[int, ...], after_ms: int, to_ms: int) -> list[int]:
    found: list[int] = []
    for point in islice(decision_points(slot.timeframe, offsets_ms, after_ms), POINTS_MAX):
        if point.due_ms > to_ms:
            break
        found.append(point.due_ms)
    return found


def dark_slots(
    rows: Iterable[SlotRows], offsets_ms: tuple[int, ...], cut_ms: int
) -> Iterator[Problem]:
    """Yield slots without rows for points that the others decided; `cut_ms`: market time."""
    for one in rows:
        if one.stopped or not one.rows:
            continue
        due = _points(Slot.parse(one.slot), offsets_ms, one.last_ms, cut_ms)
        if len(due) > DARK_POINTS_MAX:
            said = f"nothing after row {one.last}: others have rows of {points_text(due)}; "
            said += "it was dark, or its rows are lost"
            yield Problem(kind="missing_rows", subject=one.slot, reason=said)


def lost_head(rows: SlotRows, oldest_day: str, first_day: str) -> Iterator[Problem]:
    """Yield the rows before the first one, unless retention removed their days.

    `oldest_day`: retention keeps it and all later ones; `first_day`: of the first row.
    """
    if rows.first > 1 and first_day > oldest_day:
        said = f"{rows_text(1, rows.first - 1)}, before its first one"
        yield Problem(kind="missing_rows", subject=rows.slot, reason=said)


def no_rows(slot: str) -> Problem:
    return Problem(kind="missing_rows", subject=slot, reason=f"all of it: the {JOURNAL} has no row")
