"""Who watches the supervisor: the actors that serve, each with a look every two seconds.

Ray starts a supervisor again that died. One that hangs is ended here, so that Ray does; one on a
release that a roll brought, which dies again and again or answers nobody, is taken back to the
release before. Two that guard at once do no harm: the second finds it done.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from actors.detectors.registry import new_alarm
from actors.directory import serving
from actors.messages import decode
from actors.rollout.succession import replaced
from actors.runtime import log_event, wire_ms
from actors.shared_kind import Kind
from actors.supervisor.fleet_port import FleetPort
from actors.supervisor.shared import bring_back
from actors.supervisor.shared_watch import TURNED_BAD, fault_of, note_supervisor
from actors.supervisor.state import Shared
from actors.supervisor.status import SupervisorStatus
from checkpoints.alarms import AlarmStore
from checkpoints.storage import Storage

POLL_SECONDS: Final = 2.0
PAUSE_MS: Final = 60_000
"""Wire between two deeds: what was done takes some seconds to show."""


class Guard:
    """One actor's watch over the supervisor."""

    def __init__(self, storage: Storage, fleet: FleetPort, serves: Callable[[], bool]) -> None:
        """`serves`: whether the actor in which this runs has its turn; a standby guards nobody."""
        self._storage = storage
        self._fleet = fleet
        self._serves = serves
        self._seen = Shared(who=Kind.SUPERVISOR)
        self._did_ms = 0.0

    async def run(self) -> None:
        """Look for ever; nothing that goes wrong here may end the actor that hosts this."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._serves():
                self._seen = Shared(who=Kind.SUPERVISOR)
                continue
            try:
                await self.poll(int(wire_ms()))
            except Exception as error:  # noqa: BLE001 the next look may do better; see above
                log_event("guard_failed", reason=repr(error))

    async def poll(self, now_ms: int) -> None:
        """Ask the supervisor once, and act where its course is bad."""
        name = await asyncio.to_thread(serving, self._storage, Kind.SUPERVISOR)
        answer = await self._fleet.ask(name, "status")
        if isinstance(answer, bytes):
            status = decode(answer, SupervisorStatus)
            self._seen = note_supervisor(self._seen, status, now_ms)
        else:
            self._seen = replace(self._seen, reason=getattr(answer, "reason", "no living actor"))
        if not self._seen.answered_wire_ms:
            return  # it may be starting: Ray sees to that
        fault = fault_of(self._seen, now_ms, speed=1.0)
        if fault is not None and now_ms - self._did_ms > PAUSE_MS:
            self._did_ms = now_ms
            await self._act(fault)

    async def _act(self, fault: str) -> None:
        brought = await asyncio.to_thread(replaced, self._storage, Kind.SUPERVISOR, wire_ms())
        if brought is not None and brought[0] == self._seen.course_release:
            await asyncio.to_thread(self._report, *brought, fault)
            done = await bring_back(self._fleet, self._storage, Kind.SUPERVISOR, brought, fault)
            log_event("supervisor_taken_back", reason=fault, done=done)
        elif self._seen.life is not None:
            ended = await self._fleet.end_process(self._seen.life, "")
            log_event("supervisor_ended", reason=fault, life=self._seen.life, ended=ended)

    def _report(self, bad: str, good: str, fault: str) -> None:
        evidence = {"release": bad[:12], "back_to": good[:12], "reason": fault}
        alarm = new_alarm(
            TURNED_BAD, Kind.SUPERVISOR, evidence, wire_ms=int(wire_ms()), release=bad
        )
        AlarmStore(self._storage).raise_alarm(alarm)
