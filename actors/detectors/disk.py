"""Which release lies under a folder now: the one shell among the detectors.

Hashing some 350 files costs a tenth of a second, looking at their change times a few milliseconds:
files are hashed again only when one came, went or changed.
"""

import os
from pathlib import Path
from typing import Final

from checkpoints.errors import StorageError
from checkpoints.release import release_of
from checkpoints.release_files import LOCK_FILE, PACKAGES, left_out

ROOTS_MAX: Final = 8
"""Packages that Ray may have unpacked side by side; the one looked at longest ago is let go."""

_Signs = tuple[tuple[str, int, int, int], ...]


class DiskReleases:
    """Remembers what it hashed. One instance per watcher, used by one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Signs, str]] = {}

    def release_at(self, root: str) -> str | None:
        """Return the release of the files under `root`, or None where there is none to read."""
        try:
            signs = _signs(Path(root))
            known = self._known.pop(root, None)
            if known is None or known[0] != signs:
                known = (signs, release_of(Path(root), commit="").release)
        except (OSError, StorageError):
            return None
        self._known[root] = known
        while len(self._known) > ROOTS_MAX:
            del self._known[next(iter(self._known))]
        return known[1]


def _signs(root: Path) -> _Signs:
    """Return name, inode, size and change time of each file that may be counted."""
    found = [_sign(root / LOCK_FILE)] if (root / LOCK_FILE).exists() else []
    folders = [str(root / package) for package in PACKAGES]
    while folders:
        folder = folders.pop()
        if not os.path.isdir(folder):  # noqa: PTH112 hundreds of these a second: paths cost
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                if left_out(entry.name):
                    continue
                if entry.is_dir():
                    folders.append(entry.path)
                else:
                    found.append(_sign(entry))
    return tuple(sorted(found))


def _sign(file: "os.DirEntry[str] | Path") -> tuple[str, int, int, int]:
    stat = file.stat()
    return os.fspath(file), stat.st_ino, stat.st_size, stat.st_ctime_ns
