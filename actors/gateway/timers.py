"""What the gateway does because time passed: beats, looks, cancels, posts again, asks for winners.

Pure; every period is named with its clock. A tick that finds nothing due changes nothing.
"""

import math
from itertools import islice
from typing import Any, Final, assert_never

from actors.elapsed import elapsed_ms
from actors.gateway.account import poll_account
from actors.gateway.draft import NEVER_MS, Draft
from actors.gateway.events import (
    AskResolution,
    AskTime,
    Beat,
    Cancel,
    ClockEvent,
    PollVenue,
    Started,
    Ticked,
)
from actors.gateway.facts import chase_facts
from actors.gateway.flight import PostTry
from actors.gateway.ledger import CLOSING, MARKET, PROVISIONAL, UNSETTLED, condition
from actors.gateway.market_table import keep_table
from actors.gateway.order_life import Order, OrderState
from actors.gateway.posts import mark_unknown, may_post, post
from actors.gateway.records import Forgotten, GenerationTaken
from actors.gateway.risk_case import TAKE_BEFORE_CLOSE_MS
from actors.gateway.table import Table
from actors.machine.backoff import Backoff
from actors.messages import TradingState
from signals.decision import Style
from signals.market import Side

LOOK_SOON_MS: Final = 150
"""Wire, at least between two looks: the venue allows 500 requests in 10 s."""
LOOK_BUSY_MS: Final = 1_000
"""Wire, while an order lives or a fill is provisional."""
LOOK_IDLE_MS: Final = 5_000
"""Wire, else: an order that should not be there is seen within this."""
LOOK_LOST_MS: Final = 15_000
"""Wire: a look without an answer by then is asked again."""
LOOK_BACK_MS: Final = 60_000
"""Wire: trades are asked from this long before the oldest open question."""
UNDATED_BACK_MS: Final = 86_400_000
"""Wire: so far back for an order whose stamp lies in the future; it is settled long before."""
CANCEL_AGAIN_MS: Final = 1_000
"""Wire, between two cancels of one order."""
CANCELS_AT_ONCE: Final = 500
"""The venue takes 1,000 a request."""
RESOLVE_PAUSES: Final = Backoff(first_ms=1_000, most_ms=10_000)
"""Wire, after each question about one market's winner."""
RESOLVES_AT_ONCE: Final = 8
"""New questions a tick, so that sixteen closes do not burst."""
ASK_TIME_MS: Final = 60_000
"""Wire, between two comparisons with the venue's clock."""
SWEEP_MS: Final = 5_000
"""Wire, between two searches for old markets and overdue orders."""
FORGET_LOOKS: Final = 512
"""Markets that one search looks at: two windows of the largest fleet; the next one goes on."""
FORGET_AT_ONCE: Final = 8
"""Markets that one tick forgets, each with its orders and fills: about a millisecond."""
RETENTION_MARKET_MS: Final = 3_600_000
"""Market: what was settled this long ago is forgotten; late resends are refused as stale anyway."""
RETENTION_WIRE_MS: Final = 60_000
"""Wire: and it was signed at least this long ago, so that the venue's lists have passed it."""
RESOLVE_TRIES_ALARM: Final = 60
"""About ten minutes of asking for one winner: a person should look."""
UNSETTLED_MS: Final = 600_000
"""Wire, since a fill was seen: longer without an end is an alarm; orders are the supervisor's."""


def keep_time(draft: Draft, event: ClockEvent) -> None:
    match event:
        case Started():
            _start(draft, event)
        case Ticked():
            _tick(draft)
        case _:
            assert_never(event)


def _start(draft: Draft, event: Started) -> None:
    """Doubt everything that a former process may have left on the wire."""
    taken = GenerationTaken(
        generation=event.generation,
        name=event.name,
        life=event.life,
        wire_ms=event.wire_ms,
        release=event.release,
    )
    draft.record(taken)
    draft.flight.started_wire_ms = draft.flight.looked_wire_ms = draft.wire_ms
    draft.flight.release = event.release
    draft.flight.beat_ok_wire_ms = event.beat_wire_ms
    for order in tuple(draft.ledger.orders.values()):
        mark_unknown(draft, order, "a former process may have posted it")


