"""Drive a way back from the operator's own process, without waiting for a job to start.

A driver that creates actors needs a job with a working directory of its own, or Ray would put this
process's folder in front of every actor's path. So the driver's job gets the archive of the release
that is gone back to, as each actor does.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec

from actors.ray_job import JOB_MARK
from cluster.errors import FleetError
from cluster.fleet import running
from cluster.local.head import gcs_address, head_environment
from cluster.local.joining import join_ray
from cluster.local.state_folder import StateFolder

STORAGE = "storage"
"""Folder of the storage inside a state folder, see `cluster.local.state_folder`."""


def know_head(folder: StateFolder) -> None:
    """Put what every process needs to talk to the head into this one's environment."""
    os.environ.update(head_environment(folder))
    os.environ.pop("RAY_ADDRESS", None)


def know_head_of(storage: Path) -> None:
    """Do so by the storage of a state folder; a storage elsewhere has no head of ours."""
    if storage.name == STORAGE:
        know_head(StateFolder(storage.parent))


def drive_from_here(folder: StateFolder, release: str) -> None:
    """Join the fleet as the driver of a job under an archived release; raise `FleetError`."""
    record = running(folder)
    archive = archive_of(folder.storage, release)
    job = {"runtime_env": {"working_dir": f"file://{archive}"}}
    os.environ[JOB_MARK] = msgspec.json.encode(job).decode()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal ends no way back
    import ray

    try:
        join_ray(address=gcs_address(record.ports))
    except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
        raise FleetError(
            f"Ray's head process does not answer ({error}): `midstride doctor` says more"
        ) from error


def archive_of(storage: Path, release: str) -> Path:
    """Return the archive of a release, named by its beginning; raise `FleetError`."""
    found = sorted((storage / "releases").glob(f"{release}*.zip"))
    if len(found) != 1:
        what = "is not in the archive" if not found else "names more than one release"
        raise FleetError(f"release {release[:12]} {what}; `midstride audit releases` lists them")
    return found[0]


def tolerant(line: Callable[[str], None]) -> Callable[[str], None]:
    """Return the same, but a terminal that is gone is no reason to stop."""

    def deliver(text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            line(text)

    return deliver
