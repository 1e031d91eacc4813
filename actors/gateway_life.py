"""One life of the gateway: takes the authority, recovers, reconciles, serves, gives it up.

Order of a start, always the same: the kernel lock, a new generation, the log, the venue, orders and
trades compared, and only then ``gateway/current``, by which callers find it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.config import FleetConfig, Venue
from actors.gateway_desk import Desk
from actors.gateway_events import HaltFileSeen, Leaving, RaiseAlarm, Started, State, Stopping
from actors.gateway_events import fresh_state as fresh
from actors.gateway_fold import fold
from actors.gateway_lock import (
    CURRENT_FILE,
    GENERATION_FILE,
    Current,
    GatewayLock,
    Holder,
    acquire,
    end_holder,
    halt_reason,
    stored_generation,
)
from actors.gateway_records import Ledger, decode_record
from actors.risk_case import Rules
from actors.runtime import log_event, wire_ms
from actors.venue.port import Rejected, Unknown, VenuePort
from checkpoints.errors import DamagedLogError
from checkpoints.log import RecordLog
from checkpoints.storage import LocalStorage

Connect = Callable[[Venue, float], Awaitable[VenuePort | Rejected | Unknown]]
AlarmSink = Callable[[RaiseAlarm], None]

LOG_FOLDER: Final = "gateway/log"
LOCK_LOOK_S: Final = 0.1
"""Wire, between two tries for the lock."""
LOCK_GRACE_S: Final = 2.0
"""Wire: an earlier process of this same actor may be on its way out; then it is ended."""
STRANGER_S_MAX: Final = 15.0
"""Wire: a fleet whose head was killed takes a few seconds to be gone."""
CONNECT_BACKOFF_S_MAX: Final = 10.0
RECONCILE_S_MAX: Final = 10.0
"""Wire. After it slots are served, but risk refuses orders until the venue was seen."""
WATCH_S: Final = 0.5
"""Wire, between two looks at the HALT file and the generation while nothing is posted."""
EMPTY_S_MAX: Final = 8.0
"""Wire, for cancelling what rests when the fleet stops."""
POSTS_S_MAX: Final = 8.0
"""Wire, for running posts to be answered before a handover: one post's timeout is 5 s."""


class AuthorityRefusedError(Exception):
    """Another fleet uses this storage: stop one of them, or give this one its own folder."""