def _tick(draft: Draft) -> None:
    _beat(draft)
    _cancel(draft)
    _post_again(draft)
    keep_table(draft)
    chase_facts(draft)
    poll_account(draft)
    _poll(draft)
    _resolve(draft)
    if draft.wire_ms >= draft.flight.time_due_wire_ms:
        draft.flight.time_due_wire_ms = draft.wire_ms + ASK_TIME_MS
        draft.ask(AskTime())
    if draft.wire_ms >= draft.flight.sweep_due_wire_ms:
        draft.flight.sweep_due_wire_ms = draft.wire_ms + SWEEP_MS
        _forget(draft)
        _report_unconfirmed(draft)


def _beat(draft: Draft) -> None:
    flight = draft.flight
    if flight.beating or draft.wire_ms < flight.beat_due_wire_ms:
        return
    flight.beating, flight.last_beat_wanted = True, False
    flight.beat_due_wire_ms = draft.wire_ms + int(1000 * draft.rules.timing.heartbeat_seconds)
    draft.ask(Beat(heartbeat_id=flight.heartbeat_id))


def _cancel(draft: Draft) -> None:
    if not _may_be_due(draft):
        return
    due = [
        order.order_id
        for order in draft.ledger.orders.values()
        if _must_cancel(draft, order)
        and draft.wire_ms >= draft.flight.cancels.get(order.order_id, 0) + CANCEL_AGAIN_MS
        and order.order_id not in draft.flight.cancelled
    ]
    if due:
        due = due[:CANCELS_AT_ONCE]
        draft.flight.cancels.update(dict.fromkeys(due, draft.wire_ms))
        draft.ask(Cancel(order_ids=tuple(due)))


def _may_be_due(draft: Draft) -> bool:
    """Tell whether any order can have to go: most ticks come long before the next close."""
    if draft.flight.emptying or draft.ledger.trading is not TradingState.ACTIVE:
        return True
    lead_ms = max(draft.rules.timing.cancel_before_close_ms, TAKE_BEFORE_CLOSE_MS)
    return draft.market_ms >= _next_close_ms(draft.ledger.orders) - lead_ms


def _next_close_ms(table: Table[Any]) -> int:
    """Return the earliest close among a table's entries; far away without any."""
    closes = [int(term.removeprefix(f"{CLOSING}/")) for term in table.terms(CLOSING)]
    return min(closes, default=NEVER_MS)


def _must_cancel(draft: Draft, order: Order) -> bool:
    """Resting orders go before the close; at once when halted, or if they add risk in reducing."""
    if order.state is OrderState.WRITTEN:
        return False
    if order.style is Style.TAKE:
        return draft.market_ms >= order.close_ms  # it never rests: unless the venue errs
    if draft.flight.emptying:
        return True
    match draft.ledger.trading:
        case TradingState.HALTED:
            return True
        case TradingState.REDUCING if order.side is Side.BUY:
            return True
        case _:
            return draft.market_ms >= draft.rules.last_order_ms(order.style, order.close_ms)


def _post_again(draft: Draft) -> None:
    """Post again what the venue definitely did not take; unknown ones wait for a look."""
    for order_id, attempt in tuple(draft.flight.posts.items()):
        order = draft.ledger.orders.get(order_id)
        if order is not None and order.state is OrderState.WRITTEN:
            if draft.wire_ms >= attempt.due_wire_ms:
                post(draft, order)
            if not attempt.in_flight and not may_post(draft, order):
                mark_unknown(draft, order, "not posted in time; looking whether it is there")


