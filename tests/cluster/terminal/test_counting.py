"""One of a thing is not `1 things`."""

import re
from pathlib import Path

import pytest

from cluster.terminal.counting import counted
from tests.rolling_update.trees import ROOT

NOUNS = "slot|order|alarm|row|file|decision|release|asset"
BARE = re.compile(rf"\{{(?:len|sum)\([^{{}}]*\)\}} (?:{NOUNS})s\b")
VERB = re.compile(r"s (?:are|were|change|cannot|that|still|under|in one|in a)\b")


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 slots"), (1, "1 slot"), (2, "2 slots"), (-1, "-1 slots")]
)
def test_a_count_and_its_noun_agree(count: int, said: str) -> None:
    assert counted(count, "slot") == said


def test_a_plural_of_its_own() -> None:
    assert counted(1, "process", "processes") == "1 process"
    assert counted(3, "process", "processes") == "3 processes"


def commands() -> list[Path]:
    return [file for file in (ROOT / "cluster").rglob("*.py") if "sandbox" not in file.parts]


def test_no_command_counts_with_a_bare_plural() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in commands()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (match := BARE.search(line)) and not VERB.match(line, match.end() - 1)
    ]
    assert found == [], "use cluster.terminal.counting.counted"
