"""One row of `doctor`: when a day was last audited, and what came of it."""

from typing import Final

from cluster.daily_audit.page import headline
from cluster.daily_audit.report import DayAudit
from cluster.local.findings import Finding, fault, note, ok, warning

WHAT: Final = "daily audit"
OLD_MS: Final = 36 * 3_600_000
"""Wire. A daily audit that is this old was left out."""
MS_PER_HOUR: Final = 3_600_000


def audit_finding(last: DayAudit | None, now_wire_ms: int) -> Finding:
    if last is None:
        return note(WHAT, "none yet; the fleet makes one a day, `midstride audit day` one now")
    age_ms = max(0, now_wire_ms - last.ended_wire_ms)
    text = f"{headline(last)} ({age_ms / MS_PER_HOUR:.1f} h ago)"
    if not last.well:
        return fault(WHAT, f"{text}: `midstride audit day --last` shows it")
    if age_ms > OLD_MS:
        return warning(WHAT, f"{text}: none since (docs/daily-audit.md)")
    return ok(WHAT, text)
