"""The fold of a slot's rows where an order comes before the decision that asked for it."""

from actors.messages import Intent, OrderSigned, intent_id
from actors.slot.facts import DecisionFact, Entry, Fact, OrderFact, apply_entry
from actors.slot.state import SlotState
from signals.decision import Position, Style
from signals.market import Outcome, Side, Timeframe
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.slot.builders import DUE_MS, OPEN_MS, SLOT, trade

CLOSE_MS = OPEN_MS + 300_000


def intent(leg: int) -> Intent:
    return Intent(
        intent_id=intent_id(SLOT, OPEN_MS, DUE_MS, leg),
        slot=SLOT,
        incarnation=2,
        fence=2,
        window_open_ms=OPEN_MS,
        timeframe=Timeframe.M5,
        due_ms=DUE_MS,
        condition_id="m0",
        token_id="up",
        outcome=Outcome.UP,
        side=Side.BUY,
        style=Style.REST,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(5_000_000),
        close_ms=CLOSE_MS,
        fee_rate="0.07",
        min_order_shares=MicroShares(5_000_000),
        book_mid=None,
        snapshot="s",
        release="r",
        commit="c",
        params="p",
        sent_wire_ms=0,
    )


def signed(leg: int) -> OrderFact:
    order = OrderSigned(
        sequence=1,
        intent_id=intent_id(SLOT, OPEN_MS, DUE_MS, leg),
        order_id=f"o{leg}",
        condition_id="m0",
        outcome=Outcome.UP,
        side=Side.BUY,
        style=Style.REST,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(5_000_000),
        close_ms=CLOSE_MS,
        at_ms=DUE_MS,
        release="old",
        commit="c",
        params="p",
        snapshot="s",
    )
    return OrderFact(event=order)


def decided(*legs: int) -> DecisionFact:
    return DecisionFact(
        due_ms=DUE_MS,
        window_open_ms=OPEN_MS,
        timeframe=Timeframe.M5,
        snapshot="s",
        complete=True,
        position=Position(),
        decision=trade(),
        intents=tuple(intent(leg) for leg in legs),
        release="r",
        commit="c",
        params="p",
        strategy="told",
        memory_version=1,
    )


def folded(*facts: Fact) -> SlotState:
    state = SlotState(slot=SLOT)
    for sequence, fact in enumerate(facts, 1):
        entry = Entry(sequence=sequence, fence=2, market_ms=DUE_MS, wire_ms=0, fact=fact)
        state = apply_entry(state, entry)
    return state


def test_an_intent_waits_until_its_order_is_signed() -> None:
    assert list(folded(decided(0)).intents) == [intent(0).intent_id]
    assert not folded(decided(0), signed(0)).intents


def test_an_order_that_came_before_its_decision_answers_it() -> None:
    """A former owner's intent had left; its row was void, and the point was decided again."""
    state = folded(signed(0), decided(0, 1))
    assert list(state.intents) == [intent(1).intent_id]
    assert state.counts.intents == 2
