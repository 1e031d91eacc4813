"""Choose where releases decide: on the fleet's Ray head if it is up, else in plain processes."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.local.head import answers
from cluster.local.state_folder import StateFolder
from cluster.replay.guests import ProcessRooms, Rooms


class Where(StrEnum):
    AUTO = "auto"
    RAY = "ray"
    PROCESSES = "processes"


def rooms_for(
    folder: StateFolder, where: Where, notify: Callable[[str], None]
) -> Callable[[Path], Rooms]:
    """Return the opener of rooms; raise `FleetError` where Ray was asked for and is not up."""
    storage = LocalStorage(folder.storage)
    if where is Where.PROCESSES:
        return lambda unpacked: ProcessRooms(storage, unpacked)
    record = folder.read_run()
    up = record.head is not None and record.head.alive and answers(folder, record.ports)
    if up:
        from cluster.replay.ray_rooms import RayRooms

        notify("replaying on the fleet's Ray, each release with its own code")
        return lambda _unpacked: RayRooms(folder, record.ports)
    if where is Where.RAY:
        raise FleetError(f"no fleet runs in {folder.root}; leave out --in, or start the fleet")
    notify("replaying in processes of its own: no fleet runs")
    return lambda unpacked: ProcessRooms(storage, unpacked)
