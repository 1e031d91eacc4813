"""The climb's machine: its good path, each failure, and what a start after a crash does."""

import msgspec
import pytest

from actors.live.climb import TABLE, TRIES, begin
from actors.live.climb_state import (
    VALID_MS,
    CancelOrder,
    CancelTaken,
    Climb,
    Filled,
    Gone,
    Line,
    NotFilled,
    NotTaken,
    Phase,
    Placed,
    Posted,
    PostOrder,
    ProveFilled,
    Purpose,
    Seen,
    Signed,
    SignOrder,
    TooSmall,
    Work,
)
from actors.machine.vocabulary import Answer, At, Failed
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

LINE = Line(venue="rehearsal", wallet="w", store="s", code="c")


def placed(purpose: Purpose, number: int = 1) -> Placed:
    return Placed(
        purpose=purpose,
        order_id=f"{purpose}-{number}",
        body=b"x",
        signed_wire_ms=number,
        condition_id="c",
        token_id="t",
        price=PriceMicroUsd(500_000),
        shares=MicroShares(4_000_000),
    )


def signed(purpose: Purpose, number: int = 1) -> Signed:
    return Signed(at_ms=0, placed=placed(purpose, number))


def filled(shares: int = 4_000_000, micro_usd: int = 2_000_000, wire_ms: int = 9) -> Filled:
    return Filled(
        at_ms=0, shares=MicroShares(shares), micro_usd=MicroUsd(micro_usd), wire_ms=wire_ms
    )


FAR: list[At] = [
    signed(Purpose.FAR),
    Posted(at_ms=0),
    Seen(at_ms=0),
    CancelTaken(at_ms=0),
    Gone(at_ms=0),
]
GOOD: list[At] = [
    *FAR,
    signed(Purpose.BUY),
    Posted(at_ms=0),
    filled(),
    signed(Purpose.SELL),
    Posted(at_ms=0),
    filled(micro_usd=1_900_000),
]
REFUSED = NotTaken(at_ms=0, reason="refused")
FAULT = Failed(at_ms=0, reason="fault")


def climbed(*events: At) -> tuple[Climb, list[Work | Answer]]:
    """Return a climb after these events, with all that it asked for."""
    state, asked = begin(LINE, 1)
    work = list(asked)
    for event in events:
        state, asked = TABLE.step(state, event)
        work += asked
    return state, work


def test_the_good_path_proves_each_step_before_the_next() -> None:
    state, work = climbed(*GOOD)
    assert state.phase is Phase.DONE
    assert (state.held_shares, state.cost_micro_usd) == (0, 100_000)
    assert [type(one).__name__ for one in work] == [
        *("SignOrder", "PostOrder", "Watch", "CancelOrder", "ProveGone"),
        *("SignOrder", "PostOrder", "ProveFilled", "SignOrder", "PostOrder", "ProveFilled"),
    ]
    assert [one.purpose for one in work if isinstance(one, SignOrder)] == list(Purpose)


@pytest.mark.parametrize("count", range(len(GOOD) + 1))
def test_whatever_fails_no_order_stays_and_nothing_is_bought_twice(count: int) -> None:
    """A fault after each step, then a crash, then another start: it looks before it posts."""
    state, _ = climbed(*GOOD[:count])
    for stopped in (state, TABLE.step(state, FAULT)[0], TABLE.step(state, REFUSED)[0]):
        again, asked = begin(LINE, 2, stopped)
        (first,) = asked
        if not stopped.orders or stopped.phase is Phase.DONE:
            assert isinstance(first, SignOrder)
            continue
        last = stopped.order
        far_is_gone = stopped.phase is Phase.BUYING
        if last.purpose is Purpose.FAR and not far_is_gone:
            assert first == CancelOrder(placed=last)
        elif last.purpose is Purpose.BUY and not stopped.bought_shares:
            assert first == ProveFilled(placed=last), "before another purchase"
        elif last.purpose is Purpose.SELL:
            assert first == ProveFilled(placed=last)
        else:
            assert isinstance(first, SignOrder)
            assert first.purpose is (Purpose.BUY if far_is_gone else Purpose.SELL)
        assert not isinstance(first, PostOrder)
        assert again.orders == stopped.orders, "every order stays known as ours"


@pytest.mark.parametrize("count", range(1, 5))
@pytest.mark.parametrize("fault", [FAULT, REFUSED])
def test_a_fault_while_the_far_order_may_rest_withdraws_it_first(count: int, fault: At) -> None:
    state, _ = climbed(*FAR[:count])
    state, asked = TABLE.step(state, fault)
    if isinstance(fault, NotTaken) and not asked:
        return  # nobody refuses a cancel so
    assert state.phase is Phase.WITHDRAWING
    assert asked == (CancelOrder(placed=placed(Purpose.FAR)),)
    for event in (CancelTaken(at_ms=0), Gone(at_ms=0)):
        state, _ = TABLE.step(state, event)
    assert (state.phase, state.reason != "") == (Phase.FAILED, True)


def test_a_book_that_moves_away_is_tried_three_times() -> None:
    for event in (REFUSED, NotFilled(at_ms=0)):
        state, _ = climbed(*FAR)
        for number in range(TRIES):
            state, _ = TABLE.step(state, signed(Purpose.BUY, number))
            if isinstance(event, NotFilled):
                state, _ = TABLE.step(state, Posted(at_ms=0))
            state, _ = TABLE.step(state, event)
        assert state.phase is Phase.FAILED
        assert len(state.orders) == 1 + TRIES


def test_what_cannot_be_sold_is_held_and_said() -> None:
    small = TooSmall(at_ms=0, reason="worth too little")
    state, _ = climbed(*FAR, signed(Purpose.BUY), Posted(at_ms=0), filled(), small)
    assert (state.phase, state.held_shares) == (Phase.DONE, 4_000_000)
    assert state.reason == "worth too little"
    assert state.counts_for(LINE, 2)


def test_a_climb_counts_for_a_day_and_for_one_wallet_venue_storage_and_code() -> None:
    state, _ = climbed(*GOOD)
    assert state.counts_for(LINE, 9 + VALID_MS - 1)
    assert not state.counts_for(LINE, 9 - VALID_MS), "dated by a clock that was ahead"
    assert not state.counts_for(LINE, 9 + VALID_MS)
    for field in Line.__struct_fields__:
        assert not state.counts_for(msgspec.structs.replace(LINE, **{field: "other"}), 10)
    for count in range(len(GOOD)):
        assert not climbed(*GOOD[:count])[0].counts_for(LINE, 10)


def test_a_climb_is_read_back_as_it_was_written() -> None:
    for count in range(len(GOOD) + 1):
        state, _ = climbed(*GOOD[:count])
        assert msgspec.json.decode(msgspec.json.encode(state), type=Climb) == state
