"""The page of alarms: what is wrong, since when, by which evidence, and what to do."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from actors.detectors.avoid import AVOID
from actors.detectors.registry import KINDS
from checkpoints.alarms import AlarmState
from cluster.status.alarm_groups import AlarmGroup, group_alarms
from cluster.web.views.texts import ago, cut, utc

GROUPS_MAX: Final = 50
"""Causes on one page; more of them are one cause that nobody has looked at."""
MEMBERS_MAX: Final = 32
"""Alarms of one cause with a button of their own: each slot twice."""
EVIDENCE_MAX: Final = 12
CLEARED_MAX: Final = 50


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm of a cause."""

    id: str
    subject: str
    since: str
    evidence: tuple[tuple[str, str], ...]
    clearable: bool
    """False: no file stands behind it, e.g. a fleet that is dead; its end ends it."""


class AlarmCard(msgspec.Struct, frozen=True, kw_only=True):
    """One cause."""

    kind: str
    severity: str
    """In capitals: colour is not the only mark."""
    since: str
    age: str
    count: int
    members: tuple[Member, ...]
    hidden: int
    action: str
    avoid: str
    runbook: str
    """Section of docs/runbook.md."""
    release: str


class ClearedRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    raised: str
    cleared: str
    who: str
    reason: str


class AlarmsView(msgspec.Struct, frozen=True, kw_only=True):
    problem: str
    """Why alarms may be left out; empty: none are."""
    latched: int
    cards: tuple[AlarmCard, ...]
    hidden: int
    """Causes that are not shown."""
    cleared: tuple[ClearedRow, ...] = ()
    """Latest first."""


def alarms_view(
    latched: Sequence[AlarmState], dead: AlarmState | None, wire_ms: float, problem: str = ""
) -> AlarmsView:
    """Lay out what nobody has cleared. `dead`: of a fleet whose processes are gone."""
    states = [*latched, *([] if dead is None else [dead])]
    clearable = frozenset(one.alarm.id for one in latched)
    groups = group_alarms(states)
    return AlarmsView(
        problem=problem,
        latched=len(states),
        cards=tuple(_card(group, clearable, wire_ms) for group in groups[:GROUPS_MAX]),
        hidden=max(0, len(groups) - GROUPS_MAX),
    )


def cleared_rows(history: Iterable[AlarmState]) -> tuple[ClearedRow, ...]:
    """Return who cleared what and why, the latest raised first."""
    rows = [
        ClearedRow(
            id=state.alarm.id,
            raised=utc(state.alarm.raised_wire_ms),
            cleared=utc(state.cleared.cleared_wire_ms),
            who=cut(state.cleared.who),
            reason=cut(state.cleared.reason),
        )
        for state in history
        if state.cleared is not None
    ]
    return tuple(rows[::-1][:CLEARED_MAX])


def _card(group: AlarmGroup, clearable: frozenset[str], wire_ms: float) -> AlarmCard:
    first = group.alarms[0].alarm
    row = KINDS.get(group.kind)
    return AlarmCard(
        kind=group.kind,
        severity=str(group.severity).upper(),
        since=utc(first.raised_wire_ms),
        age=ago(first.raised_wire_ms, wire_ms),
        count=len(group.alarms),
        members=tuple(_member(one, clearable) for one in group.alarms[:MEMBERS_MAX]),
        hidden=max(0, len(group.alarms) - MEMBERS_MAX),
        action=cut(group.action, 1_000),
        avoid="" if row is None else AVOID[row.kind],
        runbook="runbook.md" if row is None else row.runbook,
        release=group.release or "",
    )


def _member(state: AlarmState, clearable: frozenset[str]) -> Member:
    alarm = state.alarm
    evidence = [(cut(key, 60), cut(value)) for key, value in alarm.evidence.items()]
    return Member(
        id=alarm.id,
        subject=cut(alarm.subject, 80),
        since=utc(alarm.raised_wire_ms),
        evidence=tuple(evidence[:EVIDENCE_MAX]),
        clearable=alarm.id in clearable,
    )
