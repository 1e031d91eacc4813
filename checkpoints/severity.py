"""How grave an alarm is."""

from enum import StrEnum


class Severity(StrEnum):
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"
