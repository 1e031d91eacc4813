"""Small files of the state folder: whole or absent after a power cut, one writer at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError

PRIVATE: Final = 0o600


def write_durably(file: Path, data: bytes) -> None:
    """Replace a file by a synced one, readable by this user only; raise `ClusterError`."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
        _sync_folder(file.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ClusterError(
            f"{file} cannot be written ({error.strerror}): free space, or make it writable"
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a kernel lock for the moment of one small write; it ends with the process."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE)
    except OSError as error:
        raise ClusterError(
            f"{file} cannot be written ({error.strerror}): free space, or make it writable"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
