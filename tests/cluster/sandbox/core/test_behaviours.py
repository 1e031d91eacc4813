"""What the venue does beyond the plain rules, one behaviour at a time, in the venue's words."""

import hashlib
from pathlib import Path

import pytest

from cluster.sandbox.behaviours import ALL, PERMILLE, Behaviour, Behaviours
from cluster.sandbox.events import BookReplaced, LastTrade, OrderChange, OrderChanged
from cluster.sandbox.fees import notional_micro_usd, shares_for
from cluster.sandbox.late_fills import LATE_MS
from cluster.sandbox.matching import SLOW_CHAIN_MS
from cluster.sandbox.model import (
    MICRO,
    BookView,
    Level,
    OrderState,
    OrderType,
    Outcome,
    Side,
    Trade,
    TradeStatus,
)
from cluster.sandbox.reading import LedgerReading
from cluster.sandbox.sockets.user_frames import order_frame
from cluster.sandbox.views import book_hash
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, CENT, SmallExchange

SPEND = frozenset({Behaviour.MARKET_BUYS_SPEND_USD, Behaviour.EXACT_MARKET_PRICE})


def trade_of(desk: SmallExchange, trade_id: str) -> Trade:
    found = desk.exchange.trade(trade_id)
    assert found is not None
    return found


def test_a_market_buy_spends_its_dollars_as_recorded(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=SPEND)
    desk.mint(20)
    desk.sell(ALICE, 98, 20)
    order = desk.signed(BOB, Side.BUY, 99 * CENT, 5 * MICRO)
    result = desk.post(order, OrderType.FAK)
    trade = trade_of(desk, result.trade_ids[0])
    assert (trade.price, trade.shares) == (98 * CENT, 5_051_019), "5 @ 0.99 with ask 0.98"
    assert result.taking_micro == 5_051_019
    after = desk.order(result)
    assert after.state is OrderState.MATCHED
    assert after.filled_shares > after.shares, "more shares than the order names"
    assert 0 <= after.budget_left_micro_usd <= 2
    assert LedgerReading.of(tmp_path).digest() == desk.exchange.digest()


def test_a_market_buy_takes_several_levels_and_kills_what_it_cannot_spend(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=SPEND)
    desk.mint(20)
    desk.sell(ALICE, 50, 6)
    desk.sell(ALICE, 60, 7)
    result = desk.buy(BOB, 70, 20, OrderType.FAK)
    fills = [trade_of(desk, found) for found in result.trade_ids]
    assert [(t.price, t.shares) for t in fills] == [(50 * CENT, 6 * MICRO), (60 * CENT, 7 * MICRO)]
    order = desk.order(result)
    assert order.state is OrderState.KILLED
    assert order.spent_micro_usd == 7_200_000
    assert desk.exchange.cash(BOB).ordered == 0, "nothing stays held for a killed order"


def test_a_fill_or_kill_buy_is_whole_when_its_dollars_are_spent(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=SPEND)
    desk.mint(20)
    desk.sell(ALICE, 98, 5)
    assert not desk.buy(BOB, 99, 5, OrderType.FOK).accepted, "4.95 USD buy more than 5 at 0.98"
    desk.sell(ALICE, 98, 5)
    assert desk.buy(BOB, 99, 5, OrderType.FOK).state is OrderState.MATCHED


@pytest.mark.parametrize("price", [10_000, 333_333, 500_000, 980_000, 999_000])
@pytest.mark.parametrize("budget", [1_000_000, 4_950_000, 7_777_777])
def test_what_dollars_buy_never_costs_more_than_they_are(price: int, budget: int) -> None:
    for outcome in Outcome:
        left = budget - notional_micro_usd(outcome, price, shares_for(budget, price))
        assert 0 <= left <= 2


def test_an_implied_price_under_the_ask_does_not_match(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=SPEND)
    desk.mint(20)
    desk.sell(ALICE, 51, 20)
    signed = desk.signed(BOB, Side.BUY, 51 * CENT, 10 * MICRO)
    low = type(signed)(**{**_fields(signed), "maker_amount": 5_000_000, "taker_amount": 9_816_600})
    refused = desk.post(low, OrderType.FAK)
    assert refused.error is not None
    assert refused.error.startswith("no orders found to match with FAK order")
    plain = SmallExchange(tmp_path / "plain")
    plain.mint(20)
    plain.sell(ALICE, 51, 20)
    token = plain.market().token_id(Outcome.UP)
    assert plain.post(type(low)(**{**_fields(low), "token_id": token}), OrderType.FAK).accepted


