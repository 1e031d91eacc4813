"""Which files are a release: every one of the four packages, and how they are read.

What is left out is in no archive either, and all starts run from the archive.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checkpoints.errors import StorageError

PACKAGES: Final = ("signals", "checkpoints", "actors", "cluster")
LOCK_FILE: Final = "requirements.lock"
NOT_COUNTED: Final = "cluster/configs/"
LEFT_OUT: Final = ("__pycache__",)
"""Folders of that name, and whatever begins with a dot, or is an editor's backup (`left_out`)."""
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of one file: what an archive of any release may hold and be unpacked again."""
RELEASE_BYTES_MAX: Final = 128 * 1024 * 1024
"""Of all files: an archive is made and verified in memory."""


def release_paths(root: Path) -> list[str]:
    """Return the counted files that lie under `root`, sorted.

    Raises `StorageError` for what a release cannot hold: a link to a folder or to nothing, a
    socket, a name that is not text.
    """
    found = [path for package in PACKAGES for path in _counted_under(root, package)]
    if (root / LOCK_FILE).is_file():
        found.append(LOCK_FILE)
    return sorted(found)


def _counted_under(root: Path, folder: str) -> Iterator[str]:
    if not (root / folder).is_dir():
        return
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError as error:
        raise StorageError(f"{root / folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        path = f"{folder}/{entry.name}"
        if left_out(entry.name) or f"{path}/" == NOT_COUNTED:
            continue
        _check_kind(root, path, entry)
        if entry.is_dir():
            yield from _counted_under(root, path)
        else:
            yield path


def _check_kind(root: Path, path: str, entry: "os.DirEntry[str]") -> None:
    shown = ascii(str(root / path))
    if not path.isprintable():
        raise StorageError(f"{shown}: a release's file names are printable UTF-8; rename it")
    if entry.is_symlink() and entry.is_dir():
        raise StorageError(f"{shown} is a link to a folder: a release holds files; copy it there")
    if not (entry.is_dir() or entry.is_file()):
        raise StorageError(f"{shown} is no file that can be read: remove it or put one there")


def left_out(name: str) -> bool:
    """Say whether a file or folder of this name is no part of a release: it is not archived."""
    backup = name.endswith("~") or (name.startswith("#") and name.endswith("#"))
    return name in LEFT_OUT or name.startswith(".") or backup


def is_counted(path: str) -> bool:
    """Say whether a path, from the root, is part of the release."""
    if path == LOCK_FILE:
        return True
    package, _, inside = path.partition("/")
    counted = package in PACKAGES and inside != "" and not path.startswith(NOT_COUNTED)
    return counted and not any(left_out(part) for part in inside.split("/"))


def read_file(file: Path) -> bytes:
    """Read a file of a release; raise `StorageError` with what to do where that cannot be."""
    try:
        size = file.stat().st_size
        if size > FILE_BYTES_MAX:
            raise StorageError(
                f"{file} has {size / 2**20:.1f} MiB, a release's file at most "
                f"{FILE_BYTES_MAX >> 20}: make it smaller, split it, or move it out of the release"
            )
        return file.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{file} cannot be read: {error.strerror}: make it readable or remove it"
        ) from error
