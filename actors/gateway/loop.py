"""Runs the gateway's step: one loop, one batch, one fsync, then the effects.

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
    SignDone,
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
from actors.messages import Refusal
from actors.runtime import log_event
from actors.venue.port import VenuePort

TICK_S: Final = 0.05
"""Wire. 1.5 s of market time at speed 30: fine enough for cancels before the close."""
INBOX_MAX: Final = 4_096
"""Events that wait; more means that the disk stands still: callers are refused."""
SIGN_INLINE_S: Final = 0.2
"""Wire. A signature that takes longer comes with a later batch and holds up nobody."""
COMPACT_RECORDS: Final = 4_000
"""Records after which the log begins anew with a base: a start reads at most so many."""
SAMPLES: Final = 2_000


AlarmSink = Callable[[RaiseAlarm | EndAlarm], None]


class LogPort(Protocol):
    """What the desk needs of `checkpoints.log.RecordLog`."""

    def append(self, records: list[bytes]) -> None: ...
    def rotate(self, base: bytes) -> None: ...


class GatewayLoop:
    """The running machine of one life of the gateway."""

    def __init__(
        self,
        *,
        venue: VenuePort,
        log: LogPort,
        state: State,
        rules: Rules,
        now: Callable[[], tuple[int, int]],
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
        self._tick_waits = False
        self.failure: BaseException | None = None
        self.venue_calls = VenueCalls(venue, self.deliver, now, may_post, wall_ms)
        self._inbox: deque[Event] = deque()
        self._wake = asyncio.Event()
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
        wire_ms, market_ms = self._now()
        return {"wire_ms": wire_ms, "market_ms": market_ms}

    # ---- the door -----------------------------------------------------------------------------

    def deliver(self, event: Event) -> None:
        """Queue an event without an answer. Outcomes are never dropped: each is asked for once."""
        if isinstance(event, StreamUpdated) and len(self._inbox) >= INBOX_MAX:
            return  # best effort: the next look tells the same
        self._inbox.append(event)
        self._wake.set()

    async def ask(self, make: Callable[[int], Event]) -> msgspec.Struct:
        """Queue the event that `make` builds for a reply number; return the step's answer."""
        if self.failure is not None:
            return Refusal(reason=f"the gateway stopped: {self.failure!r}")
        if len(self._inbox) >= INBOX_MAX:
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
        helpers = [asyncio.create_task(self._tick()), asyncio.create_task(self._follow())]
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                batch = list(self._inbox)
                self._inbox.clear()
                self._tick_waits = False
                await self._serve(batch)
                self._stepped.set()
                self._stepped = asyncio.Event()
        except Exception as error:
            self.failure = error
            log_event("gateway_desk_failed", error=repr(error))
            raise
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self.venue_calls.close()
            self._refuse_waiting()

    async def _tick(self) -> None:
        while True:
            if not self._tick_waits:
                self._tick_waits = True
                self.deliver(Ticked(**self.now()))
            await asyncio.sleep(TICK_S)

    async def _follow(self) -> None:
        await self.venue_calls.follow_stream()

    async def _serve(self, batch: Sequence[Event]) -> None:
        effects: list[Effect] = []
        records: list[Record] = []
        events = list(batch)
        while events:
            signs: list[Sign] = []
            for event in events:
                self._state, asked = step(self._state, event, self._rules)
                for effect in asked:
                    if isinstance(effect, Append):
                        records += effect.records
                    elif isinstance(effect, Sign):
                        signs.append(effect)
                    else:
                        effects.append(effect)
            events = await self._sign(signs)
        self._unwritten += records
        if not all(isinstance(record, Acknowledged) for record in self._unwritten):
            await self._append(self._unwritten)
            self._unwritten = []
        for effect in effects:
            self._perform(effect)

    async def _sign(self, signs: Sequence[Sign]) -> list[Event]:
        """Sign what can be signed at once; cold tokens are warmed and signed beside the loop."""
        inline = []
        for effect in signs:
            if self.venue_calls.is_warm(effect.approved.intent.token_id):
                inline.append(asyncio.ensure_future(self.venue_calls.sign(effect)))
            else:
                self.venue_calls.sign_later(effect)
        if not inline:
            return []
        done, late = await asyncio.wait(inline, timeout=SIGN_INLINE_S)
        for task in late:
            self.venue_calls.spawn(self._report_signed(task))
        return [task.result() for task in inline if task in done]

    async def _report_signed(self, task: "asyncio.Future[SignDone]") -> None:
        self.deliver(await task)

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

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Answer():
                reply = self._replies.pop(effect.reply_to, None)
                if reply is not None and not reply.done():
                    reply.set_result(effect.message)
            case RaiseAlarm() | EndAlarm():
                self.venue_calls.spawn(self._alarm(effect))
            case Append() | Sign():
                raise AssertionError("performed before")
            case _:
                if isinstance(effect, Post):
                    self._sample(effect)
                self.venue_calls.begin(effect)

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
        """Wait until the state meets a condition; False when the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition(self._state):
                    await self._stepped.wait()
                return True
        return False
