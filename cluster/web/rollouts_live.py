"""What moves on the page of rollouts: the latest one, while somebody looks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from actors.rollout.record import rollout_ids
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.web.live import Piece
from cluster.web.record_files import RollNow, roll_now
from cluster.web.render import Renderer

LOOK_S: Final = 0.5
"""Wire, between two looks at the stored state; a switch takes a tenth of a second."""

InThread = Callable[..., Awaitable[Any]]


class RolloutSight:
    """Reads the stored state of the latest rollout; needs nothing of its driver."""

    def __init__(self, storage: LocalStorage, renderer: Renderer, in_thread: InThread) -> None:
        self._storage = storage
        self._renderer = renderer
        self._in_thread = in_thread

    async def read(self) -> Mapping[str, Piece]:
        """Return the fragments; a file that cannot be read just now is read again."""
        await asyncio.sleep(LOOK_S)
        try:
            now = await self._in_thread(latest_roll, self._storage)
        except (CheckpointsError, OSError):
            return {}
        return {
            "driver": Piece(html=self._renderer.text("record/driver.html", now=now)),
            "roll": Piece(html=self._renderer.text("record/roll.html", now=now)),
        }

    async def rest(self) -> None:
        """Nothing is held open."""


def latest_roll(storage: LocalStorage) -> RollNow:
    known = rollout_ids(storage)
    return roll_now(storage, known[-1] if known else "")
