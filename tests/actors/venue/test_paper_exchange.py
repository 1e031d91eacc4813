"""The paper exchange's rules: refusals, stops, money, and what can never happen."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.venue.paper.book import PaperBook
from actors.venue.paper.exchange import PaperExchange
from actors.venue.paper.records import (
    Filled,
    Opened,
    OrderKind,
    PaperOrder,
    decode,
    encode,
)
from actors.venue.paper.rules import VenueState
from actors.venue.paper.state import PaperState
from actors.venue.port import Rejected, Unavailable
from signals.market import Outcome, Side
from signals.units import MICRO
from tests.actors.venue.paper_market import (
    CLOSE_MS,
    NOW_MS,
    SHARE,
    ended_as,
    exchange,
    level,
    order,
    place,
    show,
    trade,
)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (order(shares=4), "too_small"),
        (msgspec.structs.replace(order(), price=401_000), "off_tick"),
        (msgspec.structs.replace(order(), price=MICRO), "off_tick"),
        (msgspec.structs.replace(order(), shares=10 * SHARE + 1), "invalid_amounts"),
        (order(kind=OrderKind.FAK, cents=42, shares=2), "too_small"),
        (order(shares=100_000), "not_enough_balance"),
        (order(side=Side.SELL, cents=60), "not_enough_balance"),
    ],
)
def test_the_venues_rules_refuse(wrong: PaperOrder, code: str) -> None:
    refused = place(exchange(), wrong)
    assert isinstance(refused, Rejected)
    assert refused.code == code


@pytest.mark.parametrize(
    ("state", "resting_goes"),
    [
        (VenueState.RESTARTING, False),
        (VenueState.CANCEL_ONLY, False),
        (VenueState.POST_ONLY, True),
    ],
)
def test_stops_of_the_venue_hold_orders(state: VenueState, resting_goes: bool) -> None:  # noqa: FBT001
    made = exchange()
    made.venue = state
    assert isinstance(place(made, order("t", kind=OrderKind.FAK, cents=42)), Unavailable)
    assert isinstance(place(made, order("r")), Unavailable) is not resting_goes


def test_the_window_ends_orders_and_the_winner_pays() -> None:
    made = exchange()
    place(made, order("a", kind=OrderKind.FAK, cents=42, shares=50))
    made.tick(NOW_MS + 1_000, NOW_MS)
    place(made, order("b"), at=1_000)
    made.tick(NOW_MS + 300_000, CLOSE_MS)
    assert not list(made.state.active())
    cash = made.state.cash_micro_usd
    made.resolve("0xc", Outcome.UP, NOW_MS + 310_000)
    made.resolve("0xc", Outcome.UP, NOW_MS + 320_000)
    assert made.state.cash_micro_usd == cash + 50 * MICRO
    assert made.state.held == {}
    assert isinstance(made.place(order("late"), NOW_MS + 400_000, CLOSE_MS), Rejected)


def test_own_orders_never_trade_with_each_other() -> None:
    made = exchange({30: 10}, {60: 10})
    place(made, order("bid", cents=50))
    refused = place(made, order("other", outcome=Outcome.DOWN, cents=50))
    assert isinstance(refused, Rejected)
    place(made, order("down", kind=OrderKind.FAK, outcome=Outcome.DOWN, cents=70))
    assert ended_as(made, "bid") is not None


PRICES = st.integers(30, 60)
SIZES = st.integers(0, 60)
ACTIONS = st.one_of(
    st.tuples(st.just("level"), PRICES, SIZES, st.booleans()),
    st.tuples(st.just("trade"), PRICES, st.integers(1, 80), st.booleans()),
    st.tuples(st.just("rest"), PRICES, st.integers(5, 30), st.booleans()),
    st.tuples(st.just("take"), PRICES, st.integers(5, 30), st.booleans()),
    st.tuples(st.just("lost"), PRICES, SIZES, st.booleans()),
    st.tuples(st.just("book"), PRICES, st.integers(1, 60), st.booleans()),
)


def uncrossed(made: PaperExchange, bid: bool, cents: int) -> bool:  # noqa: FBT001
    other = made.book("0xc").best(bid=not bid)
    return other is None or (cents * 10_000 < other if bid else cents * 10_000 > other)


def act(made: PaperExchange, place_no: int, action: tuple[str, int, int, bool]) -> None:
    kind, cents, size, up = action
    at = place_no * 40
    outcome = Outcome.UP if up else Outcome.DOWN
    match kind:
        case "level" if uncrossed(made, up, cents):
            level(made, cents, size, bid=up, at=at)
        case "trade":
            trade(made, cents, size, buys_up=up, at=at)
        case "rest":
            place(made, order(f"o{place_no}", cents=cents, shares=size, outcome=outcome), at=at)
        case "take":
            one = order(
                f"o{place_no}", kind=OrderKind.FAK, cents=cents, shares=size, outcome=outcome
            )
            place(made, one, at=at)
        case "lost":
            made.lost("0xc")
        case "book":
            show(made, {cents: size}, {cents + 2: size}, at=at)
    made.tick(NOW_MS + at, NOW_MS + at)


def taken(book: PaperBook) -> Iterator[tuple[int, int]]:
    for side in book._sides.values():
        for found in side.values():
            yield found.shares, found.taken


@given(st.lists(ACTIONS, max_size=40))
def test_whatever_comes_money_and_limits_hold(actions: list[tuple[str, int, int, bool]]) -> None:
    made = exchange()
    for place_no, action in enumerate(actions):
        act(made, place_no, action)
        assert all(0 <= used <= shares for shares, used in taken(made.book("0xc")))
    state = made.state
    for fill in state.fills:
        filled = state.order(fill.order_id)
        assert filled is not None
        own = filled.order
        assert fill.price <= own.price if own.side is Side.BUY else fill.price >= own.price
        assert fill.maker == (fill.fee_micro_usd == 0)
    for entry in (*state.orders.values(), *state.ended.values()):
        if entry.order.budget_micro_usd is None:
            assert 0 <= entry.filled_shares <= entry.order.shares
        else:
            assert entry.spent_micro_usd <= entry.order.budget_micro_usd
    assert state.cash_micro_usd >= 0
    # the store alone gives the same account again
    again = PaperState()
    again.apply(Opened(cash_micro_usd=1_000 * MICRO, wire_ms=NOW_MS))
    for record in made.take_records():
        again.apply(decode(encode(record)))
    assert (again.cash_micro_usd, again.held) == (state.cash_micro_usd, state.held)
    assert [fill.trade_id for fill in again.fills] == [fill.trade_id for fill in state.fills]
    assert len({fill.trade_id for fill in state.fills}) == len(state.fills)
    assert all(isinstance(fill, Filled) for fill in again.fills)
