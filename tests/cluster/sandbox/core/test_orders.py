"""Orders at the exchange: the venue's rules in the venue's words."""

from pathlib import Path

import pytest

from cluster.sandbox.events import OrderChange, OrderChanged, TradeChanged
from cluster.sandbox.model import (
    MICRO,
    CancelReason,
    OrderState,
    OrderType,
    Outcome,
    Side,
    TradeStatus,
    VenueMode,
)
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, CENT, SmallExchange


@pytest.fixture
def desk(tmp_path: Path) -> SmallExchange:
    return SmallExchange(tmp_path)


def test_an_order_that_crosses_nothing_rests(desk: SmallExchange) -> None:
    result = desk.buy(ALICE, 40, 10)
    assert result.accepted
    assert result.state is OrderState.LIVE
    assert [o.order_id for o in desk.exchange.open_orders(ALICE)] == [result.order_id]
    book = desk.exchange.book(desk.market().up_token_id, desk.now)
    assert book is not None
    assert [(x.price, x.shares) for x in book.bids] == [(40 * CENT, 10 * MICRO)]


def test_buying_up_and_buying_down_meet_and_mint(desk: SmallExchange) -> None:
    up = desk.buy(ALICE, 60, 10)
    down = desk.buy(BOB, 45, 10, outcome=Outcome.DOWN)
    assert down.state is OrderState.MATCHED
    trade = desk.exchange.trade(down.trade_ids[0])
    assert trade is not None
    assert trade.price == 40 * CENT, "the taker gets the resting order's price"
    assert trade.makers[0].price == 60 * CENT
    assert desk.order(up).state is OrderState.MATCHED
    desk.step(800)
    assert desk.exchange.holding(ALICE, desk.market().up_token_id).settled == 10 * MICRO
    assert desk.exchange.holding(BOB, desk.market().down_token_id).settled == 10 * MICRO


def test_only_the_taker_pays_a_fee_on_top_of_a_buy(desk: SmallExchange) -> None:
    desk.buy(ALICE, 50, 100)
    desk.buy(BOB, 50, 100, outcome=Outcome.DOWN)
    desk.step(800)
    start = desk.config.starting_balance_micro_usd
    assert desk.exchange.cash(ALICE).settled == start - 50 * MICRO
    assert desk.exchange.cash(BOB).settled == start - 50 * MICRO - 1_750_000


def test_a_seller_gets_the_proceeds_less_the_fee(desk: SmallExchange) -> None:
    desk.mint(100)
    before = desk.exchange.cash(ALICE).settled
    desk.buy(BOB, 50, 100)
    desk.sell(ALICE, 50, 100, OrderType.FAK)
    desk.step(800)
    assert desk.exchange.cash(ALICE).settled == before + 50 * MICRO - 1_750_000
    assert desk.exchange.holding(ALICE, desk.market().up_token_id).settled == 0


def test_the_same_order_again_is_a_duplicate_even_after_it_ended(desk: SmallExchange) -> None:
    order = desk.signed(ALICE, Side.BUY, 40 * CENT, 10 * MICRO)
    assert desk.post(order).accepted
    desk.exchange.cancel(ALICE, (order.order_id,), desk.now)
    again = desk.post(order)
    assert again.http_status == 400
    assert again.error == f"order {order.order_id} is invalid. Duplicated."
    assert desk.order(again).state is OrderState.CANCELED, "the refusal hides nothing"


def test_a_refused_order_is_no_duplicate_of_itself(desk: SmallExchange) -> None:
    order = desk.signed(ALICE, Side.BUY, 40 * CENT, 10 * MICRO)
    desk.exchange.set_mode(VenueMode.RESTARTING, desk.now)
    assert desk.post(order).http_status == 425
    desk.exchange.set_mode(VenueMode.OPEN, desk.now)
    assert desk.post(order).accepted


def test_a_post_only_order_that_crosses_is_refused(desk: SmallExchange) -> None:
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    result = desk.buy(ALICE, 50, 10, post_only=True)
    assert result.error == "invalid post-only order: order crosses book"
    assert desk.buy(ALICE, 49, 10, post_only=True).accepted


def test_prices_off_the_tick_and_small_sizes_are_refused(desk: SmallExchange) -> None:
    off = desk.post(desk.signed(ALICE, Side.BUY, 405_000, 10 * MICRO))
    assert off.error is not None
    assert off.error.endswith("is invalid. Price (0.405) breaks minimum tick size rule: 0.01")
    small = desk.buy(ALICE, 40, 4)
    assert small.error is not None
    assert small.error.endswith("is invalid. Size (4) lower than the minimum: 5")


