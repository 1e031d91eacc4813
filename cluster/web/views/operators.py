"""The page of the operators' journal: who did what, when and why, and what came of it."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from checkpoints.alarms import AlarmState
from checkpoints.approvals import Application
from cluster.web.operators import OperatorRow
from cluster.web.views.texts import cut, short, utc

ROWS_MAX: Final = 200
ROWS_READ_MAX: Final = 2 * ROWS_MAX
"""Of the operators' journal: each thing has a row before and one after."""


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person did."""

    wire_ms: int
    when: str
    who: str
    what: str
    about: str
    why: str
    result: str
    by: str
    """``console`` or ``command``, or the other record that a command left."""


class OperatorsView(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[Deed, ...]
    """Latest first."""
    hidden: int


def operators_view(
    kept: Sequence[OperatorRow], alarms: Iterable[AlarmState], applied: Sequence[Application]
) -> OperatorsView:
    """Put together the operators' journal and what commands left on other records."""
    journaled = list(_journaled(kept))
    known = {(one.about, one.why) for one in journaled}
    others = [*_cleared(alarms), *_applied(applied)]
    rows = [*journaled, *(one for one in others if (one.about, one.why) not in known)]
    rows.sort(key=lambda one: one.wire_ms, reverse=True)
    return OperatorsView(rows=tuple(rows[:ROWS_MAX]), hidden=max(0, len(rows) - ROWS_MAX))


def _journaled(rows: Sequence[OperatorRow]) -> Iterable[Deed]:
    """Join the two rows of each thing; one without an end was cut off, and says so."""
    by_id: dict[str, OperatorRow] = {}
    for row in rows:
        by_id[row.id] = row
    for row in by_id.values():
        yield Deed(
            wire_ms=row.wire_ms,
            when=utc(row.wire_ms),
            who=cut(row.who, 80),
            what=cut(row.what, 80),
            about=cut(row.about, 120),
            why=cut(row.why),
            result=cut(row.result) if row.result else "begun: what came of it is not known",
            by="console" if row.pressed else "command",
        )


def _cleared(states: Iterable[AlarmState]) -> Iterable[Deed]:
    for state in states:
        cleared = state.cleared
        if cleared is None:
            continue
        yield Deed(
            wire_ms=cleared.cleared_wire_ms or 0,
            when=utc(cleared.cleared_wire_ms),
            who=cut(cleared.who, 80),
            what="clear alarm",
            about=cut(cleared.id, 120),
            why=cut(cleared.reason),
            result="cleared",
            by="alarms",
        )


def _applied(applied: Sequence[Application]) -> Iterable[Deed]:
    """Yield the plans that were applied; the reason is that of a broken glass."""
    for one in applied:
        yield Deed(
            wire_ms=one.applied_wire_ms,
            when=utc(one.applied_wire_ms),
            who=cut(one.who, 80),
            what="break glass" if one.break_glass else "apply plan",
            about=f"plan {one.plan[:12]} to release {short(one.to_release)}",
            why=cut(one.break_glass or ""),
            result="approved" if one.approval else "without an approval",
            by="gate",
        )
