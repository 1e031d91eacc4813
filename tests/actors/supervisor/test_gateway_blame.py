"""What a gateway or market data of a good release is not blamed for."""

from typing import Any

import msgspec
import pytest

from actors.supervisor.events import FeedsSeen, GatewaySeen
from actors.supervisor.shared_watch import AGES_UNTRUE, ANSWERS_MS, UNANSWERED_MS
from actors.supervisor.state import GATEWAY, MARKET_DATA, Watched
from signals.market import CYCLE_MS
from tests.actors.supervisor.test_shared_watch import LOOK_MS, SPEED, Watch, feeds, gateway
from tests.actors.supervisor.test_supervisor_step import status

LIMIT_S = UNANSWERED_MS // LOOK_MS
DUE_MS = 900_000
SLOTS = ("btc-5m", "eth-5m")


class Intents(Watch):
    """A gateway that a roll brought, and slots that say of their intents what a test says."""

    def __init__(self) -> None:
        super().__init__(GATEWAY)
        self.slots: dict[str, dict[str, Any]] = {slot: {} for slot in SLOTS}
        self.look()

    def say(self, slot: str = SLOTS[0], **fields: Any) -> None:
        self.slots[slot] = {**self.slots[slot], **fields}

    def look(self, seconds: int = 1, **fields: Any) -> None:
        for _ in range(seconds):
            self.now_ms += LOOK_MS
            watched = {slot: Watched(slot=slot, status=self._status(slot)) for slot in SLOTS}
            self.state = msgspec.structs.replace(self.state, slots=watched)
            self.apply(GatewaySeen, status=gateway(**{"listed_age_ms": 1_000, **fields}))

    def _status(self, slot: str) -> Any:
        said = {"wire_ms": self.now_ms, "slot": slot, **self.slots[slot]}
        return msgspec.structs.replace(status(self.now_ms), **said)


def waiting() -> Intents:
    watch = Intents()
    watch.say(oldest_intent_due_ms=DUE_MS)
    return watch


def test_a_gateway_that_lets_an_intent_wait_is_taken_back_after_the_limit() -> None:
    watch = waiting()
    watch.look(LIMIT_S)
    assert watch.backs == []
    watch.look()
    assert [b.who for b in watch.backs] == [GATEWAY]
    assert "no answer for 20 s" in watch.alarms[0].evidence["reason"]


def test_a_gateway_that_answers_nothing_is_taken_back_while_slots_trade_on() -> None:
    """Each writes rows at many looks and adds intents; one of them dies meanwhile."""
    watch = waiting()
    seconds = 0
    while not watch.backs:
        seconds += 1
        watch.say(journal_sequence=10 + seconds, durable_sequence=10 + seconds // 3 * 3)
        watch.say(SLOTS[1], oldest_intent_due_ms=DUE_MS + 300_000)
        if seconds >= LIMIT_S // 2:
            watch.say(SLOTS[1], wire_ms=0)
        watch.look()
        assert seconds <= LIMIT_S + 5


def test_a_slot_that_counts_anew_after_its_restart_excuses_no_gateway() -> None:
    watch = waiting()
    counts = status(0).counts
    watch.say(SLOTS[1], counts=msgspec.structs.replace(counts, orders=7))
    watch.look(LIMIT_S // 2)
    watch.say(SLOTS[1], counts=counts)
    watch.look(LIMIT_S // 2 + 1)
    assert [b.who for b in watch.backs] == [GATEWAY]


def test_intents_that_waited_for_the_release_before_are_no_fault_of_the_new_one() -> None:
    """It is brought because of them, and answers within its first second."""
    watch = waiting()
    watch.look()
    watch.say(oldest_intent_due_ms=None)
    watch.look(2 * LIMIT_S)
    assert watch.backs == []


def test_a_restart_of_the_gateway_begins_the_wait_anew() -> None:
    watch = waiting()
    watch.look(LIMIT_S)
    watch.look(LIMIT_S, generation=4)
    assert watch.backs == []


@pytest.mark.parametrize("away", [{"listed_age_ms": ANSWERS_MS}, {"phase": "starting"}])
def test_a_venue_or_gateway_that_comes_back_has_its_time_to_answer(away: dict[str, Any]) -> None:
    watch = waiting()
    watch.look(10, **away)
    watch.look(LIMIT_S)
    assert watch.backs == []


@pytest.mark.parametrize(
    "said",
    [
        {"state": "quiesced"},
        {"state": "standby"},
        {"journal_failure": "No space left on device"},
        {"journal_sequence": 9, "durable_sequence": 8},
        {"outbox_gaps": 1},
        {"wire_ms": 0},
    ],
)
def test_an_intent_that_its_slot_keeps_back_blames_no_gateway(said: dict[str, Any]) -> None:
    watch = waiting()
    watch.say(**said)
    watch.look(3 * LIMIT_S)
    assert watch.backs == []


def test_a_slot_that_wakes_up_with_an_old_intent_blames_no_gateway() -> None:
    watch = waiting()
    watch.say(wire_ms=watch.now_ms)
    watch.look(3 * LIMIT_S)
    watch.slots[SLOTS[0]].pop("wire_ms")
    watch.look(LIMIT_S)
    assert watch.backs == []


def test_a_gateway_that_answers_other_intents_is_not_blamed_for_one() -> None:
    """A slot of a bad release may keep its intent, or name one that it never sent."""
    watch = waiting()
    counts = status(0).counts
    for answered in range(1, 9):
        watch.look(LIMIT_S // 2)
        watch.say(SLOTS[1], counts=msgspec.structs.replace(counts, orders=answered))
    assert watch.backs == []


def test_market_data_is_not_blamed_for_the_snapshots_of_the_release_before() -> None:
    """Two cycles of the old one are still being judged when the new one serves."""
    watch = Watch(MARKET_DATA)
    watch.state = msgspec.structs.replace(watch.state, raised={AGES_UNTRUE: watch.now_ms})
    watch.poll(FeedsSeen, 2 * CYCLE_MS // SPEED // LOOK_MS, status=feeds(1))
    assert watch.backs == []
