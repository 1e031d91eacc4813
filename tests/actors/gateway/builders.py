"""Builders of what the gateway's tests need: one market, one slot, its claims and intents."""

import msgspec

from actors.config import RiskLimits, Timing
from actors.gateway.events import (
    Append,
    ClaimAsked,
    Effect,
    Event,
    IntentArrived,
    OpenAsked,
    Sign,
    SignDone,
    Started,
    State,
    Ticked,
    VenuePolled,
    fresh_state,
)
from actors.gateway.ledger import Ledger
from actors.gateway.market_events import AskBook, AskMarket, BookSeen, MarketSeen
from actors.gateway.records import Record
from actors.gateway.risk_case import Rules
from actors.gateway.step import step
from actors.messages import Attestation, Claim, Intent, OpenIncarnation, intent_id
from actors.venue.port import SignedOrder
from signals.decision import Style
from signals.market import CYCLE_MS, Outcome, Side, Timeframe
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.fake_venue import listed_market, token_book

OPEN_MS = 1_790_000_100_000 - 1_790_000_100_000 % CYCLE_MS
CLOSE_MS = OPEN_MS + CYCLE_MS
DUE_MS = OPEN_MS + 20_000
WIRE_MS = 1_790_000_000_000
RULES = Rules(limits=RiskLimits(), timing=Timing())
RELEASE = "a1" * 32


def attestation(release: str = RELEASE, message_version: int = 1) -> Attestation:
    return Attestation(
        release=release,
        commit="c0ffee",
        message_version=message_version,
        schema_version=1,
        fingerprint="test",
        root="/code",
        pid=1,
        process_start=1,
    )


def claim(
    slot: str = "btc-5m",
    incarnation: int = 1,
    life: str = "10-1",
    resume: int | None = None,
    release: str = RELEASE,
) -> Claim:
    return Claim(
        slot=slot,
        incarnation=incarnation,
        life=life,
        attestation=attestation(release),
        params="p1",
        journal_sequence=0,
        outbox_sequence=0,
        resume_of_fence=resume,
    )


def vacancy(slot: str = "btc-5m", fence: int = 0, *, vacant: bool = True) -> OpenIncarnation:
    return OpenIncarnation(
        slot=slot, expected_fence=fence, release=RELEASE, vacant=vacant, reason="test"
    )


def intent(**changes: object) -> Intent:
    slot = str(changes.get("slot", "btc-5m"))
    leg = changes.pop("leg", 0)
    base = Intent(
        intent_id="",
        slot=slot,
        incarnation=1,
        fence=1,
        window_open_ms=OPEN_MS,
        timeframe=Timeframe.M5,
        due_ms=DUE_MS,
        condition_id=f"condition-{slot}",
        token_id=f"up-{slot}",
        outcome=Outcome.UP,
        side=Side.BUY,
        style=Style.REST,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(10_000_000),
        close_ms=CLOSE_MS,
        fee_rate="0.07",
        min_order_shares=MicroShares(5_000_000),
        book_mid=PriceMicroUsd(510_000),
        snapshot="5" * 64,
        release=RELEASE,
        commit="c0ffee",
        params="p1",
        sent_wire_ms=WIRE_MS,
    )
    changed = msgspec.structs.replace(base, **changes)
    name = intent_id(slot, changed.window_open_ms, changed.due_ms, int(str(leg)))
    return msgspec.structs.replace(changed, intent_id=changed.intent_id or name)


def signed(name: str) -> SignedOrder:
    return SignedOrder(
        order_id=f"0x{name}", body=b"signed " + name.encode(), signed_wire_ms=WIRE_MS
    )


class Machine:
    """Steps one state and keeps what came out; time is set by the test."""

    def __init__(self, rules: Rules = RULES, ledger: Ledger | None = None) -> None:
        self.rules = rules
        self.state: State = fresh_state(ledger or Ledger())
        self.wire_ms = WIRE_MS
        self.market_ms = DUE_MS + 100
        self.records: list[Record] = []
        self.effects: tuple[Effect, ...] = ()

    @property
    def at(self) -> dict[str, int]:
        return {"wire_ms": self.wire_ms, "market_ms": self.market_ms}

    def apply(self, event: Event) -> tuple[Effect, ...]:
        self.state, self.effects = step(self.state, event, self.rules)
        for effect in self.effects:
            if isinstance(effect, Append):
                self.records += effect.records
        return self.effects

    def start(self) -> "Machine":
        """Start, see an empty venue, give btc-5m to incarnation 1 with fence 1."""
        self.apply(Started(generation=1, name="gateway/1", life="1-1", **self.at))
        self.poll()
        self.own("btc-5m")
        return self

    def own(self, slot: str) -> None:
        self.apply(OpenAsked(reply_to=1, request=vacancy(slot), **self.at))
        self.apply(ClaimAsked(reply_to=2, claim=claim(slot), **self.at))

    def poll(self, orders: tuple[object, ...] = (), trades: tuple[object, ...] = ()) -> None:
        self.apply(
            VenuePolled(orders=orders, trades=trades, started_wire_ms=self.wire_ms, **self.at)  # type: ignore[arg-type]
        )

    def send(self, an_intent: Intent) -> tuple[Effect, ...]:
        """Send an intent, and answer what the gateway asks the venue about its market."""
        effects = self.apply(IntentArrived(reply_to=3, intent=an_intent, **self.at))
        return self.answer_facts(effects)

    def send_alone(self, an_intent: Intent) -> tuple[Effect, ...]:
        """Send an intent; what the gateway asks about its market waits for the test."""
        return self.apply(IntentArrived(reply_to=3, intent=an_intent, **self.at))

    def answer_facts(self, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        questions = [e for e in effects if isinstance(e, AskMarket | AskBook)]
        for ask in questions:
            if isinstance(ask, AskMarket):
                seen: Event = MarketSeen(slug=ask.slug, market=listed_market(ask.slug), **self.at)
            else:
                book = token_book(ask.token_id)
                seen = BookSeen(intent_id=ask.intent_id, book=book, **self.at)
            effects += self.answer_facts(self.apply(seen))
        self.effects = effects
        return effects

    def order(self, an_intent: Intent | None = None, name: str = "one") -> str:
        """Send an intent and sign it: an order that is being posted."""
        sent = self.send(an_intent or intent())
        approved = next(effect for effect in sent if isinstance(effect, Sign)).approved
        name_of = approved.intent.intent_id
        self.apply(SignDone(intent_id=name_of, outcome=signed(name), **self.at))
        return f"0x{name}"

    def tick(self, wire_ms: int = 0, market_ms: int = 0) -> tuple[Effect, ...]:
        self.wire_ms += wire_ms
        self.market_ms += market_ms
        return self.apply(Ticked(**self.at))

    def asked(self, kind: type) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def outbox(self, slot: str = "btc-5m") -> list[str]:
        box = self.state.ledger.outbox.get(slot)
        return [type(event).__name__ for event in box.events] if box else []
