"""A shared actor on a release that a roll brought: when it goes back, and when it does not."""

from typing import Any

import msgspec

from actors.config import Timing
from actors.gateway.events import Flight
from actors.gateway.ledger import Ledger
from actors.gateway.status import GatewayStatus, Identity, Latency, status_of
from actors.market_data.state import Counts
from actors.market_data.status import MarketDataStatus
from actors.supervisor.events import (
    AnyEvent,
    CreateShared,
    FeedsSeen,
    GatewaySeen,
    RaiseAlarm,
    RolloutSeen,
    SharedSilent,
)
from actors.supervisor.shared_state import Shared
from actors.supervisor.shared_watch import (
    AGES_UNTRUE,
    ANSWERS_MS,
    BEATLESS_MS,
    PAUSE_MS,
    SILENT_MS,
    STARTS_WITHIN_MS,
    TURNED_BAD,
    UNANSWERED_MS,
    UNSERVING_MS,
    note_gateway,
    work_fault_of,
)
from actors.supervisor.state import (
    GATEWAY,
    MARKET_DATA,
    Rules,
    SupervisorState,
)
from actors.supervisor.step import step
from signals.market import CYCLE_MS
from signals.market_time import MarketClock

BAD, GOOD = "bb" * 32, "aa" * 32
LOOK_MS = 1_000
SPEED = 30


class Watch:
    """The supervisor's machine; one look a second."""

    def __init__(self, *replaced: str, started_ms: int = 1_000_000) -> None:
        rules = Rules(timing=Timing(), clock=MarketClock(speed=SPEED))
        self.state = SupervisorState(rules=rules)
        self.now_ms = started_ms
        self.backs: list[CreateShared] = []
        self.alarms: list[RaiseAlarm] = []
        pairs = dict.fromkeys(replaced, (BAD, GOOD))
        self.apply(RolloutSeen, rollout=None, replaced_shared=pairs)

    def apply(self, kind: type[AnyEvent], **fields: Any) -> None:
        event = kind(wire_ms=self.now_ms, market_ms=self.now_ms, **fields)
        self.state, effects = step(self.state, event)
        self.backs += [e for e in effects if isinstance(e, CreateShared) and e.bad]
        self.alarms += [e for e in effects if isinstance(e, RaiseAlarm) and e.kind == TURNED_BAD]

    def poll(self, kind: type[AnyEvent], seconds: int = 1, **fields: Any) -> None:
        for _ in range(seconds):
            self.now_ms += LOOK_MS
            self.apply(kind, **fields)


def gateway(phase: str = "serving", **fields: Any) -> GatewayStatus:
    who = Identity(name="gateway/2", pid=7, process_start=1, node_id="", life="7-1", release=BAD)
    status = status_of(who, phase, Ledger(generation=3), Flight(), Latency(), 0, 0)
    return msgspec.structs.replace(status, **{"heartbeat_age_ms": 1_000, **fields})


def feeds(snapshots: int, **fields: Any) -> MarketDataStatus:
    status = MarketDataStatus(
        name="market-data/2",
        life="8-1",
        market_ms=0,
        feeds=(),
        counts=Counts(),
        markets=(),
        missing_markets=(),
        trouble=(),
        waiting=False,
        provenance="test",
        snapshots=snapshots,
        release=BAD,
        phase="serving",
    )
    return msgspec.structs.replace(status, **fields)


def begun() -> Watch:
    watch = Watch(GATEWAY, MARKET_DATA)
    watch.poll(GatewaySeen, 5, status=gateway())
    return watch


def test_a_gateway_that_begins_anew_twice_in_a_minute_is_taken_back_once_with_an_alarm() -> None:
    watch = begun()
    watch.poll(GatewaySeen, 5, status=gateway(generation=4))
    assert watch.backs == []
    watch.poll(GatewaySeen, 5, status=gateway(generation=5))
    assert [(b.who, b.bad, b.release) for b in watch.backs] == [(GATEWAY, BAD, GOOD)]
    (alarm,) = watch.alarms
    assert alarm.subject == GATEWAY
    assert (alarm.evidence["release"], alarm.evidence["back_to"]) == (BAD[:12], GOOD[:12])
    assert "began anew 2 times" in alarm.evidence["reason"]


