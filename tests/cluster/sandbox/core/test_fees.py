"""Fees and notionals against independent decimal arithmetic."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from cluster.sandbox.fees import notional_micro_usd, taker_fee_micro_usd
from cluster.sandbox.model import MICRO, Outcome

PRICES = st.integers(1, 999).map(lambda n: n * 1_000)
SHARES = st.integers(1, 10_000_000).map(lambda n: n * 10_000)


def test_a_taker_of_100_shares_at_even_odds_pays_one_dollar_seventy_five() -> None:
    assert taker_fee_micro_usd(500_000, 100 * MICRO) == 1_750_000


def test_the_break_even_prices_of_the_fee_schedule() -> None:
    for price, with_fee in ((540_000, 557_388), (800_000, 811_200), (900_000, 906_300)):
        assert price + taker_fee_micro_usd(price, MICRO) == (with_fee + 5) // 10 * 10


def test_the_smallest_fee_is_one_hundred_thousandth_of_a_dollar() -> None:
    assert taker_fee_micro_usd(1_000, 10_000) == 10


def test_half_a_step_rounds_up() -> None:
    # 0.01 share at 0.5: 0.000175 USD, exactly half way between 0.00017 and 0.00018.
    assert taker_fee_micro_usd(500_000, 10_000) == 180


@given(PRICES, SHARES)
def test_the_fee_is_the_decimal_formula(price: int, shares: int) -> None:
    p = Decimal(price) / MICRO
    raw = Decimal(shares) / MICRO * Decimal("0.07") * p * (1 - p)
    expected = max(raw.quantize(Decimal("0.00001"), ROUND_HALF_UP), Decimal("0.00001"))
    assert taker_fee_micro_usd(price, shares) == int(expected * MICRO)


@given(PRICES, SHARES)
def test_both_sides_of_a_mint_pay_one_dollar_a_share(price: int, shares: int) -> None:
    up = notional_micro_usd(Outcome.UP, price, shares)
    down = notional_micro_usd(Outcome.DOWN, MICRO - price, shares)
    assert up + down == shares
