"""Own fills as the venue reports them: provisional, then confirmed or taken back. Pure.

A trade may be heard any number of times, in any order of its statuses; its fill is counted once.
"""

import math
from typing import Final

from actors.elapsed import elapsed_ms
from actors.gateway.account import look_at_rest
from actors.gateway.draft import Draft
from actors.gateway.ledger import condition
from actors.gateway.market_facts import outcome_of
from actors.gateway.market_table import listing_of
from actors.gateway.order_life import Order, OrderState, end_of_absent
from actors.gateway.posts import end_order, open_order
from actors.gateway.records import Latched
from actors.messages import FillConfirmed, Filled, FillFailed
from actors.venue.port import TradeStatus, VenueTrade
from signals.market import Outcome

FORGOTTEN_GRACE_MS: Final = 5_000
"""Wire: the venue stamps matches with its own clock, which may be a little ahead of ours."""


def take_trade(draft: Draft, trade: VenueTrade) -> None:
    """Apply one own fill as the venue reports it, whatever is known of it already."""
    order = draft.ledger.order(trade.order_id)
    if order is None:
        _orphan_trade(draft, trade)
        return
    if trade.condition_id != order.condition_id:
        _differs(draft, order, trade, f"market {order.condition_id}", trade.condition_id)
        return  # there is no position that it could belong to
    if order.state in (OrderState.WRITTEN, OrderState.UNKNOWN):
        open_order(draft, order)
    if trade.fill_id not in draft.ledger.fills:
        _fill(draft, order, trade)
    _move(draft, order, trade)


def _move(draft: Draft, order: Order, trade: VenueTrade) -> None:
    """Note how far the settlement of a known fill is."""
    kept = draft.ledger.fills[trade.fill_id]
    if kept.final:
        if trade.status is TradeStatus.FAILED and not kept.failed:
            draft.alarm("fill_failed_after_confirmed", trade.fill_id, str(trade))
        return
    sequence = draft.next_sequence(order.slot)
    if trade.status is TradeStatus.CONFIRMED:
        confirmed = FillConfirmed(sequence=sequence, fill_id=trade.fill_id, at_ms=draft.market_ms)
        draft.publish(order.slot, confirmed)
        look_at_rest(draft)
    elif trade.status is TradeStatus.FAILED:
        failed = FillFailed(sequence=sequence, fill_id=trade.fill_id, at_ms=draft.market_ms)
        draft.publish(order.slot, failed)


def _fill(draft: Draft, order: Order, trade: VenueTrade) -> None:
    _throttle(draft, order)
    filled = Filled(
        sequence=draft.next_sequence(order.slot),
        fill_id=trade.fill_id,
        order_id=order.order_id,
        condition_id=order.condition_id,
        outcome=_outcome(draft, order, trade),
        side=order.side,
        price=trade.price,
        shares=trade.shares,
        fee_micro_usd=trade.fee_micro_usd,
        maker=trade.maker,
        at_ms=draft.market_ms,
    )
    draft.publish(order.slot, filled)
    now = draft.ledger.orders.get(order.order_id)
    if now is not None and now.complete:
        end, reason = end_of_absent(now, cancelled=False, market_ms=draft.market_ms)
        end_order(draft, now, end, reason)


def _outcome(draft: Draft, order: Order, trade: VenueTrade) -> Outcome:
    """Tell which claim was traded, by the trade's own token; say where it is not the order's."""
    listing = listing_of(draft, order.intent_id)
    market = None if listing is None else listing.market
    outcome = outcome_of(market, trade.token_id, order.token_id, order.outcome)
    if outcome is not order.outcome:
        _differs(draft, order, trade, order.outcome, f"{outcome} (token {trade.token_id})")
    if trade.side is not order.side:
        _differs(draft, order, trade, order.side, trade.side)
    return outcome


def _differs(draft: Draft, order: Order, trade: VenueTrade, ours: str, theirs: str) -> None:
    draft.alarm(
        "books_differ",
        f"fill/{trade.fill_id}",
        f"order {order.order_id} of {order.slot}: ours {ours}, the trade says {theirs}",
    )


def _throttle(draft: Draft, order: Order) -> None:
    """Latch before the fill that reaches the limit: a torn log then errs to the safe side."""
    if order.slot in draft.ledger.latched:
        return
    same = (order.slot, order.condition_id, order.side)
    count = 1 + sum(
        (kept.slot, kept.fill.condition_id, kept.fill.side) == same
        for kept in draft.ledger.fills.of(condition(order.condition_id))
    )
    if count >= draft.rules.limits.repeated_executions:
        reason = f"{count} executions in {order.condition_id}, {order.side}"
        draft.record(Latched(slot=order.slot, reason=reason, wire_ms=draft.wire_ms))
        draft.alarm("throttle", order.slot, reason)


def _orphan_trade(draft: Draft, trade: VenueTrade) -> None:
    forgotten_ms = draft.ledger.forgotten_wire_ms
    matched_ms = trade.matched_wire_ms - draft.flight.venue_ahead_ms
    dated = not math.isinf(elapsed_ms(draft.wire_ms, forgotten_ms))
    if dated and matched_ms <= forgotten_ms + FORGOTTEN_GRACE_MS:
        return
    evidence = f"{trade.side} {trade.shares} at {trade.price} in {trade.condition_id}"
    draft.alarm("orphan_fill", trade.order_id, evidence)
