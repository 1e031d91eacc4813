"""How another actor hosts the guard of the supervisor: on Ray, under its own release."""

from collections.abc import Callable
from pathlib import Path

from actors.supervisor.fleet_port import RayFleet
from actors.supervisor.guard import Guard
from checkpoints.storage import LocalStorage


async def guard(storage_root: str, release: str, serves: Callable[[], bool]) -> None:
    """Guard the supervisor for as long as this process lives."""
    await Guard(LocalStorage(Path(storage_root)), RayFleet(storage_root, release), serves).run()
