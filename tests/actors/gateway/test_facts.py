"""What an intent says of its market is checked against the venue before its first order."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.detectors.policy import Reaction, reaction_of
from actors.gateway.events import Sign, Stopping
from actors.gateway.market_events import AskBook, AskMarket, BookSeen, MarketSeen
from actors.gateway.market_facts import slug_of
from actors.messages import IntentAnswer, IntentRefused, Refusal, decode
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.port import Unknown
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from signals.market import Asset, Outcome, Timeframe, Window, market_slug
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.builders import CLOSE_MS, OPEN_MS, RELEASE, Machine, intent
from tests.actors.gateway.fake_venue import Book, FakeVenue, listed_market, token_book
from tests.actors.gateway.shells import configure, eventually, gateway, own
from tests.actors.gateway.venue_answers import alarm_of

pytestmark = pytest.mark.anyio
KIND = "intent_facts_differ"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


SLUG = market_slug(Asset.BTC, Window(OPEN_MS, Timeframe.M5))
MARKET = listed_market(SLUG)


def refusal(machine: Machine, slot: str = "btc-5m") -> IntentRefused | None:
    events = machine.state.ledger.outbox[slot].events if machine.state.ledger.outbox else ()
    return next((event for event in events if isinstance(event, IntentRefused)), None)


LIES = {
    "the token of the other outcome": ({"token_id": "down-btc-5m"}, "that of Down"),
    "the other outcome": ({"outcome": Outcome.DOWN}, "that of Up"),
    "another asset's token": ({"token_id": "up-eth-5m"}, "another market's"),
    "another asset's market": ({"condition_id": "condition-eth-5m"}, "condition_id"),
    "another asset's all": (
        {"condition_id": "condition-eth-5m", "token_id": "up-eth-5m"},
        "condition_id",
    ),
    "another timeframe": ({"timeframe": Timeframe.M15}, "timeframe"),
    "a later close": ({"close_ms": CLOSE_MS + 300_000}, "close_ms"),
    "a sooner close": ({"close_ms": CLOSE_MS - 1_000}, "close_ms"),
    "a due time outside its window": ({"due_ms": OPEN_MS - 1}, "due_ms"),
    "an open off the grid": ({"window_open_ms": OPEN_MS + 1, "close_ms": CLOSE_MS + 1}, "window"),
    "a smaller minimum": ({"min_order_shares": MicroShares(1_000_000)}, "min_order_shares"),
}


@pytest.mark.parametrize(("lie", "word"), LIES.values(), ids=LIES)
def test_an_intent_that_has_its_market_wrong_is_refused_with_an_alarm_and_never_signed(
    lie: dict[str, object], word: str
) -> None:
    machine = Machine().start()
    machine.send(intent(**lie))
    assert not machine.asked(Sign)
    refused = refusal(machine)
    assert refused is not None
    assert refused.code == "facts_differ"
    assert word in refused.reason
    alarm = alarm_of(machine, "intent_facts_differ")
    assert alarm.release == RELEASE
    assert "btc-5m" in alarm.subject
    assert RELEASE in alarm.evidence
    assert word in alarm.evidence


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "banana"},
        {"price": "dear"},
        {"shares": 1.5},
        {"token_id": None},
        {"params": "p" * 5_000_000},
    ],
    ids=lambda wrong: repr(wrong)[:40],
)
async def test_what_is_no_intent_is_refused_and_its_release_is_named(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    configure(tmp_path)
    fields = msgspec.to_builtins(intent())
    data = msgspec.msgpack.encode({"type": "intent", **fields, **wrong})
    async with gateway(tmp_path, FakeVenue(Book())) as shell:
        await own(shell)
        answer = decode(await shell.send(data), IntentAnswer | Refusal)
        assert isinstance(answer, Refusal)
        store = AlarmStore(LocalStorage(tmp_path))
        await eventually(lambda: any(a.alarm.kind == KIND for a in store.latched()))
    (alarm,) = [state.alarm for state in store.latched() if state.alarm.kind == KIND]
    assert alarm.release == RELEASE
    assert alarm.subject.startswith("btc-5m/")


def test_a_release_that_has_its_market_wrong_is_taken_back() -> None:
    assert reaction_of("intent_facts_differ") is Reaction.ROLL_BACK


def test_a_slot_trades_its_own_asset_and_timeframe_only() -> None:
    """An intent that is right for another slot's market is wrong for its own."""
    machine = Machine().start()
    other = intent(slot="eth-5m")
    machine.send(replace(intent(), condition_id=other.condition_id, token_id=other.token_id))
    assert not machine.asked(Sign)


def test_terms_that_changed_since_the_table_was_read_blame_nobody() -> None:
    machine = Machine().start()
    machine.order(intent(leg=1), "first")
    machine.wire_ms += 60_000
    raised = replace(MARKET, min_order_shares=MicroShares(6_000_000))
    an_intent = intent(leg=2, price=PriceMicroUsd(490_000), min_order_shares=MicroShares(6_000_000))
    sent = machine.send_alone(an_intent)
    assert [e.slug for e in sent if isinstance(e, AskMarket)] == [SLUG]
    effects = machine.apply(MarketSeen(slug=SLUG, market=raised, **machine.at))
    assert any(isinstance(e, AskBook) for e in effects)
    assert refusal(machine) is None


