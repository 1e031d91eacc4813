"""What the venue says, by looking or by stream: fills, ends, winners, heartbeats. Pure.

Looking is the truth, the stream only makes it come sooner: everything may be heard twice, late, in
another order or not at all. One look asks for open orders first and trades after, so an order that
is gone from the first has its fills in the second.
"""

from typing import Final, assert_never

from actors.detectors.alarm_names import AlarmName
from actors.gateway.draft import Draft
from actors.gateway.events import (
    BeatDone,
    Cancel,
    ResolutionSeen,
    StreamUpdated,
    TimeSeen,
    VenuePolled,
    VenueUpdate,
)
from actors.gateway.flight import PostTry
from actors.gateway.ledger import condition
from actors.gateway.listing_health import note_listing
from actors.gateway.order_life import Order, OrderState, end_of_absent
from actors.gateway.orders import judge
from actors.gateway.posts import end_order, may_post, open_order, post
from actors.gateway.records import Market
from actors.gateway.timers import CANCEL_AGAIN_MS, CANCELS_AT_ONCE
from actors.gateway.trades import take_trade
from actors.gateway.venue_pause import note_unavailable
from actors.messages import (
    Settled,
)
from actors.venue.port import (
    VERSION_KNOWN,
    Beaten,
    HeartbeatMismatch,
    OrderChange,
    OrderEvent,
    StreamLost,
    Unavailable,
    Unknown,
    VenueOrder,
    VenueTrade,
)
from signals.market import Outcome

ABSENCE_GRACE_MS: Final = 2_000
"""Wire, after the last answer about an order: lists may lag the matching engine, and a taking order
held for its delay (150 ms) is in neither list."""
LOST_POST_GRACE_MS: Final = 8_000
"""Wire, after the last post whose answer was lost: a request may still be on its way."""
STRANGERS_NAMED: Final = 20
"""Alarms of one look: whoever else uses the key may have thousands of orders."""
BEAT_RETRY_MS: Final = 1_000
"""Wire: two more tries fit before the venue's 10 s are over."""


def apply(draft: Draft, event: VenueUpdate) -> None:
    match event:
        case VenuePolled():
            _poll(draft, event)
        case StreamUpdated():
            _stream(draft, event)
        case BeatDone():
            _beat(draft, event)
        case ResolutionSeen():
            _resolution(draft, event)
        case TimeSeen():
            _time(draft, event)
        case _:
            assert_never(event)


# ---- looking ----------------------------------------------------------------------------------


def _poll(draft: Draft, event: VenuePolled) -> None:
    draft.flight.looking = False
    note_listing(draft, event)
    if isinstance(event.orders, Unknown) or isinstance(event.trades, Unknown):
        return
    for trade in event.trades:
        take_trade(draft, trade)
    listed = {order.order_id: order for order in event.orders}
    unclear = {name for odd in event.odd if not odd.counted for name in odd.order_ids}
    for order in tuple(draft.ledger.orders.values()):
        if order.order_id in listed:
            open_order(draft, order)
        elif order.order_id not in unclear:
            _absent(draft, order, event.started_wire_ms)
    strangers = [order for order in event.orders if order.order_id not in draft.ledger.orders]
    _cancel_strangers(draft, strangers, event.started_wire_ms)
    since_ms = draft.flight.reconcile_from_wire_ms
    if not draft.flight.reconciled and event.started_wire_ms >= since_ms:
        draft.flight.reconciled = True
        _judge_left_over(draft)


def _judge_left_over(draft: Draft) -> None:
    """Judge intents that a former process received and did not decide; nothing of them left."""
    for name in tuple(draft.ledger.undecided):
        if name not in draft.flight.signing and name not in draft.flight.facts:
            judge(draft, draft.ledger.intents[name])


