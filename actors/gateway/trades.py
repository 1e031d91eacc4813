"""Own fills as the venue reports them: provisional, then confirmed or taken back. Pure.

A trade may be heard any number of times, in any order of its statuses; its fill is counted once.
"""

import math
from typing import Final

from actors.elapsed import elapsed_ms
from actors.gateway.account import poll_account_when_idle
from actors.gateway.draft import Draft
from actors.gateway.ledger import condition
from actors.gateway.market_facts import outcome_of
from actors.gateway.market_table import listing_of
from actors.gateway.order_life import DUST_MICRO_SHARES, Order, OrderState, end_of_absent
from actors.gateway.posts import end_order, open_order
from actors.gateway.records import KeptFill, Latched
from actors.messages import FillConfirmed, Filled, FillFailed
from actors.venue.port import TradeStatus, VenueTrade
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import fill_value_micro_usd, notional_micro_usd

PRICE_DUST_MICRO_USD: Final = 100
"""The venue's finest tick: the limit that it reads from two rounded amounts may be this far off."""
CASH_DUST_MICRO_USD: Final = 10_000
"""A cent: the step of what a taker's buy offers."""
FORGOTTEN_GRACE_MS: Final = 5_000
"""Wire: the venue stamps matches with its own clock, which may be a little ahead of ours."""
REPEATED_WITHIN_MS: Final = 900_000
"""Market: a slot that runs away does it within minutes. One that works well fills more often than
the limit in all of a 4h market."""


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
    known = draft.ledger.fills.get(trade.fill_id)
    if known is not None:
        _compare(draft, order, known, trade)
    elif not _differs_from_trade(draft, order, trade):
        _fill(draft, order, trade)
        _compare_with_order(draft, order, trade)
    for kept in _parts(draft, order, trade):
        _move(draft, order, kept, trade)


def _parts(draft: Draft, order: Order, trade: VenueTrade) -> list[KeptFill]:
    """Return what is booked of an order's part in one trade, whatever prices it was told in."""
    trade_id = trade.fill_id.partition(f"/{order.order_id}")[0]
    return [
        kept
        for kept in _fills_of(draft, order)
        if kept.fill.fill_id.startswith(f"{trade_id}/{order.order_id}")
    ]


def _fills_of(draft: Draft, order: Order) -> list[KeptFill]:
    of_market = draft.ledger.fills.of(condition(order.condition_id))
    return [kept for kept in of_market if kept.fill.order_id == order.order_id]


def _differs_from_trade(draft: Draft, order: Order, trade: VenueTrade) -> bool:
    """Tell whether the trade is booked already, in other prices: then this is no new fill."""
    booked = sum(kept.fill.shares for kept in _parts(draft, order, trade))
    if not booked or not trade.of_shares:
        return False
    if booked + trade.shares <= trade.of_shares + DUST_MICRO_SHARES:
        return False
    _compare_whole(draft, order, trade, booked)
    return True


def _compare(draft: Draft, order: Order, kept: KeptFill, trade: VenueTrade) -> None:
    """A fill is booked once, as it was told first; say so if the trade has another size now."""
    if abs(kept.fill.shares - trade.shares) > DUST_MICRO_SHARES:
        booked = sum(part.fill.shares for part in _parts(draft, order, trade))
        _compare_whole(draft, order, trade, booked)


def _compare_whole(draft: Draft, order: Order, trade: VenueTrade, booked: int) -> None:
    """Other prices of as many shares move cents of cash, which the account's balance tells."""
    whole = trade.of_shares or trade.shares
    if abs(booked - whole) > DUST_MICRO_SHARES:
        _differs(draft, order, trade, f"{booked} micro-shares", f"{whole}")


def _compare_with_order(draft: Draft, order: Order, trade: VenueTrade) -> None:
    """Say when a fill is booked that the order cannot have had: the venue's word counts."""
    worse = trade.price - order.price if order.side is Side.BUY else order.price - trade.price
    if worse > PRICE_DUST_MICRO_USD:
        _differs(draft, order, trade, f"a limit of {order.price}", f"{trade.price}")
    fills = [kept.fill for kept in _fills_of(draft, order) if not kept.failed]
    shares = sum(fill.shares for fill in fills)
    if order.side is Side.BUY and order.style is Style.TAKE:  # it spends its dollars
        value = sum(fill_value_micro_usd(fill.outcome, fill.price, fill.shares) for fill in fills)
        most = notional_micro_usd(order.price, order.shares)
        over = value > most + CASH_DUST_MICRO_USD
    else:
        over = shares > order.shares + DUST_MICRO_SHARES
    if over:
        _differs(draft, order, trade, f"{order.shares} ordered", f"{shares} filled in all")


def _move(draft: Draft, order: Order, kept: KeptFill, trade: VenueTrade) -> None:
    """Note how far the settlement of a known fill is."""
    fill_id = kept.fill.fill_id
    if kept.final:
        _move_final(draft, order, kept, trade)
        return
    sequence = draft.next_sequence(order.slot)
    if trade.status is TradeStatus.CONFIRMED:
        confirmed = FillConfirmed(sequence=sequence, fill_id=fill_id, at_ms=draft.market_ms)
        draft.publish(order.slot, confirmed)
        poll_account_when_idle(draft)
    elif trade.status is TradeStatus.FAILED:
        failed = FillFailed(sequence=sequence, fill_id=fill_id, at_ms=draft.market_ms)
        draft.publish(order.slot, failed)


def _move_final(draft: Draft, order: Order, kept: KeptFill, trade: VenueTrade) -> None:
    """What is final stays so in the books; a venue that says otherwise needs a person."""
    if trade.status is TradeStatus.FAILED and not kept.failed:
        draft.alarm("fill_failed_after_confirmed", kept.fill.fill_id, str(trade))
    elif trade.status is TradeStatus.CONFIRMED and kept.failed:
        _differs(draft, order, trade, "taken back as failed", "confirmed after it failed")


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
    if now is not None and now.complete and now.left_micro_usd < CASH_DUST_MICRO_USD:
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
    since_ms = draft.market_ms - REPEATED_WITHIN_MS
    count = 1 + sum(
        (kept.slot, kept.fill.condition_id, kept.fill.side) == same and kept.fill.at_ms > since_ms
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