def _fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__struct_fields__}  # type: ignore[attr-defined]


def test_a_small_buy_that_crosses_is_refused_and_one_that_rests_is_not(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=frozenset({Behaviour.MARKETABLE_MINIMUM}))
    desk.mint(50)
    desk.sell(ALICE, 10, 20)
    refused = desk.buy(BOB, 10, 5)
    assert refused.error == "invalid amount for a marketable BUY order ($0.5), min size: 1"
    assert desk.buy(BOB, 9, 5).state is OrderState.LIVE
    assert desk.buy(BOB, 10, 10).accepted, "one dollar"


def test_some_takers_match_in_the_answer_and_some_wait(tmp_path: Path) -> None:
    at_once = frozenset({Behaviour.MATCHED_AT_ONCE})
    desk = SmallExchange(tmp_path, behaviours=at_once, taker_delay_wire_ms=150)
    states = []
    for _ in range(30):
        desk.buy(ALICE, 50, 5)
        result = desk.buy(BOB, 50, 5, OrderType.FAK, outcome=Outcome.DOWN)
        states.append((result.state, bool(result.trade_ids)))
        desk.step(200)
    assert set(states) == {(OrderState.MATCHED, True), (OrderState.DELAYED, False)}


def cancelled(desk: SmallExchange, count: int) -> list[str]:
    ids = [desk.buy(ALICE, 30, 10).order_id for _ in range(count)]
    desk.exchange.cancel_all(ALICE, desk.now)
    return ids


def test_a_fill_may_come_after_a_cancel_with_six_decimals(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=frozenset({Behaviour.LATE_FILLS}))
    ids = cancelled(desk, 60)
    assert all(desk.exchange.order(found).state is OrderState.CANCELED for found in ids)  # type: ignore[union-attr]
    begun_ms = desk.wire_ms
    while desk.wire_ms < begun_ms + LATE_MS[1] + 100:
        desk.step(50)
    late = desk.exchange.trades(ALICE)
    assert 0 < len(late) < 60
    assert len(late) == desk.exchange.behaviours.struck[Behaviour.LATE_FILLS]
    assert any(trade.shares % 10_000 for trade in late), "sizes with six decimals"
    for trade in late:
        assert LATE_MS[0] <= trade.matched_wire_ms - begun_ms <= LATE_MS[1] + 50
        order = desk.exchange.order(trade.makers[0].order_id)
        assert order is not None
        assert order.state is OrderState.CANCELED
        assert order.filled_shares == trade.shares
    assert LedgerReading.of(tmp_path).digest() == desk.exchange.digest()


def test_a_late_fill_is_never_more_than_the_account_can_pay(tmp_path: Path) -> None:
    desk = SmallExchange(
        tmp_path,
        behaviours=frozenset({Behaviour.LATE_FILLS}),
        starting_balance_micro_usd=4 * MICRO,
    )
    for _ in range(40):
        desk.buy(ALICE, 40, 10)
        desk.exchange.cancel_all(ALICE, desk.now)
        desk.step(30)
        assert desk.exchange.cash(ALICE).available >= 0
    desk.step(2_000)
    assert desk.exchange.cash(ALICE).available >= 0


def test_some_cancels_are_told_as_an_update(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=frozenset({Behaviour.CANCELED_AS_UPDATE}))
    ids = set(cancelled(desk, 40))
    desk.step(10)
    told = [
        event.change
        for event in desk.events
        if isinstance(event, OrderChanged)
        and event.order.order_id in ids
        and event.order.state is OrderState.CANCELED
    ]
    assert len(told) == 40
    assert set(told) == {OrderChange.UPDATE, OrderChange.CANCELLATION}


