"""What the venue says, once, twice, late or not at all: fills, ends, winners, heartbeats."""

from itertools import permutations

import pytest

from actors.gateway_events import (
    AskResolution,
    AskTime,
    Beat,
    BeatDone,
    Cancel,
    HaltFileSeen,
    Look,
    Looked,
    Post,
    RaiseAlarm,
    ResolutionSeen,
    Stopping,
    StreamSaid,
    TimeSeen,
    TradingAsked,
)
from actors.messages import FillFailed, OrderEnd, SetTrading, TradingState
from actors.order_life import OrderState
from actors.venue.port import (
    Beaten,
    HeartbeatMismatch,
    OrderChange,
    OrderEvent,
    StreamLost,
    TradeStatus,
    Unknown,
)
from signals.decision import Style
from signals.market import DAY_MS, Outcome, Side
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, RULES, Machine, intent
from tests.actors.gateway.test_orders import LIVE, end_of, listed, posted, trade

CONDITION = "condition-btc-5m"


def with_open_order(name: str = "one", **changes: object) -> tuple[Machine, str]:
    machine = Machine().start()
    order_id = machine.order(intent(**changes), name)
    posted(machine, order_id, LIVE)
    return machine, order_id


def stream(machine: Machine, event: object) -> None:
    machine.hear(StreamSaid(event=event, **machine.at))  # type: ignore[arg-type]


def resolve(machine: Machine, winner: object = Outcome.UP) -> None:
    machine.hear(ResolutionSeen(condition_id=CONDITION, outcome=winner, **machine.at))  # type: ignore[arg-type]


def alarms(machine: Machine) -> list[str]:
    return [effect.kind for effect in machine.effects if isinstance(effect, RaiseAlarm)]


def held(machine: Machine) -> int:
    return sum(holding.held_shares for holding in machine.state.ledger.holdings.values())


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_fill_news_in_any_order_and_twice_gives_one_fill(order: tuple[int, ...]) -> None:
    machine, order_id = with_open_order()
    statuses = [
        TradeStatus.MATCHED,
        TradeStatus.MINED,
        TradeStatus.CONFIRMED,
        TradeStatus.MATCHED,
    ]
    for place in order:
        stream(machine, trade(order_id, status=statuses[place]))
    machine.look(trades=(trade(order_id, status=TradeStatus.CONFIRMED),))
    assert machine.outbox().count("Filled") == 1
    assert machine.outbox().count("FillConfirmed") == 1
    assert held(machine) == 10_000_000


def test_a_failed_fill_is_taken_back_to_the_last_micro_usd() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, 4_000_000))
    stream(machine, trade(order_id, 6_000_000, name="t2"))
    stream(machine, trade(order_id, 4_000_000, TradeStatus.FAILED))
    assert held(machine) == 6_000_000
    (holding,) = machine.state.ledger.holdings.values()
    assert holding.bought_micro_usd == 3_000_000
    assert isinstance(machine.state.ledger.outbox["btc-5m"].events[-1], FillFailed)
    assert end_of(machine, order_id) is OrderEnd.FILLED


def test_a_fill_of_an_ended_order_still_counts() -> None:
    machine, order_id = with_open_order()
    machine.wire_ms += 5_000
    machine.look()
    assert end_of(machine, order_id) is OrderEnd.CANCELLED
    stream(machine, trade(order_id, 1_000_000))
    assert held(machine) == 1_000_000


def test_the_throttle_latches_before_the_last_fill_and_only_a_person_releases_it() -> None:
    machine, order_id = with_open_order()
    for number in range(RULES.limits.repeated_executions):
        stream(machine, trade(order_id, 500_000, name=f"t{number}"))
    assert alarms(machine) == ["throttle"]
    assert "btc-5m" in machine.state.ledger.latched
    resume = SetTrading(state=TradingState.ACTIVE, reason="looked", who="me")
    machine.hear(TradingAsked(reply_to=1, request=resume, **machine.at))
    assert not machine.state.ledger.latched


def test_an_open_order_that_nobody_wrote_is_cancelled_with_an_alarm() -> None:
    machine = Machine().start()
    machine.look(orders=(listed("0xstranger"),))
    assert machine.asked(Cancel) == [Cancel(order_ids=("0xstranger",))]
    assert alarms(machine) == ["orphan_order"]
    machine.look(orders=(listed("0xstranger"),))
    assert alarms(machine) == [], "said once"


def test_an_order_that_comes_back_after_its_end_is_cancelled() -> None:
    machine, order_id = with_open_order()
    machine.wire_ms += 5_000
    machine.look()
    machine.look(orders=(listed(order_id),))
    assert not machine.asked(Cancel), "the list may lag the end"
    machine.wire_ms += 2_000
    machine.look(orders=(listed(order_id),))
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id,))]
    assert alarms(machine) == ["order_open_after_end"]


def test_a_zombie_post_of_our_own_bytes_is_adopted() -> None:
    machine = Machine().start()
    order_id = machine.order()
    posted(machine, order_id, Unknown(reason="lost"))
    machine.wire_ms += 1
    machine.look(orders=(listed(order_id),))
    assert machine.state.ledger.orders[order_id].state is OrderState.OPEN
    assert not alarms(machine)


def test_a_trade_of_a_stranger_is_an_alarm_and_no_position() -> None:
    machine = Machine().start()
    machine.look(trades=(trade("0xstranger"),))
    assert alarms(machine) == ["orphan_fill"]
    assert held(machine) == 0


def test_a_look_without_an_answer_changes_nothing() -> None:
    machine, order_id = with_open_order()
    machine.wire_ms += 60_000
    before = machine.state.ledger
    lost = Unknown(reason="timeout")
    machine.hear(Looked(orders=(), trades=lost, started_wire_ms=machine.wire_ms, **machine.at))
    assert machine.state.ledger == before
    assert order_id in machine.state.ledger.orders


