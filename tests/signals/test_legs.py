"""Offers and legs by hand: rest or take, sizes, what is held and rests, sales."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.decision import Leg, Position, Style
from signals.fair_value import NoData
from signals.legs import BOTH, Choice, Stance, choose_purchase, choose_sale, read_stance
from signals.market import Outcome, Side, Timeframe, Window
from signals.offers import Offer, best_offer
from signals.params import Params, override
from signals.sizing import target_shares
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES, MicroShares, MicroUsd, PriceMicroUsd
from tests.signals.builders import DUE_MS, make_book, make_market

PARAMS = Params()
MARKET = make_market(Window.at(DUE_MS, Timeframe.M5))
"""Both books bid 0.49, ask 0.51, tick 0.01, 200 shares on each of five levels."""
EMPTY = Position(allocation_micro_usd=MicroUsd(100 * MICRO))
GO = Stance(enter=BOTH, flat=False, reason="")
FLAT = Stance(enter=(), flat=True, reason="")


def shares(count: float) -> MicroShares:
    return MicroShares(round(count * MICRO))


def buy(p: float, position: Position = EMPTY, params: Params = PARAMS) -> Choice:
    return choose_purchase(p, MARKET, position, BOTH, params)


def sell(p: float, position: Position, stance: Stance = GO, params: Params = PARAMS) -> Leg | None:
    sale = choose_sale(p, MARKET, position, stance, params)
    return None if sale is None else sale.leg


def test_a_small_edge_rests_one_tick_ahead_of_the_bid() -> None:
    # 0.56 - 0.50 = 0.06; taking would cost 0.5275 and leave 0.0325, less than 0.05
    choice = buy(0.56)
    # Kelly 0.06 / 0.5 = 0.12, a quarter of it on 100 USD is 3 USD, 6 shares at 0.50
    assert choice.leg == Leg(
        outcome=Outcome.UP,
        side=Side.BUY,
        style=Style.REST,
        price=PriceMicroUsd(500_000),
        shares=shares(6),
    )
    assert choice.reason == "edge: +0.060 rest BUY Up 6.00 at 0.500"


def test_a_large_edge_takes_at_the_last_level_worth_it() -> None:
    choice = buy(0.60)
    # cost 0.51 + 0.07 x 0.51 x 0.49 = 0.527493; Kelly 0.153452; 3.8363 USD; 7.27 shares;
    # at 51 cents only whole shares cost whole cents
    assert choice.leg == Leg(
        outcome=Outcome.UP,
        side=Side.BUY,
        style=Style.TAKE,
        price=PriceMicroUsd(510_000),
        shares=shares(7),
    )
    assert choice.reason.startswith("edge: +0.073 take BUY Up")


def test_only_levels_whose_own_edge_suffices_are_taken() -> None:
    offer = best_offer(0.60, MARKET, BOTH, PARAMS.edge)
    assert isinstance(offer, Offer)
    assert [level.price for level in offer.levels] == [510_000, 520_000, 530_000]


def test_a_chance_below_the_price_buys_down() -> None:
    choice = buy(0.40)
    assert choice.leg is not None
    assert (choice.leg.outcome, choice.leg.price) == (Outcome.DOWN, 510_000)


def test_no_edge_no_leg() -> None:
    choice = buy(0.52)
    assert choice.leg is None
    assert choice.reason == "edge: too small to rest or take"


def test_a_one_tick_spread_is_joined_not_crossed() -> None:
    tight = make_book(0.505, spread_ticks=1)
    market = msgspec.structs.replace(MARKET, up_book=tight)
    offer = best_offer(0.55, market, (Outcome.UP,), PARAMS.edge)
    assert isinstance(offer, Offer)
    assert offer.style is Style.REST
    assert offer.price == tight.bids[0].price


def test_what_is_held_and_what_rests_count_against_the_target() -> None:
    held = msgspec.structs.replace(EMPTY, up_shares=shares(4), resting_up_shares=shares(2))
    choice = buy(0.56, held)
    assert choice.leg is None
    assert choice.reason == "edge: 6.00 of 6.00 shares held or resting"
    half = msgspec.structs.replace(EMPTY, up_shares=shares(1))
    choice = buy(0.56, half)
    assert choice.leg is not None
    assert choice.leg.shares == shares(5)


def test_a_size_under_the_venues_minimum_is_never_rounded_up() -> None:
    choice = buy(0.535)  # Kelly 0.07, 1.75 USD, 3.5 shares
    assert choice.leg is None
    assert choice.reason == "edge: 3.50 shares, the venue rests 5.00 or more"
    poor = Position(allocation_micro_usd=MicroUsd(20 * MICRO))
    choice = buy(0.60, poor)  # 1.45 shares; one costs whole cents
    assert choice.leg is None
    assert choice.reason == "edge: 0.51 USD, the venue takes 1.00 or more"


@pytest.mark.parametrize("field", ["down_shares", "resting_down_shares"])
def test_the_opposite_of_what_is_held_or_rests_is_not_bought(field: str) -> None:
    position = msgspec.structs.replace(EMPTY, **{field: shares(5)})
    choice = buy(0.60, position)
    assert choice.leg is None
    assert choice.reason.endswith("but Down is held or rests")


def test_a_fee_rate_that_is_no_number_is_no_data() -> None:
    for text in ("", "a lot", "nan", "7", "-0.1"):
        market = msgspec.structs.replace(MARKET, fee_rate=text)
        assert best_offer(0.9, market, BOTH, PARAMS.edge) == NoData(
            f"the fee is not known: {text!r}"
        )


def test_a_holding_that_lost_its_reason_is_sold_into_the_bid() -> None:
    held = msgspec.structs.replace(EMPTY, up_shares=shares(10))
    # the bid brings 0.49 - 0.0174930 = 0.472507; less than that it must be worth
    assert sell(0.4726, held) is None
    leg = sell(0.4725, held)
    assert leg == Leg(
        outcome=Outcome.UP,
        side=Side.SELL,
        style=Style.TAKE,
        price=PriceMicroUsd(490_000),
        shares=shares(10),
    )


def test_where_leaving_may_cost_something_only_the_excess_is_sold() -> None:
    held = msgspec.structs.replace(EMPTY, up_shares=shares(10))
    net = 0.49 - 0.07 * 0.49 * 0.51
    patient = override(PARAMS, {"edge.exit_cost_max": 0.01})
    leg = sell(net + 0.001, held, params=patient)
    assert leg is not None
    keep = target_shares(net + 0.001, net, EMPTY.allocation_micro_usd, PARAMS.sizing)
    assert 0 < keep < 10
    assert leg.shares == pytest.approx((10 - keep) * MICRO, abs=SIZE_STEP_MICRO_SHARES)


def test_without_a_case_everything_is_sold_if_leaving_is_cheap_enough() -> None:
    held = msgspec.structs.replace(EMPTY, up_shares=shares(10))
    leg = sell(0.50, held, FLAT)
    assert leg is not None
    assert leg.shares == shares(10)
    assert sell(0.51, held, FLAT) is None  # 0.51 - 0.4725 is more than 0.03


def test_a_holding_worth_less_than_the_minimum_is_kept() -> None:
    held = msgspec.structs.replace(EMPTY, up_shares=shares(2))
    assert sell(0.10, held) is None


@pytest.mark.parametrize(
    ("points", "stance"),
    [
        (15.0, Stance(enter=(Outcome.UP,), flat=False, reason="")),
        (-15.0, Stance(enter=(Outcome.DOWN,), flat=False, reason="")),
        (14.9, Stance(enter=(), flat=False, reason="")),
        (-3.0, Stance(enter=(), flat=False, reason="")),
        (2.9, FLAT),
        (0.0, FLAT),
    ],
)
def test_the_spread_says_act_wait_or_hold_nothing(points: float, stance: Stance) -> None:
    assert msgspec.structs.replace(read_stance(points, PARAMS), reason="") == stance
    blended = read_stance(points, override(PARAMS, {"points.mode": "blend"}))
    assert (blended.enter, blended.flat) == (BOTH, False)


PROBABILITY = st.floats(0.005, 0.995)
HOLDING = st.integers(0, 5_000).map(lambda steps: MicroShares(steps * SIZE_STEP_MICRO_SHARES))


def test_a_take_through_several_levels_is_capped_at_its_limit() -> None:
    cheap = make_book(0.0625, spread_ticks=1)
    market = msgspec.structs.replace(MARKET, up_book=cheap)
    leg = choose_purchase(0.875, market, EMPTY, (Outcome.UP,), PARAMS).leg
    assert leg is not None
    assert leg.price > cheap.asks[0].price
    assert leg.price * leg.shares <= 20 * MICRO * MICRO  # the cap, 20 % of 100 USD


@settings(deadline=None)
@given(
    PROBABILITY,
    st.floats(0.05, 0.95),
    st.integers(1, 6),
    st.sampled_from([1_000, 10_000]),
    HOLDING,
    HOLDING,
)
def test_every_leg_is_on_the_tick_a_whole_step_and_affordable(
    p: float, mid: float, spread: int, tick: int, up: MicroShares, rests: MicroShares
) -> None:
    book = make_book(mid, spread_ticks=spread, tick_micro_usd=tick)
    market = msgspec.structs.replace(MARKET, up_book=book, down_book=make_book(1 - mid))
    position = msgspec.structs.replace(EMPTY, up_shares=up, resting_up_shares=rests)
    choice = choose_sale(p, market, position, GO, PARAMS) or choose_purchase(
        p, market, position, BOTH, PARAMS
    )
    if choice.leg is None:
        assert choice.reason.startswith(("edge: ", "no_data: "))
        return
    leg, own = choice.leg, market.book(choice.leg.outcome)
    assert own is not None
    assert leg.price % own.tick_micro_usd == 0
    assert leg.shares > 0
    assert leg.shares % SIZE_STEP_MICRO_SHARES == 0
    if leg.side is Side.SELL:
        assert leg.shares <= up
        assert leg.price <= own.bids[0].price
    else:
        cap = PARAMS.sizing.allocation_share_max * EMPTY.allocation_micro_usd
        assert leg.price * leg.shares / MICRO <= cap + 1
        assert leg.style is Style.TAKE or leg.price < own.asks[0].price
