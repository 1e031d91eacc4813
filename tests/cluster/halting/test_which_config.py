"""Which account a halt empties, where the state folder is whole, damaged or gone."""

from pathlib import Path

import pytest

from actors.config import FleetConfig, Mode
from actors.gateway.lock import LOCK_FILE
from actors.runtime import CONFIG_FILE
from actors.venue.kinds import VenueKind, kind_of
from actors.venue.storage_mark import MARK
from checkpoints.storage import LocalStorage
from cluster.config.load import DEFAULT_FILE
from cluster.halting.halt import Unreadable
from cluster.halting.which_config import config_to_stop
from cluster.local.state_folder import StateFolder

LIVE = DEFAULT_FILE.parent / "live.toml"


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    state.storage.mkdir(parents=True)
    return state


def live_file(path: Path) -> Path:
    """The shipped file with a key and a wallet, and a table that nothing can read."""
    wallet = "0x" + "1" * 40
    lines = f'\n[venue]\nwallet = "{wallet}"\nprivate_key_file = "{path.parent}/key"\n'
    text = LIVE.read_text(encoding="utf-8").replace("\n[venue]\n", lines, 1)
    path.write_text(text.replace("\n[timing]\n", "\n[nonsense]\n"), encoding="utf-8")
    return path


def test_a_folder_without_a_fleet_has_nothing_to_empty(folder: StateFolder) -> None:
    assert config_to_stop(folder, None) is None


def test_a_configuration_that_is_gone_from_under_a_fleet_is_no_missing_fleet(
    folder: StateFolder,
) -> None:
    LocalStorage(folder.storage).write(LOCK_FILE, b"")
    found = config_to_stop(folder, None)
    assert isinstance(found, Unreadable)
    assert "is gone" in found.problem


def test_a_named_file_serves_also_where_its_other_tables_are_wrong(
    folder: StateFolder, tmp_path: Path
) -> None:
    found = config_to_stop(folder, live_file(tmp_path / "live.toml"))
    assert isinstance(found, FleetConfig), found
    assert (found.mode, kind_of(found)) == (Mode.LIVE, VenueKind.LIVE)


def test_the_file_of_the_launch_serves_where_the_stored_one_is_damaged(
    folder: StateFolder,
) -> None:
    LocalStorage(folder.storage).write(CONFIG_FILE, b"{")
    live_file(folder.config)
    assert isinstance(config_to_stop(folder, None), FleetConfig)


def test_a_rehearsal_whose_addresses_are_lost_is_not_taken_for_live(folder: StateFolder) -> None:
    """Its file names the real addresses: those of the exchange beside it went before them."""
    storage = LocalStorage(folder.storage)
    storage.write(CONFIG_FILE, b"{")
    storage.write(MARK, b"rehearsal\n")
    live_file(folder.config)
    found = config_to_stop(folder, None)
    assert isinstance(found, Unreadable)
    assert "rehearsal" in found.problem
