"""docs/json.md is what the structs say, and every command with --json is on it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from cluster.__main__ import main, run
from cluster.terminal.console import SCHEMA
from tests.json_page import DOCUMENTS, PAGE, page

SAME = {
    "trading halt": "trading",
    "trading reduce": "trading",
    "trading resume": "trading",
    "rolling-update rollback": "rolling-update apply",
    "rolling-update resume": "rolling-update apply",
    "rolling-update approve": "gate approve",
}
"""Commands that write what another one writes."""
OWN = {
    "config check": "the configuration itself, as actors/config.py has it",
    "gate list": "a summary of three files",
    "rolling-update status": "the rollout's stored state",
}
"""Commands whose object is not one of the structs of the page, and why."""


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_the_page_is_what_the_structs_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.json_page"


def test_every_command_with_json_is_on_the_page() -> None:
    with_json = {
        name
        for name, command in commands(main)
        if any(option.name == "as_json" for option in command.params)
    }
    assert with_json == set(DOCUMENTS) - {"trading"} | set(SAME) | set(OWN)


def test_a_document_is_an_object_with_its_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (["alarms", "list"], ["doctor"], ["strategies", "list"], ["config", "show"]):
        run([*line, "--json", "--state", str(tmp_path)])
        document = json.loads(capsys.readouterr().out)
        assert document["schema"] == SCHEMA
