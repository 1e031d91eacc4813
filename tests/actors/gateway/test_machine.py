"""The gateway against a venue that loses, repeats and reorders, with a crash between any effects.

Every intent ends in exactly one order or one refusal; the folded log equals the live state; books
and venue agree; nothing is signed twice after its bytes were written.
"""

from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from actors.gateway_events import (
    Answer,
    Append,
    AskResolution,
    Cancel,
    CancelDone,
    Effect,
    Event,
    IntentArrived,
    Look,
    Looked,
    Post,
    PostDone,
    PostHeld,
    ResolutionSeen,
    Sign,
    SignDone,
    Started,
    StreamSaid,
    Ticked,
    fresh_state,
)
from actors.gateway_fold import copy_of, fold
from actors.gateway_records import Base, Ledger, OrderWritten, decode_record, encode_record
from actors.gateway_step import step
from actors.messages import (
    Intent,
    IntentFenced,
    IntentReceived,
    IntentRefused,
    OrderEnded,
    OrderSigned,
)
from actors.order_life import OrderState
from actors.venue.port import (
    Rejected,
    TradeStatus,
    Unavailable,
    UnavailableKind,
    Unknown,
    UnsignedOrder,
    VenueTrade,
)
from signals.decision import Style
from signals.market import Outcome
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, RULES, Machine, intent
from tests.actors.gateway.fake_venue import Book

SLOTS = ("btc-5m", "eth-5m")
LOST = Unknown(reason="lost")


