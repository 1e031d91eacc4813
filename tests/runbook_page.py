"""The alarms' part of docs/runbook.md, made from the registry: `python -m tests.runbook_page`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from actors.detectors.alarm_kind import AlarmKind, Reaction
from actors.detectors.avoid import AVOID
from actors.detectors.registry import SECTIONS

PAGE: Final = Path(__file__).parents[1] / "docs" / "runbook.md"
MARK: Final = re.compile(r"(<!-- alarms[^>]*-->\n\n).*(\n<!-- end -->)", re.DOTALL)
BY_ITSELF: Final = {
    Reaction.OFF: "",
    Reaction.NOTIFY: "",
    Reaction.REDUCE: " By itself the fleet takes only orders that lower exposure, until "
    "`midstride trading resume`.",
    Reaction.HALT: " By itself the fleet halts, until `midstride trading resume`.",
    Reaction.ROLL_BACK: " By itself the fleet goes back to the release before.",
}


def page(text: str) -> str:
    """Return the page with a section for each kind of alarm made anew."""
    made, count = MARK.subn(lambda found: found[1] + "\n".join(_sections()) + found[2], text)
    assert count == 1, "the place of the alarms"
    return made


def _sections() -> Iterator[str]:
    for name, rows in SECTIONS.items():
        yield f"### {name}\n"
        for row in rows:
            yield from _section(row)


def _section(row: AlarmKind) -> Iterator[str]:
    yield f'<a id="{row.kind}"></a>\n**{row.kind}** ({row.severity})\n'
    yield f"* What it means: {row.means}{BY_ITSELF[row.reaction]}"
    yield f"* First: {row.remedy}"
    yield f"* Not: {AVOID.get(row.kind, '')}"
    if row.ends:
        yield f"* Over: {row.ends}."
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
