"""The words of a trade's chain: one line for each thing that happened."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, assert_never

import msgspec

from actors.messages import (
    FillConfirmed,
    Filled,
    FillFailed,
    Intent,
    IntentRefused,
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    OrderUnknown,
    OutboxEvent,
    Settled,
)
from actors.slot.facts import DecisionFact
from cluster.audit.trades import Trade
from signals.decision import Decision, FactorScore

MICRO: Final = 1_000_000
"""Micro-USD in a USD, micro-shares in a share."""


class Actor(StrEnum):
    """Which actor did it."""

    MARKET_DATA = "market data"
    SLOT = "slot"
    GATEWAY = "gateway"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, and which code did it."""

    step: str
    """``snapshot``, ``decision``, ``intent``, ``risk``, ``order``, ``fill``, ``settlement``, ..."""
    text: str
    market_ms: int | None
    actor: Actor
    release: str | None
    """Of the actor that did it; None: it was written before that actor said so."""
    commit: str | None
    booked_release: str
    """Of the slot that took it into its journal."""
    fence: int | None = None
    sequence: int | None = None
    """Of the slot's journal."""


class SeenInput(msgspec.Struct, frozen=True, kw_only=True):
    feed: str
    age_ms: int | None
    limit_ms: int
    fresh: bool


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision's snapshot says of itself; nothing where it cannot be read."""

    inputs: tuple[SeenInput, ...] = ()
    release: str | None = None
    """Of the market data that made it."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A journal row with its payload read."""

    sequence: int
    fence: int
    market_ms: int
    release: str
    commit: str
    event: DecisionFact | OutboxEvent

    def line(self, step: str, text: str) -> Line:
        """Tell what the slot itself did."""
        return self._line(step, text, Actor.SLOT, self.release)

    def gateway_line(self, step: str, text: str) -> Line:
        """Tell what the gateway did, as it said in the event."""
        said = None if isinstance(self.event, DecisionFact) else self.event.gateway_release
        return self._line(step, text, Actor.GATEWAY, said or None)

    def seen(self, step: str, text: str, maker: str | None) -> Line:
        """Tell what market data showed."""
        return self._line(step, text, Actor.MARKET_DATA, maker)

    def _line(self, step: str, text: str, actor: Actor, release: str | None) -> Line:
        return Line(
            step=step,
            text=text,
            market_ms=self.market_ms,
            actor=actor,
            release=release,
            commit=self.commit if release == self.release else None,
            booked_release=self.release,
            fence=self.fence,
            sequence=self.sequence,
        )


def lines_of(
    decided: Step | None,
    seen: Seen,
    intent_id: str,
    events: Sequence[Step],
    trade: Trade | None,
) -> Iterator[Line]:
    """Yield the chain in order; `decided`: the decision's row, if the journal has it."""
    if decided is not None and isinstance(decided.event, DecisionFact):
        yield from _decision_lines(decided, decided.event, seen, intent_id)
    for step in events:
        if not isinstance(step.event, DecisionFact):
            yield from _event_lines(step, step.event)
    if trade is not None and trade.pnl_micro_usd is not None:
        said = f"{trade.pnl_micro_usd / MICRO:+.6f} USD, {trade.status}"
        yield events[-1].line("p&l", said)


def intent_in(fact: DecisionFact, intent_id: str) -> Intent | None:
    return next((one for one in fact.intents if one.intent_id == intent_id), None)


def _decision_lines(step: Step, fact: DecisionFact, seen: Seen, intent_id: str) -> Iterator[Line]:
    inputs = seen.inputs
    stale = [one.feed for one in inputs if not one.fresh]
    state = f"stale: {', '.join(stale)}" if stale else "all inputs fresh"
    text = f"{fact.snapshot} ({state if inputs else 'not readable'})"
    yield step.seen("snapshot", text, seen.release)
    for factor in fact.decision.factors:
        yield step.line("factor", _factor(factor))
    yield step.line("decision", _decision(fact.decision))
    intent = intent_in(fact, intent_id)
    if intent is not None:
        yield step.line("intent", _intent(intent))


def _factor(factor: FactorScore) -> str:
    if factor.bull is None or factor.bear is None:
        return f"{factor.name}: no data of {factor.maximum:g}: {factor.reason}"
    points = f"bull {factor.bull:.2f}, bear {factor.bear:.2f} of {factor.maximum:g}"
    return f"{factor.name}: {points}: {factor.reason}"


def _decision(decision: Decision) -> str:
    numbers = {
        "probability up": decision.probability_up,
        "market mid": decision.market_mid_up,
        "fair": decision.fair_up,
        "spread points": decision.spread_points,
    }
    numbers_text = ", ".join(
        f"{name} {value:.4f}" for name, value in numbers.items() if value is not None
    )
    return f"{decision.action}: {decision.reason}" + (f" ({numbers_text})" if numbers_text else "")


def _intent(intent: Intent) -> str:
    what = f"{intent.side} {intent.shares / MICRO:g} {intent.outcome} at {intent.price / MICRO:g}"
    return f"{intent.intent_id}: {what} ({intent.style}), fence {intent.fence}"


def _event_lines(step: Step, event: OutboxEvent) -> Iterator[Line]:
    match event:
        case IntentRefused():
            yield step.gateway_line("risk", f"refused: {event.code}: {event.reason}")
        case OrderSigned():
            what = f"{event.side} {event.shares / MICRO:g} {event.outcome}"
            yield step.gateway_line(
                "risk", f"approved, for the decision of release {event.release[:12]}"
            )
            yield step.gateway_line(
                "order", f"signed {event.order_id}: {what} at {event.price / MICRO:g}"
            )
        case OrderOpened() | OrderUnknown() | OrderEnded():
            yield step.gateway_line("order", _order(event))
        case Filled() | FillConfirmed() | FillFailed():
            yield step.gateway_line("fill", _fill(event))
        case Settled():
            yield step.gateway_line("settlement", f"{event.winner} won {event.condition_id}")
        case _ as never:
            assert_never(never)


def _order(event: OrderOpened | OrderUnknown | OrderEnded) -> str:
    match event:
        case OrderOpened():
            return "open at the venue"
        case OrderUnknown():
            return f"unknown at the venue: {event.reason}"
        case OrderEnded():
            if event.end is OrderEnd.FILLED:
                return "order complete"
            return f"ended {event.end}: {event.reason}"
        case _ as never:
            assert_never(never)


def _fill(event: Filled | FillConfirmed | FillFailed) -> str:
    match event:
        case Filled():
            role = "maker" if event.maker else "taker"
            what = f"{event.shares / MICRO:g} at {event.price / MICRO:g}"
            return f"{event.fill_id}: {what} as {role}, fee {event.fee_micro_usd / MICRO:g} USD"
        case FillConfirmed():
            return f"{event.fill_id}: confirmed"
        case FillFailed():
            return f"{event.fill_id}: failed on chain, reversed"
        case _ as never:
            assert_never(never)
