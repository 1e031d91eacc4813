"""What time and people ask for: settlement, halts, heartbeats, clocks, forgetting."""

from actors.gateway.events import (
    AskResolution,
    AskTime,
    Beat,
    BeatDone,
    Cancel,
    HaltFileSeen,
    Post,
    Stopping,
    TimeSeen,
    TradingAsked,
)
from actors.messages import SetTrading, TradingState
from actors.venue.port import (
    Beaten,
    HeartbeatMismatch,
    TradeStatus,
    Unknown,
)
from signals.decision import Style
from signals.market import DAY_MS, Outcome, Side
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, RULES, Machine, intent
from tests.actors.gateway.test_orders import LIVE, listed, posted, trade
from tests.actors.gateway.venue_answers import CONDITION, alarms, resolve, stream, with_open_order


def test_settlement_waits_for_the_last_fill_and_is_told_once() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id))
    machine.market_ms = CLOSE_MS
    machine.tick(wire_ms=5_000)
    assert machine.asked(AskResolution) == [AskResolution(condition_id=CONDITION)]
    resolve(machine, None)
    resolve(machine)
    assert "Settled" not in machine.outbox(), "the fill is provisional"
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    resolve(machine)
    resolve(machine)
    assert machine.outbox().count("Settled") == 1
    assert machine.state.ledger.realized_on(machine.market_ms) == 5_000_000
    machine.tick(wire_ms=60_000)
    assert not machine.asked(AskResolution)


def test_profit_of_a_sale_and_of_the_rest_adds_up_to_the_micro_usd() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    sale = intent(
        side=Side.SELL, leg=1, shares=MicroShares(5_000_000), price=PriceMicroUsd(600_000)
    )
    sold_id = machine.order(sale, "two")
    posted(machine, sold_id, LIVE)
    sold = trade(sold_id, 5_000_000, TradeStatus.CONFIRMED, "t2")
    stream(machine, sold)
    assert machine.state.ledger.realized_on(machine.market_ms) == 0, "sold at cost"
    machine.market_ms = CLOSE_MS
    resolve(machine, Outcome.DOWN)
    assert machine.state.ledger.realized_on(machine.market_ms) == -2_500_000
    assert machine.state.ledger.realized_on(machine.market_ms + DAY_MS) == 0


def test_a_daily_loss_is_an_alarm() -> None:
    machine = Machine(
        rules=type(RULES)(
            limits=type(RULES.limits)(daily_loss_micro_usd=5_000_000), timing=RULES.timing
        )
    ).start()
    order_id = machine.order()
    posted(machine, order_id, LIVE)
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    machine.market_ms = CLOSE_MS
    resolve(machine, Outcome.DOWN)
    assert alarms(machine) == ["daily_loss"]


def test_halting_cancels_resting_orders_and_posts_nothing_again() -> None:
    machine, order_id = with_open_order()
    other = machine.order(intent(leg=1, price=PriceMicroUsd(490_000)), "two")
    posted(machine, other, Unknown(reason="lost"))
    machine.apply(HaltFileSeen(reason="fire", **machine.at))
    machine.tick(wire_ms=5_000)
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id, other))]
    machine.wire_ms += 5_000
    machine.poll(orders=(listed(order_id),))
    assert not machine.asked(Post)
    before = len(machine.records)
    machine.apply(HaltFileSeen(reason="fire", **machine.at))
    assert len(machine.records) == before, "recorded once"


def test_reducing_cancels_buys_and_keeps_sales() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, 8_000_000))
    sale = intent(side=Side.SELL, leg=1, shares=MicroShares(8_000_000))
    sale_id = machine.order(sale, "two")
    posted(machine, sale_id, LIVE)
    reduce = SetTrading(state=TradingState.REDUCING, reason="careful", who="me")
    machine.apply(TradingAsked(reply_to=1, request=reduce, **machine.at))
    machine.tick()
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id,))]


