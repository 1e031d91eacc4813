"""Find the live market data actor and ask it for a snapshot."""

from pathlib import Path
from typing import Any, Final

import ray

from actors.runtime import RAY_NAMESPACE

CURRENT: Final = "market-data/current"
"""Storage file with the name of the actor that serves."""


class MarketDataClient:
    """Follows the storage's pointer; a call that fails looks it up again next time."""

    def __init__(self, storage_root: str) -> None:
        self._pointer = Path(storage_root) / CURRENT
        self._name = ""
        self._actor: Any = None

    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        """Return digest and encoded snapshot; raises what Ray and the file system raise."""
        name = self._pointer.read_text().strip()
        if self._actor is None or name != self._name:
            self._actor = ray.get_actor(name, namespace=RAY_NAMESPACE)
            self._name = name
        try:
            digest, data = await self._actor.snapshot.remote(asset, due_ms)
        except ray.exceptions.RayError:
            self._actor = None
            raise
        return str(digest), bytes(data)