class GatewayLife:
    """Holds what one process of the gateway holds. Use `start`, then `desk`, then `close`."""

    def __init__(
        self,
        root: Path,
        config: FleetConfig,
        holder: Holder,
        life: str,
        connect: Connect,
        raise_alarm: AlarmSink,
    ) -> None:
        self._root = root
        self._storage = LocalStorage(root)
        self._config = config
        self._holder = holder
        self._life = life
        self._connect = connect
        self._raise_alarm = raise_alarm
        self.phase = "starting"
        self.lock: GatewayLock | None = None
        self.generation = 0
        self.desk: Desk | None = None
        self.damage: str | None = None
        self._venue: VenuePort | None = None
        self._log: RecordLog | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def now(self) -> tuple[int, int]:
        """Return wire and market ms."""
        wire = wire_ms()
        return int(wire), self._config.clock.market_ms(wire)

    # ---- start --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the authority and serve; raises `AuthorityRefusedError` and `StorageError`."""
        self.lock = await self._take_lock()
        self.generation = stored_generation(self._storage) + 1
        self._storage.write(GENERATION_FILE, str(self.generation).encode())
        try:
            ledger = self._recover()
        except (DamagedLogError, msgspec.MsgspecError) as error:
            await self._halt_damaged(str(error))
            return
        self._venue = await self._open_venue()
        await self._open_desk(fresh(ledger))
        current = Current(name=self._holder.name, generation=self.generation)
        self._storage.write(CURRENT_FILE, msgspec.json.encode(current))
        self.phase = "serving"
        log_event("gateway_serving", name=self._holder.name, generation=self.generation)

    async def _take_lock(self) -> GatewayLock:
        """Wait for the lock; end a hung earlier process of this actor, refuse a second fleet."""
        waited_s = 0.0
        while True:
            got = acquire(self._root, self._holder)
            if isinstance(got, GatewayLock):
                return got
            self._judge_holder(got, waited_s)
            await asyncio.sleep(LOCK_LOOK_S)
            waited_s += LOCK_LOOK_S

    def _judge_holder(self, other: Holder | None, waited_s: float) -> None:
        if other is None:
            return
        self.phase = f"starting: waits for {other.name} (pid {other.pid}) to release the authority"
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
        """End the process that holds the lock of this fleet, whatever its name: it hangs."""
        got = acquire(self._root, self._holder)
        if isinstance(got, GatewayLock):
            got.release()
            return True
        if got is None or got.fleet != self._holder.fleet:
            return False
        return end_holder(got, self._holder.node)

    def _recover(self) -> Ledger:
        self.phase = "starting: reads the log"
        self._log, records, tail = RecordLog.open(self._root / LOG_FOLDER)
        base = [] if self._log.base is None else [self._log.base]
        ledger = fold(Ledger(), (decode_record(data) for data in [*base, *records]))
        log_event("gateway_recovered", records=len(records), tail=type(tail).__name__)
        return ledger

    async def _open_venue(self) -> VenuePort:
        """Connect with backoff for as long as it takes; the phase says what it waits for."""
        wait_s = 0.5
        while True:
            self.phase = "starting: connects to the venue"
            got = await self._connect(self._config.venue, self._config.timing.post_timeout_seconds)
            if not isinstance(got, Rejected | Unknown):
                return got
            reason = got.message if isinstance(got, Rejected) else got.reason
            self.phase = f"starting: waits for the venue: {reason}"
            log_event("venue_unreachable", reason=reason, retry_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, CONNECT_BACKOFF_S_MAX)

    async def _open_desk(self, state: State) -> None:
        assert self._venue is not None
        assert self._log is not None
        rules = Rules(limits=self._config.risk, timing=self._config.timing)
        self.desk = Desk(
            venue=self._venue,
            log=self._log,
            state=state,
            rules=rules,
            now=self.now,
            may_post=self._may_post,
            raise_alarm=self._raise_alarm,
        )
        started = Started(
            generation=self.generation,
            name=self._holder.name,
            life=self._life,
            **self.desk.now(),
        )
        self.desk.tell(started)
        self._tasks = [
            asyncio.create_task(self.desk.run()),
            asyncio.create_task(self._watch()),
        ]
        self.phase = "starting: compares orders and trades with the venue"
        await self.desk.settled(lambda now: now.flight.reconciled, RECONCILE_S_MAX)

    async def _halt_damaged(self, reason: str) -> None:
        """Stay HALTED on a damaged log: an old fence table would issue old fences."""
        self.damage = reason
        self.phase = f"damaged: {reason}"
        alarm = RaiseAlarm(
            kind="gateway_log_damaged",
            subject=self._holder.name,
            action="keep the storage as it is; read docs on recovery before anything else",
            evidence=reason,
        )
        await asyncio.to_thread(self._raise_alarm, alarm)
        venue = await self._open_venue()
        self.phase = f"damaged: {reason}"
        await venue.cancel_all()
        await venue.close()

    # ---- the last look before a post ----------------------------------------------------------

    def _may_post(self) -> str | None:
        """Return why nothing may be posted now. Reads two small files; no await comes after it."""
        halted = halt_reason(self._root)
        if halted is not None and self.desk is not None:
            self.desk.tell(HaltFileSeen(reason=halted, **self.desk.now()))
            return halted
        if self.lock is None or not self.lock.held:
            return "this process does not hold the gateway's lock"
        if stored_generation(self._storage) != self.generation:
            return "another gateway has taken over"
        return None

    async def _watch(self) -> None:
        while True:
            self._may_post()
            await asyncio.sleep(WATCH_S)

    # ---- the end ------------------------------------------------------------------------------

    @property
    def running(self) -> asyncio.Task[None] | None:
        """The desk's task: it ends only by an error or by `close`."""
        return self._tasks[0] if self._tasks else None

    async def empty(self, reason: str) -> bool:
        """Begin nothing new, cancel what rests; True if the venue has no order of ours left."""
        if self.desk is None:
            return True
        self.desk.tell(Stopping(reason=reason, **self.desk.now()))
        return await self.desk.settled(lambda now: not now.ledger.orders, EMPTY_S_MAX)

    async def leave(self, reason: str) -> bool:
        """Begin nothing new and let running posts be answered; resting orders keep their place."""
        if self.desk is None:
            return True
        self.desk.tell(Leaving(reason=reason, **self.desk.now()))
        return await self.desk.settled(_no_post_runs, POSTS_S_MAX)

    async def close(self) -> None:
        """Stop the desk, close the venue and the log, release the lock: in this order."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._venue is not None:
            await self._venue.close()
        if self._log is not None:
            self._log.close()
        if self.lock is not None:
            self.lock.release()


def _no_post_runs(state: State) -> bool:
    flight = state.flight
    posting = any(attempt.in_flight for attempt in flight.posts.values())
    return flight.stopping is not None and not posting and not flight.signing
