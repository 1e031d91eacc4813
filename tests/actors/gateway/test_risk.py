"""Every rule of the risk table: the case that just passes beside the one that is refused."""

import pytest
from msgspec.structs import replace

from actors.gateway import risk
from actors.gateway.ledger import ledger_of, stored_of
from actors.gateway.records import KeptIntent
from actors.gateway.risk_market import BOOK_TABLE, MARKET_TABLE
from actors.messages import TradingState
from signals.decision import Style
from signals.market import DAY_MS, Outcome, Side, Timeframe, Window
from signals.units import MicroShares, MicroUsd, PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, DUE_MS, OPEN_MS, RELEASE, WIRE_MS, intent
from tests.actors.gateway.fake_venue import token_book
from tests.actors.gateway.risk_cases import (
    LIMITS,
    RULES,
    case,
    code,
    holding,
    holding_ledger,
    owned,
    resting,
)


def test_an_ordinary_intent_is_approved_with_its_own_content() -> None:
    verdict = risk.check(case())
    assert isinstance(verdict, risk.Approved)
    assert verdict.intent == intent()


def test_nobody_but_the_check_can_approve() -> None:
    with pytest.raises(AssertionError, match=r"only risk\.check"):
        risk.Approved(intent(), object())


def test_codes_are_unique_and_stable() -> None:
    own = [name for name, _ in risk.TABLE]
    venues = [name for table in (MARKET_TABLE, BOOK_TABLE) for name, _ in table]
    assert len(own) == len(set(own)) == 24
    assert venues == ["facts_differ", "too_small", "off_tick", "collar"]
    codes = [*own, *venues]
    assert {"halted", "stale", "collar", "duplicate", "throttled", "daily_loss"} < set(codes)


@pytest.mark.parametrize(
    ("passes", "refused", "expected"),
    [
        ({}, {"release": "b2" * 32}, "wrong_release"),
        ({"shares": 10_010_000}, {"shares": 10_000_001}, "malformed"),
        ({}, {"shares": -10_000}, "malformed"),
        ({"price": 500_000}, {"price": 500_050}, "malformed"),
        ({"price": 500_000}, {"price": 500_100}, "off_tick"),
        ({"price": 10_000}, {"price": 0}, "malformed"),
        ({"shares": 5_000_000}, {"shares": 4_990_000}, "too_small"),
        (
            {"shares": 2_000_000, "style": Style.TAKE},
            {"shares": 1_990_000, "style": Style.TAKE},
            "too_small",
        ),
        ({"shares": 20_000_000}, {"shares": 20_010_000}, "slot_exposure"),
    ],
)
def test_an_intent_at_the_limit_passes_and_beyond_it_is_refused(
    passes: dict[str, object], refused: dict[str, object], expected: str
) -> None:
    assert code(case(intent(**passes))) is None
    assert code(case(intent(**refused))) == expected


def test_one_buy_may_cost_no_more_than_the_limit_of_an_order_and_a_sale_always_may() -> None:
    limits = replace(RULES.limits, order_micro_usd=MicroUsd(5_000_000))
    rules = replace(RULES, limits=limits)
    ten = intent(price=500_000, shares=10_000_000)
    assert code(case(ten, rules=rules)) is None
    dearer = intent(price=500_000, shares=10_010_000)
    assert code(case(dearer, rules=rules)) == "order_value"
    assert code(case(dearer)) is None, "by default no order is limited by itself"
    sale = replace(dearer, side=Side.SELL)
    assert code(case(sale, rules=rules)) != "order_value"


@pytest.mark.parametrize(
    ("passes_ms", "refused_ms", "style", "expected"),
    [
        (OPEN_MS, OPEN_MS - 1, Style.REST, "too_early"),
        (CLOSE_MS - 20_001, CLOSE_MS - 20_000, Style.REST, "too_late"),
        (CLOSE_MS - 2_001, CLOSE_MS - 2_000, Style.TAKE, "too_late"),
    ],
)
def test_an_intent_in_time_passes_and_outside_it_is_refused(
    passes_ms: int, refused_ms: int, style: Style, expected: str
) -> None:
    assert code(case(intent(style=style), market_ms=passes_ms)) is None
    assert code(case(intent(style=style), market_ms=refused_ms)) == expected