def test_a_machine_may_only_tighten_the_trading_state() -> None:
    machine = Machine().start()
    for state, expected in (
        (TradingState.REDUCING, TradingState.REDUCING),
        (TradingState.ACTIVE, TradingState.REDUCING),
        (TradingState.HALTED, TradingState.HALTED),
        (TradingState.REDUCING, TradingState.HALTED),
    ):
        ask = SetTrading(state=state, reason="alarm", who="policy", only_tighter=True)
        machine.apply(TradingAsked(reply_to=1, request=ask, **machine.at))
        assert machine.state.ledger.trading is expected


def test_stopping_empties_the_book_and_leaves_the_trading_state() -> None:
    machine, order_id = with_open_order()
    machine.apply(Stopping(reason="the fleet stops", **machine.at))
    machine.tick()
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id,))]
    machine.send(intent(leg=3, style=Style.TAKE))
    assert machine.state.ledger.intents[intent(leg=3).intent_id].refusal == "barred"
    assert machine.state.ledger.trading is TradingState.ACTIVE


def test_the_heartbeat_is_chained_and_its_largest_gap_is_known() -> None:
    machine = Machine().start()
    machine.tick()
    assert machine.asked(Beat) == [Beat(heartbeat_id="")]
    machine.apply(BeatDone(outcome=HeartbeatMismatch(heartbeat_id="h7"), **machine.at))
    machine.tick()
    assert machine.asked(Beat) == [Beat(heartbeat_id="h7")], "at once, with the right id"
    machine.apply(BeatDone(outcome=Beaten(heartbeat_id="h8"), **machine.at))
    machine.tick(wire_ms=4_999)
    assert not machine.asked(Beat)
    machine.tick(wire_ms=1)
    assert machine.asked(Beat) == [Beat(heartbeat_id="h8")]
    machine.apply(BeatDone(outcome=Unknown(reason="timeout"), **machine.at))
    machine.tick(wire_ms=1_000)
    assert machine.asked(Beat), "sooner than the next regular one"
    machine.apply(BeatDone(outcome=Beaten(heartbeat_id="h9"), **machine.at))
    assert machine.state.flight.beat_gap_max_ms == 6_000


def test_a_clock_that_is_off_is_an_alarm() -> None:
    machine = Machine().start()
    machine.tick()
    assert machine.asked(AskTime)
    machine.apply(TimeSeen(server_ms=machine.wire_ms + 2_001, **machine.at))
    assert alarms(machine) == ["clock_skew"]
    assert machine.state.flight.skew_ms == 2_001


def test_an_answer_that_came_late_is_no_skew_and_takes_none_back() -> None:
    machine = Machine().start()
    machine.tick()

    def told(ahead_ms: int, round_trip_ms: int) -> int:
        server_ms = machine.wire_ms + ahead_ms
        machine.apply(TimeSeen(server_ms=server_ms, round_trip_ms=round_trip_ms, **machine.at))
        return machine.state.flight.skew_ms

    assert told(-2_900, round_trip_ms=3_000) == -1_400, "at least so much"
    assert alarms(machine) == []
    assert told(-3_501, round_trip_ms=3_000) == -2_001
    assert alarms(machine) == ["clock_skew"]
    assert told(0, round_trip_ms=4_002) == -2_001, "too slow an answer to tell"
    assert told(0, round_trip_ms=20) == 0


def test_a_fill_without_an_end_is_an_alarm() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, 1_000_000))
    machine.market_ms = CLOSE_MS + 1
    machine.tick(wire_ms=600_001)
    assert alarms(machine) == ["fill_unconfirmed"]


def test_what_was_settled_long_ago_is_forgotten_and_its_late_trades_are_no_strangers() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    machine.own("eth-5m")
    refused = intent(slot="eth-5m", shares=MicroShares(1_000_000))
    machine.send(refused)
    machine.market_ms = CLOSE_MS
    resolve(machine)
    machine.tick(wire_ms=61_000, market_ms=3_600_000)
    assert order_id in machine.state.ledger.ended
    machine.tick(wire_ms=6_000, market_ms=1)
    ledger = machine.state.ledger
    tables = (ledger.ended, ledger.fills, ledger.holdings, ledger.markets, ledger.intents)
    assert not any(tables)
    machine.poll(trades=(trade(order_id, status=TradeStatus.CONFIRMED),))
    assert alarms(machine) == []
    assert ledger.end_counts == {"filled": 1, "refused": 1}
