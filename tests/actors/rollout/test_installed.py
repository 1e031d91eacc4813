"""A changed lock is refused for what the running environment lacks, and for nothing else."""

from pathlib import Path

import pytest

from actors.rollout.installed import lacking, not_installed, version_here
from checkpoints.archive import archive_release
from checkpoints.storage import LocalStorage
from tests.cluster.gate.builders import write_release

ROOT = Path(__file__).resolve().parents[3]
HERE = {"one": "1.0", "two": "2.0", "big-one": "3.0+cpu"}


@pytest.mark.parametrize(
    ("lock", "lacks"),
    [
        ("", []),
        ("# another comment\none==1.0 \\\n    --hash=sha256:00\n    # via two\n", []),
        ("one==1.0\ntwo==2.0\n", []),
        ("one==1.0\n", []),
        ("one==1.1 \\\n    --hash=sha256:00\n", ["one 1.1 (where 1.0 is installed)"]),
        ("three==1\n", ["three 1 (which is not installed)"]),
        ("three==1 ; sys_platform == 'win32'\n", []),
        ("three==1 ; python_version >= '3' \\\n", ["three 1 (which is not installed)"]),
        ("big-one==3.0\n", []),
        ("one==1.0  # a remark\n", []),
        ("<<<<<<< HEAD\n", ["'<<<<<<< HEAD', which is no requirement"]),
    ],
)
def test_only_what_the_environment_lacks_is_named(lock: str, lacks: list[str]) -> None:
    assert list(lacking(lock, HERE.get)) == lacks


def test_this_environment_has_what_this_tree_names() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert list(lacking(lock, lambda _: None))
    assert list(lacking(lock, version_here)) == []


def test_the_lock_is_read_from_the_archive(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    good = archive_release(storage, write_release(tmp_path / "good", lock="# nothing\n"), "c")
    bad = archive_release(storage, write_release(tmp_path / "bad", lock="no-such==1\n"), "c")
    (tmp_path / "good" / "requirements.lock").unlink()
    without = archive_release(storage, tmp_path / "good", "c")
    assert not_installed(storage, good.release) == ()
    assert not_installed(storage, without.release) == ()
    assert not_installed(storage, bad.release) == ("no-such 1 (which is not installed)",)
    assert not_installed(storage, "f" * 64) == ("what cannot be read",)