def test_a_decision_older_than_a_cycle_is_stale() -> None:
    window = Window.at(OPEN_MS, Timeframe.M15)
    an_intent = intent(
        slot="btc-15m",
        timeframe=Timeframe.M15,
        window_open_ms=window.open_ms,
        close_ms=window.close_ms,
        due_ms=window.open_ms + 20_000,
    )
    ledger = owned("btc-15m")
    assert code(case(an_intent, ledger, market_ms=an_intent.due_ms + 300_000)) is None
    assert code(case(an_intent, ledger, market_ms=an_intent.due_ms + 300_001)) == "stale"


@pytest.mark.parametrize(
    ("side", "passes", "refused"), [(Side.BUY, 350_000, 349_999), (Side.SELL, 650_000, 650_001)]
)
def test_the_collar_is_judged_by_the_venues_mid_whatever_the_slot_says(
    side: Side, passes: int, refused: int
) -> None:
    ledger = holding_ledger(holding("btc-5m", Outcome.UP, 10_000_000, 5_000_000))
    for said in (PriceMicroUsd(500_000), None, PriceMicroUsd(999_000)):
        an_intent = intent(side=side, book_mid=said)
        book = replace(
            token_book("up-btc-5m"), bid=PriceMicroUsd(passes), ask=PriceMicroUsd(passes)
        )
        assert code(case(an_intent, ledger, book=book)) is None
        book = replace(book, bid=PriceMicroUsd(refused), ask=PriceMicroUsd(refused))
        assert code(case(an_intent, ledger, book=book)) == "collar"
        assert code(case(an_intent, ledger, book=replace(book, ask=None))) == "collar"


def test_halted_refuses_all_and_reducing_refuses_buys() -> None:
    ledger = holding_ledger(holding("btc-5m", Outcome.UP, 10_000_000, 5_000_000))
    sale = intent(side=Side.SELL)
    ledger.trading = TradingState.HALTED
    assert code(case(sale, ledger)) == "halted"
    ledger.trading = TradingState.REDUCING
    assert code(case(sale, ledger)) is None
    assert code(case(intent(), ledger)) == "reducing"


def test_a_process_that_is_barred_takes_nothing() -> None:
    assert code(case(barred="not reconciled")) == "barred"


def test_a_release_without_approval_is_refused_where_the_gate_is_closed() -> None:
    assert code(case(rules=replace(RULES, attested=frozenset({RELEASE})))) is None
    assert code(case(rules=replace(RULES, attested=frozenset({"other"})))) == "unattested"


@pytest.mark.parametrize("skew_ms", [2_001, -2_001])
def test_a_clock_that_is_off_is_refused(skew_ms: int) -> None:
    assert code(case(skew_ms=skew_ms)) == "clock_skew"
    assert code(case(skew_ms=skew_ms - 1 if skew_ms > 0 else skew_ms + 1)) is None


def test_a_venue_of_another_protocol_gets_no_new_risk_and_may_still_be_sold_to() -> None:
    ledger = holding_ledger(holding("btc-5m", Outcome.UP, 15_000_000, 5_000_000))
    assert code(case(intent(), ledger, foreign_version="3")) == "venue_version"
    assert code(case(intent(side=Side.SELL), ledger, foreign_version="3")) is None


def test_the_same_order_under_another_leg_is_a_duplicate_only_at_one_decision_point() -> None:
    ledger = owned("btc-5m")
    first = intent()
    ledger.intents[first.intent_id] = KeptIntent(
        intent=first, wire_ms=WIRE_MS, market_ms=DUE_MS, order_id="0x1"
    )
    assert code(case(intent(leg=1), ledger)) == "duplicate"
    assert code(case(intent(leg=1, price=PriceMicroUsd(490_000)), ledger)) is None
    assert code(case(intent(due_ms=DUE_MS + 50), ledger)) is None


def test_no_more_is_sold_than_is_held_and_not_offered_yet() -> None:
    ledger = holding_ledger(holding("btc-5m", Outcome.UP, 15_000_000, 5_000_000))
    assert code(case(intent(side=Side.SELL), ledger)) is None
    ledger.orders["0xbtc-5m"] = resting("btc-5m", side=Side.SELL, shares=MicroShares(6_000_000))
    assert code(case(intent(side=Side.SELL), ledger)) == "oversold"
    assert code(case(intent(side=Side.SELL, outcome=Outcome.DOWN), ledger)) == "oversold"