def test_the_smallest_immediate_order_is_one_dollar(desk: SmallExchange) -> None:
    desk.buy(BOB, 80, 10, outcome=Outcome.DOWN)
    result = desk.buy(ALICE, 20, 4, OrderType.FAK)
    assert result.error == "invalid amount for a marketable BUY order ($0.8), min size: 1"
    assert desk.buy(ALICE, 20, 5, OrderType.FAK).accepted


def test_immediate_buys_need_whole_cents(desk: SmallExchange) -> None:
    order = desk.signed(ALICE, Side.BUY, 33 * CENT, 10_010_000)
    assert desk.post(order, OrderType.FAK).error == (
        "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals,"
        " taker amount a max of 4 decimals"
    )


def test_fill_or_kill_needs_all_of_it(desk: SmallExchange) -> None:
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    refused = desk.buy(ALICE, 50, 20, OrderType.FOK)
    assert refused.error is not None
    assert refused.error.startswith("order couldn't be fully filled. FOK orders")
    assert desk.buy(ALICE, 50, 10, OrderType.FOK).state is OrderState.MATCHED


def test_fill_and_kill_takes_what_is_there_and_drops_the_rest(desk: SmallExchange) -> None:
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    result = desk.buy(ALICE, 50, 20, OrderType.FAK)
    assert result.taking_micro == 10 * MICRO
    order = desk.order(result)
    assert (order.state, order.filled_shares) == (OrderState.KILLED, 10 * MICRO)
    empty = desk.buy(ALICE, 50, 20, OrderType.FAK)
    assert empty.error is not None
    assert empty.error.startswith("no orders found to match with FAK order")


def test_money_that_open_orders_hold_cannot_be_spent_twice(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, starting_balance_micro_usd=10 * MICRO)
    assert desk.buy(ALICE, 50, 15).accepted
    refused = desk.buy(ALICE, 50, 10)
    assert refused.error is not None
    assert refused.error.startswith("not enough balance / allowance")
    desk.exchange.cancel_all(ALICE, desk.now)
    assert desk.buy(ALICE, 50, 10).accepted


def test_shares_just_bought_cannot_be_sold_before_they_are_mined(desk: SmallExchange) -> None:
    desk.buy(ALICE, 50, 10)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    early = desk.sell(ALICE, 60, 10)
    assert early.error is not None
    assert early.error.startswith("not enough balance / allowance")
    desk.step(800)
    assert desk.sell(ALICE, 60, 10).accepted


def test_a_marketable_order_waits_out_the_taker_delay(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, taker_delay_wire_ms=150)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    result = desk.buy(ALICE, 50, 10)
    assert (result.state, result.trade_ids) == (OrderState.DELAYED, ())
    cancel = desk.exchange.cancel(ALICE, (result.order_id,), desk.now)
    assert [order_id for order_id, _ in cancel.not_canceled] == [result.order_id]
    desk.step(149)
    assert desk.order(result).state is OrderState.DELAYED
    desk.step(1)
    assert desk.order(result).state is OrderState.MATCHED


def test_a_delayed_order_rests_when_its_counterpart_has_gone(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, taker_delay_wire_ms=150)
    bob = desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    result = desk.buy(ALICE, 50, 10)
    desk.exchange.cancel(BOB, (bob.order_id,), desk.now)
    desk.step(150)
    assert desk.order(result).state is OrderState.LIVE
    assert desk.order(result).queue_ahead_at_placement == 0


def test_the_ledgered_queue_position_shrinks_as_others_leave(desk: SmallExchange) -> None:
    first = desk.buy(BOB, 40, 30)
    mine = desk.buy(ALICE, 40, 10)
    assert desk.order(mine).queue_ahead_at_placement == 30 * MICRO
    desk.exchange.cancel(BOB, (first.order_id,), desk.now)
    assert desk.exchange.queue_ahead(mine.order_id) == 0
    assert desk.order(mine).queue_ahead_at_placement == 30 * MICRO


def test_an_account_never_trades_with_itself(desk: SmallExchange) -> None:
    old = desk.buy(ALICE, 50, 10)
    new = desk.buy(ALICE, 50, 10, outcome=Outcome.DOWN)
    assert desk.order(old).cancel_reason is CancelReason.SELF_TRADE
    assert desk.order(new).state is OrderState.LIVE
    assert desk.exchange.trades(ALICE) == ()


def test_statuses_go_from_matched_over_mined_to_confirmed(desk: SmallExchange) -> None:
    desk.buy(ALICE, 50, 10)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    desk.events += desk.exchange.drain()
    desk.step(800)
    desk.step(1_200)
    seen = [e.trade.status for e in desk.events if isinstance(e, TradeChanged)]
    assert seen == [
        status
        for status in (TradeStatus.MATCHED, TradeStatus.MINED, TradeStatus.CONFIRMED)
        for _ in range(2)
    ]


