"""Every kind of alarm that anyone raises: one row each, whoever raises it.

A kind that `actors.detectors.alarm_names` does not name does not type-check; one without a row
keeps every process from starting. docs/messages.md and the tables of docs/detectors.md are made
from these rows.
"""

from typing import Final, get_args

from actors.detectors.alarm_kind import AlarmKind
from actors.detectors.alarm_names import AlarmName
from actors.detectors.kinds_of_money import FILLS, MONEY
from actors.detectors.kinds_of_processes import AUDITS, PROCESSES, STORAGE
from actors.detectors.kinds_of_progress import INPUTS, PROGRESS
from actors.detectors.kinds_of_releases import CODE, CONDUCT, ROLLS
from checkpoints.alarms import Alarm
from checkpoints.severity import Severity

SECTIONS: Final[dict[str, tuple[AlarmKind, ...]]] = {
    "Which code runs": CODE,
    "What a release does": CONDUCT,
    "Rolls": ROLLS,
    "Inputs": INPUTS,
    "Decisions and orders in progress": PROGRESS,
    "Processes and clock": PROCESSES,
    "Money": MONEY,
    "Orders and fills at the venue": FILLS,
    "Disk": STORAGE,
    "Daily audit": AUDITS,
}
KINDS: Final[dict[str, AlarmKind]] = {
    row.kind: row for section in SECTIONS.values() for row in section
}

assert set(KINDS) == set(get_args(AlarmName)), "each kind of alarm has one row"


def severity_of(kind: str) -> Severity:
    """Return how grave an alarm of this kind is; one that is not known needs a person."""
    row = KINDS.get(kind)
    return Severity.CRITICAL if row is None else row.severity


def advice_of(kind: str) -> str:
    """Return what an alarm of this kind says: what happened and what to do."""
    row = KINDS.get(kind)
    return "Read the evidence and `midstride status`." if row is None else row.advice


def new_alarm(
    kind: AlarmName,
    subject: str,
    evidence: dict[str, str],
    *,
    wire_ms: int,
    market_ms: int | None = None,
    action: str = "",
    release: str | None = None,
) -> Alarm:
    """Make an alarm of this kind; `action` is given where one says more than its kind's row."""
    return Alarm(
        kind=kind,
        subject=subject,
        severity=severity_of(kind),
        action=action or advice_of(kind),
        evidence=evidence,
        raised_wire_ms=wire_ms,
        market_ms=market_ms,
        release=release,
    )