def test_two_starts_far_apart_prove_nothing() -> None:
    watch = begun()
    watch.poll(GatewaySeen, 5, status=gateway(generation=4))
    watch.poll(GatewaySeen, STARTS_WITHIN_MS // LOOK_MS, status=gateway(generation=4))
    watch.poll(GatewaySeen, 5, status=gateway(generation=5))
    assert watch.backs == []


def test_a_silent_gateway_is_taken_back_as_soon_as_the_venue_would_cancel() -> None:
    watch = begun()
    watch.poll(SharedSilent, SILENT_MS // LOOK_MS - 1, who=GATEWAY, missing=False, reason="hangs")
    assert watch.backs == []
    watch.poll(SharedSilent, 1, who=GATEWAY, missing=False, reason="hangs")
    assert [b.who for b in watch.backs] == [GATEWAY]


def test_a_gateway_that_answers_and_does_not_serve_is_taken_back() -> None:
    watch = begun()
    watch.poll(GatewaySeen, UNSERVING_MS // LOOK_MS + 1, status=gateway("starting: KeyError"))
    assert [b.who for b in watch.backs] == [GATEWAY]


def test_a_gateway_without_heartbeats_is_taken_back() -> None:
    watch = begun()
    watch.poll(
        GatewaySeen, 30, status=gateway(heartbeat_age_ms=BEATLESS_MS - 1, listed_age_ms=2_000)
    )
    assert watch.backs == []
    watch.poll(GatewaySeen, status=gateway(heartbeat_age_ms=BEATLESS_MS, listed_age_ms=2_000))
    assert [b.who for b in watch.backs] == [GATEWAY]
    assert "no heartbeat" in watch.alarms[0].evidence["reason"]


def test_a_heartbeat_of_before_its_start_is_not_held_against_a_gateway() -> None:
    """Seed 4 of the simulation: it named the one from its handover, 27 s before its restart."""
    watch = begun()
    old = {"generation": 4, "heartbeat_age_ms": BEATLESS_MS + 2_000, "listed_age_ms": 100}
    watch.poll(GatewaySeen, BEATLESS_MS // LOOK_MS, status=gateway(**old))
    assert watch.backs == []
    watch.poll(GatewaySeen, status=gateway(**old))
    assert [b.who for b in watch.backs] == [GATEWAY], "it has sent none since"


def test_a_venue_that_takes_no_heartbeat_because_it_restarts_blames_no_release() -> None:
    watch = begun()
    age_ms = 4 * BEATLESS_MS
    status = gateway(heartbeat_age_ms=age_ms, listed_age_ms=age_ms - ANSWERS_MS + 1)
    watch.poll(GatewaySeen, 9, status=status)
    watch.poll(GatewaySeen, 9, status=gateway(heartbeat_age_ms=age_ms, listed_age_ms=None))
    assert watch.backs == []


def test_market_data_that_makes_no_snapshot_for_two_points_is_taken_back() -> None:
    watch = Watch(MARKET_DATA)
    cycle_s = CYCLE_MS // SPEED // LOOK_MS
    for made in range(3):
        watch.poll(FeedsSeen, cycle_s, status=feeds(made))
    assert watch.backs == []
    watch.poll(FeedsSeen, 3 * cycle_s, status=feeds(2))
    assert [b.who for b in watch.backs] == [MARKET_DATA]


def test_what_no_roll_brought_is_not_taken_back() -> None:
    watch = Watch()
    for generation in range(3, 9):
        watch.poll(GatewaySeen, 2, status=gateway(generation=generation))
    watch.poll(SharedSilent, 30, who=GATEWAY, missing=False, reason="hangs")
    assert watch.backs == []


def test_a_release_that_came_since_is_judged_by_its_own_course() -> None:
    watch = begun()
    watch.poll(GatewaySeen, 2, status=gateway(generation=4))
    watch.poll(GatewaySeen, 2, status=gateway(generation=5, release=GOOD))
    watch.poll(GatewaySeen, 2, status=gateway(generation=6, release=GOOD))
    assert watch.backs == []


def test_a_way_back_that_failed_is_tried_again_after_its_pause() -> None:
    watch = begun()
    seconds = (SILENT_MS + PAUSE_MS) // LOOK_MS + 2
    watch.poll(SharedSilent, seconds, who=GATEWAY, missing=False, reason="hangs")
    assert len(watch.backs) == 2
    watch.apply(RolloutSeen, rollout=None)
    watch.poll(SharedSilent, seconds, who=GATEWAY, missing=False, reason="hangs")
    assert len(watch.backs) == 2, "it went back: there is nothing to go back to any more"


def test_a_gateway_that_books_fills_otherwise_than_their_trades_say_is_taken_back() -> None:
    watch = begun()
    watch.poll(GatewaySeen, status=gateway(contradicted_fills=1))
    assert [b.who for b in watch.backs] == [GATEWAY]
    assert "booked 1 fills otherwise" in watch.alarms[0].evidence["reason"]


def test_a_gateway_that_answers_no_intent_is_taken_back_while_the_venue_answers() -> None:
    assert work_fault_of(gateway_seen(listed_age_ms=2_000), UNANSWERED_MS - 1) is None
    fault = work_fault_of(gateway_seen(listed_age_ms=2_000), UNANSWERED_MS)
    assert fault is not None
    assert "no answer for 20 s" in fault


def test_a_venue_that_is_away_blames_no_gateway_for_intents_without_an_answer() -> None:
    for listed_age_ms in (None, ANSWERS_MS):
        assert work_fault_of(gateway_seen(listed_age_ms=listed_age_ms), 9 * UNANSWERED_MS) is None


def gateway_seen(**fields: Any) -> Shared:
    return note_gateway(Shared(who=GATEWAY), gateway(**fields), 1_000_000)


def test_market_data_whose_snapshots_understate_ages_is_taken_back() -> None:
    watch = Watch(MARKET_DATA)
    watch.poll(FeedsSeen, status=feeds(1))
    raised = {AGES_UNTRUE: watch.now_ms}
    watch.state = msgspec.structs.replace(watch.state, raised=raised)
    for made in range(2, 2 + 3 * CYCLE_MS // SPEED // LOOK_MS):
        watch.poll(FeedsSeen, status=feeds(made))
    assert [b.who for b in watch.backs] == [MARKET_DATA]
