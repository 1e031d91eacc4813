"""Limits of money under hostile intents: what was bought never comes to more than a limit.

The venue here is the worst that keeps an order's terms: an immediate buy spends all of its dollars,
at any better price, in any number of trades, each heard at any time; the fee comes on top.
"""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.config import RiskLimits, Timing
from actors.gateway.events import Sign, SignDone
from actors.gateway.risk_case import Rules, at_stake_micro_usd
from actors.gateway.trades import CASH_DUST_MICRO_USD
from actors.messages import Intent, OrderEnd
from actors.venue.port import Accepted, AcceptedStatus, TradeStatus, VenueTrade
from signals.decision import Style
from signals.market import Side
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd, taker_fee_micro_usd
from tests.actors.gateway.builders import Machine, intent, signed
from tests.actors.gateway.venue_answers import end_of, posted, trade

LIMITS = RiskLimits(
    order_micro_usd=MicroUsd(5_000_000),
    slot_exposure_micro_usd=MicroUsd(10_000_000),
    fleet_exposure_micro_usd=MicroUsd(12_000_000),
    settlement_net_up_micro_usd=MicroUsd(50_000_000),
    price_collar_micro_usd=1_000_000,
)
RULES = Rules(limits=LIMITS, timing=Timing())
SLOTS = ("btc-5m", "eth-5m", "sol-5m")
RATE = Decimal("0.1")
"""The highest fee of a market that is traded."""
MATCHED = Accepted(status=AcceptedStatus.MATCHED)


def take(shares: int, price: int = 500_000, **others: object) -> Intent:
    sized = {"shares": MicroShares(shares), "price": PriceMicroUsd(price)}
    return intent(style=Style.TAKE, **sized, **others)


def machine() -> Machine:
    made = Machine(RULES).start()
    for slot in SLOTS[1:]:
        made.own(slot)
    return made


def bought(order_id: str, slot: str, price: int, dollars: int, name: str) -> VenueTrade:
    """Return a trade that spends dollars at a price, and the fee on top."""
    shares = MicroShares(dollars * MICRO // price)
    return replace(
        trade(order_id, shares, TradeStatus.MATCHED, name),
        condition_id=f"condition-{slot}",
        token_id=f"up-{slot}",
        price=PriceMicroUsd(price),
        maker=False,
        fee_micro_usd=taker_fee_micro_usd(PriceMicroUsd(price), shares, RATE),
    )


def test_dollars_that_an_immediate_buy_may_still_spend_are_at_stake() -> None:
    """9.9 shares at 0.30 of 10 at 0.50: 2.03 dollars are left to spend, not 5 cents."""
    one = machine()
    order_id = one.order(take(9_000_000))
    posted(one, order_id, MATCHED)
    before = at_stake_micro_usd(one.state.ledger, None)
    one.poll(trades=(bought(order_id, "btc-5m", 300_000, 2_700_000, "t1"),))
    one.poll(trades=(bought(order_id, "btc-5m", 500_000, 1_800_000, "t2"),))
    assert at_stake_micro_usd(one.state.ledger, None) <= before
    one = machine()
    order_id = one.order(take(9_000_000))
    posted(one, order_id, MATCHED)
    one.poll(trades=(bought(order_id, "btc-5m", 300_000, 2_700_000, "t1"),))
    assert at_stake_micro_usd(one.state.ledger, None) >= 2_700_000 + 1_800_000


def test_an_immediate_buy_with_dollars_left_ends_when_the_venue_has_no_more_of_it() -> None:
    """It has all its shares at a better price, and the venue may tell of another trade."""
    one = machine()
    order_id = one.order(take(9_000_000))
    posted(one, order_id, MATCHED)
    one.poll(trades=(bought(order_id, "btc-5m", 300_000, 3_000_000, "t1"),))
    assert end_of(one, order_id) is None
    one.wire_ms += 5_000
    one.poll()
    assert end_of(one, order_id) is OrderEnd.FILLED


def test_the_fee_counts_towards_each_limit() -> None:
    one = machine()
    one.send(take(10_000_000))
    assert one.outbox() == ["IntentRefused"], "5 USD and the fee on top"
    assert one.send(replace(take(9_000_000, leg=1)))
    assert one.asked(Sign)


INTENTS = st.tuples(
    st.sampled_from(SLOTS),
    st.integers(1, 9_900).map(lambda step: 100 * step),
    st.integers(1, 3_000).map(lambda step: 10_000 * step),
    st.sampled_from(Style),
)
MOVES = 14
FILLS = st.lists(st.tuples(st.integers(1, 100), st.integers(1, 1_000)), max_size=3)


class Hostile:
    """Sends intents to a gateway, and spends what it signs in the dearest way."""

    def __init__(self) -> None:
        self.machine = machine()
        self.left: dict[str, tuple[str, int, int, Style]] = {}
        """Order to slot, limit, dollars that it may still spend, style."""
        self.paid = dict.fromkeys(SLOTS, 0)

    def send(self, number: int, what: tuple[str, int, int, Style]) -> None:
        slot, price, shares, style = what
        sized = {"price": PriceMicroUsd(price), "shares": MicroShares(shares)}
        an_intent = intent(slot=slot, leg=number, style=style, side=Side.BUY, **sized)
        self.machine.send(an_intent)
        if self.machine.asked(Sign):
            self.machine.apply(
                SignDone(
                    intent_id=an_intent.intent_id, outcome=signed(f"o{number}"), **self.machine.at
                )
            )
            posted(self.machine, f"0xo{number}", MATCHED)
            self.left[f"0xo{number}"] = (slot, price, price * shares // MICRO, style)

    def spend(self, name: str, percent: int, better: int) -> None:
        if not self.left:
            return
        order_id, (slot, limit, dollars, style) = next(iter(self.left.items()))
        spends = dollars * percent // 100
        rests = style is Style.REST
        at = limit if rests else max(1, limit * better // 1_000)
        made = bought(order_id, slot, at, spends, f"{name}-{percent}-{better}")
        if rests:
            made = replace(made, maker=True, fee_micro_usd=MicroUsd(0))
        if made.shares <= 0 or made.fill_id in self.machine.state.ledger.fills:
            return
        self.machine.poll(trades=(made,))
        self.paid[slot] += spends + made.fee_micro_usd
        self.left[order_id] = (slot, limit, dollars - spends, style)
        if spends == dollars:
            del self.left[order_id]

    def judge(self) -> None:
        """An order that has all but a cent of its own is over for the books."""
        dust = CASH_DUST_MICRO_USD * MOVES
        for slot, spent in self.paid.items():
            assert spent <= LIMITS.slot_exposure_micro_usd + dust, slot
        # everything that was signed may still spend what is left of it
        total = sum(self.paid.values()) + sum(dollars for _, _, dollars, _ in self.left.values())
        assert total <= LIMITS.fleet_exposure_micro_usd + dust
        assert at_stake_micro_usd(self.machine.state.ledger, None) >= total - dust


@settings(max_examples=200, deadline=None)
@given(moves=st.lists(st.tuples(INTENTS, FILLS), max_size=MOVES))
def test_money_spent_never_exceeds_a_limit(
    moves: list[tuple[tuple[str, int, int, Style], list[tuple[int, int]]]],
) -> None:
    hostile = Hostile()
    for number, (what, fills) in enumerate(moves):
        hostile.send(number, what)
        for percent, better in fills:
            hostile.spend(f"t{number}", percent, better)
        hostile.judge()
