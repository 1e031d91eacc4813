"""A misspelt field of an event, a row or a record, or kind of alarm, fails mypy strict."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "tidy" / "misspelt.py"
UNCHECKED = re.compile(r"\*\*\w+: (Any|object)\b|\btype\[Any\]")
"""Keyword arguments, or a kind of event, that mypy cannot check."""
CHECKED = ("signals", "checkpoints", "actors", "cluster/sandbox")
"""Elsewhere in cluster click and rich are given what they declare."""


def test_mypy_refuses_each_misspelt_field_and_no_other_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(CASES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    refused = {int(line) for line in re.findall(r"misspelt\.py:(\d+): error", done.stdout)}
    lines = enumerate(CASES.read_text().splitlines(), start=1)
    wrong = {number for number, line in lines if line.endswith("# wrong")}
    assert len(wrong) == 25
    assert refused == wrong, done.stdout + done.stderr


def test_no_field_of_a_value_goes_through_unchecked_keywords() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for package in CHECKED
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text().splitlines()
        if UNCHECKED.search(line)
    ]
    assert found == []


def test_replace_has_no_other_name() -> None:
    """Fields of `msgspec.structs.replace` are checked where it is called by its own name."""
    alias = re.compile(r"= *(msgspec\.structs|structs)\.replace\b(?!\()")
    found = [
        str(path.relative_to(ROOT))
        for package in ("signals", "checkpoints", "actors", "cluster")
        for path in (ROOT / package).rglob("*.py")
        if alias.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
