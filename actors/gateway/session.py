"""What one process of the gateway holds: lock, log, venue connection, and the loop that serves.

Does the work that the authority's machine asks for (`gateway.authority`); the order in which it is
done is the machine's. What is reached outside of the process comes as `Ports`.
"""

import asyncio
from typing import Final, assert_never

import msgspec

from actors.elapsed import elapsed_ms
from actors.gateway.authority.effects import (
    CancelAll,
    Close,
    ConnectVenue,
    Empty,
    ReadLog,
    Reconcile,
    Serve,
    SettlePosts,
    Work,
)
from actors.gateway.authority.events import (
    Closed,
    Emptied,
    LogDamaged,
    LogRead,
    PostsSettled,
    Reconciled,
    VenueConnected,
    VenueUnreachable,
)
from actors.gateway.authority.files import AuthorityFiles, FilesWork
from actors.gateway.authority.machine import why_not_act
from actors.gateway.authority.waiting import CONNECT_PAUSES
from actors.gateway.events import (
    EndAlarm,
    HaltFileSeen,
    Leaving,
    RaiseAlarm,
    Started,
    State,
    Stopping,
)
from actors.gateway.events import fresh_state as fresh
from actors.gateway.fold import fold
from actors.gateway.gate import POLL_S
from actors.gateway.holder import beat_before
from actors.gateway.ledger import Ledger
from actors.gateway.lock import stored_generation
from actors.gateway.log_file import GuardedLog
from actors.gateway.loop import GatewayLoop
from actors.gateway.records import decode_record
from actors.gateway.session_ports import Ports, Who
from actors.machine.vocabulary import At, Failed, Wait
from actors.runtime import log_event
from actors.venue.port import Rejected, Unknown, VenuePort, reason_of
from checkpoints.errors import CheckpointsError, DamagedLogError

RECONCILE_S_MAX: Final = 10.0
"""Wire. After it slots are served, but risk refuses orders until the venue was seen."""
WATCH_S: Final = 0.2
"""Wire, between two looks at the HALT file and the generation while nothing is posted."""
EMPTY_S_MAX: Final = 8.0
"""Wire, for cancelling what rests when the fleet stops."""
POSTS_S_MAX: Final = 8.0
"""Wire, for running posts and a last heartbeat to be answered before a handover: the timeout of
one is 5 s."""
ONE_CHAIN_MS: Final = 60_000
"""Wire: a heartbeat longer ago is of a fleet that was down; the venue has cancelled since."""


