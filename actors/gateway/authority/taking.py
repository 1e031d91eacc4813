"""Taking the gateway's authority: only the heir takes the kernel lock, everybody else waits.

A hung earlier process of the same actor is ended by its recorded id; another fleet on the same
storage refuses this one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from actors.gateway.authority.events import Holder
from actors.gateway.holder import heir, name_heir, read_moves
from actors.gateway.lock import GatewayLock, acquire, end_holder
from actors.runtime import log_event
from checkpoints.storage import LocalStorage

LOCK_LOOK_S: Final = 0.1
"""Wire, between two tries for the lock."""
LOCK_GRACE_S: Final = 2.0
"""Wire: an earlier process of this same actor may be on its way out; then it is ended."""
STANDBY_S_MAX: Final = 180.0
"""Wire. Longer than any handoff: one that was not named by then is not wanted."""
STRANGER_S_MAX: Final = 15.0
"""Wire: a fleet whose head was killed takes a few seconds to be gone."""


class AuthorityRefusedError(Exception):
    """Another fleet uses this storage: stop one of them, or give this one its own folder."""


class MovedError(Exception):
    """The actor has given up the authority for good; `to` has it."""

    def __init__(self, to: str) -> None:
        super().__init__(f"moved to {to}")
        self.to = to


class Authority:
    """One process on its way to the lock. `say` is told the phase it is in."""

    def __init__(self, root: Path, holder: Holder, notify: Callable[[str], None]) -> None:
        self._root = root
        self._storage = LocalStorage(root)
        self._holder = holder
        self._notify = notify

    async def take(self, stand_by: Callable[[], Awaitable[None]]) -> GatewayLock:
        """Wait, standing by, to be the heir, and then for the lock.

        Raises `MovedError` for one that had the authority before or stood by for nothing, and
        `AuthorityRefusedError`.
        """
        waited_s = stood_by_s = 0.0
        while True:
            if self._is_heir():
                got = acquire(self._root, self._holder)
                if not isinstance(got, GatewayLock):
                    self._judge_holder(got, waited_s)
                elif self._is_heir():
                    return got
                else:  # somebody else was named between the two looks
                    got.release()
                waited_s += LOCK_LOOK_S
            else:
                self._check_moved(stood_by_s)
                await stand_by()
                stood_by_s += LOCK_LOOK_S
            await asyncio.sleep(LOCK_LOOK_S)

    def _is_heir(self) -> bool:
        return heir(self._storage) in (None, self._holder.name)

    def _check_moved(self, stood_by_s: float) -> None:
        move = read_moves(self._storage).get(self._holder.name)
        if move is not None:
            raise MovedError(move.to)
        named = heir(self._storage)
        if stood_by_s > STANDBY_S_MAX and named is not None:
            raise MovedError(named)

    def _judge_holder(self, other: Holder | None, waited_s: float) -> None:
        if other is None:
            return
        self._notify(f"starting: waits for {other.name} (pid {other.pid}) to release the authority")
        if other.fleet != self._holder.fleet:
            if waited_s > STRANGER_S_MAX:
                raise AuthorityRefusedError(
                    f"storage {self._root} is in use by another fleet ({other.fleet}, gateway pid "
                    f"{other.pid}, node {other.node}): stop it, or give this one its own folder"
                )
        elif other.name == self._holder.name and waited_s > LOCK_GRACE_S:
            ended = end_holder(other, self._holder.node)
            log_event("gateway_holder_ended", pid=other.pid, ended=ended)

    def take_over(self) -> bool:
        """Become the heir, and end the process that holds the lock of this fleet: it hangs."""
        name_heir(self._storage, self._holder.name)
        got = acquire(self._root, self._holder)
        if isinstance(got, GatewayLock):
            got.release()
            return True
        if got is None or got.fleet != self._holder.fleet:
            return False
        return end_holder(got, self._holder.node)
