"""The gateway on its pump: one batch, one fsync, then the effects.

All events that wait are stepped together, their signatures are made (which asks nobody), their
records are written by one append, and only then does anything leave: answers, posts, outbox pages.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from actors.gateway.events import (
    Answer,
    Append,
    Effect,
    EndAlarm,
    Event,
    IntentArrived,
    Post,
    RaiseAlarm,
    Sign,
    State,
    StreamUpdated,
    Ticked,
)
from actors.gateway.ledger import Ledger, stored_of
from actors.gateway.records import Acknowledged, Base, Record, encode_record
from actors.gateway.risk_case import Rules
from actors.gateway.status import Latency
from actors.gateway.step import step
from actors.gateway.venue_calls import VenueCalls
from actors.machine.instant import Instant, Now
from actors.machine.pump import Machine, Pump, Work
from actors.machine.ready import Ready
from actors.messages import Refusal
from actors.runtime import log_event
from actors.venue.port import VenuePort

TICK_MS: Final = 50
"""Wire. 1.5 s of market time at speed 30: fine enough for cancels before the close."""
INBOX_MAX: Final = 4_096
"""Events that wait; more means that the disk stands still: callers are refused."""
COMPACT_RECORDS: Final = 4_000
"""Records after which the log begins anew with a base: a start reads at most so many."""
SAMPLES: Final = 2_000


AlarmSink = Callable[[RaiseAlarm | EndAlarm], None]


class LogPort(Protocol):
    """What the loop needs of `checkpoints.log.RecordLog`."""

    def append(self, records: list[bytes]) -> None: ...
    def rotate(self, base: bytes) -> None: ...


class GatewayLoop(Machine[Event, Append, Effect]):
    """The running machine of one life of the gateway."""

    def __init__(
        self,
        *,
        venue: VenuePort,
        log: LogPort,
        state: State,
        rules: Rules,
        now: Now,
        may_post: Callable[[], str | None],
        raise_alarm: AlarmSink,
        wall_ms: Callable[[], float] | None = None,
    ) -> None:
        self._log = log
        self._state = state
        self._rules = rules
        self._now = now
        self._raise_alarm = raise_alarm
        self._alarming = asyncio.Lock()
        self.durable: Ledger = state.ledger
        """What is on the disk: all that leaves this process is read from here."""
        self.changed = asyncio.Event()
        """Set, and replaced, when `durable` changed."""
        self._stepped = asyncio.Event()
        self.failure: BaseException | None = None
        self.venue_calls = VenueCalls(venue, now, may_post, wall_ms)
        self._pump = Pump("gateway", self, now, TICK_MS)
        self._replies: dict[int, asyncio.Future[msgspec.Struct]] = {}
        self._reply_count = 0
        self._record_count = 0
        self._unwritten: list[Record] = []
        """Acknowledgements alone are worth no fsync: they go with the next records."""
        self._received_s: dict[str, float] = {}
        self._latency_ms: deque[float] = deque(maxlen=SAMPLES)
        self._fsync_ms: deque[float] = deque(maxlen=SAMPLES)

    @property
    def state(self) -> State:
        return self._state

    @property
    def rules(self) -> Rules:
        return self._rules

    def judge_by(self, rules: Rules) -> None:
        """Put rules in force from the next step on: releases come and bake while this runs."""
        self._rules = rules

    def now(self) -> dict[str, int]:
        now = self._now()
        return {"wire_ms": now.wire_ms, "market_ms": now.market_ms}

    # ---- the door -----------------------------------------------------------------------------

    def deliver(self, event: Event) -> None:
        """Queue an event without an answer. Outcomes are never dropped: each is asked for once."""
        if isinstance(event, StreamUpdated) and self._pump.waiting >= INBOX_MAX:
            return  # best effort: the next look tells the same
        self._pump.post(event)

    async def ask(self, make: Callable[[int], Event]) -> msgspec.Struct:
        """Queue the event that `make` builds for a reply number; return the step's answer."""
        if self.failure is not None:
            return Refusal(reason=f"the gateway stopped: {self.failure!r}")
        if self._pump.waiting >= INBOX_MAX:
            return Refusal(reason="the gateway is overloaded: ask again")
        self._reply_count += 1
        reply_to = self._reply_count
        reply: asyncio.Future[msgspec.Struct] = asyncio.get_running_loop().create_future()
        self._replies[reply_to] = reply
        event = make(reply_to)
        if isinstance(event, IntentArrived):
            self._received_s[event.intent.intent_id] = time.perf_counter()
        self.deliver(event)
        try:
            return await reply
        finally:
            self._replies.pop(reply_to, None)

    # ---- the loop -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until cancelled; a failed write ends it, and recovery is a new start."""
        self._pump.start(self.venue_calls.follow_stream(self.deliver))
        try:
            await self._pump.run()
        except Exception as error:
            self.failure = error
            log_event("gateway_loop_failed", error=repr(error))
            raise
        finally:
            self._refuse_waiting()
            self.served()  # who waits for a state asks again, and finds the failure

    def time_passed(self, now: Instant) -> Ticked:
        return Ticked(wire_ms=now.wire_ms, market_ms=now.market_ms)

    def step(self, event: Event, now: Instant) -> Ready[Append, Effect]:
        """Step; what is warm is signed in the same batch, what is cold holds up nobody."""
        del now  # an event says when it happened
        self._state, asked = step(self._state, event, self._rules)
        first: list[Effect] = []
        writes: list[Append] = []
        effects: list[Effect] = []
        for effect in asked:
            match effect:
                case Append():
                    writes.append(effect)
                case Sign() if self.venue_calls.is_warm(effect.approved.intent.token_id):
                    first.append(effect)
                case _:
                    effects.append(effect)
        return Ready(first=tuple(first), writes=tuple(writes), effects=tuple(effects))

    async def write(self, writes: Sequence[Append]) -> None:
        self._unwritten += [record for append in writes for record in append.records]
        if not all(isinstance(record, Acknowledged) for record in self._unwritten):
            await self._append(self._unwritten)
            self._unwritten = []

    def served(self) -> None:
        self._stepped.set()
        self._stepped = asyncio.Event()

    async def _append(self, records: Sequence[Record]) -> None:
        data = [encode_record(record) for record in records]
        started_s = time.perf_counter()
        await asyncio.to_thread(self._log.append, data)
        self._fsync_ms.append(1_000 * (time.perf_counter() - started_s))
        self._record_count += len(records)
        if self._record_count >= COMPACT_RECORDS:
            base = encode_record(Base(ledger=stored_of(self._state.ledger)))
            await asyncio.to_thread(self._log.rotate, base)
            self._record_count = 0
        self.durable = self._state.ledger
        self.changed.set()
        self.changed = asyncio.Event()

    async def _alarm(self, effect: RaiseAlarm | EndAlarm) -> None:
        """One after the other, as they came: an end must not overtake its beginning."""
        async with self._alarming:
            await asyncio.to_thread(self._raise_alarm, effect)

    def perform(self, effect: Effect) -> Work[Event] | None:
        match effect:
            case Answer():
                reply = self._replies.pop(effect.reply_to, None)
                if reply is not None and not reply.done():
                    reply.set_result(effect.message)
                return None
            case RaiseAlarm() | EndAlarm():
                return self._alarm(effect)
            case Sign():
                return self.venue_calls.sign(effect)
            case Append():
                raise AssertionError("written before")
            case Post():
                self._sample(effect)
                return self.venue_calls.perform(effect)
            case _:
                return self.venue_calls.perform(effect)

    # ---- measures -----------------------------------------------------------------------------

    def _sample(self, effect: Post) -> None:
        order = self._state.ledger.orders.get(effect.signed.order_id)
        began_s = self._received_s.pop(order.intent_id, None) if order else None
        if began_s is not None:
            self._latency_ms.append(1_000 * (time.perf_counter() - began_s))
        while len(self._received_s) > SAMPLES:
            self._received_s.pop(next(iter(self._received_s)))

    def latency(self) -> Latency:
        posted = sorted(self._latency_ms)
        fsyncs = sorted(self._fsync_ms)
        if not posted or not fsyncs:
            return Latency()
        return Latency(
            samples=len(posted),
            received_to_posted_p50_ms=posted[len(posted) // 2],
            received_to_posted_p99_ms=posted[len(posted) * 99 // 100],
            fsync_p50_ms=fsyncs[len(fsyncs) // 2],
        )

    def _refuse_waiting(self) -> None:
        for reply in self._replies.values():
            if not reply.done():
                reply.set_result(Refusal(reason="the gateway stopped before it was durable"))

    async def settled(self, condition: Callable[[State], bool], seconds: float) -> bool:
        """Wait until the state meets a condition; False if the time is over or the loop failed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition(self._state):
                    if self.failure is not None:
                        return False
                    await self._stepped.wait()
                return True
        return False
