"""One life of the gateway: takes the authority, recovers, reconciles, serves, gives it up.

Order of a start, always the same: the kernel lock, a new generation, the log, the venue, orders and
trades compared, and only then ``gateway/current``, by which callers find it. One that is not the
heir (see `gateway.holder`) stands by: it connects to the venue ahead and waits to be named.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.clock import instant, wall_ms
from actors.config import FleetConfig
from actors.elapsed import elapsed_ms
from actors.gateway.authority.events import Holder
from actors.gateway.authority.taking import Authority
from actors.gateway.events import HaltFileSeen, Leaving, RaiseAlarm, Started, State, Stopping
from actors.gateway.events import fresh_state as fresh
from actors.gateway.fold import fold
from actors.gateway.gate import POLL_S, Gate
from actors.gateway.holder import beat_before, name_heir
from actors.gateway.ledger import Ledger
from actors.gateway.lock import (
    CURRENT_FILE,
    GENERATION_FILE,
    Current,
    GatewayLock,
    halt_reason,
    stored_generation,
)
from actors.gateway.loop import AlarmSink, GatewayLoop
from actors.gateway.records import decode_record
from actors.machine.instant import Instant
from actors.runtime import log_event
from actors.venue.port import Rejected, Unknown, VenuePort
from checkpoints.errors import DamagedLogError
from checkpoints.log import RecordLog
from checkpoints.storage import LocalStorage

Connect = Callable[[FleetConfig, float], Awaitable[VenuePort | Rejected | Unknown]]

LOG_FOLDER: Final = "gateway/log"
CONNECT_BACKOFF_S_MAX: Final = 10.0
RECONCILE_S_MAX: Final = 10.0
"""Wire. After it slots are served, but risk refuses orders until the venue was seen."""
WATCH_S: Final = 0.5
"""Wire, between two looks at the HALT file and the generation while nothing is posted."""
EMPTY_S_MAX: Final = 8.0
"""Wire, for cancelling what rests when the fleet stops."""
POSTS_S_MAX: Final = 8.0
"""Wire, for running posts and a last heartbeat to be answered before a handover: the timeout of
one is 5 s."""
ONE_CHAIN_MS: Final = 60_000
"""Wire: a heartbeat longer ago is of a fleet that was down; the venue has cancelled since."""
STANDING_BY: Final = "standing by"
"""Phase of one that is connected to the venue and waits to be named."""


class GatewaySession:
    """Holds what one process of the gateway holds. Use `start`, then `desk`, then `close`."""

    def __init__(
        self,
        root: Path,
        config: FleetConfig,
        holder: Holder,
        life: str,
        connect: Connect,
        raise_alarm: AlarmSink,
        release: str = "",
    ) -> None:
        self._root = root
        self._release = release
        self._storage = LocalStorage(root)
        self._config = config
        self._holder = holder
        self._life = life
        self._connect = connect
        self._raise_alarm = raise_alarm
        self._authority = Authority(root, holder, self._log_phase)
        self.phase = "starting"
        self.lock: GatewayLock | None = None
        self.generation = 0
        self.gateway_loop: GatewayLoop | None = None
        self._gate = Gate(self._storage, config)
        self.damage: str | None = None
        self._venue: VenuePort | None = None
        self._log: RecordLog | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def now(self) -> Instant:
        return instant(self._config.clock)

    # ---- start --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the authority and serve.

        Raises `AuthorityRefusedError`, `MovedError` and `StorageError`.
        """
        self.lock = await self._authority.take(self._stand_by)
        self.generation = stored_generation(self._storage) + 1
        self._storage.write(GENERATION_FILE, str(self.generation).encode())
        try:
            ledger = self._recover()
        except (DamagedLogError, msgspec.MsgspecError) as error:
            await self._halt_damaged(str(error))
            return
        if self._venue is None:
            self._venue = await self._open_venue()
        await self._open_loop(fresh(ledger))
        current = Current(name=self._holder.name, generation=self.generation)
        self._storage.write(CURRENT_FILE, msgspec.json.encode(current))
        self.phase = "serving"
        log_event("gateway_serving", name=self._holder.name, generation=self.generation)

    async def _stand_by(self) -> None:
        """Be ready to take over as soon as this one is named."""
        if self._venue is None:
            self._venue = await self._open_venue()
        self._log_phase(STANDING_BY)

    def _log_phase(self, phase: str) -> None:
        self.phase = phase

    def take_over(self) -> bool:
        """Become the heir, and end the process that holds the lock of this fleet: it hangs."""
        return self._authority.take_over()

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
            got = await self._connect(self._config, self._config.timing.post_timeout_seconds)
            if not isinstance(got, Rejected | Unknown):
                return got
            reason = got.message if isinstance(got, Rejected) else got.reason
            self.phase = f"starting: waits for the venue: {reason}"
            log_event("venue_unreachable", reason=reason, retry_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, CONNECT_BACKOFF_S_MAX)

    async def _open_loop(self, state: State) -> None:
        assert self._venue is not None
        assert self._log is not None
        rules = await self._gate.read()
        self.gateway_loop = GatewayLoop(
            venue=self._venue,
            log=self._log,
            state=state,
            rules=rules,
            now=self.now,
            may_post=self._may_post,
            raise_alarm=self._raise_alarm,
            wall_ms=wall_ms,
        )
        started = Started(
            generation=self.generation,
            name=self._holder.name,
            life=self._life,
            release=self._release,
            beat_wire_ms=self._beat_before(),
            **self.gateway_loop.now(),
        )
        self.gateway_loop.deliver(started)
        self._tasks = [
            asyncio.create_task(self.gateway_loop.run()),
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._watch_gate()),
        ]
        self.phase = "starting: compares orders and trades with the venue"
        await self.gateway_loop.settled(lambda now: now.flight.reconciled, RECONCILE_S_MAX)

    def _beat_before(self) -> int:
        beat_ms = beat_before(self._storage, self._holder.name)
        return beat_ms if elapsed_ms(self.now().wire_ms, beat_ms) < ONE_CHAIN_MS else 0

    async def _halt_damaged(self, reason: str) -> None:
        """Stay HALTED on a damaged log: an old fence table would issue old fences."""
        self.damage = reason
        self.phase = f"damaged: {reason}"
        alarm = RaiseAlarm(
            kind="gateway_log_damaged",
            subject=self._holder.name,
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
        if halted is not None and self.gateway_loop is not None:
            self.gateway_loop.deliver(HaltFileSeen(reason=halted, **self.gateway_loop.now()))
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

    async def read_gate(self, unless_covered: str | None = None) -> None:
        """Judge by the gate's files as they are now; a release that is covered asks for no look."""
        gateway_loop = self.gateway_loop
        if gateway_loop is None or (
            unless_covered and gateway_loop.rules.is_attested(unless_covered)
        ):
            return
        gateway_loop.judge_by(await self._gate.read())

    async def _watch_gate(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            await self.read_gate()

    # ---- the end ------------------------------------------------------------------------------

    @property
    def running(self) -> asyncio.Task[None] | None:
        """The desk's task: it ends only by an error or by `close`."""
        return self._tasks[0] if self._tasks else None

    async def empty(self, reason: str) -> bool:
        """Begin nothing new, cancel what rests; True if the venue has no order of ours left."""
        if self.gateway_loop is None:
            return True
        self.gateway_loop.deliver(Stopping(reason=reason, **self.gateway_loop.now()))
        return await self.gateway_loop.settled(lambda now: not now.ledger.orders, EMPTY_S_MAX)

    async def warm(self, condition_id: str, token_id: str) -> bool:
        """Load what signing needs of a token; a standby does it before it has a desk."""
        if self.gateway_loop is not None:
            return await self.gateway_loop.venue_calls.warm(condition_id, token_id) is None
        if self._venue is None:
            return False
        return await self._venue.warm(condition_id, token_id) is None

    async def leave(self, to: str) -> bool:
        """Begin nothing new, let running posts be answered, beat once more, name the heir.

        Resting orders keep their place. False: a post was not answered; the heir looks for it.
        """
        if self.gateway_loop is None:
            name_heir(self._storage, to)
            return True
        self.gateway_loop.deliver(Leaving(reason=f"{to} takes over", **self.gateway_loop.now()))
        answered = await self.gateway_loop.settled(_no_post_runs, POSTS_S_MAX)
        name_heir(self._storage, to, self.gateway_loop.state.flight.beat_ok_wire_ms)
        return answered

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
    beats = flight.beating or flight.last_beat_wanted
    return flight.stopping is not None and not (posting or flight.signing or beats)