def test_a_ghost_fill_gives_everything_back(desk: SmallExchange) -> None:
    desk.exchange.fail_trades(1)
    desk.buy(ALICE, 50, 10)
    result = desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    desk.step(800)
    trade = desk.exchange.trade(result.trade_ids[0])
    assert trade is not None
    assert trade.status is TradeStatus.FAILED
    for name in (ALICE, BOB):
        assert desk.exchange.cash(name).available == desk.config.starting_balance_micro_usd
    assert desk.exchange.holding(ALICE, desk.market().up_token_id).settled == 0


def test_a_gtd_order_leaves_one_minute_before_its_expiration(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, speed=1)
    second = desk.wire_ms // 1000
    soon = desk.signed(ALICE, Side.BUY, 40 * CENT, 10 * MICRO, expiration_s=second + 179)
    assert desk.post(soon, OrderType.GTD).error == "invalid expiration"
    good = desk.signed(ALICE, Side.BUY, 40 * CENT, 10 * MICRO, expiration_s=second + 180)
    result = desk.post(good, OrderType.GTD)
    desk.step(119_999)
    assert desk.order(result).state is OrderState.LIVE
    desk.step(1)
    assert desk.order(result).state is OrderState.EXPIRED


def test_a_restart_is_followed_by_post_only_time(desk: SmallExchange) -> None:
    desk.exchange.restart(desk.now, restart_wire_ms=1_000, post_only_wire_ms=2_000)
    assert desk.buy(ALICE, 40, 10).http_status == 425
    desk.step(1_000)
    taker = desk.buy(ALICE, 40, 10)
    assert (taker.http_status, taker.code) == (503, "post_only_mode")
    assert desk.buy(ALICE, 40, 10, post_only=True).accepted
    desk.step(2_000)
    assert desk.exchange.mode is VenueMode.OPEN
    assert desk.buy(ALICE, 40, 10).accepted


def test_what_is_not_there_cannot_be_canceled(desk: SmallExchange) -> None:
    mine = desk.buy(ALICE, 40, 10)
    result = desk.exchange.cancel(BOB, (mine.order_id, "0xunknown"), desk.now)
    assert result.canceled == ()
    assert len(result.not_canceled) == 2


def test_cancelling_a_market_spares_other_markets(desk: SmallExchange) -> None:
    here = desk.buy(ALICE, 40, 10)
    eth = desk.market("eth")
    there = desk.post(desk.signed(ALICE, Side.BUY, 40 * CENT, 10 * MICRO, market=eth))
    result = desk.exchange.cancel_market(ALICE, desk.now, condition_id=desk.market().condition_id)
    assert result.canceled == (here.order_id,)
    assert desk.order(there).state is OrderState.LIVE
    assert desk.exchange.cancel_market(ALICE, desk.now).canceled == ()


def test_each_change_of_an_order_is_told_to_its_account(desk: SmallExchange) -> None:
    result = desk.buy(ALICE, 50, 20)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    desk.exchange.cancel_all(ALICE, desk.now)
    told = [
        (e.change, e.order.filled_shares)
        for e in desk.exchange.drain()
        if isinstance(e, OrderChanged) and e.order.order_id == result.order_id
    ]
    assert told == [
        (OrderChange.PLACEMENT, 0),
        (OrderChange.UPDATE, 10 * MICRO),
        (OrderChange.CANCELLATION, 10 * MICRO),
    ]


def test_a_taker_needs_the_fee_too_and_a_maker_does_not(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, starting_balance_micro_usd=5 * MICRO)
    assert desk.buy(ALICE, 50, 10).accepted, "five dollars exactly"
    refused = desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    assert refused.error is not None
    assert refused.error.startswith("not enough balance / allowance")


def test_money_in_an_unmined_trade_cannot_be_spent_again(tmp_path: Path) -> None:
    desk = SmallExchange(tmp_path, starting_balance_micro_usd=6 * MICRO)
    desk.buy(ALICE, 50, 10)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    assert desk.exchange.cash(ALICE).settled == 6 * MICRO
    assert desk.exchange.cash(ALICE).available == 1 * MICRO
    assert not desk.buy(ALICE, 40, 5).accepted


def test_shares_in_an_unmined_sale_cannot_be_sold_again(desk: SmallExchange) -> None:
    desk.mint(10)
    desk.buy(BOB, 50, 10)
    assert desk.sell(ALICE, 50, 10).accepted
    assert desk.exchange.holding(ALICE, desk.market().up_token_id).settled == 10 * MICRO
    again = desk.sell(ALICE, 60, 10)
    assert again.error is not None
    assert again.error.startswith("not enough balance / allowance")