def test_a_latched_throttle_refuses_its_slot_only() -> None:
    ledger = owned("btc-5m", "eth-5m")
    ledger.latched["btc-5m"] = "12 executions"
    assert code(case(intent(), ledger)) == "throttled"
    assert code(case(intent(slot="eth-5m"), ledger)) is None


def test_a_day_of_losses_stops_buys_until_the_utc_day_ends() -> None:
    ledger = owned("btc-5m")
    ledger.day = OPEN_MS // DAY_MS
    ledger.day_realized_micro_usd = MicroUsd(-3_000_000)
    assert code(case(ledger=ledger)) == "daily_loss"
    ledger.day_realized_micro_usd = MicroUsd(-2_999_999)
    assert code(case(ledger=ledger)) is None
    ledger.day, ledger.day_realized_micro_usd = OPEN_MS // DAY_MS - 1, MicroUsd(-9_000_000)
    assert code(case(ledger=ledger)) is None, "yesterday's loss is over"


def test_orders_per_minute_count_the_fleet_and_forget_after_a_minute() -> None:
    ledger = owned("btc-5m", "eth-5m", "sol-5m")
    for slot in ("btc-5m", "eth-5m", "sol-5m"):
        kept = intent(slot=slot)
        ledger.intents[kept.intent_id] = KeptIntent(
            intent=kept, wire_ms=WIRE_MS - 1_000, market_ms=DUE_MS, order_id=f"0x{slot}"
        )
    assert code(case(ledger=ledger)) == "orders_per_minute"
    assert code(case(ledger=ledger, wire_ms=WIRE_MS + 59_000)) is None


def test_exposure_counts_holdings_open_buys_and_what_is_being_signed() -> None:
    ledger = holding_ledger(holding("btc-5m", Outcome.DOWN, 8_000_000, 4_000_000))
    assert code(case(ledger=ledger)) is None
    ledger.orders["0xbtc-5m"] = resting("btc-5m", shares=MicroShares(2_020_000))
    assert code(case(ledger=ledger)) == "slot_exposure"
    del ledger.orders["0xbtc-5m"]
    signing = intent(leg=7, price=PriceMicroUsd(505_000), shares=MicroShares(2_000_000))
    ledger.undecided[signing.intent_id] = signing
    assert code(case(ledger=ledger)) == "slot_exposure"


def test_what_is_settled_is_not_exposed() -> None:
    ledger = holding_ledger(holding("btc-5m", Outcome.UP, 18_000_000, 9_000_000))
    assert code(case(ledger=ledger)) == "slot_exposure"
    market = ledger.markets["condition-btc-5m"]
    ledger.markets["condition-btc-5m"] = replace(market, told=("btc-5m",), winner=Outcome.UP)
    ledger = ledger_of(stored_of(ledger))  # as the base of an older release says it
    assert code(case(ledger=ledger)) is None


def test_the_fleet_has_a_limit_of_its_own() -> None:
    other = [
        holding("eth-5m", Outcome.DOWN, 9_000_000, 5_000_001, CLOSE_MS + 1),
        holding("sol-5m", Outcome.DOWN, 9_000_000, 5_000_000, CLOSE_MS + 1),
    ]
    assert code(case(ledger=holding_ledger(*other))) == "fleet_exposure"
    assert code(case(ledger=holding_ledger(other[1]))) is None


def test_net_up_at_one_settlement_time_is_limited_on_both_sides() -> None:
    up = holding("eth-5m", Outcome.UP, 16_000_000, 7_000_000)
    assert code(case(ledger=holding_ledger(up))) is None
    limits = replace(LIMITS, settlement_net_up_micro_usd=MicroUsd(12_000_000))
    rules = replace(RULES, limits=limits)
    more = holding("eth-5m", Outcome.UP, 16_000_000, 7_000_001)
    assert code(case(ledger=holding_ledger(more), rules=rules)) == "settlement_exposure"
    down = intent(outcome=Outcome.DOWN, token_id="down-btc-5m")
    assert code(case(down, ledger=holding_ledger(more), rules=rules)) is None
    elsewhere = replace(more, close_ms=CLOSE_MS + 1)
    assert code(case(ledger=holding_ledger(elsewhere), rules=rules)) is None
