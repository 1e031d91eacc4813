"""Performs the step's effects at the venue; their outcomes return as events.

Every call has a deadline of its own, beyond the adapter's: a call that never returns would leave
its order in the air for ever. What went wrong is an outcome, never an exception.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, assert_never

from actors.gateway.events import (
    AskResolution,
    AskTime,
    Beat,
    BeatDone,
    Cancel,
    CancelDone,
    Event,
    PollVenue,
    Post,
    PostDone,
    PostHeld,
    Question,
    ResolutionSeen,
    Sign,
    SignDone,
    StreamUpdated,
    TimeSeen,
    VenuePolled,
)
from actors.gateway.market_events import (
    AccountSeen,
    AskAccount,
    AskBook,
    AskMarket,
    BookSeen,
    MarketSeen,
)
from actors.machine.instant import Now
from actors.messages import Intent
from actors.runtime import log_event
from actors.venue.port import (
    SignedOrder,
    SignOutcome,
    StreamLost,
    Unknown,
    Unsignable,
    UnsignedOrder,
    VenuePort,
)

VenueCall = Post | Cancel | PollVenue | Beat | Question

CALL_S_MAX: Final = 30.0
"""Wire. The adapter's own timeout is 5 s a request; a listing asks several times."""
WARM_FRESH_S: Final = 200.0
"""Wire. The adapter re-reads a token's terms after 240 s; until then signing asks nobody."""
TOKENS_MAX: Final = 1_024
STREAM_AGAIN_S: Final = 1.0
"""Wire, before the user stream is opened again."""

Answer = TypeVar("Answer")


