"""Decision points that are held against no release: outages, starts, what others keep from it."""

from typing import Any

import msgspec

from actors.supervisor.conduct import Outcome
from actors.supervisor.events import (
    FencesRead,
    OpenSeat,
    SharedSilent,
    SlotSeen,
    StartAsked,
    Ticked,
)
from actors.supervisor.state import GATEWAY, STARTING_MS
from actors.supervisor.taking_back import GAP_MS, UNREAD_MS
from tests.actors.slot.builders import CYCLE_MS, OPEN_MS
from tests.actors.supervisor.bad_course import HOUR_MS, live, wait
from tests.actors.supervisor.test_supervisor_releases import (
    BAD,
    OLD,
    ROLLED,
    decision,
    made,
    read,
    record,
    watched,
)
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, alarms, of


def test_what_fell_due_while_this_watch_stood_still_is_forgiven() -> None:
    watch = live()
    wait(watch, CYCLE_MS)
    watch.after(HOUR_MS).apply(Ticked)
    assert of(read(watch), OpenSeat) == [], "the machine was suspended"
    assert of(wait(watch, CYCLE_MS), OpenSeat) == []
    assert len(of(wait(watch, CYCLE_MS), OpenSeat)) == 1, "and then it counts again"


def test_a_gap_is_longer_than_any_two_looks_of_a_busy_machine() -> None:
    watch = live()
    assert of(wait(watch, 2 * CYCLE_MS, every_ms=GAP_MS), OpenSeat) != []


def test_a_supervisor_that_begins_gives_slots_the_time_to_start() -> None:
    watch = watched()
    assert of(wait(watch, STARTING_MS), OpenSeat) == []
    assert of(wait(watch, CYCLE_MS), OpenSeat) == []
    assert len(of(wait(watch, 2 * CYCLE_MS), OpenSeat)) == 1, "one that never starts goes back"


def test_a_slot_owes_from_its_claim_on_where_this_watch_saw_it() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(Ticked)
    claimed_ms = watch.after(2_000).now_ms
    claim = msgspec.structs.replace(record(BAD, 2, "r0001"), granted_wire_ms=claimed_ms)
    watch.apply(FencesRead, owners={SLOT: claim}, history={SLOT: (claim,)})
    live(watch.after(1_500))
    assert watch.state.slots[SLOT].owes_from_ms == claimed_ms
    old = live(watched())
    assert old.state.slots[SLOT].owes_from_ms == old.now_ms, "its claim is older than this watch"


def test_points_before_this_supervisor_began_are_not_counted_as_missing() -> None:
    watch = Watch().after(HOUR_MS)
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={SLOT: ROLLED[-1]}, history={SLOT: ROLLED})
    for ago in (3, 2):
        read(watch, made(watch, Outcome.GOOD, OLD, OPEN_MS - ago * CYCLE_MS))
    live(watch)
    assert of(wait(watch, CYCLE_MS), OpenSeat) == []


def test_without_the_gateway_a_slot_that_cannot_claim_is_not_at_fault() -> None:
    watch = live()
    seen = msgspec.structs.replace(decision(watch, "points", 2, BAD), state="claiming")
    watch.apply(SlotSeen, slot=SLOT, incarnation=2, status=seen)
    effects: list[Any] = []
    for _ in range(4 * CYCLE_MS // 2_000):
        effects += wait(watch, 2_000)
        effects += watch.apply(SharedSilent, who=GATEWAY, missing=False, reason="no answer")
    assert of(effects, OpenSeat) == []


def test_a_full_disk_is_not_the_fault_of_the_slots_that_cannot_write() -> None:
    watch = live()
    ill = msgspec.structs.replace(decision(watch, "points", 2, BAD), journal_failure="full")
    watch.apply(SlotSeen, slot=SLOT, incarnation=2, status=ill)
    effects: list[Any] = []
    for _ in range(4 * CYCLE_MS // 2_000):
        effects += watch.after(2_000).apply(Ticked)
        effects += read(watch, writable=False)
    assert of(effects, OpenSeat) == []
    assert of(wait(watch, 3 * CYCLE_MS), OpenSeat) != [], "a slot alone that cannot write is"


def test_nothing_is_missing_before_the_journal_was_read() -> None:
    watch = live()
    effects: list[Any] = []
    for _ in range(4 * CYCLE_MS // 2_000):
        effects += watch.after(2_000).apply(Ticked)
    assert of(effects, OpenSeat) == []


def test_a_journal_that_is_not_read_is_an_alarm_until_it_is() -> None:
    watch = live()
    effects: list[Any] = []
    for _ in range(UNREAD_MS // 2_000 + 1):
        effects += watch.after(2_000).apply(Ticked)
    assert alarms(effects) == ["decisions_unread"]
    read(watch)
    watch.apply(Ticked)
    assert "decisions_unread/journal" not in watch.state.raised
