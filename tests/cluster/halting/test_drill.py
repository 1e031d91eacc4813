"""The drill of the halt, and what doctor says of it."""

import json
from pathlib import Path

import pytest

from cluster.__main__ import run
from cluster.halting.drill import (
    OLD_MS,
    ORDERS,
    RECORD,
    DrillResult,
    drill_finding,
    judge,
    keep,
    last_drill,
)
from cluster.local.findings import Verdict
from cluster.local.state_folder import StateFolder

PROVEN = {"proof": {"proven": True, "cancelled": ORDERS, "last_cancel_ms": 400, "took_ms": 6_000}}
NOW_MS = 1_800_000_000_000


def test_a_halt_that_proved_it_and_left_nothing_passes() -> None:
    result = judge(NOW_MS, 0, PROVEN, 0, ended=True)
    assert (result.passed, result.last_cancel_ms, result.orders) == (True, 400, ORDERS)


@pytest.mark.parametrize(
    ("code", "told", "still_open", "ended", "words"),
    [
        (0, PROVEN, 2, True, "2 orders still rest"),
        (3, PROVEN, 0, True, "did not prove it (exit 3)"),
        (1, {}, 0, True, "no answer"),
        (0, {"proof": {**PROVEN["proof"], "cancelled": 5}}, 0, True, "5 of 20"),
        (0, PROVEN, 0, False, "was not ended"),
    ],
)
def test_the_exchange_judges_and_not_the_halts_own_word(
    code: int, told: dict[str, object], still_open: int, words: str, *, ended: bool
) -> None:
    result = judge(NOW_MS, code, told, still_open, ended=ended)
    assert not result.passed
    assert words in result.said


def test_doctor_says_when_the_last_drill_was_and_whether_it_passed() -> None:
    passed = DrillResult(wire_ms=NOW_MS, passed=True, said="fine", orders=20, last_cancel_ms=400)
    failed = DrillResult(wire_ms=NOW_MS, passed=False, said="2 orders still rest")
    assert drill_finding(None, NOW_MS).verdict is Verdict.NOTE
    assert drill_finding(passed, NOW_MS + 3_600_000).verdict is Verdict.OK
    assert "1.0 h ago" in drill_finding(passed, NOW_MS + 3_600_000).detail
    assert drill_finding(passed, NOW_MS + OLD_MS + 1).verdict is Verdict.WARNING
    shown = drill_finding(failed, NOW_MS)
    assert shown.verdict is Verdict.FAULT
    assert "2 orders still rest" in shown.detail


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[" * 9_999])
def test_a_damaged_record_is_no_drill(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RECORD).write_bytes(content)
    assert last_drill(StateFolder(tmp_path)) is None


def test_a_record_is_read_back(tmp_path: Path) -> None:
    result = judge(NOW_MS, 0, PROVEN, 0, ended=True)
    keep(StateFolder(tmp_path), result)
    assert last_drill(StateFolder(tmp_path)) == result


@pytest.mark.exchange
def test_a_drill_passes_and_leaves_its_record_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["trading", "drill", "--state", str(tmp_path), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["passed"], told["orders"]) == (True, ORDERS)
    assert [entry.name for entry in tmp_path.iterdir()] == [RECORD]
    print(f"\nlast of {ORDERS} cancels after {told['last_cancel_ms']} ms")