class VenueCalls:
    """One venue, many calls under way."""

    def __init__(
        self,
        venue: VenuePort,
        now: Now,
        may_post: Callable[[], str | None],
        wall_ms: Callable[[], float] | None = None,
    ) -> None:
        self._venue = venue
        self._now = now
        self._may_post = may_post
        self._wall_ms = wall_ms
        """This machine's clock; None: the fleet's time is it."""
        self._warm_s: dict[str, float] = {}
        self._conditions: dict[str, str] = {}
        """Of each token in `_warm_s`."""

    # ---- signing ------------------------------------------------------------------------------

    def is_warm(self, token_id: str) -> bool:
        now_s = asyncio.get_running_loop().time()
        return now_s - self._warm_s.get(token_id, -WARM_FRESH_S) < WARM_FRESH_S

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:
        cold = await _value(self._venue.warm(condition_id, token_id))
        if cold is None:
            while len(self._warm_s) >= TOKENS_MAX:
                oldest = next(iter(self._warm_s))
                del self._warm_s[oldest], self._conditions[oldest]
            self._warm_s.pop(token_id, None)  # the newest are last
            self._warm_s[token_id] = asyncio.get_running_loop().time()
            self._conditions[token_id] = condition_id
        return cold

    def warmed(self) -> dict[str, list[str]]:
        """Return the warm tokens by condition."""
        found: dict[str, list[str]] = {}
        for token_id in filter(self.is_warm, self._warm_s):
            found.setdefault(self._conditions[token_id], []).append(token_id)
        return found

    async def sign(self, effect: Sign) -> SignDone:
        """Sign one approved intent; the order it becomes is exactly its content."""
        intent = effect.approved.intent
        at = self._at()
        outcome = await self._signature(intent)
        return SignDone(intent_id=intent.intent_id, outcome=outcome, **at)

    async def _signature(self, intent: Intent) -> SignOutcome:
        if not self.is_warm(intent.token_id):
            cold = await self.warm(intent.condition_id, intent.token_id)
            if cold is not None:
                return Unsignable(code="metadata", reason=cold.reason)
        order = UnsignedOrder(
            condition_id=intent.condition_id,
            token_id=intent.token_id,
            side=intent.side,
            style=intent.style,
            price=intent.price,
            shares=intent.shares,
        )
        signed = await _value(self._venue.sign(order))
        if isinstance(signed, Unknown):
            return Unsignable(code="signing", reason=signed.reason)
        return signed

    # ---- calls --------------------------------------------------------------------------------

    async def perform(self, call: VenueCall) -> Event:
        """Make one call; return its outcome."""
        started_ms = self._now().wire_ms
        match call:
            case Post():
                return await self._post(call.signed)
            case Cancel():
                cancelled = await _value(self._venue.cancel(call.order_ids))
                at = self._at()
                return CancelDone(order_ids=call.order_ids, outcome=cancelled, **at)
            case PollVenue():
                return await self._poll(call.after_s, started_ms)
            case Beat():
                beaten = await _value(self._venue.heartbeat(call.heartbeat_id))
                return BeatDone(outcome=beaten, **self._at())
            case _:
                return await self._ask(call, started_ms)

    async def _ask(self, call: Question, started_ms: int) -> Event:
        match call:
            case AskResolution():
                winner = await _value(self._venue.resolution(call.condition_id))
                at = self._at()
                return ResolutionSeen(condition_id=call.condition_id, outcome=winner, **at)
            case AskTime():
                return await self._time(started_ms)
            case AskMarket():
                market = await _value(self._venue.market(call.slug))
                return MarketSeen(slug=call.slug, market=market, **self._at())
            case AskBook():
                book = await _value(self._venue.book(call.token_id))
                return BookSeen(intent_id=call.intent_id, book=book, **self._at())
            case AskAccount():
                account = await _value(self._venue.account(call.token_ids))
                return AccountSeen(account=account, **self._at())
            case _:
                assert_never(call)

    def _at(self) -> dict[str, int]:
        now = self._now()
        return {"wire_ms": now.wire_ms, "market_ms": now.market_ms}

    async def _post(self, signed: SignedOrder) -> PostDone | PostHeld:
        """Look once more whether posting is allowed, then post without any wait between."""
        held = self._may_post()
        if held is not None:
            return PostHeld(order_id=signed.order_id, reason=held, **self._at())
        outcome = await _value(self._venue.post(signed))
        return PostDone(order_id=signed.order_id, outcome=outcome, **self._at())

    async def _poll(self, after_s: int, started_ms: int) -> VenuePolled:
        orders = await _value(self._venue.open_orders())
        trades = await _value(self._venue.trades(after_s))
        return VenuePolled(
            orders=orders,
            trades=trades,
            odd=self._venue.odd_rows(),
            started_wire_ms=started_ms,
            **self._at(),
        )

    def _wall_of(self, wire_ms: int) -> int | None:
        """Return what the machine's clock shows at an instant of the last seconds."""
        if self._wall_ms is None:
            return None
        return int(self._wall_ms()) - (self._now().wire_ms - wire_ms)

    async def _time(self, started_ms: int) -> TimeSeen:
        version = asyncio.create_task(_value(self._venue.version()))
        server_ms = await _value(self._venue.server_time_ms())
        ended = self._now()
        middle_ms = (started_ms + ended.wire_ms) // 2
        return TimeSeen(
            server_ms=server_ms,
            round_trip_ms=ended.wire_ms - started_ms,
            wire_ms=middle_ms,
            wall_ms=self._wall_of(middle_ms),
            market_ms=ended.market_ms,
            version=await version,
        )

    async def follow_stream(self, deliver: Callable[[Event], None]) -> None:
        """Deliver the user stream's events for as long as the gateway lives."""
        while True:
            reason = "the stream ended"
            try:
                async for event in self._venue.events():
                    deliver(StreamUpdated(event=event, **self._at()))
            except Exception as error:  # noqa: BLE001 the stream is best effort, looking is the truth
                reason = repr(error)
            log_event("user_stream_lost", reason=reason)
            deliver(StreamUpdated(event=StreamLost(reason=reason), **self._at()))
            await asyncio.sleep(STREAM_AGAIN_S)


async def _value(call: Awaitable[Answer]) -> Answer | Unknown:
    """Await a call of the venue port; whatever goes wrong in it means that nothing is known."""
    try:
        async with asyncio.timeout(CALL_S_MAX):
            return await call
    except Exception as error:  # noqa: BLE001 a lost outcome must not lose its order
        log_event("venue_call_failed", error=repr(error))
        return Unknown(reason=repr(error))
