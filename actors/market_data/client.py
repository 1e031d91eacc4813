"""Find the live market data actor and ask it for a snapshot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import ray

from actors.directory import MARKET_DATA_CURRENT
from actors.ray_actors import actor_named


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is on its way."""

    asset: str
    due_ms: int
    name: str
    """Of the actor that was asked."""
    answer: Any
    """Awaitable of digest and bytes."""


class MarketDataClient:
    """Follows the storage's pointer; a call that fails looks it up again next time."""

    def __init__(self, storage_root: str, find: Callable[[str], Any] = actor_named) -> None:
        self._pointer = Path(storage_root) / MARKET_DATA_CURRENT
        self._find = find
        self._name = ""
        self._actor: Any = None
        self._ahead: Asked | None = None

    def expect(self, asset: str, due_ms: int) -> None:
        """Ask shortly before the point is due; it is answered then.

        Sixteen questions that arrive at the due moment keep the one who makes the snapshots busy.
        Best effort: what goes wrong here is said by `snapshot`.
        """
        try:
            self._ahead = self._ask(asset, due_ms)
        except (OSError, ValueError, ray.exceptions.RayError):
            self._ahead = None

    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        """Return digest and encoded snapshot; raises what Ray and the file system raise."""
        ahead, self._ahead = self._ahead, None
        wanted = (asset, due_ms, self._serving())
        if ahead is not None and (ahead.asset, ahead.due_ms, ahead.name) == wanted:
            try:
                return _answered(await ahead.answer)
            except ray.exceptions.RayError:
                self._actor = None  # it died meanwhile: asked anew
        try:
            return _answered(await self._ask(asset, due_ms).answer)
        except ray.exceptions.RayError:
            self._actor = None
            raise

    def _serving(self) -> str:
        return self._pointer.read_text().strip()

    def _ask(self, asset: str, due_ms: int) -> Asked:
        name = self._serving()
        if self._actor is None or name != self._name:
            self._actor = self._find(name)
            self._name = name
        answer = self._actor.snapshot.remote(asset, due_ms)
        return Asked(asset=asset, due_ms=due_ms, name=name, answer=answer)


def _answered(answer: tuple[Any, Any]) -> tuple[str, bytes]:
    digest, data = answer
    return str(digest), bytes(data)
