"""Which account a halt empties, where the state folder is whole, damaged or gone."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.config import FleetConfig, Mode, Venue
from actors.gateway.lock import LOCK_FILE
from actors.runtime import CONFIG_FILE
from actors.venue.kinds import VenueKind, kind_of
from actors.venue.storage_mark import MARK
from checkpoints.storage import LocalStorage
from cluster.config.load import DEFAULT_FILE
from cluster.halting.halt import Unreadable
from cluster.halting.which_config import config_to_stop
from cluster.local.sandbox_process import read_ready, use_real_venue
from cluster.local.state_folder import StateFolder

LIVE = DEFAULT_FILE.parent / "live.toml"
URLS = [name for name in Venue.__struct_fields__ if name.endswith("_url")]


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
    storage = LocalStorage(folder.storage)
    storage.write(CONFIG_FILE, b"{")
    storage.write(MARK, b"live\n")
    live_file(folder.config)
    found = config_to_stop(folder, None)
    assert isinstance(found, FleetConfig), found
    assert kind_of(found) is VenueKind.LIVE


@pytest.mark.parametrize("stored", [b"{", None])
@pytest.mark.parametrize("mark", [b"\xff", None])
@pytest.mark.parametrize("ready", [b"{", None])
def test_a_live_file_is_not_enough_to_empty_a_real_account(
    folder: StateFolder, stored: bytes | None, mark: bytes | None, ready: bytes | None
) -> None:
    """A rehearsal is launched from the same file; what told it from live is damaged or gone."""
    storage = LocalStorage(folder.storage)
    for name, content in ((CONFIG_FILE, stored), (MARK, mark)):
        if content is not None:
            storage.write(name, content)
    if ready is not None:
        folder.sandbox_ready.write_bytes(ready)
    live_file(folder.config)
    found = config_to_stop(folder, None)
    assert isinstance(found, Unreadable)
    assert "nothing else in the folder says that it trades with real money" in found.problem
    assert isinstance(config_to_stop(folder, folder.config), FleetConfig), "a person may name it"


def test_what_a_live_start_recorded_is_enough(folder: StateFolder) -> None:
    use_real_venue(folder)
    LocalStorage(folder.storage).write(CONFIG_FILE, b"{")
    live_file(folder.config)
    found = config_to_stop(folder, None)
    assert isinstance(found, FleetConfig), found
    assert kind_of(found) is VenueKind.LIVE


def test_the_record_of_a_rehearsals_exchange_is_enough(folder: StateFolder) -> None:
    use_real_venue(folder)
    ready = read_ready(folder.sandbox_ready)
    urls = dict.fromkeys(URLS, "http://127.0.0.1:9")
    folder.sandbox_ready.write_bytes(msgspec.json.encode(replace(ready, urls=urls)))
    LocalStorage(folder.storage).write(CONFIG_FILE, b"{")
    live_file(folder.config)
    found = config_to_stop(folder, None)
    assert isinstance(found, FleetConfig), found
    assert kind_of(found) is VenueKind.REHEARSAL


def test_a_rehearsal_whose_addresses_are_lost_is_not_taken_for_live(folder: StateFolder) -> None:
    """Its file names the real addresses: those of the exchange beside it went before them."""
    storage = LocalStorage(folder.storage)
    storage.write(CONFIG_FILE, b"{")
    storage.write(MARK, b"rehearsal\n")
    live_file(folder.config)
    found = config_to_stop(folder, None)
    assert isinstance(found, Unreadable)
    assert "rehearsal" in found.problem
