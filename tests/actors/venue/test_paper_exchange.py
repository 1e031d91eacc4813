"""The paper exchange's rules: queues, takers, money, and what can never happen."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.venue.paper.book import PaperBook
from actors.venue.paper.exchange import MATURE_GRACE_MS, TAKER_DELAY_MS, PaperExchange
from actors.venue.paper.makers import PublicTrade
from actors.venue.paper.records import (
    EndReason,
    Filled,
    Opened,
    OrderKind,
    PaperMarket,
    PaperOrder,
    decode,
    encode,
)
from actors.venue.paper.rules import VenueState
from actors.venue.paper.state import PaperState
from actors.venue.port import Rejected, Unavailable
from signals.market import Outcome, Side
from signals.units import MICRO

NOW_MS = 1_800_000_000_000
CLOSE_MS = NOW_MS + 300_000
SHARE = MICRO
MARKET = PaperMarket(
    condition_id="0xc",
    up_token_id="1",
    down_token_id="2",
    tick_micro_usd=10_000,
    min_order_shares=5 * SHARE,
    fee_rate="0.07",
    fee_exponent="1",
    close_ms=CLOSE_MS,
)


def exchange(
    bids: dict[int, int] | None = None, asks: dict[int, int] | None = None
) -> PaperExchange:
    """Return an account of 1,000 USD beside a book, in cents and whole shares."""
    state = PaperState()
    state.apply(Opened(cash_micro_usd=1_000 * MICRO, wire_ms=NOW_MS))
    made = PaperExchange(state)
    made.add_market(MARKET)
    show(made, {40: 100} if bids is None else bids, {42: 100} if asks is None else asks)
    return made


def show(made: PaperExchange, bids: dict[int, int], asks: dict[int, int], at: int = 0) -> None:
    sides = [
        {cents * 10_000: shares * SHARE for cents, shares in levels.items()}
        for levels in (bids, asks)
    ]
    made.book_replaced("0xc", sides[0], sides[1], NOW_MS + at, NOW_MS + at)


def order(
    name: str = "a",
    *,
    kind: OrderKind = OrderKind.GTC,
    side: Side = Side.BUY,
    outcome: Outcome = Outcome.UP,
    cents: int = 40,
    shares: int = 10,
) -> PaperOrder:
    spends = kind.immediate and side is Side.BUY
    return PaperOrder(
        order_id=name,
        condition_id="0xc",
        token_id="1" if outcome is Outcome.UP else "2",
        outcome=outcome,
        side=side,
        kind=kind,
        post_only=not kind.immediate,
        price=cents * 10_000,
        shares=shares * SHARE,
        budget_micro_usd=cents * 10_000 * shares if spends else None,
    )


def place(made: PaperExchange, one: PaperOrder, at: int = 0) -> object:
    return made.place(one, NOW_MS + at, NOW_MS + at)


def level(made: PaperExchange, cents: int, shares: int, *, bid: bool = True, at: int = 0) -> None:
    made.level_changed("0xc", (bid, cents * 10_000, shares * SHARE), NOW_MS + at, NOW_MS + at)


def trade(
    made: PaperExchange, cents: int, shares: int, *, buys_up: bool = False, at: int = 0
) -> None:
    told = PublicTrade(
        up_price=cents * 10_000, shares=shares * SHARE, buys_up=buys_up, stamp_ms=NOW_MS + at
    )
    made.traded("0xc", told, NOW_MS + at)


def ended_as(made: PaperExchange, name: str) -> EndReason | None:
    entry = made.state.order(name)
    assert entry is not None
    return None if entry.ended is None else entry.ended.reason


def fills(made: PaperExchange) -> list[tuple[str, int, float]]:
    return [(fill.order_id, fill.price // 10_000, fill.shares / SHARE) for fill in made.state.fills]


# ---- makers -----------------------------------------------------------------------------------


def test_a_resting_order_waits_for_everything_before_it() -> None:
    made = exchange()
    place(made, order())
    trade(made, 40, 100)
    assert fills(made) == []
    trade(made, 40, 4)
    assert fills(made) == [("a", 40, 4)]
    trade(made, 40, 50)
    assert fills(made) == [("a", 40, 4), ("a", 40, 6)]
    assert ended_as(made, "a") is not None


def test_trades_of_our_own_side_shorten_no_queue() -> None:
    made = exchange()
    place(made, order())
    trade(made, 42, 500, buys_up=True)
    trade(made, 40, 500, buys_up=True)
    assert fills(made) == []


def test_a_level_that_shrinks_shortens_the_queue_only_to_its_size() -> None:
    made = exchange()
    place(made, order())
    level(made, 40, 30, at=10)
    assert made.state.orders["a"].ahead_shares == 30 * SHARE
    level(made, 40, 90, at=20)
    assert made.state.orders["a"].ahead_shares == 30 * SHARE
    assert fills(made) == []


@pytest.mark.parametrize("trade_first", [True, False])
def test_a_trade_and_its_level_count_once_in_either_order(trade_first: bool) -> None:  # noqa: FBT001
    made = exchange()
    place(made, order())
    if trade_first:
        trade(made, 40, 60, at=10)
        level(made, 40, 40, at=11)
    else:
        level(made, 40, 40, at=10)
        trade(made, 40, 60, at=11)
    assert made.state.orders["a"].ahead_shares == 40 * SHARE
    assert fills(made) == []


def test_a_trade_beyond_the_price_fills_whole() -> None:
    made = exchange({39: 100, 40: 100}, {42: 100})
    place(made, order())
    trade(made, 39, 1)
    assert fills(made) == [("a", 40, 10)]


def test_an_offer_that_would_have_met_the_order_fills_it_and_is_used_once() -> None:
    made = exchange()
    place(made, order("a"))
    place(made, order("b"))
    show(made, {39: 100}, {40: 12}, at=50)
    assert fills(made) == [("a", 40, 10), ("b", 40, 2)]
    show(made, {39: 100}, {40: 12}, at=60)
    assert len(made.state.fills) == 2


def test_two_own_orders_at_one_price_share_one_queue() -> None:
    made = exchange()
    place(made, order("a"))
    place(made, order("b"))
    trade(made, 40, 110)
    assert fills(made) == [("a", 40, 10)]
    trade(made, 40, 3)
    assert fills(made) == [("a", 40, 10), ("b", 40, 3)]


def test_up_bid_and_down_ask_are_one_liquidity() -> None:
    """A Down bid at 60 cents stands where an Up ask at 40 would: trades on either token count."""
    made = exchange({38: 100}, {40: 100})
    place(made, order("down", outcome=Outcome.DOWN, cents=60))
    entry = made.state.orders["down"]
    assert entry.ahead_shares == 100 * SHARE
    trade(made, 40, 103, buys_up=True)
    assert fills(made) == [("down", 60, 3)]
    place(made, order("take", kind=OrderKind.FAK, cents=40, shares=100), at=1)
    made.tick(NOW_MS + 1_000, NOW_MS + 1_000)
    assert sum(fill.shares for fill in made.state.fills if fill.order_id == "take") <= 100 * SHARE


def test_a_post_only_order_that_would_cross_is_refused() -> None:
    made = exchange()
    refused = place(made, order(cents=42))
    assert isinstance(refused, Rejected)
    assert refused.code == "post_only_would_cross"
    down = place(made, order(outcome=Outcome.DOWN, cents=60))
    assert isinstance(down, Rejected)


# ---- takers -----------------------------------------------------------------------------------


def test_a_taker_gets_the_book_of_the_moment_after_the_delay() -> None:
    made = exchange({40: 100}, {42: 10, 43: 100})
    place(made, order(kind=OrderKind.FAK, cents=43, shares=100))
    level(made, 42, 0, bid=False, at=TAKER_DELAY_MS - 10)
    level(made, 41, 1_000, bid=False, at=TAKER_DELAY_MS + 10)
    assert fills(made)[0][1] == 43
    assert ended_as(made, "a") is not None


def test_a_taker_without_news_is_filled_after_the_grace() -> None:
    made = exchange()
    place(made, order(kind=OrderKind.FAK, cents=42, shares=50))
    made.tick(NOW_MS + TAKER_DELAY_MS + MATURE_GRACE_MS - 1, NOW_MS)
    assert fills(made) == []
    made.tick(NOW_MS + TAKER_DELAY_MS + MATURE_GRACE_MS, NOW_MS)
    assert fills(made) == [("a", 42, 50)]
    [fill] = made.state.fills
    assert fill.wire_ms == NOW_MS + TAKER_DELAY_MS
    assert fill.fee_micro_usd == 852_600  # 50 x 0.07 x 0.42 x 0.58, five decimals


def test_dollars_are_spent_not_shares() -> None:
    made = exchange({10: 1}, {20: 1_000, 50: 1_000})
    place(made, order(kind=OrderKind.FAK, cents=50, shares=100))
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == [("a", 20, 250)]


def test_what_was_taken_is_not_there_again_until_the_level_is_fresh() -> None:
    made = exchange()
    for name, at in (("a", 0), ("b", 1_000)):
        place(made, order(name, kind=OrderKind.FAK, cents=42, shares=60), at=at)
        made.tick(NOW_MS + at + 1_000, NOW_MS)
    assert fills(made) == [("a", 42, 60), ("b", 42, 40)]
    assert isinstance(place(made, order("c", kind=OrderKind.FAK, cents=42)), Rejected)
    level(made, 42, 0, bid=False, at=3_000)
    level(made, 42, 70, bid=False, at=3_010)
    assert not isinstance(place(made, order("d", kind=OrderKind.FAK, cents=42), at=3_020), Rejected)


def test_a_fill_or_kill_is_whole_or_nothing() -> None:
    made = exchange()
    whole = place(made, order("a", kind=OrderKind.FOK, cents=42, shares=101))
    assert isinstance(whole, Rejected)
    assert whole.code == "fok_not_filled"
    place(made, order("b", kind=OrderKind.FOK, cents=42, shares=100))
    level(made, 42, 99, bid=False, at=10)
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == []
    assert ended_as(made, "b") is EndReason.KILLED


def test_a_missing_side_gives_no_taker_fill() -> None:
    made = exchange({40: 100}, {})
    refused = place(made, order(kind=OrderKind.FAK, cents=99))
    assert isinstance(refused, Rejected)
    made = exchange()
    place(made, order("late", kind=OrderKind.FAK, cents=42))
    show(made, {40: 100}, {}, at=10)
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == []


def test_a_book_that_is_not_known_fills_nobody() -> None:
    made = exchange()
    place(made, order("waits", kind=OrderKind.FAK, cents=42))
    place(made, order("rests"))
    made.lost("0xc")
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == []
    assert isinstance(place(made, order("new")), Unavailable)
    show(made, {40: 100}, {42: 100}, at=2_000)
    assert not isinstance(place(made, order("newer"), at=2_000), Unavailable)


def test_a_delayed_taker_cannot_be_cancelled() -> None:
    made = exchange()
    place(made, order(kind=OrderKind.FAK, cents=42))
    assert made.cancel("a", NOW_MS, EndReason.CANCELLED) is not None
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert len(made.state.fills) == 1


# ---- rules ------------------------------------------------------------------------------------


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


# ---- whatever comes ---------------------------------------------------------------------------

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
