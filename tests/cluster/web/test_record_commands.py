"""Abort and rollback from the console are the commands themselves: their words are understood."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.local.state_folder import StateFolder
from cluster.web.pages import Pressed
from cluster.web.record_buttons import press_abort, press_rollback
from tests.cluster.audit.builders import archive_tree
from tests.cluster.web.console_client import state_in


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """A folder whose fleet looks alive to the console; the command finds that none runs."""
    found = state_in(tmp_path)
    monkeypatch.setattr("cluster.web.record_buttons.running", lambda _state: None)
    return found


def test_abort_is_the_command_and_its_refusal_is_told(state: StateFolder) -> None:
    with pytest.raises(FleetError, match="no fleet runs"):
        press_abort(Pressed(state=state, form={}, reason="r", who="ann"))


def test_rollback_is_the_command_and_its_refusal_is_told(state: StateFolder) -> None:
    release = archive_tree(LocalStorage(state.storage))
    form = {"to": release[:12]}
    with pytest.raises(FleetError, match="no fleet runs"):
        press_rollback(Pressed(state=state, form=form, reason="r", who="ann"))


def test_a_command_runs_under_the_python_that_can_join_the_fleet(state: StateFolder) -> None:
    other = state.root / "python"
    other.write_text('#!/bin/sh\necho another python ran: "$@"\nexit 1\n')
    other.chmod(0o700)
    state.update_run(python=str(other))
    with pytest.raises(FleetError, match="another python ran: -m cluster rolling-update abort"):
        press_abort(Pressed(state=state, form={}, reason="r", who="ann"))


def test_a_second_press_leaves_the_words_of_the_first(state: StateFolder) -> None:
    for _ in range(2):
        with pytest.raises(FleetError, match="no fleet runs"):
            press_abort(Pressed(state=state, form={}, reason="r", who="ann"))
    assert "no fleet runs" in (state.root / "logs" / "console-abort.log.1").read_text()
