"""Every kind of alarm that anyone raises: one row each, whoever raises it.

A test finds every place that raises an alarm and fails for a kind without a row, and for a row that
nobody raises. docs/messages.md is made from these rows.
"""

from typing import Final

from actors.detectors.alarm_kind import AlarmKind
from actors.detectors.kinds_of_money import FILLS, MONEY
from actors.detectors.kinds_of_operation import INPUTS, PROCESSES, PROGRESS, STORAGE
from actors.detectors.kinds_of_releases import CODE, CONDUCT, ROLLS
from checkpoints.alarms import Severity

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
}
KINDS: Final[dict[str, AlarmKind]] = {
    row.kind: row for section in SECTIONS.values() for row in section
}


def severity_of(kind: str) -> Severity:
    """Return how grave an alarm of this kind is; one that is not known needs a person."""
    row = KINDS.get(kind)
    return Severity.CRITICAL if row is None else row.severity


def advice_of(kind: str) -> str:
    """Return what an alarm of this kind says: what happened and what to do."""
    row = KINDS.get(kind)
    return "Read the evidence and `midstride status`." if row is None else row.advice
