"""The supervisor's shell without Ray: step, perform, feed results back as events."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from actors.runtime import log_event
from actors.supervisor.alarm_sinks import SinkPump
from actors.supervisor.events import (
    AlarmLatched,
    AnyEffect,
    AskFeeds,
    AskGateway,
    AskSlot,
    CreateShared,
    CreateSlot,
    EndProcess,
    EndRollout,
    KeepStanding,
    KeepWanted,
    LookAtRollout,
    OpenSeat,
    RaiseAlarm,
    ReadFences,
    Request,
    RollBack,
    StartAsked,
    Ticked,
    TightenTrading,
)
from actors.supervisor.requests import Requests, Undated
from actors.supervisor.shared import renew_shared, take_back_shared
from actors.supervisor.standing import store_standing
from actors.supervisor.state import TICK_MS, SupervisorState
from actors.supervisor.step import step
from actors.undated import undated
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import CheckpointsError, MissingFileError
from checkpoints.storage import Storage

WANTED_FILE: Final = "supervisor/wanted"
"""Which slots shall live, for the supervisor's own restart."""
PUMP_SECONDS: Final = 1.0
"""Wire. Alarms of others reach the sinks within this; the bar is 5 s (RTS 6, article 16)."""
EVENTS_WAITING_MAX: Final = 10_000


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    wire_ms: Callable[[], float]
    observe: Callable[[SupervisorState, int], None]
    """Told after each round of alarms: state, number latched (metrics)."""


class SupervisorLoop:
    """One life of the supervisor."""

    def __init__(
        self, state: SupervisorState, requests: Requests, pump: SinkPump, shell: Shell
    ) -> None:
        self.state = state
        self._requests = requests
        self._pump = pump
        self._shell = shell
        self._alarms = AlarmStore(requests.storage)
        self._events: asyncio.Queue[Undated] = asyncio.Queue(EVENTS_WAITING_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._tick_wire_ms = 0.0
        self._keeping = asyncio.Lock()
        wanted = read_wanted(requests.storage)
        if wanted:
            self.post(undated(StartAsked, slots=wanted))

    def post(self, event: Undated) -> None:
        self._events.put_nowait(event)

    def market_ms(self) -> int:
        return self.state.rules.clock.market_ms(self._shell.wire_ms())

    async def run(self) -> None:
        """Run until cancelled."""
        self._start(self._pump_alarms())
        try:
            while True:
                event = await self._next_event()
                wire_ms = self._shell.wire_ms()
                market_ms = self.state.rules.clock.market_ms(wire_ms)
                self.state, effects = step(self.state, event(market_ms, int(wire_ms)))
                for effect in effects:
                    self._perform(effect)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _next_event(self) -> Undated:
        """Wait for an event, and look at the clock every `TICK_MS` however many there are."""
        left_ms = self._tick_wire_ms - self._shell.wire_ms()
        if left_ms > 0:
            try:
                async with asyncio.timeout(left_ms / 1000):
                    return await self._events.get()
            except TimeoutError:
                pass
        self._tick_wire_ms = self._shell.wire_ms() + TICK_MS
        return undated(Ticked)

    async def _pump_alarms(self) -> None:
        while True:
            latched = await self._pump.pump(self._latched)
            self._shell.observe(self.state, latched)
            await asyncio.sleep(PUMP_SECONDS)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        """Crash on a fault of an effect: an answer that never comes would stop a slot's watch."""
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.post(lambda _market, _wire: _raise(fault))

    def _perform(self, effect: AnyEffect) -> None:
        match effect:
            case (
                ReadFences()
                | AskSlot()
                | OpenSeat()
                | CreateSlot()
                | AskGateway()
                | AskFeeds()
                | LookAtRollout()
            ):
                self._start(self._request(effect))
            case EndRollout(rollout=rollout):
                self._start(self._end_rollout(rollout))
            case RaiseAlarm():
                self._start(self._raise(effect))
            case EndProcess():
                self._start(self._end(effect))
            case CreateShared():
                self._start(self._create_shared(effect))
            case KeepStanding() | KeepWanted():
                self._start(self._keep(effect))
            case TightenTrading() | RollBack():
                self._start(self._react(effect))

    async def _request(self, effect: Request) -> None:
        self.post(await self._requests.answer(effect))

    async def _raise(self, effect: RaiseAlarm) -> None:
        wire_ms = self._shell.wire_ms()
        alarm = Alarm(
            kind=effect.kind,
            subject=effect.subject,
            severity=effect.severity,
            action=effect.action,
            evidence=effect.evidence,
            raised_wire_ms=int(wire_ms),
            market_ms=self.state.rules.clock.market_ms(wire_ms),
            release=effect.evidence.get("release"),
        )
        try:
            await asyncio.to_thread(self._alarms.raise_alarm, alarm)
        except CheckpointsError as error:
            log_event("alarm_not_stored", kind=effect.kind, reason=str(error))

    async def _end(self, effect: EndProcess) -> None:
        ended = await self._requests.fleet.end_process(effect.life, effect.node_id)
        log_event("process_ended", subject=effect.subject, life=effect.life, ended=ended)

    async def _end_rollout(self, rollout: str) -> None:
        failure = await self._requests.fleet.end_rollout()
        log_event("rollout_ended", rollout=rollout, failure=failure)

    async def _react(self, effect: TightenTrading | RollBack) -> None:
        ended = await self._requests.perform(effect)
        if ended is not None:
            self.post(ended)

    def _latched(self, alarm: Alarm) -> None:
        self.post(
            undated(
                AlarmLatched,
                alarm=alarm.id,
                kind=alarm.kind,
                subject=alarm.subject,
                release=alarm.release,
            )
        )

    async def _create_shared(self, effect: CreateShared) -> None:
        act = take_back_shared if effect.bad else renew_shared
        try:
            done = await act(self._requests, effect)
        except (CheckpointsError, msgspec.DecodeError) as error:
            done = f"storage: {error}"
        log_event("shared_renewed", who=effect.who, release=effect.release[:12], done=done)

    async def _keep(self, effect: KeepStanding | KeepWanted) -> None:
        """Store one after the other, and of the standing always the latest."""
        storage = self._requests.storage
        try:
            async with self._keeping:
                if isinstance(effect, KeepStanding):
                    await asyncio.to_thread(store_standing, storage, self.state.standing)
                else:
                    data = msgspec.json.encode(effect.slots)
                    await asyncio.to_thread(storage.write, WANTED_FILE, data)
        except CheckpointsError as error:
            log_event("not_kept", what=type(effect).__name__, reason=str(error))


def _raise(fault: BaseException) -> Any:
    raise fault


def read_wanted(storage: Storage) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(storage.read(WANTED_FILE), type=tuple[str, ...])
    except (MissingFileError, msgspec.MsgspecError):
        return ()
