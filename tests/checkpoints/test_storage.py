"""The local folder: durable, exclusive, and a crash leaves the old file or the new one."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints import storage as storage_module
from checkpoints.errors import MissingFileError, StorageError
from checkpoints.storage import NAME, LocalStorage
from tests.checkpoints.crashes import CrashError, CrashingOs


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read_and_replaced(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a/b/c.arrow", b"one")
    storage.write("a/b/c.arrow", b"two")
    assert storage.read("a/b/c.arrow") == b"two"
    assert storage.names("") == ["a/b/c.arrow"]


def test_the_first_create_wins(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert storage.create("day/x", b"first")
    assert not storage.create("day/x", b"second")
    assert storage.read("day/x") == b"first"
    assert _files(tmp_path / "day") == ["x"]


def test_a_create_between_look_and_link_loses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    storage.create("x", b"first")
    monkeypatch.setattr(Path, "exists", lambda _path: False)
    assert not storage.create("x", b"second")
    assert storage.read("x") == b"first"


def test_names_are_sorted_and_begin_with_the_prefix(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for name in ("j/2/b", "j/1/z", "j/1/a", "j/10/a", "k"):
        storage.write(name, b"")
    assert storage.names("j/1") == ["j/1/a", "j/1/z", "j/10/a"]
    assert storage.names("j/1/") == ["j/1/a", "j/1/z"]
    assert storage.names("nothing/here") == []
    assert storage.folders("j") == ["1", "10", "2"]
    assert storage.folders("nothing") == []


def test_deleted_is_missing_and_deleting_twice_is_no_error(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("x", b"1")
    storage.delete("x")
    storage.delete("x")
    with pytest.raises(MissingFileError, match="x is not in the storage"):
        storage.read("x")


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../b", "a//b", ".hidden", "a/.b", "a\0b"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="is not a name"):
        LocalStorage(tmp_path / "root").write(name, b"")


@given(st.from_regex(NAME, fullmatch=True))
@settings(max_examples=30)
def test_every_allowed_name_stays_inside(name: str) -> None:
    assert ".." not in name.split("/")


@pytest.mark.parametrize("method", ["write", "create"])
def test_a_crash_at_each_point_of_a_write_leaves_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    old: bytes | None = b"old" * 3_000 if method == "write" else None
    new = b"new!" * 5_000
    states: list[bytes | None] = []
    for crash_at in range(100):
        storage = LocalStorage(tmp_path / str(crash_at))
        if old is not None:
            storage.write("folder/x", old)
        with monkeypatch.context() as patch:
            patch.setattr(storage_module, "os", CrashingOs(crash_at))
            try:
                getattr(storage, method)("folder/x", new)
            except CrashError:
                crashed = True
            else:
                crashed = False
        states.append(storage.read("folder/x") if storage.names("folder/x") else None)
        assert storage.names("") in (["folder/x"], [])
        if not crashed:
            break
    assert set(states) == {old, new}
    assert states == sorted(states, key=lambda state: state == new), "never back to old"
    assert len(states) > 4


def test_the_file_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("folder/seed", b"")
    recorder = CrashingOs(crash_at=-1)
    monkeypatch.setattr(storage_module, "os", recorder)
    storage.create("folder/x", b"data")
    assert recorder.calls == ["write", "fsync", "link", "open", "fsync"]
    recorder.calls.clear()
    storage.write("folder/x", b"other")
    assert recorder.calls == ["write", "fsync", "open", "fsync"]


def test_only_temporary_files_of_ended_processes_are_swept(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    (tmp_path / ".4194305-7.tmp").write_bytes(b"half")  # above the kernel's largest pid
    (tmp_path / f".{os.getpid()}-7.tmp").write_bytes(b"mine")
    assert storage.sweep() == 1
    assert _files(tmp_path) == [f".{os.getpid()}-7.tmp"]


def test_a_folder_that_cannot_be_written_is_named_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=r"cannot use the storage folder .*/file .*`storage`"):
        LocalStorage(tmp_path / "file").check_writable()


def test_a_full_disk_is_said_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("x", b"old")

    class FullDisk(CrashingOs):
        def write(self, *_arguments: Any) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage_module, "os", FullDisk(crash_at=-1))
    with pytest.raises(StorageError, match="it is full"):
        storage.write("x", b"new")
    assert storage.read("x") == b"old"
    assert _files(tmp_path) == ["x"], "no half file stays behind"


def test_a_writable_folder_passes_and_stays_empty(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "not" / "there" / "yet")
    storage.check_writable()
    assert storage.names("") == []
    assert storage.free_bytes() > 0


def test_many_files_are_removed_with_one_fsync_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    names = [f"day/{slot}/{number}" for slot in ("a", "b") for number in range(20)]
    for name in names:
        storage.write(name, b"x")
    synced: list[Path] = []
    monkeypatch.setattr(storage_module, "_sync_folder", synced.append)
    storage.delete_all([*names, "day/a/nothing", "nowhere/1"])
    assert synced == [tmp_path / "day/a", tmp_path / "day/b"]
    assert storage.names("") == []


def test_a_folders_stamp_changes_with_its_names(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert storage.folder_stamp("day") is None
    storage.write("day/a", b"x")
    os.utime(tmp_path / "day", ns=(1, 1))
    assert storage.folder_stamp("day") == 1
    storage.create("day/b", b"x")
    assert storage.folder_stamp("day") != 1
