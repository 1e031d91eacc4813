"""Every amount of an order and of a fill against the venue's rules, over all ticks and prices.

The venue's rules are written here once more, apart from the code that must keep them: a
fill-and-kill offers at most two decimals and asks for at most four, whatever the tick; a resting
order's price is on the tick exactly and its size has two decimals.
"""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polymarket._internal.actions.orders.limit import _compute_limit_order_amounts

from actors.gateway.exposure import Holding, with_fill
from actors.gateway.risk import PRICE_STEP_MICRO_USD
from actors.venue.polymarket.orders import from_micro
from cluster.sandbox.fees import notional_micro_usd as ledger_value_micro_usd
from cluster.sandbox.model import Outcome as LedgerOutcome
from signals.decision import Decision, Leg, Position, Style
from signals.decision_check import faults
from signals.legs import BOTH, Stance, choose_purchase, choose_sale
from signals.market import Outcome, Side, Timeframe, Window
from signals.params import Params
from signals.sizing import to_cent_step, to_sale_step, to_step
from signals.snapshot import BookLevel, MarketView
from signals.units import (
    MICRO,
    MicroShares,
    MicroUsd,
    PriceMicroUsd,
    fill_value_micro_usd,
)
from tests.signals.builders import DUE_MS, make_market

TICKS = (100_000, 10_000, 5_000, 2_500, 1_000, 100)
CENT = 10_000
FOUR_DECIMALS = 100
WINDOW = Window.at(DUE_MS, Timeframe.M5)


