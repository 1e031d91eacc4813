"""A trade's decision made again from the console, under the release that made it."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.local.state_folder import StateFolder
from cluster.web.pages import Pressed
from cluster.web.record_buttons import RERUN, press_rerun
from signals.market import Outcome
from tests.cluster.audit.builders import Story, archive_tree
from tests.cluster.web.console_client import state_in


def pressed(state: StateFolder, intent: str) -> Pressed:
    return Pressed(state=state, form={"intent": intent}, reason="a look", who="ann")


def test_a_decision_made_again_under_its_release_is_identical(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    storage = LocalStorage(state.storage)
    story = Story(storage, archive_tree(storage))
    intent = story.trade(Outcome.UP).intents[0].intent_id
    assert press_rerun(pressed(state, intent)).startswith("identical")


def test_one_decision_at_a_time_is_made_again(tmp_path: Path) -> None:
    with RERUN, pytest.raises(FleetError, match="another decision is being made again"):
        press_rerun(pressed(state_in(tmp_path), "btc-5m/1767225600000/1767225620000/0"))
