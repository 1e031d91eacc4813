"""Where a release decides again: a fresh process of its own, its archive unpacked under its path.

Every guest proves itself before it is asked anything: the digest of what it loaded must be the
release that was asked for.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final, Protocol

import msgspec

from checkpoints.archive import unpack_archive
from checkpoints.storage import Storage
from cluster.replay import decider
from cluster.replay.decider import Answers, Batch, Ready, read_frame, write_frame
from cluster.replay.errors import GuestError

START_SECONDS_MAX: Final = 60.0
"""Importing a strategy and hashing a tree takes a second; the rest is for a busy machine."""
BATCH_SECONDS_MAX: Final = 60.0
"""A batch is a fraction of a second; a strategy that blocks is ended with its process."""
STDERR_BYTES_SHOWN: Final = 600


class Guest(Protocol):
    """One release, ready to decide. Not to be asked by two threads at once."""

    @property
    def ready(self) -> Ready: ...

    def ask(self, batch: Batch) -> Answers:
        """Return the answers; raise `GuestError`."""

    def confirm(self) -> Ready:
        """Attest again, after everything was loaded; raise `GuestError`."""

    def close(self) -> None: ...


class Rooms(Protocol):
    """Opens guests, of any archived release."""

    kind: str
    """Said to the operator: where the decisions are made."""

    def open(self, release: str) -> Guest:
        """Raise `GuestError`, `MissingFileError` or `DamagedArchiveError`."""

    def close(self) -> None: ...


def check_identity(release: str, ready: Ready) -> None:
    """Refuse a guest that is not, completely, the release that was asked for."""
    if ready.release != release:
        raise GuestError(f"release {release}: the process runs {ready.release} instead")
    if ready.problems:
        raise GuestError(f"release {release}: mixed-up code: {'; '.join(ready.problems[:3])}")


class ProcessRooms:
    """Plain child processes of this interpreter, isolated from this tree."""

    kind = "processes of this Python"

    def __init__(self, storage: Storage, folder: Path) -> None:
        """`folder`: where archives are unpacked; the caller removes it."""
        self._storage = storage
        self._folder = folder
        self._unpacking = threading.Lock()

    def open(self, release: str) -> Guest:
        root = self._folder / release
        with self._unpacking:
            if not root.exists():
                partial = self._folder / f".{release}"
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                unpack_archive(self._storage, release, partial)
                partial.rename(root)
        return ProcessGuest(release, root)

    def close(self) -> None:
        """Nothing is held: each guest ends with its `close`."""


class ProcessGuest:
    def __init__(self, release: str, root: Path) -> None:
        self._release = release
        self._log = (root.parent / f"{release[:12]}-{id(self)}.log").open("w+b")
        self._process = subprocess.Popen(  # noqa: S603 this Python, with our own file
            [sys.executable, "-I", str(Path(decider.__file__)), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=root,
            env={"PATH": os.environ.get("PATH", "")},
        )
        try:
            self.ready = msgspec.msgpack.decode(self._read(START_SECONDS_MAX), type=Ready)
            check_identity(release, self.ready)
        except BaseException:
            self.close()
            raise

    def ask(self, batch: Batch) -> Answers:
        self._write(msgspec.msgpack.encode(batch))
        return msgspec.msgpack.decode(self._read(BATCH_SECONDS_MAX), type=Answers)

    def confirm(self) -> Ready:
        self._write(b"")
        found = msgspec.msgpack.decode(self._read(BATCH_SECONDS_MAX), type=Ready)
        check_identity(self._release, found)
        return found

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            write_frame(self._process.stdin, data)
        except OSError as error:
            raise self._gone() from error

    def _read(self, limit_seconds: float) -> bytes:
        """Read one frame; a process that stays silent is killed, which ends the reading."""
        assert self._process.stdout is not None
        watch = threading.Timer(limit_seconds, self._process.kill)
        watch.start()
        try:
            data = read_frame(self._process.stdout)
        except EOFError:
            data = None
        finally:
            watch.cancel()
        if data is None:
            raise self._gone()
        return data

    def _gone(self) -> GuestError:
        self._log.seek(0)
        said = self._log.read()[-STDERR_BYTES_SHOWN:].decode(errors="replace").strip()
        tail = said.splitlines()[-1] if said else "it said nothing"
        return GuestError(f"release {self._release}: its process ended or hung: {tail}")
