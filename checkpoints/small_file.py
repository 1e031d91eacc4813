"""Small stored files: one read that waits for nobody, and one error for what was not written so."""

import os
import stat
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from checkpoints.errors import DamagedError

_T = TypeVar("_T")

UNREADABLE_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises: bad UTF-8 inside a string and deep nesting are not msgspec's own errors."""


def read_file(path: Path) -> bytes:
    """Return a file's bytes; raise `OSError`, also for a pipe or device, which could block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no plain file", str(path))
        return stream.read()


def from_json(data: bytes, kind: type[_T], name: str) -> _T:
    """Decode what a file holds; raise `DamagedError` naming it."""
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE_JSON as error:
        raise DamagedError(f"{name} is damaged ({error})") from error
