"""`doctor` says when a day was last audited."""

import msgspec
import pytest

from cluster.daily_audit.finding import OLD_MS, audit_finding
from cluster.daily_audit.report import CheckState, DayAudit, check_of
from cluster.local.findings import Verdict
from tests.cluster.daily_audit.test_records import NOW_MS, audit

WELL = audit()
WRONG = msgspec.structs.replace(
    WELL, well=False, checks=(check_of("record", CheckState.FAILED, "1 row"),)
)


@pytest.mark.parametrize(
    ("last", "age_ms", "verdict", "text"),
    [
        (None, 0, Verdict.NOTE, "none yet"),
        (WELL, 3_600_000, Verdict.OK, "2026-03-04 (paper): still well (1.0 h ago)"),
        (WELL, OLD_MS + 2, Verdict.WARNING, "none since"),
        (WELL, -3_600_000, Verdict.OK, "0.0 h ago"),
        (WRONG, 0, Verdict.FAULT, "NOT WELL: record (failed)"),
        (WRONG, 2 * OLD_MS, Verdict.FAULT, "NOT WELL"),
    ],
)
def test_the_last_audit_is_a_row(
    last: DayAudit | None, age_ms: int, verdict: Verdict, text: str
) -> None:
    found = audit_finding(last, NOW_MS + 1 + age_ms)
    assert found.verdict is verdict
    assert text in found.detail
