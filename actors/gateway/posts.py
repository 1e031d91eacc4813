"""Posting what was written ahead, until its outcome is known. Pure.

The same bytes are posted again, never signed anew. An answer that was lost makes the order
*unknown*; only looking at the venue, or its "Duplicated", tells what became of it.
"""

from typing import Final, assert_never

from actors.gateway.account import poll_account_soon
from actors.gateway.draft import Draft
from actors.gateway.events import CancelDone, Post, PostDone, PostHeld
from actors.gateway.flight import PostTry
from actors.gateway.order_life import Order, OrderState
from actors.gateway.refusals import note_passed, note_refused
from actors.gateway.venue_pause import is_fresh, note_taken, note_unavailable
from actors.machine.backoff import Backoff
from actors.messages import (
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderUnknown,
    TradingState,
)
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Cancelled,
    Duplicated,
    PostOutcome,
    Rejected,
    SignedOrder,
    Unavailable,
    Unknown,
)
from signals.decision import Style
from signals.market import Side

POST_PAUSES: Final = Backoff(first_ms=500, most_ms=4_000)
"""Wire, after tries of one post in a row, so that a venue that struggles is not hammered."""
UNAUTHORIZED_TRIES: Final = 4
"""The venue now and then says 401 to a right request; the same bytes pass a moment later."""
UNAUTHORIZED_RETRY_MS: Final = 1_000
POST_TRIES_MAX: Final = 40
"""With the longest backoff over two minutes: the venue's restart and half its post-only time."""


def answered(draft: Draft, event: PostDone | PostHeld | CancelDone) -> None:
    match event:
        case PostDone():
            _posted(draft, event.order_id, event.outcome)
        case PostHeld():
            _retry_later(draft, event.order_id, 0)
        case CancelDone():
            _cancelled(draft, event)
        case _:
            assert_never(event)


def may_post(draft: Draft, order: Order) -> bool:
    """Tell whether this order may go out (again) now; the shell looks once more before the wire."""
    before = draft.flight.posts.get(order.order_id, PostTry())
    trading = draft.ledger.trading
    allowed = trading is TradingState.ACTIVE or (
        trading is TradingState.REDUCING and order.side is Side.SELL
    )
    in_time = draft.market_ms < draft.rules.last_order_ms(order.style, order.close_ms)
    left = before.tries < POST_TRIES_MAX and draft.flight.stopping is None
    return allowed and in_time and left and is_fresh(draft, order)


def post(draft: Draft, order: Order) -> None:
    """Ask to post the order's bytes if it may go and no post of it is under way."""
    before = draft.flight.posts.get(order.order_id, PostTry())
    if before.in_flight or not may_post(draft, order):
        return
    draft.flight.posts[order.order_id] = PostTry(
        tries=before.tries + 1,
        in_flight=True,
        first_wire_ms=before.first_wire_ms or draft.wire_ms,
    )
    signed = SignedOrder(
        order_id=order.order_id, body=order.body, signed_wire_ms=order.signed_wire_ms
    )
    draft.ask(Post(signed=signed))


def _posted(draft: Draft, order_id: str, outcome: PostOutcome) -> None:
    order = draft.ledger.orders.get(order_id)
    draft.flight.answered[order_id] = draft.wire_ms
    if order is None:
        draft.flight.posts.pop(order_id, None)
        return
    match outcome:
        case Accepted():
            note_passed(draft)
            note_taken(draft, order)
            open_order(draft, order)
            # a resting order's fills come by stream; the others are settled by looking
            if outcome.status is not AcceptedStatus.LIVE:
                draft.flight.poll_account_soon = True
        case Duplicated():
            open_order(draft, order)
            draft.flight.poll_account_soon = True
        case Rejected():
            _rejected(draft, order, outcome)
        case Unavailable():
            note_unavailable(draft, outcome)
            _retry_later(draft, order_id, outcome.retry_after_ms)
        case Unknown():
            mark_unknown(draft, order, outcome.reason)
            _retry_later(draft, order_id, 0)
            draft.flight.poll_account_soon = True
        case _:
            assert_never(outcome)


def open_order(draft: Draft, order: Order) -> None:
    """The venue has it: record that once. News before the post's answer stands for it."""
    draft.flight.posts.pop(order.order_id, None)
    if order.state in (OrderState.WRITTEN, OrderState.UNKNOWN):
        draft.flight.answered.setdefault(order.order_id, draft.wire_ms)
        sequence = draft.next_sequence(order.slot)
        opened = OrderOpened(sequence=sequence, order_id=order.order_id, at_ms=draft.market_ms)
        draft.publish(order.slot, opened)


def mark_unknown(draft: Draft, order: Order, reason: str) -> None:
    if order.state is OrderState.WRITTEN:
        unknown = OrderUnknown(
            sequence=draft.next_sequence(order.slot),
            order_id=order.order_id,
            reason=reason,
            at_ms=draft.market_ms,
        )
        draft.publish(order.slot, unknown)


def _rejected(draft: Draft, order: Order, outcome: Rejected) -> None:
    reason = f"{outcome.code}: {outcome.message}"
    tries = draft.flight.posts.get(order.order_id, PostTry()).tries
    if outcome.code == "unauthorized" and tries < UNAUTHORIZED_TRIES:
        _retry_later(draft, order.order_id, UNAUTHORIZED_RETRY_MS)
        return
    note_refused(draft, outcome.code, outcome.message)
    if outcome.code == "not_enough_balance":
        poll_account_soon(draft)
    if order.state is OrderState.UNKNOWN:
        # An earlier post may have landed (and used the balance that this one lacks): only looking
        # can tell, so it is not posted again and not called rejected yet.
        draft.flight.posts[order.order_id] = PostTry(tries=POST_TRIES_MAX)
        draft.flight.poll_account_soon = True
        return
    killed = outcome.code == "fak_not_filled" and order.style is Style.TAKE
    end_order(draft, order, OrderEnd.KILLED if killed else OrderEnd.REJECTED, reason)


def end_order(draft: Draft, order: Order, end: OrderEnd, reason: str) -> None:
    draft.flight.posts.pop(order.order_id, None)
    draft.flight.cancels.pop(order.order_id, None)
    draft.flight.cancelled.pop(order.order_id, None)
    draft.flight.answered[order.order_id] = draft.wire_ms
    ended = OrderEnded(
        sequence=draft.next_sequence(order.slot),
        order_id=order.order_id,
        end=end,
        reason=reason,
        at_ms=draft.market_ms,
    )
    draft.publish(order.slot, ended)


def _retry_later(draft: Draft, order_id: str, advised_ms: int) -> None:
    before = draft.flight.posts.get(order_id, PostTry())
    wait_ms = max(advised_ms, POST_PAUSES.wait_ms(before.tries))
    draft.flight.posts[order_id] = PostTry(
        tries=before.tries,
        due_wire_ms=draft.wire_ms + wait_ms,
        first_wire_ms=before.first_wire_ms,
    )


# ---- cancels ----------------------------------------------------------------------------------


def _cancelled(draft: Draft, event: CancelDone) -> None:
    """Note what the venue confirmed; an order ends only when a look shows it gone, fills known."""
    draft.flight.poll_account_soon = True
    if isinstance(event.outcome, Unavailable):
        note_unavailable(draft, event.outcome)
    if isinstance(event.outcome, Cancelled):
        for order_id in event.outcome.cancelled:
            if order_id in draft.ledger.orders:
                draft.flight.cancelled[order_id] = "cancelled by us"
                draft.flight.answered[order_id] = draft.wire_ms
