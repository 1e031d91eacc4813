"""What moves on the page of rollouts: the latest one, while somebody looks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from actors.rollout.record import rollout_ids
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.web.live import Piece
from cluster.web.record_files import RollNow, roll_now
from cluster.web.render import Renderer

CHECK_S: Final = 0.25
"""Wire, between two readings of the stored state; a switch takes a tenth of a second."""

InThread = Callable[..., Awaitable[Any]]


class RolloutSource:
    """Reads the stored state of the latest rollout; needs nothing of its driver."""

    def __init__(self, storage: LocalStorage, renderer: Renderer, in_thread: InThread) -> None:
        self._storage = storage
        self._renderer = renderer
        self._in_thread = in_thread

    async def read(self) -> Mapping[str, Piece]:
        """Return the fragments; a file that cannot be read just now is read again."""
        await asyncio.sleep(CHECK_S)
        try:
            now = await self._in_thread(latest_roll, self._storage)
        except (CheckpointsError, OSError):
            return {}
        return dict(self._pieces(now))

    def _pieces(self, now: RollNow) -> Iterator[tuple[str, Piece]]:
        """Yield a part for each row, so that a page that is scrolled sideways stays where it is."""
        text = self._renderer.text
        rows = () if now.shown is None else now.shown.rows
        which = "" if now.shown is None else now.shown.id
        key = " ".join((which, *(row.slot for row in rows)))
        yield "driver", Piece(html=text("record/driver.html", now=now))
        yield "roll", Piece(html=text("record/roll.html", now=now), key=key)
        if now.shown is not None:
            yield "roll-head", Piece(html=text("record/roll_head.html", now=now))
        for row in rows:
            yield f"roll-{row.slot}", Piece(html=text("record/roll_row.html", row=row))

    async def rest(self) -> None:
        """Nothing is held open."""


def latest_roll(storage: LocalStorage) -> RollNow:
    known = rollout_ids(storage)
    return roll_now(storage, known[-1] if known else "")
