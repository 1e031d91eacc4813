"""Reading an order's terms from its signed amounts."""

from decimal import ROUND_DOWN, Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.sandbox.behaviours import Behaviours
from cluster.sandbox.markets import Registry
from cluster.sandbox.model import MICRO, Market, OrderType, Side, SignedOrder, Timeframe
from cluster.sandbox.terms import Asked, Refused, Terms, decimal_text, read_terms

TICKS = st.sampled_from([10_000, 1_000])


def market(tick: int) -> Market:
    found = Registry(1).make("btc", Timeframe.M5, 0)
    return msgspec.structs.replace(found, tick_micro_usd=tick)


def signed(side: Side, maker_amount: int, taker_amount: int) -> SignedOrder:
    return SignedOrder(
        order_id="0xid",
        api_key="k",
        maker_address="0xm",
        signer_address="0xm",
        token_id=market(10_000).up_token_id,
        side=side,
        maker_amount=maker_amount,
        taker_amount=taker_amount,
        timestamp_wire_ms=0,
    )


PLAIN = Behaviours(1, frozenset())
HARD = Behaviours(1)


def read(
    order: SignedOrder, kind: OrderType, tick: int, behaviours: Behaviours = PLAIN
) -> Terms | Refused:
    return read_terms(order, Asked(order_type=kind), market(tick), behaviours, 0)


@given(TICKS, st.integers(1, 999), st.integers(500, 1_000_000), st.sampled_from(list(Side)))
def test_limit_orders_keep_their_exact_price_and_size(
    tick: int, ticks: int, hundredths: int, side: Side
) -> None:
    price = max(tick, ticks * tick % MICRO)
    shares = hundredths * 10_000
    usd = price * shares // MICRO
    amounts = (usd, shares) if side is Side.BUY else (shares, usd)
    assert read(signed(side, *amounts), OrderType.GTC, tick) == Terms(price=price, shares=shares)


@given(TICKS, st.integers(1, 999), st.integers(100, 100_000))
def test_market_buys_with_rounded_shares_are_read_at_their_tick(
    tick: int, ticks: int, cents: int
) -> None:
    price = max(tick, ticks * tick % MICRO)
    exact = Decimal(cents) / 100 / (Decimal(price) / MICRO)
    shares = int(exact.quantize(Decimal("0.0001"), ROUND_DOWN) * MICRO)
    found = read(signed(Side.BUY, cents * 10_000, shares), OrderType.FAK, tick)
    assert found == Terms(price=price, shares=shares)


@given(TICKS, st.integers(1, 999), st.integers(1, 1_000_000))
def test_market_sales_with_rounded_proceeds_are_read_at_their_tick(
    tick: int, ticks: int, hundredths: int
) -> None:
    price = max(tick, ticks * tick % MICRO)
    shares = hundredths * 10_000
    usd = price * shares // MICRO // 100 * 100
    found = read(signed(Side.SELL, shares, usd), OrderType.FOK, tick)
    if usd < MICRO:
        assert isinstance(found, Refused)
    else:
        assert found == Terms(price=price, shares=shares)


@given(st.integers(-5, 10**9), st.integers(-5, 10**9), st.sampled_from(list(Side)))
def test_whatever_is_signed_is_read_or_refused_in_words(
    maker_amount: int, taker_amount: int, side: Side
) -> None:
    for kind in OrderType:
        found = read(signed(side, maker_amount, taker_amount), kind, 10_000)
        assert isinstance(found, Terms) or found.error


def test_prices_of_certainty_are_out_of_range() -> None:
    found = read(signed(Side.BUY, 10 * MICRO, 10 * MICRO), OrderType.GTC, 10_000)
    assert found == Refused(error="invalid price (1), min: 0.01 - max: 0.99")


def test_decimals_are_written_short() -> None:
    assert [decimal_text(n) for n in (0, 10_000, 5_000_000, 1_230_000, 1)] == [
        "0",
        "0.01",
        "5",
        "1.23",
        "0.000001",
    ]


def test_a_market_buy_of_the_venue_has_an_exact_limit_and_a_budget() -> None:
    found = read(signed(Side.BUY, 4_950_000, 5_000_000), OrderType.FAK, 10_000, HARD)
    assert found == Terms(price=990_000, shares=5_000_000, budget_micro_usd=4_950_000)
    odd = read(signed(Side.BUY, 5_000_000, 9_816_600), OrderType.FAK, 10_000, HARD)
    assert isinstance(odd, Terms)
    assert odd.price == 509_341, "0.509341 is not rounded up to the tick of 0.51"


def test_a_market_sale_of_the_venue_never_takes_less_than_its_implied_price() -> None:
    found = read(signed(Side.SELL, 9_810_000, 5_000_000), OrderType.FAK, 10_000, HARD)
    assert isinstance(found, Terms)
    assert found.budget_micro_usd is None
    assert found.price * 9_810_000 >= 5_000_000 * MICRO


@pytest.mark.parametrize("stamp_ms", [-300_001, 5_001, 4_102_444_800_000])
def test_orders_stamped_long_ago_or_ahead_are_refused(stamp_ms: int) -> None:
    order = msgspec.structs.replace(
        signed(Side.BUY, 5 * MICRO, 10 * MICRO), timestamp_wire_ms=stamp_ms
    )
    assert read(order, OrderType.GTC, 10_000, HARD) == Refused(error="invalid timestamp")
    assert isinstance(read(order, OrderType.GTC, 10_000), Terms)


@pytest.mark.parametrize("expiration_s", [0, 179, 1_767_229_200_000, 10**14])
def test_a_good_till_date_order_expires_in_range(expiration_s: int) -> None:
    order = msgspec.structs.replace(
        signed(Side.BUY, 5 * MICRO, 10 * MICRO), expiration_wire_s=expiration_s
    )
    assert read(order, OrderType.GTD, 10_000, HARD) == Refused(error="invalid expiration")
