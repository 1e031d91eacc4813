"""The kernel's lock on the gateway's file, and who has it."""

from typing import TYPE_CHECKING, Final

from actors.gateway.authority.events import Holder
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

FLEET: Final = "fleet"


class SimulatedLock:
    """The kernel's lock as one process sees it: free when its holder's process is gone."""

    def __init__(self, world: "World", process: Process, name: str) -> None:
        self._world = world
        self._process = process
        self._name = name
        self.held = False
        process.on_death.append(self.release)

    def take(self) -> bool:
        if self._world.authority is None:
            self._world.succession.lock_taken()
        if self._world.authority in (None, self._process):
            self._world.authority, self.held = self._process, True
            self._world.authority_name = self._name
        return self.held

    def holder(self) -> Holder | None:
        other = self._world.authority
        if other is None:
            return None
        return Holder(
            name=self._world.authority_name,
            fleet=FLEET,
            node="n",
            pid=other.number,
            process_start=1,
            wire_ms=0,
        )

    def release(self) -> None:
        self.held = False
        if self._world.authority is self._process:
            self._world.authority = None

    def end(self, holder: Holder) -> bool:
        return holder.pid != self._process.number and self._world.end_life(f"{holder.pid}-1")
