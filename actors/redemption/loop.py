"""The redeemer on its pump: write the claim, then ask; nothing here knows the trading path."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from actors.machine.instant import Instant, Now
from actors.machine.pump import Machine, Pump, Work
from actors.machine.ready import Ready
from actors.redemption.claim import Claim
from actors.redemption.events import (
    Check,
    Effect,
    EndAlarm,
    Event,
    Poll,
    RaiseAlarm,
    ReadChain,
    Sign,
    Submit,
    Sweep,
    Ticked,
)
from actors.redemption.log import encode, encode_base
from actors.redemption.port import RedeemPort
from actors.redemption.state import State, pruned, step, wake
from actors.runtime import log_event
from checkpoints.log import RecordLog

TICK_MS: Final = 250
"""Wire. Polls are two seconds apart."""
COMPACT_RECORDS: Final = 2_000
"""Records after which the log begins anew: about a day of winnings."""
AlarmSink = Callable[[RaiseAlarm | EndAlarm], None]


class RedeemLoop(Machine[Event, Claim, Effect]):
    """One life of the redeemer."""

    def __init__(
        self,
        *,
        port: RedeemPort,
        log: RecordLog,
        state: State,
        now: Now,
        alarm: AlarmSink,
        tick_ms: float = TICK_MS,
    ) -> None:
        self._port = port
        self._log = log
        self.state = state
        self._now = now
        self._alarm = alarm
        self._record_count = 0
        self._pump = Pump("redeemer", self, now, tick_ms)

    async def run(self) -> None:
        """Run until cancelled; a failed write ends it, and recovery is a new start."""
        for event in wake(self.state, self._now().wire_ms):
            self._pump.post(event)
        await self._pump.run()

    def end(self) -> None:
        self._pump.end()

    def step(self, event: Event, now: Instant) -> Ready[Claim, Effect]:
        del now  # an event says when it happened
        self.state, ready = step(self.state, event)
        for claim in ready.writes:
            log_event(
                "claim",
                condition=claim.condition_id,
                step=claim.phase.value,
                micro_usd=claim.worth_micro_usd,
                paid_micro_usd=claim.paid_micro_usd,
                tries=claim.tries,
                trouble=claim.trouble,
            )
        return ready

    def time_passed(self, now: Instant) -> Ticked:
        return Ticked(wire_ms=now.wire_ms)

    async def write(self, writes: Sequence[Claim]) -> None:
        await asyncio.to_thread(self._log.append, encode(writes))
        self._record_count += len(writes)
        if self._record_count >= COMPACT_RECORDS:
            self.state = pruned(self.state, self._now().wire_ms)
            await asyncio.to_thread(self._log.rotate, encode_base(self.state))
            self._record_count = 0

    def perform(self, effect: Effect) -> Work[Event] | None:
        match effect:
            case Sweep():
                return self._port.listed()
            case Sign():
                return self._port.sign(effect.claim)
            case Submit():
                return self._port.submit(effect.condition_id, effect.signed)
            case ReadChain():
                return self._port.read_chain(effect.claim)
            case Poll():
                return self._port.poll(effect.claim)
            case Check():
                return self._port.check(effect.claim)
            case RaiseAlarm() | EndAlarm():
                return self._deliver(effect)

    async def _deliver(self, effect: RaiseAlarm | EndAlarm) -> None:
        await asyncio.to_thread(self._alarm, effect)
