"""The books against a ledger that is kept another way: one list of cash movements."""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.messages import (
    FillConfirmed,
    Filled,
    FillFailed,
    IntentRefused,
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    OutboxEvent,
    Settled,
    intent_id,
)
from actors.slot.accounts import account_event, drop_settled
from actors.slot.state import KEEP_SETTLED_MS, SlotState
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd
from tests.actors.slot.builders import DUE_MS, OPEN_MS, SLOT

CLOSE_MS = OPEN_MS + 300_000


def signed(order: int, condition: str = "m0", side: Side = Side.BUY) -> OrderSigned:
    return OrderSigned(
        sequence=0,
        intent_id=intent_id(SLOT, OPEN_MS, DUE_MS, order),
        order_id=f"o{order}",
        condition_id=condition,
        outcome=Outcome.UP,
        side=side,
        style=Style.REST,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(100_000_000),
        close_ms=CLOSE_MS,
        at_ms=DUE_MS,
        release="old",
        commit="c",
        params="p",
        snapshot="s",
    )


def filled(number: int, **changes: object) -> Filled:
    fill = Filled(
        sequence=0,
        fill_id=f"t{number}/o0",
        order_id="o0",
        condition_id="m0",
        outcome=Outcome.UP,
        side=Side.BUY,
        price=PriceMicroUsd(490_000),
        shares=MicroShares(10_000_000),
        fee_micro_usd=MicroUsd(0),
        maker=True,
        at_ms=DUE_MS,
    )
    return msgspec.structs.replace(fill, **changes)


def booked(*events: OutboxEvent, state: SlotState | None = None) -> SlotState:
    state = state or SlotState(slot=SLOT)
    for event in events:
        sequence = state.outbox_sequence + 1
        state = account_event(state, msgspec.structs.replace(event, sequence=sequence))
    return state


def settled(condition: str = "m0", winner: Outcome = Outcome.UP) -> Settled:
    return Settled(sequence=0, condition_id=condition, winner=winner, at_ms=CLOSE_MS)


def test_buy_costs_price_and_fee_and_the_winner_pays_a_dollar_a_share() -> None:
    state = booked(signed(0), filled(1, fee_micro_usd=MicroUsd(174_930)), settled())
    assert state.cash_micro_usd == -4_900_000 - 174_930 + 10_000_000
    assert state.realized_pnl_micro_usd == state.cash_micro_usd


def test_loser_pays_nothing_and_profit_is_not_realized_before_the_settlement() -> None:
    state = booked(signed(0), filled(1))
    assert state.realized_pnl_micro_usd == 0
    state = booked(settled(winner=Outcome.DOWN), state=state)
    assert state.realized_pnl_micro_usd == -4_900_000


def test_sale_pays_price_less_fee() -> None:
    sale = filled(2, side=Side.SELL, price=PriceMicroUsd(600_000), fee_micro_usd=MicroUsd(10))
    state = booked(signed(0), filled(1), sale, settled(winner=Outcome.DOWN))
    assert state.realized_pnl_micro_usd == -4_900_000 + 6_000_000 - 10


def test_failed_fill_is_reversed_exactly_also_after_the_settlement() -> None:
    before = booked(signed(0), filled(1))
    failed = FillFailed(sequence=0, fill_id="t2/o0", at_ms=0)
    second = filled(2, fee_micro_usd=MicroUsd(30))
    for events in ((second, failed, settled()), (second, settled(), failed)):
        state = booked(*events, state=before)
        assert state.cash_micro_usd == -4_900_000 + 10_000_000
        assert state.realized_pnl_micro_usd == state.cash_micro_usd
        assert state.counts.failed_fills == 1


def test_late_fill_of_a_settled_market_is_realized_at_once() -> None:
    state = booked(signed(0), filled(1), settled(), filled(2))
    assert state.realized_pnl_micro_usd == 2 * (10_000_000 - 4_900_000)


def test_first_fill_that_is_reported_after_the_settlement_finds_the_winner() -> None:
    state = booked(signed(0), settled(), filled(1))
    assert state.realized_pnl_micro_usd == 10_000_000 - 4_900_000


def test_position_keeps_the_tag_of_the_code_that_opened_it() -> None:
    newer = msgspec.structs.replace(signed(1), release="new")
    state = booked(signed(0), newer, filled(1), filled(2, order_id="o1", fill_id="t2/o1"))
    assert state.positions["m0"].opened.release == "old"
    assert state.positions["m0"].close_ms == CLOSE_MS


