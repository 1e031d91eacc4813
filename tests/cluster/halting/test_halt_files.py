"""The HALT file where the disk is full, the folder is gone, or no fleet was launched."""

from pathlib import Path

import pytest

from actors.gateway.lock import (
    GENERATION_FILE,
    HALT_FILE,
    halt_reason,
)
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.halting import fence
from cluster.halting.halt import GatewayEnd, halt
from tests.cluster.halting.scripted import ScriptedGateway, ScriptedVenue, config, ports, proof_in

pytestmark = pytest.mark.usefixtures("short_waits")


class FullDisk(LocalStorage):
    """Reads; takes no write."""

    def write(self, name: str, data: bytes) -> None:
        del data
        raise StorageError(f"cannot use the storage (file {name}): it is full")


def test_on_a_full_disk_an_empty_file_halts(tmp_path: Path) -> None:
    venue = ScriptedVenue("a")
    done = halt(FullDisk(tmp_path), config(tmp_path), ports(venue), "drill")
    assert halt_reason(tmp_path) is not None
    assert proof_in(done).proven
    assert "it is full" in (done.file_problem or "")


def test_where_no_file_can_be_made_an_old_one_gets_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LocalStorage(tmp_path).write(GENERATION_FILE, b"7")
    monkeypatch.setattr(fence, "_empty", lambda _: False)
    done = halt(FullDisk(tmp_path), config(tmp_path), ports(ScriptedVenue()), "drill")
    assert halt_reason(tmp_path) is not None
    assert proof_in(done).proven


def test_where_no_halt_file_can_be_made_at_all_the_fleet_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "_empty", lambda _: False)
    ended: list[str] = []
    made = ports(ScriptedVenue("a"), end_fleet=lambda: ended.append("fleet"))
    done = halt(FullDisk(tmp_path), config(tmp_path), made, "drill")
    assert ended == ["fleet"]
    assert proof_in(done).proven


def test_a_state_folder_that_is_gone_is_not_made_and_its_processes_are_ended(
    tmp_path: Path,
) -> None:
    ended: list[str] = []
    made = ports(ScriptedVenue("a"), end_fleet=lambda: ended.append("fleet"))
    gone = tmp_path / "gone"
    done = halt(LocalStorage(gone), config(tmp_path), made, "drill")
    assert (ended, gone.exists()) == (["fleet"], False)
    assert done.gateway is GatewayEnd.FOLDER_GONE
    assert proof_in(done).proven


def test_a_halt_before_the_first_launch_holds_for_the_first_start(tmp_path: Path) -> None:
    gateway = ScriptedGateway()
    done = halt(LocalStorage(tmp_path), None, ports(ScriptedVenue(), gateway), "not yet")
    assert (done.gateway, done.cancelled_directly) == (GatewayEnd.NO_FLEET, None)
    assert gateway.reasons == []
    assert (tmp_path / HALT_FILE).exists()


def test_a_full_disk_before_the_first_launch_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "_empty", lambda _: False)
    with pytest.raises(FleetError, match=r"could not be written.*it is full"):
        halt(FullDisk(tmp_path), None, ports(ScriptedVenue()), "drill")
