"""The alarms of the daily audit: raised when a day is not well or was missed, ended when it is."""

from typing import Final

from actors.detectors.registry import new_alarm
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.daily_audit.report import DayAudit
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import notify

FAILED: Final = "daily_audit_failed"
MISSED: Final = "daily_audit_missed"
OURS: Final = frozenset({FAILED, MISSED})
WHO: Final = "daily audit"
FOUND_MAX: Final = 3
"""Findings of one check in the alarm; the record has more."""


def raise_missed(state: StateFolder, day: str, why: str, wire_ms: int) -> None:
    """Latch that the audit of a day did not happen in time."""
    store_alarm(state, new_alarm(MISSED, day, {"why": why}, wire_ms=wire_ms))


def store_alarm(state: StateFolder, alarm: Alarm) -> Alarm | None:
    """Latch an alarm; None: it could not be stored."""
    try:
        return AlarmStore(LocalStorage(state.storage)).raise_alarm(alarm).alarm
    except (CheckpointsError, OSError) as error:
        notify(f"{alarm.kind} {alarm.subject} could not be stored: {error}")
        return None


def end_alarms(state: StateFolder, audit: DayAudit) -> None:
    """Clear what earlier audits of the day raised: this one found nothing."""
    store = AlarmStore(LocalStorage(state.storage))
    why = f"the audit of {audit.day} was made and all is well"
    try:
        for one in store.latched():
            if one.alarm.kind in OURS and one.alarm.subject == audit.day:
                store.clear(one.alarm.id, why, WHO, audit.ended_wire_ms)
    except (CheckpointsError, OSError) as error:
        notify(f"alarms of {audit.day} could not be ended: {error}")


def failed_alarm(audit: DayAudit) -> Alarm:
    evidence = {
        check.name: "; ".join((str(check.state), check.text, *check.found[:FOUND_MAX]))
        for check in audit.wrong
    }
    return new_alarm(FAILED, audit.day, evidence, wire_ms=audit.ended_wire_ms)
