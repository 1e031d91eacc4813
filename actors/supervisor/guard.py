"""Who watches the supervisor: the actors that serve, each with a look every two seconds.

Ray starts a supervisor again that died. One that hangs is ended here, so that Ray does; one on a
release that a roll brought, which dies again and again or answers nobody, is taken back to the
release before. Where the one that is named is no actor any more, another one is named. Two that
guard at once do no harm: the second finds it done.
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
from actors.supervisor.fleet_port import FleetPort, Missing, Silent
from actors.supervisor.shared import bring_back, replace_supervisor
from actors.supervisor.shared_state import Shared
from actors.supervisor.shared_watch import TURNED_BAD, fault_of, note_supervisor
from actors.supervisor.status import SupervisorStatus
from checkpoints.alarms import AlarmStore
from checkpoints.storage import Storage

POLL_SECONDS: Final = 2.0
PAUSE_MS: Final = 60_000
"""Wire between two deeds: what was done takes some seconds to show."""
MISSING_MS: Final = 20_000
"""Wire without an actor of the name: as long as a driver that takes a handoff back needs, at most,
from ending the successor to naming the old one."""
STARTING_MS: Final = 300_000
"""Wire. A fleet that starts creates its supervisor last; it waits up to 120 s for each actor."""


class Guard:
    """One actor's watch over the supervisor."""

    def __init__(self, storage: Storage, fleet: FleetPort, serves: Callable[[], bool]) -> None:
        """`serves`: whether the actor in which this runs has its turn; a standby guards nobody."""
        self._storage = storage
        self._fleet = fleet
        self._serves = serves
        self._seen = Shared(who=Kind.SUPERVISOR)
        self._did_ms = 0.0
        self._missing_ms: int | None = None
        """Since when no actor has the name."""
        self._replaced_ms = 0

    async def run(self) -> None:
        """Look for ever; nothing that goes wrong here may end the actor that hosts this."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._serves():
                self._seen, self._missing_ms = Shared(who=Kind.SUPERVISOR), None
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
        await self._note_missing(answer, now_ms)
        if not self._seen.answered_wire_ms:
            return  # it may be starting: Ray sees to that
        fault = fault_of(self._seen, now_ms, speed=1.0)
        if fault is not None and now_ms - self._did_ms > PAUSE_MS:
            self._did_ms = now_ms
            await self._act(fault)

    async def _note_missing(self, answer: bytes | Missing | Silent, now_ms: int) -> None:
        """Name another supervisor where the named one has been no actor for a while.

        None is created before this process has heard one: the fleet may be starting.
        """
        if not isinstance(answer, Missing):
            self._missing_ms = None
            return
        self._missing_ms = self._missing_ms or now_ms
        missing_ms = now_ms - self._missing_ms
        if missing_ms < MISSING_MS or now_ms - self._replaced_ms < MISSING_MS:
            return
        self._replaced_ms = now_ms
        may_create = bool(self._seen.answered_wire_ms) or missing_ms >= STARTING_MS
        done = await replace_supervisor(self._fleet, self._storage, may_create=may_create)
        log_event("supervisor_missing", done=done)

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
