"""The tables of docs/detectors.md, made from the registry of alarms.

`python -m tests.detectors_page` writes them; the text around them is written by hand.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from actors.detectors.alarm_kind import AlarmKind, Reaction
from actors.detectors.registry import KINDS

PAGE: Final = Path(__file__).parents[1] / "docs" / "detectors.md"
REACTIONS: Final = {
    Reaction.OFF: "nothing",
    Reaction.NOTIFY: "-",
    Reaction.REDUCE: "reduce",
    Reaction.HALT: "halt",
    Reaction.ROLL_BACK: "roll back",
}


def reaction_of(row: AlarmKind) -> str:
    return REACTIONS[row.reaction]


def page(text: str) -> str:
    """Return the page with each of its tables made anew."""
    for name, lines in tables().items():
        marked = re.compile(rf"(<!-- {name}[^>]*-->\n\n).*?\n\n(<!-- end -->)", re.DOTALL)
        text, count = marked.subn(lambda m, new=tuple(lines): _filled(m, new), text)
        assert count == 1, f"the place of the table {name}"
    return text


def _filled(place: re.Match[str], lines: Iterable[str]) -> str:
    return place[1] + "\n".join(lines) + "\n\n" + place[2]


def tables() -> dict[str, Iterator[str]]:
    return {
        "detectors": _detectors(row for row in KINDS.values() if row.within),
        "venue": _venue(row for row in KINDS.values() if row.ends),
    }


def _detectors(rows: Iterable[AlarmKind]) -> Iterator[str]:
    yield "| alarm | | watches | found within | false alarms | by itself |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        cells = (_name(row), row.severity, row.watches, row.within, row.false_alarms)
        yield f"| {' | '.join(cells)} | {reaction_of(row)} |"


def _venue(rows: Iterable[AlarmKind]) -> Iterator[str]:
    yield "| alarm | | when | by itself | ends |"
    yield "|---|---|---|---|---|"
    for row in rows:
        yield f"| {_name(row)} | {row.severity} | {row.watches} | {reaction_of(row)} | {row.ends} |"


def _name(row: AlarmKind) -> str:
    return f"[`{row.kind}`]({row.runbook})"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