def test_the_chain_is_slow_at_times_and_fresh_shares_cannot_be_sold_meanwhile(
    tmp_path: Path,
) -> None:
    desk = SmallExchange(tmp_path, speed=1, behaviours=frozenset({Behaviour.SLOW_CHAIN}))
    bought: list[str] = []
    for _ in range(60):
        desk.buy(BOB, 50, 5, outcome=Outcome.DOWN)
        bought += desk.buy(ALICE, 50, 5).trade_ids
    desk.step(5_000)
    slow = [i for i in bought if trade_of(desk, i).status is TradeStatus.MATCHED]
    assert 0 < len(slow) < 20
    held = desk.exchange.holding(ALICE, desk.market().up_token_id)
    assert held.settled == (60 - len(slow)) * 5 * MICRO
    refused = desk.sell(ALICE, 60, 60 * 5)
    assert refused.error is not None
    assert refused.error.startswith("not enough balance / allowance: the balance is not enough")
    desk.step(SLOW_CHAIN_MS[1] + 2_000 - 5_000)
    desk.step(1)
    assert all(trade_of(desk, i).status is TradeStatus.CONFIRMED for i in slow)
    assert desk.sell(ALICE, 60, 60 * 5).accepted


def test_the_balance_refusal_is_itemised(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, starting_balance_micro_usd=30 * MICRO)
    desk.buy(ALICE, 40, 50, post_only=True)
    refused = desk.buy(ALICE, 50, 30, post_only=True)
    assert refused.error == (
        "not enough balance / allowance: the balance is not enough -> balance: 30000000,"
        " sum of active orders: 20000000, sum of matched orders: 0,"
        " order amount (inc. fees): 15000000"
    )


def test_both_books_are_repeated_before_each_trade_is_told(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, behaviours=frozenset({Behaviour.BOOK_AT_EACH_TRADE}))
    desk.buy(ALICE, 60, 10)
    desk.step(1)
    desk.events.clear()
    desk.buy(BOB, 45, 5, outcome=Outcome.DOWN)
    desk.step(1)
    kinds = [e for e in desk.events if isinstance(e, BookReplaced | LastTrade)]
    assert [type(e) for e in kinds] == [BookReplaced, BookReplaced, LastTrade]
    assert all(e.after_trade for e in kinds if isinstance(e, BookReplaced))


def test_every_share_is_drawn_as_often_as_it_says() -> None:
    behaviours = Behaviours(3)
    for behaviour, permille in PERMILLE.items():
        hits = sum(behaviours.strikes(behaviour, f"event {n}") for n in range(20_000))
        assert abs(hits - 20 * permille) < 20 * permille * 0.4 + 20, behaviour
        assert behaviours.struck[behaviour] == hits
    assert behaviours.enabled == ALL
    assert not Behaviours(3, frozenset()).strikes(Behaviour.LATE_FILLS, "event 1")


def test_a_book_hash_is_sha1_over_the_venues_fields_in_the_venues_order() -> None:
    view = BookView(
        condition_id="0x01",
        token_id="77",
        bids=(Level(450_000, 3_900_000), Level(10_000, 5_000_000)),
        asks=(),
        tick_micro_usd=10_000,
        min_order_shares=5 * MICRO,
        last_trade_price=450_000,
        wire_ms=1_776_329_103_369,
        market_ms=0,
        hash="",
    )
    text = (
        '{"market":"0x01","asset_id":"77","timestamp":"1776329103369","hash":"",'
        '"bids":[{"price":"0.01","size":"5"},{"price":"0.45","size":"3.9"}],"asks":[],'
        '"min_order_size":"5","tick_size":"0.01","neg_risk":false,"last_trade_price":"0.450"}'
    )
    assert book_hash(view) == hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def test_a_killed_order_is_told_with_empty_fields_and_a_sentence(tmp_path: Path) -> None:
    desk = SmallExchange(
        tmp_path, behaviours=frozenset({Behaviour.BARE_KILL_FRAMES}), taker_delay_wire_ms=150
    )
    desk.mint(10)
    desk.step(900)
    resting = desk.sell(ALICE, 50, 5)
    desk.step(200)
    taker = desk.buy(BOB, 50, 5, OrderType.FAK)
    desk.exchange.cancel(ALICE, (resting.order_id,), desk.now)
    desk.events.clear()
    desk.step(200)
    told = [e for e in desk.events if isinstance(e, OrderChanged)]
    frame = order_frame(next(e for e in reversed(told) if e.order.order_id == taker.order_id))
    assert frame.status.startswith("CANCELED_no orders found to match with FAK order")
    assert (frame.size_matched, frame.outcome, frame.created_at) == ("", "", "")
    assert frame.type == "CANCELLATION"
