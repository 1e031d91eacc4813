"""Markets from open to payment."""

from pathlib import Path

import numpy as np
import pytest

from cluster.sandbox.events import MarketOpened, MarketResolved
from cluster.sandbox.markets import KNOWN_BACK_MS
from cluster.sandbox.model import (
    ASSETS,
    MICRO,
    TIMEFRAMES,
    CancelReason,
    Outcome,
    Side,
)
from cluster.sandbox.prices.source import GENERATED_START_MS, Prices
from cluster.sandbox.reading import LedgerReading
from cluster.sandbox.settlement import e18_text, verdict
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, SmallExchange


@pytest.fixture
def desk(tmp_path: Path) -> SmallExchange:
    return SmallExchange(tmp_path)


def settle(desk: SmallExchange) -> None:
    """Go on until the running 5-minute market is paid."""
    desk.until_market_ms(desk.market().close_market_ms + 60_000)


def test_sixteen_markets_take_orders_at_any_time(desk: SmallExchange) -> None:
    for _ in range(4):
        desk.step(2_500)
        listed = [m for m in desk.exchange.markets_listed(desk.now) if m.accepting_orders]
        running = [m for m in listed if m.open_market_ms <= desk.now.market_ms]
        assert len(running) == 16
        assert {(m.asset, m.timeframe) for m in running} == {
            (asset, frame) for asset in ASSETS for frame in TIMEFRAMES
        }


def test_winning_shares_pay_one_dollar_and_losing_ones_nothing(desk: SmallExchange) -> None:
    desk.mint(100)
    market = desk.market()
    settle(desk)
    settled = desk.exchange.market(market.condition_id, desk.now)
    assert settled is not None
    assert settled.closed
    start = desk.config.starting_balance_micro_usd
    won, lost = (ALICE, BOB) if settled.winner is Outcome.UP else (BOB, ALICE)
    fee = 1_750_000
    cash = {name: desk.exchange.cash(name).settled for name in (ALICE, BOB)}
    cash[BOB] += fee
    assert cash == {won: start + 50 * MICRO, lost: start - 50 * MICRO}
    assert desk.exchange.holding(ALICE, market.up_token_id).settled == 0


def test_the_winner_is_told_once(desk: SmallExchange) -> None:
    market = desk.market()
    settle(desk)
    told = [e for e in desk.events if isinstance(e, MarketResolved)]
    mine = [e for e in told if e.market.condition_id == market.condition_id]
    assert len(mine) == 1
    assert mine[0].market.winner is not None
    assert 8_000 <= mine[0].market_ms - market.close_market_ms <= 18_000 + 3_000


def test_the_price_to_beat_appears_five_to_thirty_seconds_late(desk: SmallExchange) -> None:
    desk.until_market_ms(desk.market().close_market_ms)
    market = desk.market()
    opened = market.open_market_ms
    assert market.price_to_beat is None
    while desk.market().price_to_beat is None:
        desk.step(10)
    assert 5_000 <= desk.now.market_ms - opened <= 30_300
    tick = desk.exchange.ticks("btc", desk.now, since_market_ms=opened - 1)[0]
    assert tick.observed_market_ms == opened
    assert desk.market().price_to_beat == e18_text(tick.twap_e18)


def test_a_hidden_price_to_beat_stays_away_and_the_market_settles_all_the_same(
    desk: SmallExchange,
) -> None:
    desk.until_market_ms(desk.market().close_market_ms)
    market = desk.market()
    desk.exchange.hide_price_to_beat(market.condition_id)
    desk.until_market_ms(market.close_market_ms - 1_000)
    assert desk.market().price_to_beat is None
    desk.until_market_ms(market.close_market_ms + 30_000)
    settled = desk.exchange.market(market.condition_id, desk.now)
    assert settled is not None
    assert settled.winner is not None


def test_resting_orders_are_cancelled_at_the_close(desk: SmallExchange) -> None:
    result = desk.buy(ALICE, 40, 10)
    desk.until_market_ms(desk.market().close_market_ms)
    assert desk.order(result).cancel_reason is CancelReason.CLOSE
    assert desk.exchange.cash(ALICE).available == desk.config.starting_balance_micro_usd


def test_a_closed_market_takes_no_orders(desk: SmallExchange) -> None:
    market = desk.market()
    desk.until_market_ms(market.close_market_ms)
    late = desk.signed(ALICE, side=Side.BUY, price=400_000, shares=10 * MICRO, market=market)
    assert desk.post(late).error == f"the orderbook {market.up_token_id} does not exist"


def test_the_close_counts_even_before_the_exchange_notices_it(desk: SmallExchange) -> None:
    market = desk.market()
    desk.until_market_ms(market.close_market_ms - 1_500, 50)
    order = desk.signed(ALICE, side=Side.BUY, price=400_000, shares=10 * MICRO, market=market)
    desk.wire_ms += 50
    assert desk.now.market_ms >= market.close_market_ms
    assert not desk.post(order).accepted


def test_no_maker_trades_in_a_market_that_closed_while_the_sandbox_was_down(
    tmp_path: Path,
) -> None:
    desk = SmallExchange(tmp_path / "busy", house_at_work=True)
    results = [desk.buy(ALICE, cents, 5, post_only=True) for cents in range(2, 90, 4)]
    resting = [r for r in results if r.accepted]
    desk.wire_ms += 20_000
    desk.restart()
    assert {desk.order(r).cancel_reason for r in resting} == {CancelReason.CLOSE}


