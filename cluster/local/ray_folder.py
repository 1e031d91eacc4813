"""Ray's temporary folder: a short, private path whatever the home folder is, and what it keeps.

Ray's sockets lie in it, and the kernel takes 107 bytes of a socket's path. So the folder is
`/tmp/midstride-UID/DIGEST`, never under a home folder whose name may be long. Ray leaves a folder a
session there, with its logs and the packages that it unpacked; the last few are kept.
"""

import hashlib
import os
import re
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError

SOCKET_PATH_LIMIT: Final = 107
"""Bytes of a Unix socket's path (sun_path of 108 with its end)."""
RAY_SOCKET_TAIL: Final = "/session_2026-01-01_00-00-00_000000_4194304/sockets/dash_MetricsHead"
"""The longest that Ray 2.60 appends to its temporary folder; the pid is at its longest."""
PLACES: Final = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 made private below
DIGEST_DIGITS: Final = 8
"""Of the state folder's path: 32 bits tell a user's few fleets apart."""
PRIVATE: Final = 0o700
SESSION: Final = re.compile(r"session_\d")
SESSIONS_KEPT: Final = 3
"""Before a start. Their logs say why the last runs ended; ten starts would fill a gigabyte."""
BULK: Final = ("runtime_resources", "sockets")
"""Of a session that has ended: unpacked packages and dead sockets. Its logs stay."""


def ray_folder(root: Path) -> Path:
    """Return Ray's folder for a state folder: the first place that is, or can be made, private."""
    return _private_folder() / _digest(root)


def plain_path(environment: Path) -> Path:
    """Return a path without blanks or special letters to a Python environment: a link if need be.

    Ray starts its workers by a shell line in which the interpreter's path stands unquoted. Where no
    link can be made the path comes back as it is.
    """
    if shlex.quote(str(environment)) == str(environment):
        return environment
    folder = _private_folder()
    link = folder / f"env-{_digest(environment)}"
    try:
        if _problem(folder) is None:
            folder.mkdir(mode=PRIVATE, exist_ok=True)
            if not link.is_symlink() or link.readlink() != environment:
                made = folder / f"{link.name}.{os.getpid()}"
                made.symlink_to(environment)
                made.replace(link)
            return link
    except OSError:
        pass
    return environment


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:DIGEST_DIGITS]


def _private_folder() -> Path:
    for place in PLACES:
        mine = place / f"midstride-{os.getuid()}"
        if _problem(mine) is None:
            return mine
    return PLACES[0] / f"midstride-{os.getuid()}"


def check_ray_folder(root: Path) -> None:
    """Raise `ClusterError` saying why it cannot be made; only a head that starts makes it."""
    folder = ray_folder(root)
    problem = _problem(folder.parent)
    if problem is not None:
        raise ClusterError(f"Ray's folder {folder.parent} cannot be used: {problem}")


def make_ray_folder(root: Path) -> None:
    """Make it, readable by this user only; raise `ClusterError` saying why that cannot be."""
    check_ray_folder(root)
    folder = ray_folder(root)
    try:
        for entry in (folder.parent, folder):
            entry.mkdir(mode=PRIVATE, exist_ok=True)
            entry.chmod(PRIVATE)
    except OSError as error:
        raise ClusterError(f"Ray's folder {folder} cannot be made: {error.strerror}") from error


def _problem(mine: Path) -> str | None:
    """Say why a user's folder in a place open to all cannot be trusted or made, or None."""
    try:
        found = mine.lstat()
    except FileNotFoundError:
        if os.access(mine.parent, os.W_OK | os.X_OK):
            return None
        return f"{mine.parent} is not there or not writable"
    except OSError as error:
        return str(error.strerror)
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a folder; remove it"
    return None if found.st_uid == os.getuid() else "it belongs to another user"


def prune_sessions(root: Path) -> None:
    """Keep the logs of the last few sessions; no head of this state folder may live.

    What cannot be removed stays: it costs space and nothing else.
    """
    (ray_folder(root) / "session_latest").unlink(missing_ok=True)
    sessions = sorted(_sessions(ray_folder(root)), key=lambda folder: folder.name)
    for folder in sessions[:-SESSIONS_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in sessions[-SESSIONS_KEPT:]:
        for name in BULK:
            shutil.rmtree(folder / name, ignore_errors=True)


def _sessions(folder: Path) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if SESSION.match(entry.name) and entry.is_dir() and not entry.is_symlink():
            yield entry