class GatewayAndVenue(RuleBasedStateMachine):
    """Effects are performed one at a time and in any order; the disk is what was appended."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine()
        self.book = Book()
        self.pending: list[Effect] = []
        self.disk: list[bytes] = []
        self.sent: dict[str, Intent] = {}
        self.received: set[str] = set()
        self.history: dict[str, list[Any]] = {}
        self.stale_trades: list[VenueTrade] = []
        self.generation = 0

    # ---- the shell ----------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Step; records reach the disk at once, the rest waits for the rules to perform it."""
        effects = self.machine.hear(event)
        for effect in effects:
            if isinstance(effect, Append):
                self.disk += [encode_record(record) for record in effect.records]
            else:
                self.pending.append(effect)

    @initialize()
    def begin(self) -> None:
        self.restart()
        for slot in SLOTS:
            self.machine.own(slot)
            self.disk += [encode_record(record) for record in self.machine.records]
            self.machine.records.clear()

    def restart(self) -> None:
        self.pending.clear()
        ledger = fold(Ledger(), [decode_record(data) for data in self.disk])
        self.machine.state = fresh_state(ledger)
        self.generation += 1
        started = Started(generation=self.generation, name="gateway/1", life="l", **self.machine.at)
        self.hear(started)
        self.machine.records.clear()

    @rule()
    def crash(self) -> None:
        self.restart()

    @rule(wire_ms=st.sampled_from([0, 300, 3_000, 12_000]), market_ms=st.sampled_from([0, 9_000]))
    def time_passes(self, wire_ms: int, market_ms: int) -> None:
        self.machine.wire_ms += wire_ms
        self.machine.market_ms += market_ms
        self.hear_tick()

    def hear_tick(self) -> None:
        self.hear(Ticked(**self.machine.at))

    @rule(slot=st.sampled_from(SLOTS), leg=st.integers(0, 3), take=st.booleans())
    def send(self, slot: str, leg: int, take: bool) -> None:  # noqa: FBT001 drawn by hypothesis
        price = PriceMicroUsd(500_000 + 10_000 * leg)
        style = Style.TAKE if take else Style.REST
        an_intent = intent(slot=slot, leg=leg, price=price, style=style)
        self.sent.setdefault(an_intent.intent_id, an_intent)
        self.hear(IntentArrived(reply_to=9, intent=an_intent, **self.machine.at))

    # ---- the world ----------------------------------------------------------------------------

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def perform(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.pending) - 1))
        effect = self.pending.pop(place)
        fate = data.draw(st.sampled_from(["good", "good", "good", "lost", "refused"]))
        match effect:
            case Answer():
                if isinstance(effect.message, IntentReceived):
                    self.received.add(effect.message.intent_id)
                assert not isinstance(effect.message, IntentFenced)
            case Sign():
                self.sign(effect)
            case Post():
                self.post(effect, fate)
            case Cancel():
                outcome = LOST if fate == "lost" else self.book.cancel(effect.order_ids)
                self.hear(
                    CancelDone(order_ids=effect.order_ids, outcome=outcome, **self.machine.at)
                )
            case Look():
                self.look(fate)
            case AskResolution():
                winner = self.book.winners.get(effect.condition_id)
                self.hear(
                    ResolutionSeen(
                        condition_id=effect.condition_id, outcome=winner, **self.machine.at
                    )
                )
            case _:
                pass

    def sign(self, effect: Sign) -> None:
        asked = effect.approved.intent
        order = UnsignedOrder(
            condition_id=asked.condition_id,
            token_id=asked.token_id,
            side=asked.side,
            style=asked.style,
            price=asked.price,
            shares=asked.shares,
        )
        outcome = self.book.sign(order, self.machine.wire_ms)
        self.hear(SignDone(intent_id=asked.intent_id, outcome=outcome, **self.machine.at))

    def post(self, effect: Post, fate: str) -> None:
        order_id = effect.signed.order_id
        assert any(
            isinstance(record, OrderWritten) and record.body == effect.signed.body
            for record in map(decode_record, self.disk)
        ), "posted before it was on the disk"
        if fate == "refused":
            refusals = [
                Rejected(code="not_enough_balance", message="no"),
                Unavailable(kind=UnavailableKind.RATE_LIMITED, retry_after_ms=500),
            ]
            outcome: Any = refusals[len(self.disk) % 2]
            if order_id in self.book.seen:
                outcome = LOST
        else:
            outcome = self.book.post(effect.signed, self.machine.wire_ms)
            if fate == "lost":
                outcome = LOST
        if len(self.disk) % 7 == 0 and fate == "refused":
            self.hear(PostHeld(order_id=order_id, reason="HALT", **self.machine.at))
            return
        self.hear(PostDone(order_id=order_id, outcome=outcome, **self.machine.at))

    def look(self, fate: str) -> None:
        orders: Any = tuple(self.book.open.values())
        trades: Any = LOST if fate == "lost" else tuple(self.book.trades.values())
        started_ms = self.machine.wire_ms
        self.hear(
            Looked(orders=orders, trades=trades, started_wire_ms=started_ms, **self.machine.at)
        )

    @precondition(lambda self: self.book.open)
    @rule(data=st.data(), part=st.sampled_from([1, 2]))
    def match(self, data: st.DataObject, part: int) -> None:
        order_id = data.draw(st.sampled_from(sorted(self.book.open)))
        left = self.book.open[order_id].shares - self.book.open[order_id].filled_shares
        shares = max(10_000, left // part // 10_000 * 10_000)
        self.stale_trades.append(self.book.fill(order_id, shares, self.machine.wire_ms))

    @precondition(lambda self: self.book.trades)
    @rule(data=st.data(), status=st.sampled_from([TradeStatus.CONFIRMED, TradeStatus.FAILED]))
    def confirm(self, data: st.DataObject, status: TradeStatus) -> None:
        fill_id = data.draw(st.sampled_from(sorted(self.book.trades)))
        if not self.book.trades[fill_id].status.final:
            self.stale_trades.append(self.book.end_trade(fill_id, status))

    @precondition(lambda self: self.stale_trades)
    @rule(data=st.data())
    def hear_of_a_trade(self, data: st.DataObject) -> None:
        """The stream tells trades in any order and as often as it likes, also outdated ones."""
        trade = data.draw(st.sampled_from(self.stale_trades))
        self.hear(StreamSaid(event=trade, **self.machine.at))

    # ---- what must hold -----------------------------------------------------------------------

    @invariant()
    def the_log_folds_to_the_live_state(self) -> None:
        folded = fold(Ledger(), [decode_record(data) for data in self.disk])
        assert folded == self.machine.state.ledger

    @invariant()
    def every_intent_has_at_most_one_order_or_one_refusal(self) -> None:
        ledger = self.machine.state.ledger
        seen: dict[str, int] = {}
        for box in ledger.outbox.values():
            for number, event in enumerate(box.events, 1):
                assert event.sequence == number
                if isinstance(event, OrderSigned | IntentRefused):
                    seen[event.intent_id] = seen.get(event.intent_id, 0) + 1
        assert all(count == 1 for count in seen.values())
        for order in (*ledger.orders.values(), *ledger.ended.values()):
            kept = ledger.intents[order.intent_id]
            assert kept.order_id == order.order_id
            assert kept.intent == self.sent[order.intent_id]

    @invariant()
    def no_fill_is_counted_twice_and_failed_ones_not_at_all(self) -> None:
        ledger = self.machine.state.ledger
        counted = sum(h.bought_shares for h in ledger.holdings.values())
        expected = sum(k.fill.shares for k in ledger.fills.values() if not k.failed)
        assert counted == expected
        assert set(ledger.fills) <= set(self.book.trades)

    def teardown(self) -> None:
        """Let everything end: the venue answers, time passes, the market closes and settles."""
        if not self.generation:
            return
        for _ in range(3):
            for slot in SLOTS:
                self.book.winners[f"condition-{slot}"] = Outcome.UP
            for fill_id, trade in self.book.trades.items():
                if not trade.status.final:
                    self.book.end_trade(fill_id, TradeStatus.CONFIRMED)
            self.machine.market_ms = max(self.machine.market_ms, CLOSE_MS - 10_000)
            self.quiet(40)
            self.machine.market_ms = max(self.machine.market_ms, CLOSE_MS + 1)
            self.quiet(40)
        self.check_the_end()

    def quiet(self, rounds: int) -> None:
        for _ in range(rounds):
            self.machine.wire_ms += 1_000
            self.hear_tick()
            for _ in range(50):
                if not self.pending:
                    break
                effect = self.pending.pop(0)
                self.perform_well(effect)

    def perform_well(self, effect: Effect) -> None:
        match effect:
            case Sign():
                self.sign(effect)
            case Post():
                self.post(effect, "good")
            case Cancel():
                outcome = self.book.cancel(effect.order_ids)
                self.hear(
                    CancelDone(order_ids=effect.order_ids, outcome=outcome, **self.machine.at)
                )
            case Look():
                self.look("good")
            case AskResolution():
                winner = self.book.winners[effect.condition_id]
                self.hear(
                    ResolutionSeen(
                        condition_id=effect.condition_id, outcome=winner, **self.machine.at
                    )
                )
            case _:
                pass

    def check_the_end(self) -> None:
        ledger = self.machine.state.ledger
        assert not ledger.orders, [order.state for order in ledger.orders.values()]
        assert self.received <= set(ledger.intents)
        assert not any(kept.undecided for kept in ledger.intents.values())
        assert not ledger.undecided
        assert all(order.state is OrderState.ENDED for order in ledger.ended.values())
        assert not self.book.open
        assert self.book.seen <= set(ledger.ended)
        assert set(ledger.fills) == set(self.book.trades)
        for fill_id, trade in self.book.trades.items():
            assert ledger.fills[fill_id].failed == (trade.status is TradeStatus.FAILED)
        ends = [
            event.order_id
            for box in ledger.outbox.values()
            for event in box.events
            if isinstance(event, OrderEnded)
        ]
        assert len(ends) == len(set(ends)) == len(ledger.ended)
        assert all(market.settled for market in ledger.markets.values())


GatewayAndVenue.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestGatewayAndVenue = GatewayAndVenue.TestCase


def test_a_base_record_stands_for_all_records_before_it() -> None:
    machine = Machine().start()
    machine.order()
    base = decode_record(encode_record(Base(ledger=machine.state.ledger)))
    assert fold(Ledger(), [base]) == machine.state.ledger


def test_a_step_leaves_the_state_it_was_given_alone() -> None:
    machine = Machine().start()
    before = machine.state
    kept = copy_of(before.ledger)
    flight = msgspec.msgpack.encode(before.flight)
    machine.order()
    assert before.ledger == kept
    assert msgspec.msgpack.encode(before.flight) == flight
    again, _ = step(before, IntentArrived(reply_to=1, intent=intent(), **machine.at), RULES)
    assert again.ledger.intents == {intent().intent_id: again.ledger.intents[intent().intent_id]}
