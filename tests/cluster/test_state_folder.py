from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.processes import ProcessRecord
from cluster.state_folder import (
    RAY_SOCKET_TAIL,
    SOCKET_PATH_LIMIT,
    HeadPorts,
    RunRecord,
    StateFolder,
    state_folder,
)


def test_the_default_is_under_the_users_state_folder() -> None:
    assert state_folder(None, {"XDG_STATE_HOME": "/x"}).root == Path("/x/midstride")
    assert state_folder(None, {}).root == Path.home() / ".local/state/midstride"
    assert state_folder("/y/z", {"XDG_STATE_HOME": "/x"}).root == Path("/y/z")


def test_rays_sockets_fit_also_under_a_long_path(tmp_path: Path) -> None:
    for root in (Path("/s"), tmp_path / ("long" * 30)):
        ray = StateFolder(root).ray
        assert len(str(ray) + RAY_SOCKET_TAIL) <= SOCKET_PATH_LIMIT
    assert StateFolder(Path("/s")).ray == Path("/s/ray")
    assert StateFolder(Path("/s" * 60)).ray != StateFolder(Path("/t" * 60)).ray


def test_a_run_record_comes_back_as_written_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    assert state.read_run() == RunRecord()
    record = RunRecord(head=ProcessRecord(pid=7, start=9), ports=HeadPorts.starting_at(30_000))
    state.write_run(record)
    assert state.read_run() == record
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ClusterError, match=r"run\.json is damaged"):
        state.read_run()


def test_a_folder_that_cannot_be_written_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterError, match=r"cannot be written .* --state"):
        StateFolder(tmp_path / "file").prepare()


def test_forgetting_removes_storage_exchange_and_key_and_nothing_else(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "s")
    state.prepare()
    (state.storage / "x").write_text("")
    state.private_key.write_text("")
    state.token.write_text("kept")
    state.forget()
    assert not state.storage.exists()
    assert not state.private_key.exists()
    assert state.token.read_text() == "kept"
