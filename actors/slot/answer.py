"""From a strategy's answer to what may be journaled: checked, and made into intents."""

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from actors.messages import Intent, intent_id
from actors.slot.naming import error_name, type_name
from actors.slot.state import SlotState
from checkpoints.journal_rows import STRATEGY_ERROR
from signals.decision import Action, Decision, Leg, Position
from signals.market import Outcome, Side, Timeframe
from signals.snapshot import Book, MarketView
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES, MicroShares, MicroUsd, PriceMicroUsd

LEGS_MAX: Final = 4
"""Both outcomes, each bought and sold: more is a fault of the strategy."""
FINEST_TICK_MICRO_USD: Final = 1_000
"""The venue's finest tick, where the book does not say."""
REASON_CHARS_MAX: Final = 400
DECISION_BYTES_MAX: Final = 65_536
"""Ten times what the shipped signal explains; every reader of the journal carries it."""
WHOLE_NUMBER_MAX: Final = 2**53
"""Columns hold 64 bits, JSON readers 53."""


def no_trade(reason: str) -> Decision:
    return Decision(action=Action.NO_TRADE, reason=reason[:REASON_CHARS_MAX])


def strategy_error(what: str) -> Decision:
    """The decision of a strategy that failed; bad releases are found by this code."""
    return no_trade(f"{STRATEGY_ERROR}: {what}")


def fault_of(answer: object, market: MarketView | None) -> str | None:
    """Say what is wrong with a strategy's decision, or None."""
    decision = plain_decision(answer)
    if isinstance(decision, str):
        return decision
    return _number_fault(decision) or _legs_fault(decision, market)


def plain_decision(answer: object) -> Decision | str:
    """Rebuild a decision from its bytes, so that it holds plain values only; or say its fault.

    What cannot be written into a row (a lone surrogate, a number of 70 bits) is a fault.
    """
    if not isinstance(answer, Decision):
        return f"decide returned {type_name(answer)}, not a Decision"
    try:
        data = msgspec.msgpack.encode(answer)
        if len(data) > DECISION_BYTES_MAX:
            return f"decision of {len(data)} bytes, at most {DECISION_BYTES_MAX}"
        decision = msgspec.msgpack.decode(data, type=Decision)
    except Exception as error:  # noqa: BLE001 its fields may be anything
        return f"malformed decision: {error_name(error)}"
    return _content_fault(decision) or decision


def _content_fault(decision: Decision) -> str | None:
    """Find the first number that a row or a replay cannot keep, wherever it lies."""
    for name, number in _numbers_in(decision):
        if isinstance(number, float) and not math.isfinite(number):
            return f"{name} is {number}"
        if isinstance(number, int) and abs(number) > WHOLE_NUMBER_MAX:
            return f"{name} is a number of {number.bit_length()} bits"
    return None


def _numbers_in(decision: Decision) -> Iterator[tuple[str, int | float]]:
    parts: list[tuple[str, msgspec.Struct]] = [("", decision)]
    parts += [(f"{score.name}.", score) for score in decision.factors]
    parts += [(f"leg {place} ", leg) for place, leg in enumerate(decision.legs)]
    for prefix, part in parts:
        for field in part.__struct_fields__:
            value = getattr(part, field)
            if isinstance(value, int | float):
                yield f"{prefix}{field}", value


def _number_fault(decision: Decision) -> str | None:
    probability = decision.probability_up
    if probability is not None and not 0 < probability < 1:
        return f"probability_up is {probability}"
    return None


def _legs_fault(decision: Decision, market: MarketView | None) -> str | None:
    if decision.action is Action.NO_TRADE:
        return "no_trade with legs" if decision.legs else None
    if not decision.legs:
        return "trade without legs"
    if len(decision.legs) > LEGS_MAX:
        return f"{len(decision.legs)} legs, at most {LEGS_MAX}"
    if market is None:
        return "legs without a market in the snapshot"
    for leg in decision.legs:
        fault = _leg_fault(leg, market.book(leg.outcome))
        if fault is not None:
            return fault
    return None


def _leg_fault(leg: Leg, book: Book | None) -> str | None:
    if leg.shares <= 0 or leg.shares % SIZE_STEP_MICRO_SHARES:
        return f"leg of {leg.shares} micro-shares"
    tick = book.tick_micro_usd if book is not None else FINEST_TICK_MICRO_USD
    if not 0 < leg.price < MICRO or leg.price % tick:
        return f"leg at {leg.price} micro-USD, tick {tick}"
    return None


def position_in(
    state: SlotState, market: MarketView | None, allocation_micro_usd: MicroUsd
) -> Position:
    """Return what the slot holds in this market, and the capital it may use."""
    capital = MicroUsd(allocation_micro_usd + state.realized_pnl_micro_usd)
    if market is None:
        return Position(allocation_micro_usd=capital)
    held = state.positions.get(market.condition_id)
    return Position(
        up_shares=held.up_shares if held else MicroShares(0),
        down_shares=held.down_shares if held else MicroShares(0),
        resting_up_shares=_resting(state, market.condition_id, Outcome.UP),
        resting_down_shares=_resting(state, market.condition_id, Outcome.DOWN),
        allocation_micro_usd=capital,
    )


def _resting(state: SlotState, condition_id: str, outcome: Outcome) -> MicroShares:
    orders = sum(
        order.resting_shares
        for order in state.orders.values()
        if order.condition_id == condition_id
        and order.outcome is outcome
        and order.side is Side.BUY
    )
    intents = sum(
        intent.shares
        for intent in state.intents.values()
        if intent.condition_id == condition_id
        and intent.outcome is outcome
        and intent.side is Side.BUY
    )
    return MicroShares(orders + intents)


def book_mid(book: Book | None) -> PriceMicroUsd | None:
    if book is None or not book.bids or not book.asks:
        return None
    return PriceMicroUsd((book.bids[0].price + book.asks[0].price) // 2)


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Whose intents they are."""

    slot: str
    incarnation: int
    fence: int
    release: str
    commit: str
    params: str


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """What the intents are about."""

    due_ms: int
    timeframe: Timeframe
    snapshot: str
    market: MarketView
    wire_ms: int


def intents_of(decision: Decision, sender: Sender, occasion: Occasion) -> tuple[Intent, ...]:
    market = occasion.market
    return tuple(
        Intent(
            intent_id=intent_id(sender.slot, market.window.open_ms, occasion.due_ms, number),
            slot=sender.slot,
            incarnation=sender.incarnation,
            fence=sender.fence,
            window_open_ms=market.window.open_ms,
            timeframe=occasion.timeframe,
            due_ms=occasion.due_ms,
            condition_id=market.condition_id,
            token_id=market.token_id(leg.outcome),
            outcome=leg.outcome,
            side=leg.side,
            style=leg.style,
            price=leg.price,
            shares=leg.shares,
            close_ms=market.window.close_ms,
            fee_rate=market.fee_rate,
            min_order_shares=market.min_order_shares,
            book_mid=book_mid(market.book(leg.outcome)),
            snapshot=occasion.snapshot,
            release=sender.release,
            commit=sender.commit,
            params=sender.params,
            sent_wire_ms=occasion.wire_ms,
        )
        for number, leg in enumerate(decision.legs)
    )
