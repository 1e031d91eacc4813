"""Copies of the working tree, each a release of its own once a file of it is edited."""

import shutil
from pathlib import Path

from checkpoints.release import release_of
from checkpoints.release_files import PACKAGES

ROOT = Path(__file__).resolve().parent.parent.parent
BESIDE = ("requirements.lock", ".rayignore")


def copy_tree(to: Path) -> Path:
    """Copy what a release consists of; what is edited there never touches this tree."""
    ignore = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, to / package, ignore=ignore)
    for name in BESIDE:
        shutil.copy(ROOT / name, to / name)
    return to


def edit(tree: Path, file: str, old: str, new: str) -> None:
    """Replace one text that is there exactly once: a mutation that misses proves nothing."""
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def release_in(tree: Path) -> str:
    return release_of(tree, "").release