def _absent(draft: Draft, order: Order, looked_wire_ms: int) -> None:
    """Judge an order that the venue does not list, its trades already applied."""
    flight = draft.flight
    attempt = flight.posts.get(order.order_id, PostTry())
    answered_ms = flight.answered.get(order.order_id, flight.started_wire_ms)
    if attempt.in_flight or looked_wire_ms < answered_ms:
        return
    landed = order.state is OrderState.OPEN or order.filled_shares > 0
    if not landed and may_post(draft, order):
        if draft.wire_ms >= attempt.due_wire_ms:
            post(draft, order)
        return
    cancelled = order.order_id in flight.cancelled
    grace_ms = ABSENCE_GRACE_MS if landed else LOST_POST_GRACE_MS
    if cancelled or looked_wire_ms >= answered_ms + grace_ms:
        end, reason = end_of_absent(order, cancelled=cancelled, market_ms=draft.market_ms)
        end_order(draft, order, end, reason)


def _cancel_strangers(draft: Draft, orders: list[VenueOrder], looked_wire_ms: int) -> None:
    """Cancel open orders that are not ours to keep: unknown here, or ended in our books."""
    strangers = [order for order in orders if not _may_lag(draft, order, looked_wire_ms)]
    for order in strangers[:STRANGERS_NAMED]:
        kind: AlarmName
        kind = "order_open_after_end" if order.order_id in draft.ledger.ended else "orphan_order"
        evidence = f"{order.side} {order.shares} at {order.price} in {order.condition_id}"
        draft.alarm(kind, order.order_id, evidence)
    if len(strangers) > STRANGERS_NAMED:
        more = f"{len(strangers) - STRANGERS_NAMED} more orders beside those that are named"
        draft.alarm("orphan_order", "more", more)
    _forget_cancels(draft, {order.order_id for order in strangers})
    sent = draft.flight.cancels
    due = [
        order.order_id
        for order in strangers
        if draft.wire_ms - sent.get(order.order_id, 0) >= CANCEL_AGAIN_MS
    ][:CANCELS_AT_ONCE]
    if due:
        sent.update(dict.fromkeys(due, draft.wire_ms))
        draft.ask(Cancel(order_ids=tuple(due)))


def _may_lag(draft: Draft, order: VenueOrder, looked_wire_ms: int) -> bool:
    """Tell whether the list may be older than the order's end."""
    answered_ms = draft.flight.answered.get(order.order_id, 0)
    ended = order.order_id in draft.ledger.ended
    return ended and looked_wire_ms < answered_ms + ABSENCE_GRACE_MS


def _forget_cancels(draft: Draft, strangers: set[str]) -> None:
    for order_id in tuple(draft.flight.cancels):
        if order_id not in draft.ledger.orders and order_id not in strangers:
            del draft.flight.cancels[order_id]


# ---- the stream -------------------------------------------------------------------------------


def _stream(draft: Draft, said: StreamUpdated) -> None:
    event = said.event
    match event:
        case VenueTrade():
            # A fill of a post that is still under way may overtake its answer: same function.
            if draft.ledger.order(event.order_id) is None:
                draft.flight.poll_account_soon = True
            else:
                take_trade(draft, event)
        case OrderEvent():
            if event.change is not OrderChange.PLACEMENT and event.order_id in draft.ledger.orders:
                draft.flight.poll_account_soon = True
        case StreamLost():
            draft.flight.poll_account_soon = True
        case _:
            assert_never(event)


# ---- settlement -------------------------------------------------------------------------------


def _resolution(draft: Draft, event: ResolutionSeen) -> None:
    before = draft.flight.resolutions.get(event.condition_id, PostTry())
    draft.flight.resolutions[event.condition_id] = PostTry(
        tries=before.tries, due_wire_ms=before.due_wire_ms
    )
    market = draft.ledger.markets.get(event.condition_id)
    if not isinstance(event.outcome, Outcome) or market is None or market.settled:
        return
    if not _at_rest(draft, market):
        return  # asked again: a settlement comes after the last fill is final
    for slot in market.slots:
        if slot not in market.told:
            settled = Settled(
                sequence=draft.next_sequence(slot),
                condition_id=event.condition_id,
                winner=event.outcome,
                at_ms=draft.market_ms,
            )
            draft.publish(slot, settled)
    draft.flight.resolutions.pop(event.condition_id, None)
    _check_loss(draft)


