"""The one small port behind which all durable data lives, and the local folder that implements it.

A name is a relative path with ``/``, e.g. ``checkpoints/btc-5m/000000000120.arrow``. A write that
returned is on the disk: temporary file, fsync, rename, fsync of the folder, read back. A process
that dies at any point of a write leaves the old file or the new one, never a mixture.
"""

import errno
import itertools
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from checkpoints.errors import MissingFileError, StorageError
from checkpoints.small_file import read_file

NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:+-]*(/[A-Za-z0-9_][A-Za-z0-9_.:+-]*)*")
"""No empty part, none that starts with a dot: neither ``..`` nor a temporary file."""
TEMPORARY: Final = re.compile(r"\.(?P<pid>\d+)-\d+\.tmp")
_counter = itertools.count()


class Storage(Protocol):
    """What the rest of this package needs; the simulation implements it in memory."""

    def write(self, name: str, data: bytes) -> None:
        """Replace the file durably."""

    def create(self, name: str, data: bytes) -> bool:
        """Create the file durably; False if the name is taken (and durably so)."""

    def read(self, name: str) -> bytes:
        """Return the file; raise `MissingFileError`."""

    def names(self, prefix: str) -> list[str]:
        """Return all names that start with `prefix`, sorted."""

    def folders(self, name: str) -> list[str]:
        """Return the names of the folders directly under folder `name`, sorted; one listing."""

    def delete(self, name: str) -> None:
        """Remove the file durably; removing what is not there is no error."""

    def delete_all(self, names: Iterable[str]) -> None:
        """Remove files durably, each folder made durable once."""

    def folder_stamp(self, name: str) -> int | None:
        """Return what changes when a name is made or removed in a folder; None: it is not known."""

    def free_bytes(self) -> int:
        """Return the bytes that an unprivileged writer may still use."""


class LocalStorage:
    """A folder on a local disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        try:
            temporary = _write_temporary(path, data, self.root)
            temporary.replace(path)
            _sync_folder(path.parent)
            self._read_back(path, data)
        except OSError as error:
            raise _storage_error(self.root, name, error) from error

    def create(self, name: str, data: bytes) -> bool:
        path = self._path(name)
        try:
            if path.exists():
                _sync_folder(path.parent)
                return False
            temporary = _write_temporary(path, data, self.root)
            created = _link(temporary, path)
            temporary.unlink()
            _sync_folder(path.parent)
            if created:
                self._read_back(path, data)
        except OSError as error:
            raise _storage_error(self.root, name, error) from error
        return created

    def read(self, name: str) -> bytes:
        try:
            return read_file(self._path(name))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise MissingFileError(f"{name} is not in the storage {self.root}") from None
        except OSError as error:
            raise _storage_error(self.root, name, error) from error

    def names(self, prefix: str) -> list[str]:
        root = str(self.root)
        found: list[str] = []
        for parent, _, files in os.walk(self.root / prefix.rpartition("/")[0]):
            inside = parent[len(root) :].strip("/")
            start = f"{inside}/" if inside else ""
            found += [start + file for file in files if not file.startswith(".")]
        return sorted(name for name in found if name.startswith(prefix))

    def folders(self, name: str) -> list[str]:
        try:
            with os.scandir(self.root / name) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def delete(self, name: str) -> None:
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _sync_folder(path.parent)
        except OSError as error:
            raise _storage_error(self.root, name, error) from error

    def delete_all(self, names: Iterable[str]) -> None:
        folders: set[Path] = set()
        for name in names:
            path = self._path(name)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise _storage_error(self.root, name, error) from error
            folders.add(path.parent)
        for folder in sorted(folders):
            try:
                if folder.is_dir():
                    _sync_folder(folder)
            except OSError as error:
                raise _storage_error(self.root, folder.name, error) from error

    def folder_stamp(self, name: str) -> int | None:
        try:
            return (self.root / name).stat().st_mtime_ns
        except OSError:
            return None

    def free_bytes(self) -> int:
        try:
            usage = os.statvfs(self.root)
        except OSError as error:
            raise _storage_error(self.root, "", error) from error
        return usage.f_bavail * usage.f_frsize

    def check_writable(self) -> None:
        """Prove that the folder takes a durable write; raise `StorageError` with what to do."""
        name = f"probe-{os.getpid()}-{next(_counter)}"
        self.write(name, b"writable?")
        self.delete(name)

    def sweep(self) -> int:
        """Remove temporary files of processes that no longer run; return how many."""
        swept = 0
        for path in self.root.rglob(".*.tmp"):
            match = TEMPORARY.fullmatch(path.name)
            if match and not Path(f"/proc/{match['pid']}").exists():
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise StorageError(f"{name!r} is not a name in the storage {self.root}")
        return self.root / name

    def _read_back(self, path: Path, data: bytes) -> None:
        if path.read_bytes() != data:
            raise StorageError(
                f"{path} does not read back as written: the disk or another program altered it; "
                f"check the disk of {self.root}"
            )


def _write_temporary(path: Path, data: bytes, root: Path) -> Path:
    _make_folder(path.parent, root)
    temporary = path.parent / f".{os.getpid()}-{next(_counter)}.tmp"
    try:
        with temporary.open("xb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[os.write(file.fileno(), view) :]
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _make_folder(folder: Path, root: Path) -> None:
    """Create the missing folders, each made durable in its parent."""
    if folder.is_dir():
        return
    if folder not in (root, folder.parent):
        _make_folder(folder.parent, root)
    folder.mkdir(parents=True, exist_ok=True)
    _sync_folder(folder.parent)


def _link(temporary: Path, path: Path) -> bool:
    """Give the finished file its name unless the name is taken: exclusive, unlike a rename."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(root: Path, name: str, error: OSError) -> StorageError:
    where = f"the storage folder {root}" + (f" (file {name})" if name else "")
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            advice = "it is full: free space, or set `storage` to a folder on a larger disk"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            advice = "it is not writable for this user: change its owner, or set `storage`"
        case errno.ENOTDIR | errno.EEXIST:
            advice = "a file stands where a folder is needed: move it away, or set `storage`"
        case _:
            advice = "check the disk, or set `storage` to another folder"
    return StorageError(f"cannot use {where}: {error.strerror or error}; {advice}")
