"""A rehearsal in a process of its own, as the driver runs it: from a release's tree."""

import asyncio
from pathlib import Path

import pytest

from cluster.rolling_update import rehearse
from cluster.rolling_update.rehearse import harmless, play, result_of
from tests.actors.rehearsal.stages import config, room
from tests.rolling_update.trees import copy_tree, edit

FILL = "def take_trade("


def test_a_gateway_that_raises_at_its_first_fill_is_refused(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "tree")
    text = (tree / "actors/gateway/trades.py").read_text(encoding="utf-8")
    head, _, rest = text.partition("    if order is None:")
    bad = '    raise RuntimeError("bad at a fill")\n'
    (tree / "actors/gateway/trades.py").write_text(f"{head}{bad}    if order is None:{rest}")
    result = asyncio.run(play(tree, "gateway", room(tmp_path)))
    assert "partial fill" in str(result.failure)
    assert "RuntimeError: bad at a fill" in str(result.failure)


def test_a_release_that_ends_the_process_or_does_not_import_is_refused(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "tree")
    edit(tree, "actors/supervisor/step.py", "def step(", "__import__('os')._exit(3)\n\n\ndef step(")
    assert "its process ended" in str(asyncio.run(play(tree, "supervisor", room(tmp_path))).failure)


def test_a_release_that_has_no_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearse, "PLAY_SECONDS", 0.5)
    tree = copy_tree(tmp_path / "tree")
    edit(tree, "actors/supervisor/step.py", "def step(", "while True:\n    pass\n\n\ndef step(")
    assert "no end" in str(asyncio.run(play(tree, "supervisor", room(tmp_path))).failure)


def test_a_release_from_before_there_were_rehearsals_passes_and_it_is_said() -> None:
    result = result_of("", "/usr/bin/python3: No module named actors.rehearsal\n")
    assert result.failure is None
    assert result.played == ("the release has no rehearsals",)


def test_a_rehearsal_is_given_no_way_to_the_venue_or_to_a_person(tmp_path: Path) -> None:
    found = harmless(config(tmp_path))
    urls = {getattr(found.venue, n) for n in found.venue.__struct_fields__ if n.endswith("_url")}
    assert urls == {rehearse.NOWHERE}
    assert (found.alarms.webhook_url, found.alarms.command) == (None, None)
