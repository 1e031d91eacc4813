from hypothesis import given
from hypothesis import strategies as st

from signals.sizing import to_cent_step
from signals.units import MicroShares, PriceMicroUsd


@given(
    price=st.integers(1, 999).map(lambda thousandths: thousandths * 1_000),
    hundredths=st.integers(0, 100_000),
)
def test_a_takers_buy_costs_whole_cents_and_is_never_rounded_up(
    price: int, hundredths: int
) -> None:
    shares = hundredths * 10_000
    rounded = to_cent_step(MicroShares(shares), PriceMicroUsd(price))
    assert rounded <= shares < rounded + 10_000_000
    assert rounded % 10_000 == 0
    assert price * rounded % (10_000 * 1_000_000) == 0


def test_half_a_share_is_the_step_at_42_cents_and_ten_shares_at_997_thousandths() -> None:
    assert to_cent_step(MicroShares(5_590_000), PriceMicroUsd(420_000)) == 5_500_000
    assert to_cent_step(MicroShares(25_000_000), PriceMicroUsd(997_000)) == 20_000_000
