from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from checkpoints.process_id import ProcessId
from cluster.errors import ClusterError
from cluster.local.state_folder import (
    HeadPorts,
    RunRecord,
    StateFolder,
    state_folder,
)


def test_the_default_is_under_the_users_state_folder() -> None:
    assert state_folder(None, {"XDG_STATE_HOME": "/x"}).root == Path("/x/midstride")
    assert state_folder(None, {}).root == Path.home() / ".local/state/midstride"
    assert state_folder("/y/z", {"XDG_STATE_HOME": "/x"}).root == Path("/y/z")


def test_a_run_record_comes_back_as_written(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    assert state.read_run() == RunRecord()
    state.update_run(head=ProcessId(pid=7, start=9))
    state.update_run(ports=HeadPorts.starting_at(30_000))
    written = RunRecord(head=ProcessId(pid=7, start=9), ports=HeadPorts.starting_at(30_000))
    assert state.read_run() == written


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"head": 7}'])
def test_a_run_record_that_a_power_cut_damaged_names_nobody(tmp_path: Path, content: bytes) -> None:
    state = StateFolder(tmp_path)
    state.run_file.write_bytes(content)
    assert state.read_run() == RunRecord()
    assert state.update_run(launched=True).launched


def test_a_record_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.run_file.write_bytes(b'{"head":{"pid":7,"start":9},"ports":{"gcs":1},"sandbox":null}')
    assert state.read_run().head == ProcessId(pid=7, start=9)


def test_many_writers_lose_no_field(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    with ThreadPoolExecutor() as pool:
        for name in ("head", "sandbox", "runner", "watcher"):
            pool.submit(state.update_run, **{name: ProcessId(pid=1, start=2)})
    record = state.read_run()
    assert None not in (record.head, record.sandbox, record.runner, record.watcher)


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
