"""Runs one climb: under the gateway's lock, so that no gateway trades meanwhile."""

from collections.abc import Callable
from pathlib import Path

from actors.clock import boot_ms, instant
from actors.config import FleetConfig
from actors.gateway.authority.events import Holder
from actors.gateway.lock import GatewayLock, acquire, halt_reason
from actors.live.climb import ENDS, TABLE, begin
from actors.live.climb_state import Climb, Line, Phase, Work
from actors.live.climb_store import last_climb, put_away, store_climb
from actors.live.climber import Climber
from actors.machine.work import WorkPump
from actors.venue.connect import connect
from actors.venue.port import Rejected, Unknown, VenuePort, reason_of
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage

NAME = "climb"
Observe = Callable[[Climb], None]


async def climb(config: FleetConfig, line: Line, observe: Observe) -> Climb | str:
    """Climb, or go on where an earlier start left off; return how it ended, or why it cannot begin.

    `observe` is told each move, after its record is durable.
    """
    root = Path(config.storage)
    lock = acquire(root, _holder(config))
    if not isinstance(lock, GatewayLock):
        who = lock.name if lock is not None else "another process"
        return f"{who} trades with this storage: `midstride stop` first"
    try:
        venue = await connect(config, config.timing.post_timeout_seconds)
        if isinstance(venue, Rejected | Unknown):
            return reason_of(venue)
        try:
            return await climb_at(venue, config, line, observe)
        finally:
            await venue.close()
    finally:
        lock.release()


async def climb_at(venue: VenuePort, config: FleetConfig, line: Line, observe: Observe) -> Climb:
    """Climb at an open venue, under a lock that the caller holds."""
    storage = LocalStorage(Path(config.storage))
    before = _before(storage, line)
    climber = Climber(venue, config, lambda: halt_reason(storage.root))

    def keep(_before: Climb, after: Climb) -> None:
        store_climb(storage, after)
        observe(after)

    begun = begin(line, int(instant(config.clock).wire_ms), before)
    pump = WorkPump[Climb, Work](TABLE, begun, climber, boot_ms, keep)
    async with climber.connected():
        await pump.run(ENDS)
    return pump.state


def _before(storage: LocalStorage, line: Line) -> Climb | None:
    """Return what is to be gone on with; another account's is put away, and one that ended."""
    before = last_climb(storage)
    if before is None:
        return None
    same = (before.line.venue, before.line.wallet, before.line.store) == (
        line.venue,
        line.wallet,
        line.store,
    )
    if same and before.phase is not Phase.DONE:
        return before
    put_away(storage, before)
    return None


def _holder(config: FleetConfig) -> Holder:
    own = ProcessId.own()
    return Holder(
        name=NAME,
        fleet=NAME,
        node="local",
        pid=own.pid,
        process_start=own.start,
        wire_ms=int(instant(config.clock).wire_ms),
    )
