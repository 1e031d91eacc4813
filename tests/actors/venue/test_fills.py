"""From trades, as the venue lists them, to own fills: exact amounts, ids that stay apart."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.venue.polymarket.fills import Account, FeeTerms, own_fills
from actors.venue.port import TradeStatus
from signals.market import Side

US = Account(owner="our-key", wallet="0xAbC")
RATE = FeeTerms(rate=Decimal("0.07"))


@dataclass(frozen=True)
class Leg:
    order_id: str
    price: Decimal
    matched_amount: Decimal
    asset_id: str = "up"
    side: Literal["BUY", "SELL"] = "SELL"
    owner: str = "their-key"
    maker_address: str | None = "0xdef"


@dataclass(frozen=True)
class Trade:
    maker_orders: tuple[Leg, ...] = field(default_factory=tuple)
    trader_side: Literal["TAKER", "MAKER"] | None = "TAKER"
    side: Literal["BUY", "SELL"] = "BUY"
    price: Decimal = Decimal("0.50")
    size: Decimal = Decimal(10)
    status: str = "MATCHED"
    id: str = "t1"
    condition_id: str = "0xcond"
    asset_id: str = "up"
    owner: str = "our-key"
    taker_order_id: str = "0xtaker"
    matched_at: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)


def dec(text: str) -> Decimal:
    return Decimal(text)


def test_a_taker_pays_what_the_makers_asked() -> None:
    trade = Trade(maker_orders=(Leg("m1", dec("0.48"), dec("10")),))
    [fill] = own_fills(trade, US, RATE)
    assert fill.fill_id == "t1/0xtaker"
    assert (fill.price, fill.shares, fill.maker, fill.side) == (
        480_000,
        10_000_000,
        False,
        Side.BUY,
    )
    assert fill.fee_micro_usd == 174_720
    assert fill.matched_wire_ms == 1_767_225_600_000


def test_a_maker_on_the_opposite_token_is_paid_one_minus_its_price() -> None:
    leg = Leg("m1", dec("0.53"), dec("10"), asset_id="down", side="BUY")
    [fill] = own_fills(Trade(maker_orders=(leg,)), US, RATE)
    assert (fill.price, fill.token_id) == (470_000, "up")


def test_two_prices_are_two_fills_with_ids_of_their_own() -> None:
    legs = (Leg("m1", dec("0.49"), dec("4")), Leg("m2", dec("0.48"), dec("6")))
    fills = own_fills(Trade(maker_orders=legs), US, RATE)
    assert [(f.fill_id, f.price, f.shares) for f in fills] == [
        ("t1/0xtaker", 480_000, 6_000_000),
        ("t1/0xtaker/1", 490_000, 4_000_000),
    ]


def test_an_incomplete_list_of_makers_falls_back_to_the_trade_itself() -> None:
    trade = Trade(maker_orders=(Leg("m1", dec("0.48"), dec("4")),))
    [fill] = own_fills(trade, US, RATE)
    assert (fill.price, fill.shares) == (500_000, 10_000_000)


def test_only_our_own_maker_orders_are_fills_and_they_pay_no_fee() -> None:
    trade = Trade(
        trader_side="MAKER",
        owner="their-key",
        maker_orders=(
            Leg("m1", dec("0.48"), dec("4")),
            Leg("m2", dec("0.47"), dec("3"), owner="our-key"),
            Leg("m3", dec("0.46"), dec("3"), asset_id="down", side="BUY", maker_address="0xaBc"),
        ),
    )
    fills = own_fills(trade, US, RATE)
    assert [(f.fill_id, f.price, f.shares, f.token_id, f.side) for f in fills] == [
        ("t1/m2", 470_000, 3_000_000, "up", Side.SELL),
        ("t1/m3", 460_000, 3_000_000, "down", Side.BUY),
    ]
    assert all(f.maker and f.fee_micro_usd == 0 for f in fills)


def test_a_trade_with_ourselves_is_a_fill_on_either_side() -> None:
    trade = Trade(maker_orders=(Leg("m1", dec("0.48"), dec("10"), owner="our-key"),))
    assert [f.fill_id for f in own_fills(trade, US, RATE)] == ["t1/0xtaker", "t1/m1"]


@pytest.mark.parametrize(("owner", "count"), [("our-key", 1), ("their-key", 0)])
def test_a_stream_that_does_not_say_our_side_is_read_by_its_owner(owner: str, count: int) -> None:
    trade = Trade(trader_side=None, owner=owner, maker_orders=(Leg("m1", dec("0.48"), dec("10")),))
    assert len(own_fills(trade, US, RATE)) == count


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("MATCHED", TradeStatus.MATCHED),
        ("MATCHED_NOT_BROADCASTED", TradeStatus.MATCHED),
        ("MINED", TradeStatus.MINED),
        ("RETRYING", TradeStatus.RETRYING),
        ("CONFIRMED", TradeStatus.CONFIRMED),
        ("FAILED", TradeStatus.FAILED),
    ],
)
def test_a_status_is_read(said: str, means: TradeStatus) -> None:
    trade = Trade(status=said, maker_orders=(Leg("m1", dec("0.48"), dec("10")),))
    assert own_fills(trade, US, RATE)[0].status is means


@given(
    st.lists(
        st.tuples(
            st.integers(1, 99), st.integers(1, 10_000), st.booleans(), st.sampled_from("abc")
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_fills_of_a_taker_add_up_to_its_trade(
    rows: list[tuple[int, int, bool, str]],
) -> None:
    legs = tuple(
        Leg(
            f"m{place}{name}",
            Decimal(cents) / 100,
            Decimal(hundredths) / 100,
            asset_id="down" if opposite else "up",
        )
        for place, (cents, hundredths, opposite, name) in enumerate(rows)
    )
    size = sum((leg.matched_amount for leg in legs), Decimal(0))
    fills = own_fills(Trade(maker_orders=legs, size=size), US, RATE)
    assert sum(fill.shares for fill in fills) == size * 1_000_000
    assert len({fill.fill_id for fill in fills}) == len(fills)
    paid = sum(fill.price * fill.shares for fill in fills)
    owed = sum(
        (1 - leg.price if leg.asset_id == "down" else leg.price) * leg.matched_amount
        for leg in legs
    )
    assert paid == owed * 10**12