@st.composite
def priced(draw: st.DrawFn) -> tuple[int, int]:
    """A tick and a price on it, inside (0, 1)."""
    tick = draw(st.sampled_from(TICKS))
    return tick, tick * draw(st.integers(1, MICRO // tick - 1))


def sdk_amounts(tick: int, price: int, shares: int, side: Side) -> tuple[int, int]:
    """What the venue's SDK writes into the signed order: offered and asked, micro-units."""
    return _compute_limit_order_amounts(
        price=from_micro(price),
        size=from_micro(shares),
        side=side.value,
        tick_size=from_micro(tick),
    )


@given(priced(), st.integers(0, 2_000 * MICRO))
def test_a_taking_order_has_the_decimals_that_the_venue_takes(
    at: tuple[int, int], wanted: int
) -> None:
    tick, price = at
    for side, rule in ((Side.BUY, to_cent_step), (Side.SELL, to_sale_step)):
        shares = rule(to_step(wanted / MICRO), PriceMicroUsd(price))
        assert 0 <= shares <= wanted
        if not shares:
            continue
        offered, asked = sdk_amounts(tick, price, shares, side)
        assert offered % CENT == 0
        assert asked % FOUR_DECIMALS == 0
        usd, moved = (offered, asked) if side is Side.BUY else (asked, offered)
        assert moved == shares
        assert usd * MICRO == price * shares, "the implied price is on the tick exactly"


@given(priced(), st.integers(1, 200_000))
def test_a_resting_orders_price_is_on_the_tick_at_every_tick(
    at: tuple[int, int], hundredths: int
) -> None:
    tick, price = at
    shares = hundredths * CENT
    assert price % PRICE_STEP_MICRO_USD == 0
    for side in Side:
        offered, asked = sdk_amounts(tick, price, shares, side)
        usd, moved = (offered, asked) if side is Side.BUY else (asked, offered)
        assert moved == shares
        assert usd * MICRO == price * shares


@given(st.integers(1, MICRO - 1), st.integers(1, 3_000 * MICRO), st.sampled_from(Outcome))
def test_a_fill_of_any_size_is_worth_what_the_exchanges_ledger_says(
    price: int, shares: int, outcome: Outcome
) -> None:
    ours = fill_value_micro_usd(outcome, PriceMicroUsd(price), MicroShares(shares))
    assert ours == ledger_value_micro_usd(LedgerOutcome(outcome.value), price, shares)
    other = fill_value_micro_usd(
        outcome.opposite, PriceMicroUsd(MICRO - price), MicroShares(shares)
    )
    assert ours + other == shares, "a pair costs one USD a share"


def test_a_fill_that_fails_is_taken_out_exactly() -> None:
    empty = Holding(slot="btc-5m", condition_id="0xc", outcome=Outcome.DOWN, close_ms=0)
    odd = (PriceMicroUsd(985_000), MicroShares(5_051_019), MicroUsd(10))
    for side in Side:
        assert with_fill(with_fill(empty, side, *odd), side, *odd, sign=-1) == empty


# ---- sales at fine ticks: the leg that leaves ---------------------------------------------------


def market_with_bid(tick: int, bid: int, depth: int) -> MarketView:
    market = make_market(WINDOW)
    assert market.up_book is not None
    level = BookLevel(price=PriceMicroUsd(bid), shares=MicroShares(depth))
    up = msgspec.structs.replace(market.up_book, tick_micro_usd=tick, bids=(level,))
    return msgspec.structs.replace(market, up_book=up)


def sale_of(tick: int, bid: int, depth: int, held: int) -> Leg | None:
    market = market_with_bid(tick, bid, depth)
    position = Position(allocation_micro_usd=MicroUsd(100 * MICRO), up_shares=MicroShares(held))
    flat = Stance(enter=(), flat=True, reason="")
    sale = choose_sale(bid / MICRO, market, position, flat, Params())
    return None if sale is None else sale.leg


@pytest.mark.parametrize(
    ("tick", "bid", "held"),
    [
        (1_000, 977_000, 10_270_000),
        (1_000, 913_000, 6_310_000),
        (1_000, 19_000, 377_770_000),
        (2_500, 517_500, 14_030_000),
        (5_000, 485_000, 9_990_000),
        (10_000, 430_000, 11_170_000),
        (1_000, 977_000, 5_051_019),
    ],
)
def test_a_sale_never_needs_more_than_four_decimals_of_usd(tick: int, bid: int, held: int) -> None:
    leg = sale_of(tick, bid, 900 * MICRO, held)
    assert leg is not None
    assert leg.price * leg.shares % (FOUR_DECIMALS * MICRO) == 0
    assert held - MICRO < leg.shares <= held


@given(priced(), st.integers(0, 50 * MICRO))
def test_what_a_strategy_sells_is_sellable_or_stays(at: tuple[int, int], held: int) -> None:
    tick, bid = at
    leg = sale_of(tick, bid, 900 * MICRO, held)
    if leg is None:
        return
    assert 0 < leg.shares <= held
    assert leg.price * leg.shares % (FOUR_DECIMALS * MICRO) == 0
    assert leg.price * leg.shares >= MICRO * MICRO, "the venue takes 1 USD or more"


def test_a_sale_with_five_decimals_of_usd_is_a_fault_of_the_decision() -> None:
    leg = Leg(
        outcome=Outcome.UP,
        side=Side.SELL,
        style=Style.TAKE,
        price=PriceMicroUsd(983_000),
        shares=MicroShares(10_130_000),
    )
    decision = Decision(action="trade", legs=(leg,), reason="edge: sells")  # type: ignore[arg-type]
    found = faults(decision, market_with_bid(1_000, 983_000, 900 * MICRO))
    assert any("to_sale_step" in fault for fault in found)


def test_dust_of_the_other_outcome_does_not_keep_from_buying() -> None:
    market = make_market(WINDOW)
    dust = Position(allocation_micro_usd=MicroUsd(100 * MICRO), down_shares=MicroShares(1_019))
    whole = Position(allocation_micro_usd=MicroUsd(100 * MICRO), down_shares=MicroShares(CENT))
    assert choose_purchase(0.60, market, dust, BOTH, Params()).leg is not None
    assert choose_purchase(0.60, market, whole, BOTH, Params()).leg is None


def test_the_cases_of_decimals_by_hand() -> None:
    # 10.13 x 0.983 = 9.95779 USD has five decimals; 10.1 x 0.983 = 9.9283 has four
    assert to_sale_step(MicroShares(10_130_000), PriceMicroUsd(983_000)) == 10_100_000
    # 12.01 x 0.5225 = 6.275225; 12 x 0.5225 = 6.27
    assert to_sale_step(MicroShares(12_010_000), PriceMicroUsd(522_500)) == 12_000_000
    assert Decimal(12) * Decimal("0.5225") == Decimal("6.27")
