"""A strategy opens only files of its release: any other would be behaviour that no id names.

While `only_own_files` holds, this thread's `open` (and loading of a native library by path) is
refused for what lies neither in the release nor with Python and the system. Code that is loaded by
C itself is not seen; a release that wants to deceive can.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from checkpoints.release_files import is_counted

ROOT: Final = os.path.realpath(Path(__file__).resolve().parent.parent)
EVENTS: Final = frozenset({"open", "ctypes.dlopen"})
SYSTEM: Final = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev")
"""What libraries look at: time zones, certificates, the processor."""
BYTECODE: Final = "__pycache__"
_here = threading.local()


class NotOfTheReleaseError(PermissionError):
    """The strategy's author must put the file beside the strategy, or do without it."""


@contextmanager
def only_own_files() -> Iterator[None]:
    """Refuse other files to this thread while the block runs."""
    _install()
    before = getattr(_here, "bound", False)
    _here.bound = True
    try:
        yield
    finally:
        _here.bound = before


@cache
def _install() -> None:
    """Python keeps an audit hook for the life of the process; outside the block it does nothing."""
    sys.addaudithook(_check)


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in EVENTS or not getattr(_here, "bound", False):
        return
    named = arguments[0]
    if not isinstance(named, str | bytes) or not named:
        return  # a descriptor that is open already, or a library found by its bare name
    path = os.path.realpath(os.fsdecode(named))
    if event == "ctypes.dlopen" and os.sep not in os.fsdecode(named):
        return
    if event == "open" and _writes(arguments[2]) and _is_release_file(path):
        raise NotOfTheReleaseError(f"a strategy writes no file of its release: {path}")
    if not may_open(path):
        raise NotOfTheReleaseError(
            f"a strategy opens only files of its release; {path} is none: put it beside the "
            "strategy in signals/"
        )


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _is_release_file(path: str) -> bool:
    """Say whether a path is a file of the release; bytecode is Python's own to write."""
    return is_counted(os.path.relpath(path, ROOT))


def may_open(path: str) -> bool:
    """Say whether a real path is of the release, of Python, or of the system."""
    inside = os.path.relpath(path, ROOT)
    if not inside.startswith(".."):
        counted = "/".join(part for part in Path(inside).parts if part != BYTECODE)
        return is_counted(counted) or _is_below(path, _python())
    return _is_below(path, _python()) or _is_below(path, SYSTEM)


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


@cache
def _python() -> tuple[str, ...]:
    """Return where Python and its packages lie: prefixes, and folders of packages on its path."""
    packages = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    places = {sys.prefix, sys.base_prefix, str(Path(os.__file__).parent), *packages}
    return tuple(sorted(os.path.realpath(place) for place in places))