def test_refused_intent_leaves_and_is_counted() -> None:
    refused = IntentRefused(
        sequence=0, intent_id=intent_id(SLOT, OPEN_MS, DUE_MS, 0), code="x", reason="", at_ms=0
    )
    assert booked(refused).counts.ended == {OrderEnd.REFUSED: 1}


def test_order_life_ends_once() -> None:
    ended = OrderEnded(sequence=0, order_id="o0", end=OrderEnd.FILLED, reason="", at_ms=0)
    state = booked(signed(0), OrderOpened(sequence=0, order_id="o0", at_ms=0), ended, ended)
    assert state.counts.ended == {OrderEnd.FILLED: 1}
    assert state.open_orders == 0


def test_settled_market_is_forgotten_after_its_grace_and_not_while_a_fill_is_provisional() -> None:
    ended = OrderEnded(sequence=0, order_id="o0", end=OrderEnd.FILLED, reason="", at_ms=0)
    state = booked(signed(0), filled(1), ended, settled())
    later_ms = CLOSE_MS + KEEP_SETTLED_MS
    assert drop_settled(state, later_ms).positions == state.positions
    state = booked(FillConfirmed(sequence=0, fill_id="t1/o0", at_ms=0), state=state)
    assert drop_settled(state, later_ms - 1).positions == state.positions
    forgotten = drop_settled(state, later_ms)
    assert (forgotten.positions, forgotten.orders) == ({}, {})
    assert forgotten.realized_pnl_micro_usd == state.realized_pnl_micro_usd


Fill = tuple[int, int, Outcome, Side, int, int, int, bool, bool]
FILLS = st.lists(
    st.tuples(
        st.integers(0, 2),  # market
        st.integers(0, 3),  # order
        st.sampled_from(Outcome),
        st.sampled_from(Side),
        st.integers(1, 999).map(lambda ticks: ticks * 1_000),
        st.integers(1, 5_000).map(lambda steps: steps * 10_000),
        st.integers(0, 40_000).map(lambda steps: steps * 10),
        st.booleans(),  # fails on chain
        st.booleans(),  # before its market settles
    ),
    max_size=12,
)


@given(
    fills=FILLS,
    winners=st.lists(st.sampled_from([*Outcome, None]), min_size=3, max_size=3),
    rng=st.randoms(use_true_random=False),
)
def test_any_order_of_fills_failures_and_settlements_gives_the_ledgers_money(
    fills: list[Fill], winners: Sequence[Outcome | None], rng: object
) -> None:
    events: list[tuple[float, OutboxEvent]] = [
        (-1.0, signed(4 * market + order, f"m{market}"))
        for market in range(3)
        for order in range(4)
    ]
    movements: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for market, winner in enumerate(winners):
        if winner is not None:
            events.append((5.0, settled(f"m{market}", winner)))
    for number, drawn in enumerate(fills):
        market, order, outcome, side, price, shares, fee, fails, early = drawn
        fill = filled(
            number,
            fill_id=f"t{number}",
            order_id=f"o{4 * market + order}",
            condition_id=f"m{market}",
            outcome=outcome,
            side=side,
            price=PriceMicroUsd(price),
            shares=MicroShares(shares),
            fee_micro_usd=MicroUsd(fee),
        )
        at = rng.uniform(0, 5) if early else rng.uniform(5, 9)  # type: ignore[attr-defined]
        events.append((at, fill))
        if fails:
            failed = FillFailed(sequence=0, fill_id=f"t{number}", at_ms=0)
            events.append((rng.uniform(at, 10), failed))  # type: ignore[attr-defined]
            continue
        sign = 1 if side is Side.BUY else -1
        movements[market].append(-sign * price * shares // 1_000_000 - fee)
        if winners[market] is outcome:
            movements[market].append(sign * shares)
    events.sort(key=lambda item: item[0])
    state = booked(*(event for _, event in events))
    traded = {market for market, *_ in fills}
    assert state.cash_micro_usd == sum(sum(moved) for moved in movements.values())
    assert state.realized_pnl_micro_usd == sum(
        sum(movements[market]) for market in traded if winners[market] is not None
    )


def test_an_unfilled_market_is_named_by_its_first_order_in_whatever_order_they_are_held() -> None:
    """A checkpoint holds records by name, a slot that runs holds them as they came."""
    later = msgspec.structs.replace(
        signed(0), order_id="a", intent_id=intent_id(SLOT, OPEN_MS, DUE_MS + 60_000, 0)
    )
    first = msgspec.structs.replace(signed(0), order_id="z")
    state = booked(first, later)
    turned = msgspec.structs.replace(state, orders=dict(reversed(state.orders.items())))
    for one in (state, turned):
        assert booked(settled(), state=one).positions["m0"].opened.due_ms == DUE_MS
