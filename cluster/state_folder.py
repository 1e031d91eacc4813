"""Where a fleet of this machine keeps what outlives its processes, and who its processes are."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from cluster.errors import ClusterError
from cluster.processes import ProcessRecord

SOCKET_PATH_LIMIT: Final = 107
"""Bytes of a Unix socket's path (sun_path of 108 with its end)."""
RAY_SOCKET_TAIL: Final = "/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
"""What Ray appends to its temporary folder; the pid is at its longest."""


class HeadPorts(msgspec.Struct, frozen=True, kw_only=True):
    """Loopback ports of the local Ray head.

    They lie outside the range of Ray's workers (10002 .. 19999) and below the kernel's own choice
    (32768 on), so that neither takes one by chance.
    """

    gcs: int = 26379
    dashboard: int = 28265
    agent: int = 28266
    client: int = 28267

    @classmethod
    def starting_at(cls, port: int) -> "HeadPorts":
        return cls(gcs=port, dashboard=port + 1, agent=port + 2, client=port + 3)


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Processes that `run` started, so that `stop` ends exactly these."""

    head: ProcessRecord | None = None
    ports: HeadPorts = HeadPorts()
    sandbox: ProcessRecord | None = None


class StateFolder(msgspec.Struct, frozen=True):
    """Folder of one fleet: storage, sandbox, Ray's temporary files, token, key, run record."""

    root: Path

    @property
    def storage(self) -> Path:
        return self.root / "storage"

    @property
    def sandbox(self) -> Path:
        return self.root / "sandbox"

    @property
    def sandbox_ready(self) -> Path:
        return self.root / "sandbox-ready.json"

    @property
    def token(self) -> Path:
        return self.root / "ray-token"

    @property
    def private_key(self) -> Path:
        return self.root / "sandbox-private-key"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def ray(self) -> Path:
        """Ray's temporary folder; a short one elsewhere when sockets would not fit here."""
        inside = self.root / "ray"
        if len(os.fsencode(str(inside) + RAY_SOCKET_TAIL)) <= SOCKET_PATH_LIMIT:
            return inside
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"midstride-{name}"

    @property
    def owner(self) -> str:
        """Value of the mark that this fleet's processes carry."""
        return str(self.root)

    def prepare(self) -> None:
        """Make the folders, private to this user; raise `ClusterError` if that cannot be."""
        for folder in (self.root, self.storage, self.sandbox, self.logs, self.ray):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                probe = folder / ".writable"
                probe.write_bytes(b"")
                probe.unlink()
            except OSError as error:
                raise ClusterError(
                    f"{folder} cannot be written ({error}); free space or name another folder "
                    "with --state (make: STATE=folder)"
                ) from error
        if self.ray.stat().st_uid != os.getuid():
            raise ClusterError(f"{self.ray} belongs to another user; name another --state")

    def forget(self) -> None:
        """Remove what a fresh start must not find: storage, sandbox, key. Nothing may be alive."""
        for folder in (self.storage, self.sandbox):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.private_key, self.sandbox_ready):
            file.unlink(missing_ok=True)

    def read_run(self) -> RunRecord:
        try:
            return msgspec.json.decode((self.root / "run.json").read_bytes(), type=RunRecord)
        except FileNotFoundError:
            return RunRecord()
        except msgspec.MsgspecError as error:
            raise ClusterError(
                f"{self.root / 'run.json'} is damaged ({error}); remove it, then `doctor`"
            ) from error

    def write_run(self, record: RunRecord) -> None:
        temporary = self.root / ".run.json"
        temporary.write_bytes(msgspec.json.encode(record))
        temporary.replace(self.root / "run.json")


def state_folder(named: str | None, environment: Mapping[str, str]) -> StateFolder:
    """Return the folder named, else `midstride` under the user's state folder (XDG)."""
    if named:
        return StateFolder(Path(named).expanduser().resolve())
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return StateFolder((Path(home) / "midstride").resolve())
