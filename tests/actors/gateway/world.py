"""One gateway, one venue, one disk: effects wait until a test performs them, in any order."""

from typing import Any

from actors.gateway.events import (
    Answer,
    Append,
    AskResolution,
    Cancel,
    CancelDone,
    Effect,
    Event,
    PollVenue,
    Post,
    PostDone,
    PostHeld,
    ResolutionSeen,
    Sign,
    SignDone,
    Started,
    Ticked,
    VenuePolled,
    fresh_state,
)
from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger
from actors.gateway.market_events import (
    AccountSeen,
    AskAccount,
    AskBook,
    AskMarket,
    BookSeen,
    MarketSeen,
)
from actors.gateway.records import OrderWritten, decode_record, encode_record
from actors.messages import IntentFenced, IntentReceived
from actors.venue.answers import AccountBalance
from actors.venue.port import Rejected, Unavailable, UnavailableKind, Unknown, UnsignedOrder
from signals.units import MicroShares, MicroUsd
from tests.actors.gateway.builders import Machine
from tests.actors.gateway.fake_venue import Book, listed_market, token_book

LOST = Unknown(reason="lost")
REFUSALS = (
    Rejected(code="not_enough_balance", message="no"),
    Unavailable(kind=UnavailableKind.RATE_LIMITED, retry_after_ms=500),
)


class World:
    """A fate is ``good``, ``lost`` (done, but the answer is lost), ``refused`` or ``held``."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.book = Book()
        self.pending: list[Effect] = []
        self.disk: list[bytes] = []
        self.received: set[str] = set()
        self.generation = 0

    @property
    def ledger(self) -> Ledger:
        return self.machine.state.ledger

    def apply(self, event: Event) -> None:
        """Step; records reach the disk at once, the rest waits to be performed."""
        for effect in self.machine.apply(event):
            if isinstance(effect, Append):
                self.disk += [encode_record(record) for record in effect.records]
            else:
                self.pending.append(effect)

    def tick(self) -> None:
        self.apply(Ticked(**self.machine.at))

    def restart(self) -> None:
        """Crash: what was not appended and not performed is gone."""
        self.pending.clear()
        self.machine.state = fresh_state(self.recovered())
        self.generation += 1
        at = self.machine.at
        self.apply(Started(generation=self.generation, name="gateway/1", life="l", **at))

    def recovered(self) -> Ledger:
        return fold(Ledger(), [decode_record(data) for data in self.disk])

    def own(self, slot: str) -> None:
        self.machine.records.clear()
        self.machine.own(slot)
        self.disk += [encode_record(record) for record in self.machine.records]

    def perform(self, effect: Effect, fate: str) -> None:
        match effect:
            case Answer():
                self.answered(effect)
            case Sign():
                self.sign(effect)
            case Post():
                self.post(effect, fate)
            case Cancel():
                outcome = LOST if fate == "lost" else self.book.cancel(effect.order_ids)
                at = self.machine.at
                self.apply(CancelDone(order_ids=effect.order_ids, outcome=outcome, **at))
            case PollVenue():
                self.poll(fate)
            case AskMarket():
                market = LOST if fate in ("lost", "refused") else listed_market(effect.slug)
                self.apply(MarketSeen(slug=effect.slug, market=market, **self.machine.at))
            case AskBook():
                book = LOST if fate in ("lost", "refused") else token_book(effect.token_id)
                name, at = effect.intent_id, self.machine.at
                self.apply(BookSeen(intent_id=name, book=book, **at))
            case _:
                self.rest(effect, fate)

    def rest(self, effect: Effect, fate: str) -> None:
        match effect:
            case AskAccount():
                self.account(effect, fate)
            case AskResolution():
                winner = self.book.winners.get(effect.condition_id)
                name, at = effect.condition_id, self.machine.at
                self.apply(ResolutionSeen(condition_id=name, outcome=winner, **at))
            case _:
                pass

    def answered(self, effect: Answer) -> None:
        assert not isinstance(effect.message, IntentFenced)
        if isinstance(effect.message, IntentReceived):
            self.received.add(effect.message.intent_id)

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
        self.apply(SignDone(intent_id=asked.intent_id, outcome=outcome, **self.machine.at))

    def post(self, effect: Post, fate: str) -> None:
        order_id, at = effect.signed.order_id, self.machine.at
        assert any(
            isinstance(record, OrderWritten) and record.body == effect.signed.body
            for record in map(decode_record, self.disk)
        ), "posted before it was on the disk"
        if fate == "held":
            self.apply(PostHeld(order_id=order_id, reason="HALT", **at))
            return
        outcome: Any
        if fate == "refused" and order_id not in self.book.seen:
            outcome = REFUSALS[len(self.disk) % len(REFUSALS)]
        else:
            outcome = self.book.post(effect.signed, at["wire_ms"])
        self.apply(PostDone(order_id=order_id, outcome=LOST if fate == "lost" else outcome, **at))

    def poll(self, fate: str) -> None:
        orders: Any = tuple(self.book.open.values())
        trades: Any = LOST if fate == "lost" else tuple(self.book.trades.values())
        at = self.machine.at
        self.apply(VenuePolled(orders=orders, trades=trades, started_wire_ms=at["wire_ms"], **at))

    def account(self, effect: AskAccount, fate: str) -> None:
        held = {token: MicroShares(self.book.held(token)) for token in effect.token_ids}
        seen = AccountBalance(cash_micro_usd=MicroUsd(1_000_000_000), shares=held)
        answer = LOST if fate == "lost" else seen
        self.apply(AccountSeen(account=answer, **self.machine.at))

    def quiet(self, rounds: int) -> None:
        """Let time pass with everything going well, a second a round."""
        for _ in range(rounds):
            self.machine.wire_ms += 1_000
            self.tick()
            for _ in range(50):
                if not self.pending:
                    break
                self.perform(self.pending.pop(0), "good")
