"""Which configuration doctor examines: the named one, the fleet's own, or the shipped one."""

from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig, Mode
from actors.runtime import CONFIG_FILE
from checkpoints.storage import LocalStorage
from cluster.config.load import DEFAULT_FILE
from cluster.config.offline import read_offline
from cluster.local.doctor import examine
from cluster.local.findings import Finding, Verdict
from cluster.local.modes import PAPER_FILE
from cluster.local.state_folder import StateFolder


@pytest.fixture
def launched(tmp_path: Path) -> tuple[StateFolder, FleetConfig]:
    """Return the folder of a sandbox fleet of two slots whose exchange does not run."""
    state = StateFolder(tmp_path)
    shipped, _ = read_offline(DEFAULT_FILE)
    fleet = msgspec.structs.replace(
        shipped, storage=str(state.storage), slots=shipped.slots[:2], mode=Mode.SANDBOX
    )
    LocalStorage(state.storage).write(CONFIG_FILE, msgspec.json.encode(fleet))
    return state, fleet


def rows(state: StateFolder, named: Path | None) -> dict[str, Finding]:
    return {found.what: found for found in examine(state, named)}


def test_without_a_file_the_fleet_that_was_launched_is_examined(
    launched: tuple[StateFolder, FleetConfig],
) -> None:
    found = rows(launched[0], None)
    assert found["configuration"].detail.startswith(
        "as this fleet was launched: mode sandbox, 2 slots"
    )
    assert "services" not in found


def test_a_named_file_is_examined_and_whose_services_are_asked_is_said(
    launched: tuple[StateFolder, FleetConfig],
) -> None:
    found = rows(launched[0], PAPER_FILE)
    assert found["configuration"].detail == f"{PAPER_FILE}, 16 slots"
    assert found["services"].verdict is Verdict.NOTE
    assert "those of the sandbox fleet that was launched here" in found["services"].detail
    assert "--state" in found["services"].detail


def test_a_file_of_the_same_mode_needs_no_word(launched: tuple[StateFolder, FleetConfig]) -> None:
    assert "services" not in rows(launched[0], DEFAULT_FILE)


def test_before_the_first_launch_the_file_of_the_first_steps_is_examined(tmp_path: Path) -> None:
    found = rows(StateFolder(tmp_path), None)
    assert found["configuration"].detail == f"{DEFAULT_FILE}, 16 slots"
