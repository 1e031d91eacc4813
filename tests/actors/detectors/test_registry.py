"""Every kind of alarm has one row, and every row is raised somewhere."""

import ast
import re
from pathlib import Path

import pytest

from actors.detectors.policy import POLICY, reaction_of
from actors.detectors.registry import KINDS, SECTIONS, advice_of, new_alarm, severity_of
from checkpoints.severity import Severity

ROOT = Path(__file__).parents[3]
ROWS = re.compile(r"actors/detectors/(alarm_names|kinds_of_\w+)\.py")
MAKERS = {
    "actors/detectors/registry.py",
    "checkpoints/alarms.py",
    "cluster/status/alarm_test.py",
}
"""Who makes an `Alarm`; the store does so for a file that it cannot read, `alarms test` for a
message that is of no kind and latches nothing."""


def product() -> dict[str, str]:
    files = [
        file for top in ("actors", "cluster", "checkpoints") for file in (ROOT / top).rglob("*.py")
    ]
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def test_every_row_is_raised_by_somebody() -> None:
    text = "\n".join(text for name, text in product().items() if not ROWS.fullmatch(name))
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


def test_alarms_are_made_where_the_kind_is_checked() -> None:
    """`new_alarm` takes severity and advice from the row of a kind that mypy knows."""
    found: set[str] = set()
    for name, text in product().items():
        tree = ast.parse(text)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        own = any(
            node.module == "checkpoints.alarms" and any(a.name == "Alarm" for a in node.names)
            for node in imports
        )
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        made = any(isinstance(one, ast.Name) and one.id == "Alarm" for one in calls)
        if made and (own or name == "checkpoints/alarms.py"):
            found.add(name)
    assert found == MAKERS


def test_an_alarm_is_as_grave_as_its_kind_and_says_what_its_row_says() -> None:
    for row in KINDS.values():
        alarm = new_alarm(row.kind, "btc-5m", {"seen": "7"}, wire_ms=5, market_ms=6, release="ab")
        assert (alarm.kind, alarm.severity, alarm.action) == (row.kind, row.severity, row.advice)
        assert (alarm.subject, alarm.evidence, alarm.release) == ("btc-5m", {"seen": "7"}, "ab")
        assert (alarm.raised_wire_ms, alarm.market_ms) == (5, 6)
    assert new_alarm("clock_set", "ahead", {}, wire_ms=5, action="by 3 s").action == "by 3 s"
    assert (KINDS["disk_low"].severity, KINDS["disk_low"].worst) == ("warning", "critical")


def test_a_kind_without_a_row_keeps_a_process_from_starting() -> None:
    registry = ROOT / "actors" / "detectors" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    cut = text.replace('    "Disk": STORAGE,\n', "")
    assert cut != text
    with pytest.raises(AssertionError, match="each kind of alarm has one row"):
        exec(compile(cut, str(registry), "exec"), {"__name__": "registry"})


def test_a_row_says_what_happened_and_what_to_do_in_sentences() -> None:
    for row in KINDS.values():
        for text in (row.means, row.remedy):
            assert text[0].isupper() or text[0] == "`", (row.kind, text)
            assert text[-1] in ".?", (row.kind, text)
        assert len(row.advice) < 260, row.kind
        assert "`make" not in row.advice, row.kind
        assert "python -m" not in row.advice, row.kind


def test_a_row_says_wholly_how_it_is_found_or_what_ends_it() -> None:
    for row in KINDS.values():
        assert bool(row.within) == bool(row.false_alarms), row.kind
        assert bool(row.watches) == bool(row.within or row.ends), row.kind


def test_each_kind_has_its_place_in_the_page_of_messages() -> None:
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    for row in KINDS.values():
        assert page.count(f'<a id="{row.kind}"></a>') == 1


def test_policy_and_sections_hold_every_kind_once() -> None:
    assert {kind: row.reaction for kind, row in KINDS.items()} == POLICY
    assert len(KINDS) == sum(len(section) for section in SECTIONS.values())


def test_a_kind_of_a_newer_release_is_told_as_critical() -> None:
    assert severity_of("kind_of_tomorrow") is Severity.CRITICAL
    assert reaction_of("kind_of_tomorrow") == "notify"
    assert advice_of("kind_of_tomorrow")
