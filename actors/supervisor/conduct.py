"""When a release keeps its slot from deciding well: one rule, pure.

A decision point is bad where the release's decision failed, where none was journaled, and where it
never got a snapshot while other releases got theirs. It does not matter why: an error, a hang, a
death or a late answer all end in one of these. What is owed comes from the configuration and the
clock, what was done from the journal; what the slot says of itself has no part in it.

A release is bad on a slot when the latest point is bad and

* the one before it was bad too (`BAD_IN_A_ROW`), or
* `BAD_OF_LAST` of the latest `POINTS_LOOKED` points were bad: one that fails every second decision
  is found at its third failure.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from checkpoints.journal_rows import STRATEGY_ERROR, JournalRow, RowKind
from signals.market import DecisionPoint, Slot, deadline_ms, decision_points

BAD_IN_A_ROW: Final = 2
"""The first may be the world's fault; the second ends the release's time in this slot."""
BAD_OF_LAST: Final = 3
POINTS_LOOKED: Final = 12
"""An hour of a slot with one decision a cycle."""
MISSING_WIRE_MS: Final = 4_000
"""Wire after a point is due. A decision that is not there at half its deadline is missing, but not
before this: snapshot and strategy may use so much (`SHARE_OF_DEADLINE` twice) on a slow machine."""
FLUSH_WIRE_MS: Final = 500
"""Wire. A row that was just made may still be on its way to disk when the journal is read."""


class Outcome(StrEnum):
    GOOD = "good"
    FAILED = "failed"
    NO_SNAPSHOT = "no snapshot"
    """The strategy was not asked; whose fault that is, the other slots tell."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One decision that the journal holds."""

    slot: str
    due_ms: int
    release: str
    fence: int
    outcome: Outcome
    reason: str = ""


class Tenure(msgspec.Struct, frozen=True, kw_only=True):
    """A release in a slot, and what it owes there (market ms)."""

    slot: str
    release: str
    came_ms: int
    """When it came to own the slot; restarts of it are not counted."""
    owes_from_ms: int | None
    """Since when a missing decision is its fault; None: it may still be starting."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of the journal, of all slots."""

    made: Mapping[str, tuple[Made, ...]]
    read_to_ms: int
    """Market time at which the journal was read to its end."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    offsets_ms: tuple[int, ...]
    speed: int


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One decision point that the release answers for."""

    due_ms: int
    bad: str = ""
    """What was bad about it; empty: it was good."""
    missing: bool = False  # a fact of the journal, not a switch


def made_of(row: JournalRow) -> Made | None:
    """Return the decision of a row that is one."""
    if row.kind is not RowKind.DECISION or row.due_ms is None:
        return None
    reason = row.reason or ""
    outcome = Outcome.FAILED if reason.startswith(STRATEGY_ERROR) else Outcome.GOOD
    if row.snapshot is None:
        outcome = Outcome.NO_SNAPSHOT
    return Made(
        slot=row.slot,
        due_ms=row.due_ms,
        release=row.release,
        fence=row.fence,
        outcome=outcome,
        reason=reason,
    )


def keep_latest(known: Sequence[Made], new: Iterable[Made]) -> tuple[Made, ...]:
    """Add decisions of one slot; of two for the same point the higher fence counts."""
    by_due = {one.due_ms: one for one in known}
    for one in new:
        before = by_due.get(one.due_ms)
        if before is None or one.fence >= before.fence:
            by_due[one.due_ms] = one
    return tuple(by_due[due_ms] for due_ms in sorted(by_due)[-2 * POINTS_LOOKED :])


def fault_of(points: Sequence[Point]) -> str | None:
    """Apply the rule; return what is wrong, or None."""
    latest = points[-POINTS_LOOKED:]
    if not latest or not latest[-1].bad:
        return None
    bad = [point for point in latest if point.bad]
    in_a_row = all(point.bad for point in latest[-BAD_IN_A_ROW:]) and len(latest) >= BAD_IN_A_ROW
    if in_a_row:
        return latest[-1].bad
    if len(bad) >= BAD_OF_LAST:
        return f"{len(bad)} of {len(latest)} decisions were bad; the last: {latest[-1].bad}"
    return None


def points_of(tenure: Tenure, seen: Seen, schedule: Schedule) -> tuple[Point, ...]:
    """Return the points that the release answers for, oldest first."""
    points = {point.due_ms: point for point in _missing(tenure, seen, schedule)}
    for one in seen.made.get(tenure.slot, ()):
        if one.due_ms <= tenure.came_ms:
            continue
        bad = _bad_of(one, tenure, seen)
        points.pop(one.due_ms, None)
        if bad is not None:
            points[one.due_ms] = Point(due_ms=one.due_ms, bad=bad)
    return tuple(points[due_ms] for due_ms in sorted(points))


def _bad_of(one: Made, tenure: Tenure, seen: Seen) -> str | None:
    """Return what was bad about a decision, nothing if it was good, None if it says nothing."""
    match one.outcome:
        case Outcome.GOOD:
            return ""
        case Outcome.FAILED:
            return one.reason if one.release == tenure.release else None
        case Outcome.NO_SNAPSHOT:
            alone = one.release == tenure.release and _others_have_one(one, seen)
            return one.reason or "no snapshot" if alone else None


def _others_have_one(one: Made, seen: Seen) -> bool:
    """Tell whether other releases got a snapshot for this point and no slot of this one did."""
    same_due = [
        made
        for of_slot in seen.made.values()
        for made in of_slot
        if made.due_ms == one.due_ms and made.outcome is not Outcome.NO_SNAPSHOT
    ]
    return bool(same_due) and all(made.release != one.release for made in same_due)


def _missing(tenure: Tenure, seen: Seen, schedule: Schedule) -> Iterable[Point]:
    """Yield the owed points at which nothing was journaled in time."""
    if tenure.owes_from_ms is None:
        return
    since_ms = max(tenure.came_ms, tenure.owes_from_ms)
    for point, following in _owed(tenure.slot, since_ms, seen.read_to_ms, schedule):
        deadline = deadline_ms(point, following)
        if seen.read_to_ms >= _missing_at_ms(point, deadline, schedule):
            late = "by its deadline" if seen.read_to_ms >= deadline else "by half its deadline"
            yield Point(due_ms=point.due_ms, bad=f"no decision {late}", missing=True)


def _missing_at_ms(point: DecisionPoint, deadline: int, schedule: Schedule) -> int:
    half_ms = (deadline - point.due_ms) // 2
    at_ms = point.due_ms + max(half_ms, MISSING_WIRE_MS * schedule.speed)
    return min(at_ms, deadline) + FLUSH_WIRE_MS * schedule.speed


def _owed(
    slot: str, since_ms: int, until_ms: int, schedule: Schedule
) -> Iterable[tuple[DecisionPoint, DecisionPoint]]:
    """Yield the latest points that fell due in between, each with the one that follows it."""
    if until_ms <= since_ms:
        return
    per_cycle = max(1, len(schedule.offsets_ms))
    begin_ms = max(since_ms, until_ms - _LOOK_BACK_MS // per_cycle)
    points = decision_points(Slot.parse(slot).timeframe, schedule.offsets_ms, begin_ms)
    point = next(points)
    while point.due_ms <= until_ms:
        following = next(points)
        yield point, following
        point = following


_LOOK_BACK_MS: Final = (POINTS_LOOKED + 1) * 300_000
"""Market ms that hold so many points where there is one a cycle."""
