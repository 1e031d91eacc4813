"""The gateway against a venue that loses, repeats and reorders, with a crash between any effects.

Every intent ends in exactly one order or one refusal; the folded log equals the live state; books
and venue agree; nothing is signed twice after its bytes were written.
"""

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

from actors.gateway.events import IntentArrived, StreamUpdated
from actors.gateway.fold import fold
from actors.gateway.ledger import (
    PROVISIONAL,
    SIGNS,
    UNSETTLED,
    Ledger,
    buy_value_micro_usd,
    stored_of,
)
from actors.gateway.order_life import OrderState
from actors.gateway.records import Base, decode_record, encode_record
from actors.gateway.risk_case import at_stake_micro_usd, net_up_micro_usd
from actors.gateway.step import step
from actors.messages import Intent, IntentRefused, OrderEnded, OrderSigned
from actors.venue.port import TradeStatus, VenueTrade
from signals.decision import Style
from signals.market import Outcome
from signals.units import PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, RULES, Machine, intent
from tests.actors.gateway.world import World

SLOTS = ("btc-5m", "eth-5m")
FATES = ("good", "good", "good", "lost", "refused", "held")


class GatewayAndVenue(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.sent: dict[str, Intent] = {}
        self.told: list[VenueTrade] = []

    @initialize()
    def begin(self) -> None:
        self.world.restart()
        for slot in SLOTS:
            self.world.own(slot)

    @rule()
    def crash(self) -> None:
        self.world.restart()

    @rule(wire_ms=st.sampled_from([0, 300, 3_000, 12_000]), market_ms=st.sampled_from([0, 9_000]))
    def time_passes(self, wire_ms: int, market_ms: int) -> None:
        self.world.machine.wire_ms += wire_ms
        self.world.machine.market_ms += market_ms
        self.world.tick()

    @rule(slot=st.sampled_from(SLOTS), leg=st.integers(0, 3), style=st.sampled_from(Style))
    def send(self, slot: str, leg: int, style: Style) -> None:
        price = PriceMicroUsd(500_000 + 10_000 * leg)
        an_intent = intent(slot=slot, leg=leg, price=price, style=style)
        self.sent.setdefault(an_intent.intent_id, an_intent)
        at = self.world.machine.at
        self.world.apply(IntentArrived(reply_to=9, intent=an_intent, **at))

    @precondition(lambda self: self.world.pending)
    @rule(data=st.data(), fate=st.sampled_from(FATES))
    def perform(self, data: st.DataObject, fate: str) -> None:
        place = data.draw(st.integers(0, len(self.world.pending) - 1))
        self.world.perform(self.world.pending.pop(place), fate)

    @precondition(lambda self: self.world.book.open)
    @rule(data=st.data(), part=st.sampled_from([1, 2]))
    def match(self, data: st.DataObject, part: int) -> None:
        book = self.world.book
        order_id = data.draw(st.sampled_from(sorted(book.open)))
        left = book.open[order_id].shares - book.open[order_id].filled_shares
        shares = max(10_000, left // part // 10_000 * 10_000)
        self.told.append(book.fill(order_id, shares, self.world.machine.wire_ms))

    @precondition(lambda self: self.world.book.trades)
    @rule(data=st.data(), status=st.sampled_from([TradeStatus.CONFIRMED, TradeStatus.FAILED]))
    def confirm(self, data: st.DataObject, status: TradeStatus) -> None:
        book = self.world.book
        fill_id = data.draw(st.sampled_from(sorted(book.trades)))
        if not book.trades[fill_id].status.final:
            self.told.append(book.end_trade(fill_id, status))

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def hear_of_a_trade(self, data: st.DataObject) -> None:
        """The stream tells trades in any order and as often as it likes, also outdated ones."""
        trade = data.draw(st.sampled_from(self.told))
        self.world.apply(StreamUpdated(event=trade, **self.world.machine.at))

    # ---- what must hold -----------------------------------------------------------------------

    @invariant()
    def the_log_folds_to_the_live_state(self) -> None:
        assert self.world.recovered() == self.world.ledger

    @invariant()
    def every_intent_has_at_most_one_order_or_one_refusal(self) -> None:
        ledger = self.world.ledger
        seen: list[str] = []
        for box in ledger.outbox.values():
            assert [e.sequence for e in box.events] == list(range(1, len(box.events) + 1))
            seen += [e.intent_id for e in box.events if isinstance(e, OrderSigned | IntentRefused)]
        assert len(seen) == len(set(seen))
        for order in (*ledger.orders.values(), *ledger.ended.values()):
            kept = ledger.intents[order.intent_id]
            assert kept.order_id == order.order_id
            assert kept.intent == self.sent[order.intent_id]

    @invariant()
    def sums_and_terms_are_those_of_all_entries(self) -> None:
        ledger = self.world.ledger
        held = [
            h for h in ledger.holdings.values() if h.slot not in ledger.markets[h.condition_id].told
        ]
        pending = [*ledger.orders.values(), *ledger.undecided.values()]
        for slot in (None, *SLOTS):
            at_stake = sum(h.at_stake_micro_usd for h in held if slot in (None, h.slot))
            resting = sum(buy_value_micro_usd(o) for o in pending if slot in (None, o.slot))
            assert at_stake_micro_usd(ledger, slot) == at_stake + resting
        net = sum(SIGNS[h.outcome] * h.at_stake_micro_usd for h in held)
        net += sum(SIGNS[o.outcome] * buy_value_micro_usd(o) for o in pending)
        assert net_up_micro_usd(ledger, CLOSE_MS) == net
        provisional = [k.fill.fill_id for k in ledger.fills.values() if not k.final]
        assert sorted(ledger.fills.keys_of(PROVISIONAL)) == sorted(provisional)
        unsettled = [m.condition_id for m in ledger.markets.values() if not m.settled]
        assert sorted(ledger.markets.keys_of(UNSETTLED)) == sorted(unsettled)

    @invariant()
    def no_fill_is_counted_twice_and_failed_ones_not_at_all(self) -> None:
        ledger = self.world.ledger
        counted = sum(h.bought_shares for h in ledger.holdings.values())
        assert counted == sum(k.fill.shares for k in ledger.fills.values() if not k.failed)
        assert set(ledger.fills) <= set(self.world.book.trades)

    def teardown(self) -> None:
        """Let everything end: the venue answers, time passes, the market closes and settles."""
        world = self.world
        if not world.generation:
            return
        world.book.winners = {f"condition-{slot}": Outcome.UP for slot in SLOTS}
        for market_ms in (CLOSE_MS - 10_000, CLOSE_MS + 1):
            world.machine.market_ms = max(world.machine.market_ms, market_ms)
            world.quiet(40)
            for fill_id, trade in world.book.trades.items():
                if not trade.status.final:
                    world.book.end_trade(fill_id, TradeStatus.CONFIRMED)
            world.quiet(40)
        self.everything_has_ended()

    def everything_has_ended(self) -> None:
        ledger, book = self.world.ledger, self.world.book
        assert not ledger.orders, [order.state for order in ledger.orders.values()]
        assert not ledger.undecided
        assert not any(kept.undecided for kept in ledger.intents.values())
        assert self.world.received <= set(ledger.intents)
        assert all(order.state is OrderState.ENDED for order in ledger.ended.values())
        assert not book.open
        assert book.seen <= set(ledger.ended)
        assert set(ledger.fills) == set(book.trades)
        for fill_id, trade in book.trades.items():
            assert ledger.fills[fill_id].failed == (trade.status is TradeStatus.FAILED)
        events = [event for box in ledger.outbox.values() for event in box.events]
        ends = [event.order_id for event in events if isinstance(event, OrderEnded)]
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
    base = decode_record(encode_record(Base(ledger=stored_of(machine.state.ledger))))
    assert fold(Ledger(), [base]) == machine.state.ledger


def plain(state: msgspec.Struct) -> bytes:
    """Encode all that a state holds, its tables as dictionaries."""
    return msgspec.msgpack.encode(state, enc_hook=lambda table: dict(table.items()))


def test_a_step_leaves_the_state_it_was_given_alone() -> None:
    machine = Machine().start()
    before = machine.state
    kept = plain(before.ledger)
    flight = plain(before.flight)
    machine.order()
    assert plain(before.ledger) == kept
    assert plain(before.flight) == flight
    again, _ = step(before, IntentArrived(reply_to=1, intent=intent(), **machine.at), RULES)
    assert list(again.ledger.intents) == [intent().intent_id]