def test_a_market_is_known_a_day_ahead_but_takes_orders_a_minute_before_its_open(
    desk: SmallExchange,
) -> None:
    open_s = desk.market().close_market_ms // 1000 + 300
    market = desk.exchange.market_by_slug(f"btc-updown-5m-{open_s}", desk.now)
    assert market is not None
    assert not market.accepting_orders
    early = desk.signed(ALICE, side=Side.BUY, price=400_000, shares=10 * MICRO, market=market)
    assert desk.post(early).error == "the market is not yet ready to process new orders"
    assert desk.exchange.market_by_slug(f"btc-updown-5m-{open_s + 86_400}", desk.now) is None
    desk.until_market_ms(market.open_market_ms - 60_000)
    assert desk.post(early).accepted


def test_a_market_nobody_traded_can_still_be_looked_up_with_its_winner(desk: SmallExchange) -> None:
    past_s = desk.market().open_market_ms // 1000 - 3_000
    market = desk.exchange.market_by_slug(f"eth-updown-5m-{past_s}", desk.now)
    assert market is not None
    assert market.closed
    assert {market.outcome_price(outcome) for outcome in Outcome} == {"0", "1"}
    assert desk.exchange.market_by_slug("eth-updown-5m-17", desk.now) is None
    assert desk.exchange.market_by_slug("avax-updown-5m-1767225600", desk.now) is None


def test_a_window_of_before_all_prices_is_not_known(desk: SmallExchange) -> None:
    oldest_s = -(-(desk.now.market_ms - KNOWN_BACK_MS) // 300_000) * 300
    oldest = desk.exchange.market_by_slug(f"btc-updown-5m-{oldest_s}", desk.now)
    assert oldest is not None
    assert oldest.closed
    for open_s in (0, 300, 345_900, 1_000_000_200, oldest_s - 300):
        assert desk.exchange.market_by_slug(f"btc-updown-5m-{open_s}", desk.now) is None


class _FlatPrices(Prices):
    """Prices that stand still, except for what a test changes."""

    def __init__(self, closing: int) -> None:
        super().__init__(1, None)
        self.closing = closing

    def twap_sum(self, asset: str, market_ms: int) -> int:
        del asset
        return self.closing if market_ms > GENERATED_START_MS else 6_000


@pytest.mark.parametrize(
    ("closing", "winner"), [(5_999, Outcome.DOWN), (6_000, Outcome.UP), (6_001, Outcome.UP)]
)
def test_a_tie_is_up(desk: SmallExchange, closing: int, winner: Outcome) -> None:
    assert verdict(_FlatPrices(closing), desk.market()).winner is winner


def test_the_averages_are_those_of_the_sixty_seconds_that_end_at_open_and_close() -> None:
    prices = Prices(1, None)
    at = GENERATED_START_MS
    before = prices.spots("btc", (at - 345_600_000) // 300_000 - 1)[-59:]
    first = prices.spot("btc", at)
    assert prices.twap_sum("btc", at) == int(np.sum(before)) + first


def test_nothing_is_paid_while_a_trade_may_still_fail(desk: SmallExchange) -> None:
    market = desk.market()
    desk.until_market_ms(market.close_market_ms - 4_000, 10)
    desk.exchange.fail_trades(1)
    desk.buy(ALICE, 50, 10)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    settle(desk)
    for name in (ALICE, BOB):
        assert desk.exchange.cash(name).settled == desk.config.starting_balance_micro_usd


def test_a_trade_mined_after_the_resolution_is_paid_all_the_same(desk: SmallExchange) -> None:
    market = desk.market()
    desk.until_market_ms(market.close_market_ms - 300, 10)
    desk.buy(ALICE, 50, 10)
    desk.buy(BOB, 50, 10, outcome=Outcome.DOWN)
    settle(desk)
    told = next(
        e
        for e in desk.events
        if isinstance(e, MarketResolved) and e.market.condition_id == market.condition_id
    )
    mined_wire_ms = desk.exchange.trades(ALICE)[0].matched_wire_ms + 800
    assert told.wire_ms < mined_wire_ms, "the example needs a trade that is mined late"
    paid = sum(desk.exchange.cash(name).settled for name in (ALICE, BOB))
    assert paid == 2 * desk.config.starting_balance_micro_usd - 175_000


def test_each_market_opens_once(desk: SmallExchange) -> None:
    desk.until_market_ms(desk.market().close_market_ms + 400_000)
    opened = [e.market.slug for e in desk.events if isinstance(e, MarketOpened)]
    assert len(opened) == len(set(opened)) > 16


def test_the_ledgers_profit_is_the_change_of_cash(desk: SmallExchange) -> None:
    desk.mint(100)
    desk.buy(BOB, 60, 20)
    desk.sell(ALICE, 60, 20)
    settle(desk)
    reading = LedgerReading.of(desk.folder)
    for name in (ALICE, BOB):
        change = desk.exchange.cash(name).settled - reading.deposit_micro_usd(name)
        assert reading.profit_micro_usd(name) == change != 0
        assert reading.positions(name) == {}
