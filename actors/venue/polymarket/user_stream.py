"""The account's own stream, best effort: it may be late, twice, out of order, silent or gone.

Nothing rests on it alone. Whenever something may have been missed, `StreamLost` says so, and the
reader reconciles by listing orders and trades.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, assert_never

from polymarket import AsyncSecureClient
from polymarket.errors import PolymarketError
from polymarket.models.clob.user_events import UserEvent, UserOrderEvent, UserTradeEvent
from polymarket.streams import UserSpec

from actors.machine.backoff import Backoff
from actors.venue.polymarket.environment import user_stream_open
from actors.venue.polymarket.fills import Account, FeeTerms, own_fills
from actors.venue.port import OrderChange, OrderEvent, StreamLost, VenueEvent
from signals.units import MicroShares, to_micro

POLL_S: Final = 1.0
"""Wire. How often a quiet stream is checked: the SDK reconnects without saying so."""
PAUSES: Final = Backoff(first_ms=250, most_ms=5_000)
"""Wire, between attempts to subscribe."""

WHY_LENGTH_MAX: Final = 200
"""Of what is said of one event: it holds the words of a stranger."""

FeeTermsOf = Callable[[str], Awaitable[FeeTerms]]


async def follow_user_stream(
    client: AsyncSecureClient, account: Account, fee_terms: FeeTermsOf
) -> AsyncIterator[VenueEvent]:
    """Yield the account's events without end; the consumer stops it by closing the iterator."""
    attempt = 0
    while True:
        try:
            async for event in _one_subscription(client, account, fee_terms):
                attempt = 0
                yield event
            lost = "the stream ended"
        except (PolymarketError, TimeoutError, OSError) as error:
            lost = f"{type(error).__name__}: {error}"
        yield StreamLost(reason=lost)
        attempt += 1
        await asyncio.sleep(PAUSES.wait_s(attempt))


async def _one_subscription(
    client: AsyncSecureClient, account: Account, fee_terms: FeeTermsOf
) -> AsyncIterator[VenueEvent]:
    handle = await client.subscribe(UserSpec())
    watch = _Watch()
    pending: asyncio.Task[UserEvent] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(handle.__anext__())
            await asyncio.wait({pending}, timeout=POLL_S)
            lost = watch.poll(user_stream_open(client), int(getattr(handle, "dropped", 0)))
            if lost is not None:
                yield StreamLost(reason=lost)
            if not pending.done():
                continue
            event, pending = await _ended_or(pending), None
            if event is None:
                return
            for found in await read_user_event(event, account, fee_terms):
                yield found
    finally:
        if pending is not None:
            pending.cancel()
        await handle.close()


class _Watch:
    """Notices what the SDK does not say: reconnects, and events dropped from its queue."""

    def __init__(self) -> None:
        self._open = True
        self._dropped = 0

    def poll(self, is_open: bool, dropped: int) -> str | None:  # noqa: FBT001 an observation
        before, self._open = self._open, is_open
        new, self._dropped = dropped - self._dropped, dropped
        if before != is_open:
            return "the connection was made again" if is_open else "the connection was lost"
        return f"{new} events dropped" if new else None


async def _ended_or(task: asyncio.Task[UserEvent]) -> UserEvent | None:
    try:
        return await task
    except StopAsyncIteration:
        return None


async def read_user_event(
    event: UserEvent, account: Account, fee_terms: FeeTermsOf
) -> tuple[VenueEvent, ...]:
    """Read one event; one that cannot be believed is a reason to list orders and trades."""
    try:
        return await _believed(event, account, fee_terms)
    except (PolymarketError, TimeoutError, ValueError, ArithmeticError) as error:
        said = f"{event.type} {event.payload.id}: {type(error).__name__}: {error}"
        return (StreamLost(reason=said[:WHY_LENGTH_MAX]),)


async def _believed(
    event: UserEvent, account: Account, fee_terms: FeeTermsOf
) -> tuple[VenueEvent, ...]:
    match event:
        case UserOrderEvent(payload=order):
            return (
                OrderEvent(
                    order_id=order.id,
                    condition_id=str(order.condition_id),
                    change=OrderChange(order.order_event_type),
                    filled_shares=MicroShares(to_micro(order.size_matched)),
                ),
            )
        case UserTradeEvent(payload=trade):
            return own_fills(trade, account, await fee_terms(str(trade.asset_id)))
        case _:
            assert_never(event)
