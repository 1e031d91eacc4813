"""The supervisor on its pump, without Ray: what its effects mean."""

import asyncio
from typing import Final, Never

import msgspec

from actors.detectors.registry import new_alarm
from actors.machine.instant import Instant, Now
from actors.machine.pump import Machine, Pump, Work
from actors.machine.ready import Ready
from actors.runtime import log_event
from actors.supervisor.alarm_sinks import Latched, SinkPump
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
    OpenSeat,
    PollRollout,
    RaiseAlarm,
    ReadFences,
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
"""Wire. An alarm of others is seen within this."""


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    now: Now


class SupervisorLoop(Machine[Undated, Never, AnyEffect]):
    """One life of the supervisor."""

    def __init__(
        self, state: SupervisorState, requests: Requests, sinks: SinkPump, shell: Shell
    ) -> None:
        self.state = state
        self._requests = requests
        self._sinks = sinks
        self._shell = shell
        self._alarms = AlarmStore(requests.storage)
        self._pump = Pump("supervisor", self, shell.now, TICK_MS)
        self.post: Final = self._pump.post
        self._keeping = asyncio.Lock()
        wanted = read_wanted(requests.storage)
        if wanted:
            self.post(undated(StartAsked, slots=wanted))

    def market_ms(self) -> int:
        return self._shell.now().market_ms

    def standing(self) -> tuple[SupervisorState, Latched, int, int]:
        """Return what the metrics tell: state, alarms, wire and market ms."""
        now = self._shell.now()
        return self.state, self._sinks.standing, now.wire_ms, now.market_ms

    async def run(self) -> None:
        """Run until cancelled."""
        self._pump.start(self._pump_alarms())
        self._pump.start(self._sinks.run())
        await self._pump.run()

    def time_passed(self, now: Instant) -> Undated:
        del now
        return undated(Ticked)

    def step(self, event: Undated, now: Instant) -> Ready[Never, AnyEffect]:
        self.state, effects = step(self.state, event(now.market_ms, now.wire_ms))
        return Ready(effects=effects)

    def perform(self, effect: AnyEffect) -> Work[Undated]:
        match effect:
            case (
                ReadFences()
                | AskSlot()
                | OpenSeat()
                | CreateSlot()
                | AskGateway()
                | AskFeeds()
                | PollRollout()
            ):
                return self._requests.answer(effect)
            case EndRollout(rollout=rollout):
                return self._end_rollout(rollout)
            case RaiseAlarm():
                return self._raise(effect)
            case EndProcess():
                return self._end(effect)
            case CreateShared():
                return self._create_shared(effect)
            case KeepStanding() | KeepWanted():
                return self._keep(effect)
            case TightenTrading() | RollBack():
                return self._requests.perform(effect)

    async def _pump_alarms(self) -> None:
        while True:
            await self._sinks.pump(self._latched)
            await asyncio.sleep(PUMP_SECONDS)

    async def _raise(self, effect: RaiseAlarm) -> None:
        now = self._shell.now()
        alarm = new_alarm(
            effect.kind,
            effect.subject,
            effect.evidence,
            action=effect.action,
            wire_ms=now.wire_ms,
            market_ms=now.market_ms,
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


def read_wanted(storage: Storage) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(storage.read(WANTED_FILE), type=tuple[str, ...])
    except (MissingFileError, msgspec.MsgspecError):
        return ()
