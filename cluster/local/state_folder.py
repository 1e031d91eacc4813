"""Where a fleet of this machine keeps what outlives its processes, and who its processes are."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, Unpack

import msgspec

from checkpoints.errors import DamagedError
from checkpoints.process_id import ProcessId
from checkpoints.small_file import from_json, read_file
from cluster.errors import ClusterError
from cluster.local.durable_files import locked, write_durably
from cluster.local.ray_folder import check_ray_folder, ray_folder


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

    head: ProcessId | None = None
    ports: HeadPorts = HeadPorts()
    sandbox: ProcessId | None = None
    runner: ProcessId | None = None
    """The `run` in a terminal that ends this fleet when it ends; None: it stays up."""
    watcher: ProcessId | None = None
    """Starts exchange and head again when they die."""
    redeemer: ProcessId | None = None
    """Turns winnings into cash, beside a live fleet."""
    redeemer_release: str = ""
    launched: bool = False
    """All slots were live: whoever comes later finds a fleet, not a start that was cut short."""
    gave_up: bool = False
    """The watcher starts nothing any more; a person does."""
    sandbox_command: tuple[str, ...] = ()
    release: str = ""
    """What the launch job ran; a restart after a crash runs the same, from its archive."""
    commit: str = ""
    python: str = ""
    """The interpreter that the head runs under."""


class RunChanges(TypedDict, total=False):
    """The fields of a run record that `StateFolder.update_run` can change."""

    head: ProcessId | None
    ports: HeadPorts
    sandbox: ProcessId | None
    runner: ProcessId | None
    watcher: ProcessId | None
    redeemer: ProcessId | None
    redeemer_release: str
    launched: bool
    gave_up: bool
    sandbox_command: tuple[str, ...]
    release: str
    commit: str
    python: str


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
    def run_file(self) -> Path:
        return self.root / "run.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def ray(self) -> Path:
        """Ray's temporary folder: short wherever this folder lies, and private."""
        return ray_folder(self.root)

    @property
    def owner(self) -> str:
        """Value of the mark that this fleet's processes carry."""
        return str(self.root)

    @property
    def config(self) -> Path:
        """The configuration as it was at the launch: a restart after a crash uses the same."""
        return self.root / "launched.toml"

    def prepare(self) -> None:
        """Make the folders, private to this user; raise `ClusterError` if that cannot be."""
        self._check_path()
        for folder in (self.root, self.storage, self.sandbox, self.logs):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                probe = folder / ".writable"
                probe.write_bytes(b"")
                probe.unlink()
            except OSError as error:
                raise ClusterError(
                    f"{folder} cannot be written ({error}); free space or name another folder "
                    "with --state (`make`: STATE=folder)"
                ) from error
        check_ray_folder(self.root)

    def forget(self) -> None:
        """Remove what a fresh start must not find: storage, sandbox, key. Nothing may be alive."""
        for folder in (self.storage, self.sandbox):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.private_key, self.sandbox_ready):
            file.unlink(missing_ok=True)

    def _check_path(self) -> None:
        """Refuse a folder that others could not name or own after this; raise `ClusterError`."""
        try:
            str(self.root).encode()
        except UnicodeEncodeError:
            raise ClusterError(f"{self.root!r} is not UTF-8; name another --state") from None
        sudo = os.environ.get("SUDO_UID", "")
        if self.root.exists() and sudo.isdigit() and os.getuid() == 0:
            owner = self.root.stat().st_uid
            if owner == int(sudo) != 0:
                raise ClusterError(
                    f"{self.root} belongs to the user who called sudo (uid {owner}): call this "
                    "without sudo, or name another --state"
                )

    def read_run(self) -> RunRecord:
        """Return who runs here; a file that a power cut left empty or torn names nobody.

        Then no process of it lives; one that does carries this folder's mark and is found by it.
        """
        try:
            return from_json(read_file(self.run_file), RunRecord, str(self.run_file))
        except (FileNotFoundError, NotADirectoryError, DamagedError):
            return RunRecord()
        except OSError as error:
            raise ClusterError(
                f"{self.run_file} cannot be read ({error.strerror}): make it readable or move it "
                "away, then `midstride stop` ends what is left of this fleet"
            ) from error

    def update_run(self, **changes: Unpack[RunChanges]) -> RunRecord:
        """Change fields of the run record; several processes may do so at once."""
        with locked(self.root / ".run.lock"):
            record = msgspec.structs.replace(self.read_run(), **changes)
            write_durably(self.run_file, msgspec.json.encode(record))
        return record


def state_folder(named: str | None, environment: Mapping[str, str]) -> StateFolder:
    """Return the folder named, else `midstride` under the user's state folder (XDG)."""
    try:
        if named:
            return StateFolder(Path(named).expanduser().resolve())
        given = environment.get("XDG_STATE_HOME", "")
        home = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
        return StateFolder((home / "midstride").resolve())
    except RuntimeError as error:  # this user has no home folder, or links go round in a circle
        raise ClusterError(f"{error}: name a folder with --state (`make`: STATE=folder)") from error