class Session:
    """One process of the gateway, whatever it has of the authority."""

    def __init__(self, who: Who, ports: Ports) -> None:
        self._who = who
        self._ports = ports
        self._files = AuthorityFiles(ports.storage, who.name, ports.lock, ports.at_ms)
        self.generation = 0
        self.gateway_loop: GatewayLoop | None = None
        """The loop that serves, or the one that served last."""
        self._ledger = Ledger()
        self._venue: VenuePort | None = None
        self._log: GuardedLog | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def perform(self, work: Work) -> At:
        """Do one piece of the machine's work; see `actors.machine.work`."""
        if isinstance(work, FilesWork):
            return await self._files.perform(work)
        match work:
            case ReadLog() | ConnectVenue() | Reconcile():
                return await self._open(work)
            case SettlePosts() | Empty() | CancelAll() | Close():
                return await self._end(work)
            case Serve():
                await asyncio.shield(self._tasks[0])
                return Failed(at_ms=self._ports.at_ms(), reason="the loop has ended")
            case Wait():
                raise AssertionError("the pump waits itself")
            case _:
                assert_never(work)

    # ---- opening ------------------------------------------------------------------------------

    async def _open(self, work: ReadLog | ConnectVenue | Reconcile) -> At:
        match work:
            case ReadLog():
                return self._read_log()
            case ConnectVenue():
                return await self._connect()
            case Reconcile(generation=generation):
                await self._reconcile(generation)
                return Reconciled(at_ms=self._ports.at_ms())

    def _read_log(self) -> At:
        self.gateway_loop = None
        try:
            log, records = self._ports.open_log()
            self._ledger = fold(Ledger(), (decode_record(data) for data in records))
        except (DamagedLogError, msgspec.MsgspecError) as error:
            return LogDamaged(at_ms=self._ports.at_ms(), reason=str(error))
        self._log = GuardedLog(log, self._why_not_write)
        return LogRead(at_ms=self._ports.at_ms())

    async def _connect(self) -> At:
        got = await self._ports.connect()
        if isinstance(got, Rejected | Unknown):
            reason = reason_of(got)
            log_event("venue_unreachable", reason=reason)
            return VenueUnreachable(at_ms=self._ports.at_ms(), reason=reason)
        self._venue = got
        return VenueConnected(at_ms=self._ports.at_ms())

    async def _reconcile(self, generation: int) -> None:
        """Open the loop, and give it time to compare orders and trades with the venue.

        Raises what ended the loop meanwhile: a full disk, a damaged state.
        """
        assert self._venue is not None
        assert self._log is not None
        self.generation = generation
        rules = await self._ports.read_rules()
        self.gateway_loop = gateway_loop = GatewayLoop(
            venue=self._venue,
            log=self._log,
            state=fresh(self._ledger),
            rules=rules,
            now=self._ports.now,
            may_post=self._may_post,
            raise_alarm=self._raise_alarm,
            wall_ms=self._ports.wall_ms,
        )
        started = Started(
            generation=generation,
            name=self._who.name,
            life=self._who.life,
            release=self._who.release,
            beat_wire_ms=await asyncio.to_thread(self._beat_before),
            **gateway_loop.now(),
        )
        gateway_loop.deliver(started)
        self._tasks = [
            asyncio.create_task(gateway_loop.run()),
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._watch_gate()),
        ]
        await gateway_loop.settled(lambda now: now.flight.reconciled, RECONCILE_S_MAX)
        if gateway_loop.failure is not None:
            raise gateway_loop.failure

    def _beat_before(self) -> int:
        beat_ms = beat_before(self._ports.storage, self._who.name)
        return beat_ms if elapsed_ms(self._ports.now().wire_ms, beat_ms) < ONE_CHAIN_MS else 0

    # ---- the last look before a post ----------------------------------------------------------

    def _may_post(self) -> str | None:
        """Return why nothing may be posted now. Reads two small files; no await comes after it."""
        halted = self._ports.halted()
        if halted is not None and self.gateway_loop is not None:
            self.gateway_loop.deliver(HaltFileSeen(reason=halted, **self.gateway_loop.now()))
            return halted
        return self._why_not_write()

    def _why_not_write(self) -> str | None:
        """Return why this process may neither post nor write to the log."""
        stored = stored_generation(self._ports.storage)
        return why_not_act(self.generation, stored, lock_held=self._ports.lock.held)

    def _raise_alarm(self, alarm: RaiseAlarm | EndAlarm) -> None:
        """Raise or end an alarm, unless another gateway has taken over: then the books are old."""
        try:
            why_not = self._why_not_write()
        except (CheckpointsError, OSError, ValueError):
            why_not = None  # files that cannot be read silence no alarm
        if why_not is None:
            self._ports.raise_alarm(alarm)
        else:
            log_event("alarm_left_out", kind=alarm.kind, subject=alarm.subject, reason=why_not)

    async def _watch(self) -> None:
        while True:
            self._may_post()
            await asyncio.sleep(WATCH_S)

    async def read_gate(self, unless_covered: str | None = None) -> None:
        """Judge by the gate's files as they are now; skipped for a release that is covered."""
        gateway_loop = self.gateway_loop
        if gateway_loop is None:
            return
        if unless_covered and gateway_loop.rules.is_attested(unless_covered):
            return
        gateway_loop.judge_by(await self._ports.read_rules())

    async def _watch_gate(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            await self.read_gate()

    async def warm(self, condition_id: str, token_id: str) -> bool:
        """Load what signing needs of a token; a standby does it before it serves."""
        if self._tasks and self.gateway_loop is not None:
            return await self.gateway_loop.venue_calls.warm(condition_id, token_id) is None
        if self._venue is None:
            return False
        return await self._venue.warm(condition_id, token_id) is None

    # ---- the end ------------------------------------------------------------------------------

    async def _end(self, work: SettlePosts | Empty | CancelAll | Close) -> At:
        match work:
            case SettlePosts(to=to):
                return await self._settle_posts(to)
            case Empty():
                await self._empty()
                return Emptied(at_ms=self._ports.at_ms())
            case CancelAll(reason=reason):
                await self._cancel_all(reason)
                return Emptied(at_ms=self._ports.at_ms())
            case Close():
                await self.close()
                return Closed(at_ms=self._ports.at_ms())

    async def _settle_posts(self, to: str) -> PostsSettled:
        """Begin nothing new, let running posts be answered, beat once more. Orders keep resting."""
        assert self.gateway_loop is not None
        self.gateway_loop.deliver(Leaving(reason=f"{to} takes over", **self.gateway_loop.now()))
        answered = await self.gateway_loop.settled(_no_post_runs, POSTS_S_MAX)
        log_event("gateway_leaves", to=to, answered=answered)
        beat_ms = self.gateway_loop.state.flight.beat_ok_wire_ms
        return PostsSettled(at_ms=self._ports.at_ms(), answered=answered, beat_wire_ms=beat_ms)

    async def _empty(self) -> None:
        """Begin nothing new, cancel what rests."""
        assert self.gateway_loop is not None
        self.gateway_loop.deliver(Stopping(reason="the fleet stops", **self.gateway_loop.now()))
        empty = await self.gateway_loop.settled(lambda now: not now.ledger.orders, EMPTY_S_MAX)
        log_event("gateway_stopped", empty=empty)

    async def _cancel_all(self, reason: str) -> None:
        """Say that the log is damaged, and leave no order at the venue."""
        alarm = RaiseAlarm(kind="gateway_log_damaged", subject=self._who.name, evidence=reason)
        await asyncio.to_thread(self._ports.raise_alarm, alarm)
        failures = 0
        while self._venue is None:
            if isinstance(await self._connect(), VenueUnreachable):
                failures += 1
                await asyncio.sleep(CONNECT_PAUSES.wait_s(failures))
        await self._venue.cancel_all()
        await self._venue.close()
        self._venue = None

    async def close(self) -> None:
        """End the loop, close venue and log, release the lock last, whatever fails before."""
        tasks, self._tasks = self._tasks, []
        venue, self._venue = self._venue, None
        log, self._log = self._log, None
        try:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if venue is not None:
                await venue.close()
            if log is not None:
                await asyncio.to_thread(log.close)
        finally:
            self._ports.lock.release()
            if self.gateway_loop is not None:
                self.gateway_loop.changed.set()  # who polls the outbox is pointed on, or asks again


def _no_post_runs(state: State) -> bool:
    flight = state.flight
    posting = any(attempt.in_flight for attempt in flight.posts.values())
    beats = flight.beating or flight.last_beat_wanted
    return flight.stopping is not None and not (posting or flight.signing or beats)
