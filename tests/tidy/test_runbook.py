"""docs/runbook.md has a section for each kind of alarm, and says what not to do."""

import re

from actors.detectors.avoid import AVOID
from actors.detectors.registry import KINDS
from tests.runbook_page import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")
SITUATIONS = (
    "Halted, and you want to go on",
    "NOT PROVEN after a halt",
    "A process, or the machine, crashed",
    "The venue restarts",
    "The venue's protocol changed (`/version`)",
    "The network is lost",
    "A key must be changed",
    "Two machines, one wallet",
    "The disk is full",
)


WITHOUT_ONE_STEP = ("NOT PROVEN after a halt", "A key must be changed")


def test_each_kind_of_alarm_has_its_section_and_the_registry_points_at_it() -> None:
    for row in KINDS.values():
        file, _, anchor = row.runbook.partition("#")
        assert file == PAGE.name
        assert TEXT.count(f'<a id="{anchor}"></a>\n**{row.kind}**') == 1, (
            f"{row.kind} has no section: run `python -m tests.runbook_page`"
        )


def test_each_kind_of_alarm_says_what_not_to_do() -> None:
    missing = sorted(set(KINDS) - set(AVOID))
    assert missing == [], "add a sentence for each to actors/detectors/avoid.py"
    for kind, text in AVOID.items():
        assert text[0].isupper(), kind
        assert text.endswith("."), kind
        assert len(text) < 160, kind


def test_the_sections_are_what_the_registry_says() -> None:
    assert page(TEXT) == TEXT, "run `python -m tests.runbook_page`"


def test_each_situation_says_what_to_do_first() -> None:
    parts = re.split(r"^### ", TEXT.partition("## Alarms")[0], flags=re.MULTILINE)[1:]
    named = {part.splitlines()[0]: part for part in parts}
    for situation in SITUATIONS:
        assert situation in named
    for title, part in named.items():
        if title in SITUATIONS and title not in {
            "NOT PROVEN after a halt",
            "A key must be changed",
        }:
            assert "First:" in part, title
            assert "Not:" in part, title


def test_the_runbook_names_only_commands_that_there_are() -> None:
    from cluster.__main__ import COMMANDS

    used = set(re.findall(r"`(?:\./)?midstride ([a-z-]+)", TEXT))
    assert used <= set(COMMANDS), used - set(COMMANDS)
