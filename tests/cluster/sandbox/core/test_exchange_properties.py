"""The exchange as a machine: whatever accounts do, money and shares are conserved."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cluster.sandbox.behaviours import ALL, Behaviour
from cluster.sandbox.events import BookReplaced, Event, PricesChanged
from cluster.sandbox.model import MICRO, OrderType, Outcome, Side, TradeStatus
from cluster.sandbox.reading import LedgerReading
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, CENT, SmallExchange

WHO = st.sampled_from((ALICE, BOB))
OUTCOME = st.sampled_from(list(Outcome))
CENTS = st.integers(30, 70)
SHARES = st.integers(5, 40)
STARTING_MICRO_USD = 30 * MICRO
"""Little enough that orders are refused for want of it."""


class Trading(RuleBasedStateMachine):
    behaviours: frozenset[Behaviour] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = SmallExchange(
            Path(self.folder.name),
            taker_delay_wire_ms=150,
            behaviours=self.behaviours,
            starting_balance_micro_usd=STARTING_MICRO_USD,
        )

    def teardown(self) -> None:
        self.desk.ledger.close()
        self.folder.cleanup()

    @rule(
        who=WHO,
        outcome=OUTCOME,
        side=st.sampled_from(list(Side)),
        cents=CENTS,
        shares=SHARES,
        kind=st.sampled_from([OrderType.GTC, OrderType.GTC, OrderType.FAK, OrderType.FOK]),
    )
    def place(
        self, who: str, outcome: Outcome, side: Side, cents: int, shares: int, kind: OrderType
    ) -> None:
        order = self.desk.signed(who, side, cents * CENT, shares * MICRO, outcome=outcome)
        self.desk.post(order, kind)

    @rule(who=WHO)
    def cancel_all(self, who: str) -> None:
        self.desk.exchange.cancel_all(who, self.desk.now)

    @rule(wire_ms=st.integers(1, 900))
    def wait(self, wire_ms: int) -> None:
        self.desk.step(wire_ms)

    @rule()
    def next_trade_fails(self) -> None:
        self.desk.exchange.fail_trades(1)

    @rule()
    def restart(self) -> None:
        before = self.desk.exchange.digest()
        assert LedgerReading.of(self.desk.folder).digest() == before
        self.desk.restart()

    @invariant()
    def nobody_spends_what_he_has_not(self) -> None:
        for name in (ALICE, BOB):
            assert self.desk.exchange.cash(name).available >= 0
            for outcome in Outcome:
                token = self.desk.market().token_id(outcome)
                assert self.desk.exchange.holding(name, token).available >= 0

    @invariant()
    def the_book_is_not_crossed(self) -> None:
        book = self.desk.exchange.book(self.desk.market().up_token_id, self.desk.now)
        if book is not None and book.bids and book.asks:
            assert book.bids[0].price < book.asks[0].price

    @invariant()
    def as_many_up_as_down_shares_exist_and_all_money_is_accounted_for(self) -> None:
        exchange = self.desk.exchange
        tokens: dict[str, int] = {}
        for market in exchange.markets_listed(self.desk.now):
            held = [
                sum(exchange.holding(name, market.token_id(o)).settled for name in (ALICE, BOB))
                for o in Outcome
            ]
            assert held[0] == held[1]
            tokens[market.condition_id] = held[0]
        trades = {t.trade_id: t for name in (ALICE, BOB) for t in exchange.trades(name)}
        fees = sum(
            t.fee_micro_usd
            for t in trades.values()
            if t.status in {TradeStatus.MINED, TradeStatus.CONFIRMED}
        )
        cash = sum(exchange.cash(name).settled for name in (ALICE, BOB))
        deposits = 2 * self.desk.config.starting_balance_micro_usd
        assert cash + fees + sum(tokens.values()) == deposits


class HardTrading(Trading):
    """Dollars spent, six decimals, a slow chain: no fraction of a micro-USD is lost."""

    behaviours = ALL - {Behaviour.LATE_FILLS}


class LateTrading(Trading):
    """Late fills trade with the house, so the accounts alone hold unequal shares."""

    behaviours = ALL

    def as_many_up_as_down_shares_exist_and_all_money_is_accounted_for(self) -> None:
        reading = LedgerReading.of(self.desk.folder)
        for name in (ALICE, BOB):
            assert reading.cash_micro_usd(name) == self.desk.exchange.cash(name).settled
            for order in reading.orders(name):
                assert order.filled_shares <= order.shares or order.budget_micro_usd is not None
                assert order.spent_micro_usd <= (order.budget_micro_usd or 0)


HardTrading.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
LateTrading.TestCase.settings = HardTrading.TestCase.settings
Trading.TestCase.settings = HardTrading.TestCase.settings
TestTrading = Trading.TestCase
TestHardTrading = HardTrading.TestCase
TestLateTrading = LateTrading.TestCase


def drive(folder: Path, steps: int) -> tuple[str, list[str], bytes]:
    """Run a busy exchange with two accounts for a while; return digest, events and ledger."""
    desk = SmallExchange(folder, house_at_work=True, taker_delay_wire_ms=150, behaviours=ALL)
    for number in range(steps):
        desk.step(97)
        if number % 9 == 0:
            desk.buy(ALICE, 40 + number % 20, 10)
            desk.buy(BOB, 45, 10, OrderType.FAK, outcome=Outcome.DOWN)
    desk.ledger.close()
    told = [repr(event) for event in desk.events]
    return desk.exchange.digest(), told, (folder / "ledger.jsonl").read_bytes()


def test_the_same_calls_at_the_same_times_give_the_same_world(tmp_path: Path) -> None:
    first, second = (drive(tmp_path / name, 150) for name in ("a", "b"))
    assert first == second
    assert len(first[1]) > 500


Books = dict[tuple[str, Side], dict[int, int]]


def follow(events: list[Event]) -> Books:
    """Build the books as a subscriber does."""
    books: Books = {}
    for event in events:
        if isinstance(event, BookReplaced):
            for side, levels in ((Side.BUY, event.book.bids), (Side.SELL, event.book.asks)):
                books[event.book.token_id, side] = {x.price: x.shares for x in levels}
        elif isinstance(event, PricesChanged):
            for change in event.changes:
                books[change.token_id, change.side][change.price] = change.shares
    return books


@pytest.mark.parametrize("seed", [1, 2])
def test_the_events_of_a_book_lead_to_the_book(tmp_path: Path, seed: int) -> None:
    desk = SmallExchange(tmp_path, seed=seed, house_at_work=True, behaviours=ALL)
    desk.events += desk.exchange.drain()
    for number in range(60):
        desk.step(211)
        desk.buy(ALICE, 30 + number % 40, 10)
    desk.events += desk.exchange.drain()
    books = follow(desk.events)
    for market in desk.exchange.markets_listed(desk.now):
        for outcome in Outcome:
            token = market.token_id(outcome)
            view = desk.exchange.book(token, desk.now)
            assert view is not None
            for side, levels in ((Side.BUY, view.bids), (Side.SELL, view.asks)):
                told = {p: s for p, s in books[token, side].items() if s}
                assert told == {x.price: x.shares for x in levels}