def _poll(draft: Draft) -> None:
    flight = draft.flight
    since_ms = draft.wire_ms - flight.look_wire_ms
    if flight.looking and since_ms < LOOK_LOST_MS:
        return
    busy = bool(draft.ledger.orders) or draft.ledger.fills.has(PROVISIONAL)
    period_ms = LOOK_BUSY_MS if busy else LOOK_IDLE_MS
    if flight.poll_account_soon:
        period_ms = LOOK_SOON_MS
    if since_ms < period_ms:
        return
    flight.looking, flight.poll_account_soon, flight.look_wire_ms = True, False, draft.wire_ms
    times = [draft.wire_ms]
    times += [order.signed_wire_ms for order in draft.ledger.orders.values()]
    times += [kept.wire_ms for kept in draft.ledger.fills.of(PROVISIONAL)]
    if flight.odd_since_wire_ms is not None:
        times.append(max(flight.odd_since_wire_ms, draft.wire_ms - UNDATED_BACK_MS))
    if not flight.reconciled:
        times += [order.signed_wire_ms for order in draft.ledger.ended.values()]
    oldest_ms = min(_dated(draft, time_ms) for time_ms in times)
    # a venue whose clock runs ahead costs more rows; one that says a wrong time costs no fill
    behind_ms = min(0, max(draft.flight.venue_ahead_ms, -UNDATED_BACK_MS))
    after_ms = oldest_ms + behind_ms - LOOK_BACK_MS
    draft.ask(PollVenue(after_s=max(0, after_ms // 1000)))


def _dated(draft: Draft, stamp_ms: int) -> int:
    """Return a stamp; one of a clock that was set back since says nothing, so look far back."""
    if math.isinf(elapsed_ms(draft.wire_ms, stamp_ms)):
        return draft.wire_ms - UNDATED_BACK_MS
    return stamp_ms


def _resolve(draft: Draft) -> None:
    asked = 0
    if draft.market_ms < _next_close_ms(draft.ledger.markets):
        return
    for market in draft.ledger.markets.of(UNSETTLED):
        attempt = draft.flight.resolutions.get(market.condition_id, PostTry())
        waits = attempt.in_flight or draft.wire_ms < attempt.due_wire_ms
        if market.settled or draft.market_ms < market.close_ms or waits:
            continue
        wait_ms = RESOLVE_PAUSES.wait_ms(attempt.tries + 1)
        draft.flight.resolutions[market.condition_id] = PostTry(
            tries=attempt.tries + 1, due_wire_ms=draft.wire_ms + wait_ms, in_flight=True
        )
        draft.ask(AskResolution(condition_id=market.condition_id))
        if attempt.tries >= RESOLVE_TRIES_ALARM:
            draft.alarm("market_unsettled", market.condition_id, f"{attempt.tries} tries")
        asked += 1
        if asked >= RESOLVES_AT_ONCE:
            return


def _forget(draft: Draft) -> None:
    """Drop what was settled, or refused, a retention ago, so that nothing grows for ever.

    The oldest markets come first; one that came too lately ends the search. A market without an
    order has only its intents' word for its close, so their arrival counts.
    """
    forgotten = 0
    for term in tuple(islice(draft.ledger.intents.terms(MARKET), FORGET_LOOKS)):
        if forgotten >= FORGET_AT_ONCE:
            draft.flight.sweep_due_wire_ms = draft.wire_ms  # the next tick goes on
            return
        kept = draft.ledger.intents.of(term)
        if draft.market_ms <= kept[-1].market_ms + RETENTION_MARKET_MS:
            return
        condition_id = kept[-1].intent.condition_id
        if any(one.undecided for one in kept) or not _passed(draft, condition_id):
            continue
        for order_id in draft.ledger.ended.keys_of(term):
            draft.flight.answered.pop(order_id, None)
        draft.record(Forgotten(condition_id=condition_id))
        forgotten += 1


def _passed(draft: Draft, condition_id: str) -> bool:
    market = draft.ledger.markets.get(condition_id)
    if market is None:
        return True
    if not market.settled or draft.market_ms <= market.close_ms + RETENTION_MARKET_MS:
        return False
    ended = draft.ledger.ended.of(condition(condition_id))
    newest_ms = max((order.signed_wire_ms for order in ended), default=0)
    return elapsed_ms(draft.wire_ms, newest_ms) > RETENTION_WIRE_MS


def _report_unconfirmed(draft: Draft) -> None:
    for kept in draft.ledger.fills.of(PROVISIONAL):
        if elapsed_ms(draft.wire_ms, kept.wire_ms) > UNSETTLED_MS:
            draft.alarm("fill_unconfirmed", kept.fill.fill_id, kept.slot)