def test_a_look_that_began_before_the_post_was_answered_says_nothing_about_it() -> None:
    machine = Machine().start()
    order_id = machine.order()
    started_ms = machine.wire_ms
    machine.wire_ms += 60_000
    posted(machine, order_id, LIVE)
    machine.hear(Looked(orders=(), trades=(), started_wire_ms=started_ms, **machine.at))
    assert order_id in machine.state.ledger.orders


def test_news_of_an_order_makes_the_next_look_come_soon() -> None:
    machine, order_id = with_open_order()
    machine.tick()
    machine.hear(
        Looked(orders=(listed(order_id),), trades=(), started_wire_ms=machine.wire_ms, **machine.at)
    )
    cancelled = OrderEvent(
        order_id=order_id,
        condition_id=CONDITION,
        change=OrderChange.CANCELLATION,
        filled_shares=MicroShares(0),
    )
    for event in (cancelled, StreamLost(reason="silent")):
        stream(machine, event)
        machine.tick(wire_ms=200)
        assert machine.asked(Look)
        machine.look(orders=(listed(order_id),))


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
    machine.hear(HaltFileSeen(reason="fire", **machine.at))
    machine.tick(wire_ms=5_000)
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id, other))]
    machine.wire_ms += 5_000
    machine.look(orders=(listed(order_id),))
    assert not machine.asked(Post)
    before = len(machine.records)
    machine.hear(HaltFileSeen(reason="fire", **machine.at))
    assert len(machine.records) == before, "recorded once"


def test_reducing_cancels_buys_and_keeps_sales() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, 8_000_000))
    sale = intent(side=Side.SELL, leg=1, shares=MicroShares(8_000_000))
    sale_id = machine.order(sale, "two")
    posted(machine, sale_id, LIVE)
    reduce = SetTrading(state=TradingState.REDUCING, reason="careful", who="me")
    machine.hear(TradingAsked(reply_to=1, request=reduce, **machine.at))
    machine.tick()
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id,))]


def test_stopping_empties_the_book_and_leaves_the_trading_state() -> None:
    machine, order_id = with_open_order()
    machine.hear(Stopping(reason="the fleet stops", **machine.at))
    machine.tick()
    assert machine.asked(Cancel) == [Cancel(order_ids=(order_id,))]
    machine.send(intent(leg=3, style=Style.TAKE))
    assert machine.state.ledger.intents[intent(leg=3).intent_id].refusal == "barred"
    assert machine.state.ledger.trading is TradingState.ACTIVE


def test_the_heartbeat_is_chained_and_its_largest_gap_is_known() -> None:
    machine = Machine().start()
    machine.tick()
    assert machine.asked(Beat) == [Beat(heartbeat_id="")]
    machine.hear(BeatDone(outcome=HeartbeatMismatch(heartbeat_id="h7"), **machine.at))
    machine.tick()
    assert machine.asked(Beat) == [Beat(heartbeat_id="h7")], "at once, with the right id"
    machine.hear(BeatDone(outcome=Beaten(heartbeat_id="h8"), **machine.at))
    machine.tick(wire_ms=4_999)
    assert not machine.asked(Beat)
    machine.tick(wire_ms=1)
    assert machine.asked(Beat) == [Beat(heartbeat_id="h8")]
    machine.hear(BeatDone(outcome=Unknown(reason="timeout"), **machine.at))
    machine.tick(wire_ms=1_000)
    assert machine.asked(Beat), "sooner than the next regular one"
    machine.hear(BeatDone(outcome=Beaten(heartbeat_id="h9"), **machine.at))
    assert machine.state.flight.beat_gap_max_ms == 6_000


def test_a_clock_that_is_off_is_an_alarm() -> None:
    machine = Machine().start()
    machine.tick()
    assert machine.asked(AskTime)
    machine.hear(TimeSeen(server_ms=machine.wire_ms + 2_001, **machine.at))
    assert alarms(machine) == ["clock_skew"]
    assert machine.state.flight.skew_ms == 2_001


def test_an_order_or_fill_without_an_end_is_an_alarm() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, 1_000_000))
    machine.market_ms = CLOSE_MS + 1
    machine.tick(wire_ms=600_001)
    assert sorted(alarms(machine)) == ["fill_unconfirmed", "order_without_end"]


def test_what_was_settled_long_ago_is_forgotten_and_its_late_trades_are_no_strangers() -> None:
    machine, order_id = with_open_order()
    stream(machine, trade(order_id, status=TradeStatus.CONFIRMED))
    machine.own("eth-5m")
    refused = intent(slot="eth-5m", book_mid=None)
    machine.send(refused)
    machine.market_ms = CLOSE_MS
    resolve(machine)
    machine.tick(wire_ms=61_000, market_ms=3_600_000)
    assert order_id in machine.state.ledger.ended
    machine.tick(wire_ms=6_000, market_ms=1)
    ledger = machine.state.ledger
    tables = (ledger.ended, ledger.fills, ledger.holdings, ledger.markets, ledger.intents)
    assert not any(tables)
    machine.look(trades=(trade(order_id, status=TradeStatus.CONFIRMED),))
    assert alarms(machine) == []
    assert ledger.end_counts == {"filled": 1, "refused": 1}


def test_an_order_whose_post_is_still_running_is_not_judged_by_a_look() -> None:
    machine = Machine().start()
    order_id = machine.order()
    machine.market_ms = CLOSE_MS
    machine.wire_ms += 60_000
    machine.look()
    assert order_id in machine.state.ledger.orders
    posted(machine, order_id, LIVE)
    assert machine.state.ledger.orders[order_id].state is OrderState.OPEN