# ---- what the venue does not say ----------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, Unknown(reason="HTTP 503")], ids=["none", "lost"])
def test_an_intent_whose_market_the_venue_does_not_tell_is_asked_for_then_refused(
    answer: Unknown | None,
) -> None:
    machine = Machine().start()
    machine.send_alone(intent())
    machine.apply(MarketSeen(slug=SLUG, market=answer, **machine.at))
    again = machine.tick(wire_ms=500)
    assert any(isinstance(e, AskMarket) for e in again)
    machine.apply(MarketSeen(slug=SLUG, market=answer, **machine.at))
    machine.tick(wire_ms=5_000)
    refused = refusal(machine)
    assert refused is not None
    assert refused.code == "market_unknown"
    assert not machine.state.flight.facts


def test_a_book_that_comes_with_the_second_question_is_early_enough() -> None:
    machine = Machine().start()
    machine.send_alone(intent())
    machine.apply(MarketSeen(slug=SLUG, market=MARKET, **machine.at))
    name = intent().intent_id
    machine.apply(BookSeen(intent_id=name, book=Unknown(reason="lost"), **machine.at))
    asked = machine.tick(wire_ms=500)
    assert any(isinstance(e, AskBook) for e in asked)
    effects = machine.apply(BookSeen(intent_id=name, book=token_book("up-btc-5m"), **machine.at))
    assert any(isinstance(e, Sign) for e in effects)


def test_a_market_that_is_read_ahead_needs_no_question_at_the_order() -> None:
    machine = Machine().start()
    asked = [e for e in machine.tick(wire_ms=1_000) if isinstance(e, AskMarket)]
    assert [e.slug for e in asked] == [SLUG]
    machine.apply(MarketSeen(slug=SLUG, market=MARKET, **machine.at))
    machine.market_ms = CLOSE_MS - 100_000
    ahead = [e.slug for e in machine.tick(wire_ms=1_000) if isinstance(e, AskMarket)]
    assert ahead == [market_slug(Asset.BTC, Window(CLOSE_MS, Timeframe.M5))]
    machine.market_ms = OPEN_MS + 20_100
    sent = machine.send_alone(intent())
    assert not any(isinstance(e, AskMarket) for e in sent)
    assert any(isinstance(e, AskBook) for e in sent)


def test_an_intent_that_waits_while_the_gateway_is_replaced_is_left_to_the_next() -> None:
    machine = Machine().start()
    machine.send_alone(intent())
    machine.state.flight.stopping = "gateway/2 takes over"
    machine.apply(MarketSeen(slug=SLUG, market=MARKET, **machine.at))
    machine.tick(wire_ms=10_000)
    assert refusal(machine) is None
    assert machine.state.ledger.intents[intent().intent_id].undecided


def test_an_intent_that_waits_while_the_fleet_stops_is_refused() -> None:
    machine = Machine().start()
    machine.send_alone(intent())
    machine.apply(Stopping(reason="the fleet stops", **machine.at))
    machine.apply(MarketSeen(slug=SLUG, market=MARKET, **machine.at))
    refused = refusal(machine)
    assert refused is not None
    assert refused.code == "barred"


def test_a_halt_that_comes_while_an_intent_waits_stops_it() -> None:
    machine = Machine().start()
    machine.send_alone(intent())
    machine.apply(MarketSeen(slug=SLUG, market=MARKET, **machine.at))
    ledger = machine.state.ledger
    ledger.latched["btc-5m"] = "12 executions"
    book = token_book("up-btc-5m")
    machine.apply(BookSeen(intent_id=intent().intent_id, book=book, **machine.at))
    refused = refusal(machine)
    assert refused is not None
    assert refused.code == "throttled"


@pytest.mark.parametrize(
    ("book", "code"),
    [
        (token_book("up-btc-5m", mid=200_000), "collar"),
        (token_book("up-btc-5m", mid=520_000, tick=25_000), None),
        (token_book("up-btc-5m", mid=600_000, tick=300_000), "off_tick"),
        (replace(token_book("up-btc-5m"), ask=None), "collar"),
    ],
)
def test_the_venues_book_decides_whatever_mid_the_slot_names(
    book: TokenBook, code: str | None
) -> None:
    machine = Machine().start()
    machine.send_alone(intent(book_mid=PriceMicroUsd(500_000)))
    machine.apply(MarketSeen(slug=SLUG, market=MARKET, **machine.at))
    machine.apply(BookSeen(intent_id=intent().intent_id, book=book, **machine.at))
    refused = refusal(machine)
    assert (refused and refused.code) == code


def test_every_slots_window_has_a_slug_that_leads_back_to_it() -> None:
    assert slug_of(intent().intent_id) == SLUG
    assert isinstance(MARKET, ListedMarket)


@pytest.mark.parametrize("leg", ["0/0", "", "/", "a leg", "-1"])
def test_whatever_a_leg_is_called_no_step_raises(leg: str) -> None:
    machine = Machine().start()
    one = intent()
    name = f"{one.slot}/{one.window_open_ms}/{one.due_ms}/{leg}"
    machine.send(replace(one, intent_id=name))
    machine.tick(wire_ms=1_000)
    assert machine.state.ledger.intents[name]


@pytest.mark.parametrize("open_ms", [-300_000, 0, 1, 2**62, -(2**62)])
def test_whatever_window_an_intent_names_no_step_raises(open_ms: int) -> None:
    machine = Machine().start()
    one = replace(intent(), window_open_ms=open_ms, due_ms=open_ms + 20_000, intent_id="")
    name = f"{one.slot}/{one.window_open_ms}/{one.due_ms}/0"
    machine.send_alone(replace(one, intent_id=name, close_ms=open_ms + 300_000))
    machine.tick(wire_ms=1_000)
    machine.tick(wire_ms=6_000)
    assert not machine.asked(Sign)
    assert not machine.state.ledger.intents[name].undecided