def _at_rest(draft: Draft, market: Market) -> bool:
    """True when no order of the market can fill any more and every fill is final."""
    own = condition(market.condition_id)
    provisional = any(not kept.final for kept in draft.ledger.fills.of(own))
    return not draft.ledger.orders.has(own) and not provisional


def _check_loss(draft: Draft) -> None:
    loss = -draft.ledger.realized_on(draft.market_ms)
    if loss >= draft.rules.limits.daily_loss_micro_usd:
        evidence = f"realized loss of the UTC day: {loss} micro-USD"
        draft.alarm("daily_loss", f"day-{draft.ledger.day}", evidence)


# ---- heartbeat and clock ----------------------------------------------------------------------


def _beat(draft: Draft, event: BeatDone) -> None:
    flight = draft.flight
    flight.beating = False
    match event.outcome:
        case Beaten():
            if flight.beat_ok_wire_ms:
                gap_ms = draft.wire_ms - flight.beat_ok_wire_ms
                flight.beat_gap_max_ms = max(flight.beat_gap_max_ms, gap_ms)
            flight.beat_ok_wire_ms = draft.wire_ms
            flight.heartbeat_id = event.outcome.heartbeat_id
            flight.beat_mismatched = False
        case HeartbeatMismatch():
            flight.heartbeat_id = event.outcome.heartbeat_id
            # at once with the id that the venue named; one that takes that neither is not hurried
            wait_ms = BEAT_RETRY_MS if flight.beat_mismatched else 0
            flight.beat_due_wire_ms = draft.wire_ms + wait_ms
            flight.beat_mismatched = True
        case _:
            if isinstance(event.outcome, Unavailable):
                note_unavailable(draft, event.outcome)
            flight.beat_due_wire_ms = min(flight.beat_due_wire_ms, draft.wire_ms + BEAT_RETRY_MS)


def _time(draft: Draft, event: TimeSeen) -> None:
    """Note by how much the venue's clock is off at least; a slow answer is no skew."""
    _version(draft, event)
    limit_ms = draft.rules.timing.clock_skew_limit_ms
    error_ms = event.round_trip_ms // 2
    if isinstance(event.server_ms, Unknown) or error_ms > limit_ms:
        return  # it says nothing that matters: what was known holds, asked again within a minute
    draft.flight.venue_ahead_ms = event.server_ms - event.wire_ms
    wall_ms = event.wire_ms if event.wall_ms is None else event.wall_ms
    # orders are stamped by the machine's clock, decided and cancelled by the fleet's time
    skew_ms = max(event.server_ms - wall_ms, draft.flight.venue_ahead_ms, key=abs)
    least_ms = max(0, abs(skew_ms) - error_ms)
    draft.flight.skew_ms = least_ms if skew_ms > 0 else -least_ms
    if least_ms > limit_ms:
        evidence = (
            f"the venue is {event.server_ms - wall_ms} ms ahead of this machine's clock and "
            f"{draft.flight.venue_ahead_ms} ms of the fleet's time; the limit is {limit_ms}"
        )
        draft.alarm("clock_skew", "venue", evidence)


def _version(draft: Draft, event: TimeSeen) -> None:
    """Buy nothing of a venue that speaks another protocol; one that cannot be read changes nothing.

    What was signed for the old one could be taken for something else.
    """
    if isinstance(event.version, Unknown):
        return
    before = draft.flight.foreign_version
    draft.flight.foreign_version = "" if event.version == VERSION_KNOWN else event.version
    if draft.flight.foreign_version not in ("", before):
        evidence = f"the venue says version {event.version}, orders are made for {VERSION_KNOWN}"
        draft.alarm("venue_version", "venue", evidence)
