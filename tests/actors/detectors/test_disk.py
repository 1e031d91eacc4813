"""What lies under a process, seen again when a file changed and not hashed when none did."""

from pathlib import Path

import pytest

from actors.detectors import disk
from actors.detectors.disk import ROOTS_MAX, DiskReleases
from checkpoints.release import release_of
from tests.cluster.gate.builders import write_release


def test_an_edited_file_is_another_release_at_the_next_look(tmp_path: Path) -> None:
    root = write_release(tmp_path / "a")
    watch = DiskReleases()
    before = watch.release_at(str(root))
    assert before == release_of(root, commit="").release
    (root / "signals" / "factor.py").write_text("WEIGHT = 31\n")
    assert watch.release_at(str(root)) == release_of(root, commit="").release != before


def test_a_new_file_and_a_removed_one_are_seen(tmp_path: Path) -> None:
    root = write_release(tmp_path / "a")
    watch = DiskReleases()
    before = watch.release_at(str(root))
    (root / "signals" / "extra.py").write_text("")
    assert watch.release_at(str(root)) != before
    (root / "signals" / "extra.py").unlink()
    assert watch.release_at(str(root)) == before


def test_nothing_is_hashed_while_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_release(tmp_path / "a")
    watch = DiskReleases()
    before = watch.release_at(str(root))
    monkeypatch.setattr(disk, "release_of", None)
    assert watch.release_at(str(root)) == before


def test_a_folder_without_a_release_is_none(tmp_path: Path) -> None:
    assert DiskReleases().release_at(str(tmp_path / "nothing")) is None


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    watch = DiskReleases()
    for number in range(2 * ROOTS_MAX):
        watch.release_at(str(write_release(tmp_path / str(number), weight=str(number))))
    assert len(watch._known) == ROOTS_MAX
