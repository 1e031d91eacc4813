"""One row of what `doctor` found."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    verdict: Verdict
    detail: str
    """What was seen, and for a warning or a fault what to do."""


def ok(what: str, detail: str) -> Finding:
    return Finding(what=what, verdict=Verdict.OK, detail=detail)


def note(what: str, detail: str) -> Finding:
    return Finding(what=what, verdict=Verdict.NOTE, detail=detail)


def warning(what: str, detail: str) -> Finding:
    return Finding(what=what, verdict=Verdict.WARNING, detail=detail)


def fault(what: str, detail: str) -> Finding:
    return Finding(what=what, verdict=Verdict.FAULT, detail=detail)
