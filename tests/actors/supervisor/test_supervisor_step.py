"""The supervisor machine, one rule a test; every move of a slot is in its table."""

from typing import Any

import msgspec

from actors.config import Timing
from actors.messages import FenceRecord
from actors.slot.seat import Phase
from actors.slot.state import LastDecision
from actors.slot.status import SlotNotRunning, SlotStatus, status_of
from actors.supervisor.events import (
    AnyEffect,
    AskSlot,
    CreateFailed,
    CreateSlot,
    EndProcess,
    FencesRead,
    KeepWanted,
    OpenSeat,
    RaiseAlarm,
    SeatOpened,
    SeatRefused,
    SlotCreated,
    SlotMissing,
    SlotSeen,
    SlotSilent,
    StartAsked,
    StopAsked,
    Ticked,
)
from actors.supervisor.state import (
    CREATING_MAX,
    HUNG_AFTER_MS,
    KILL_PAUSES,
    STARTING_MS,
    STUCK_AFTER_MS,
    Place,
    Rules,
    SupervisorState,
)
from actors.supervisor.step import step
from signals.market import DEFAULT_SLOTS
from signals.market_time import MarketClock
from tests.actors.slot.builders import CYCLE_MS, DUE_MS, OPEN_MS, seat

SLOT = "btc-5m"


class Watch:
    """Steps the machine; its table refuses a move that is not in it."""

    def __init__(self) -> None:
        self.state = SupervisorState(rules=Rules(timing=Timing(), clock=MarketClock()))
        self.now_ms = OPEN_MS

    def apply(self, kind: type[Any], /, **fields: Any) -> list[AnyEffect]:
        event = kind(market_ms=self.now_ms, wire_ms=self.now_ms, **fields)
        self.state, effects = step(self.state, event)
        return list(effects)

    def after(self, wait_ms: int) -> "Watch":
        self.now_ms += wait_ms
        return self

    def place(self, slot: str = SLOT) -> Place:
        return self.state.slots[slot].place

    def live(self, life: str = "7-7") -> "Watch":
        self.apply(StartAsked, slots=(SLOT,))
        self.apply(FencesRead, owners={SLOT: owner(life=life)})
        self.apply(SlotSeen, slot=SLOT, incarnation=1, status=status(self.now_ms, life=life))
        assert self.place() is Place.LIVE
        return self


def owner(incarnation: int = 1, fence: int = 3, life: str = "7-7") -> FenceRecord:
    return FenceRecord(
        slot=SLOT,
        fence=fence,
        incarnation=incarnation,
        life=life,
        release="aa" * 32,
        commit="c",
        params="p",
        journal_sequence=0,
        outbox_sequence=0,
    )


def status(now_ms: int, life: str = "7-7", **changes: Any) -> SlotStatus:
    active = msgspec.structs.replace(seat(), phase=Phase.ACTIVE, fence=3)
    fields = {"life": life, "started_ms": OPEN_MS - CYCLE_MS, "decided_due_ms": now_ms}
    return msgspec.structs.replace(status_of(active, now_ms, now_ms), **{**fields, **changes})


def of(effects: list[AnyEffect], kind: type[Any]) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def alarms(effects: list[AnyEffect]) -> list[str]:
    return [alarm.kind for alarm in of(effects, RaiseAlarm)]


def test_slots_come_up_through_vacancies_a_few_at_a_time() -> None:
    watch = Watch()
    names = tuple(str(slot) for slot in DEFAULT_SLOTS)
    assert of(watch.apply(StartAsked, slots=names), KeepWanted)[0].slots == names
    watch.apply(FencesRead, owners={})
    opened = of(watch.apply(Ticked), OpenSeat)
    assert len(opened) == CREATING_MAX
    assert {effect.expected_fence for effect in opened} == {0}
    assert of(watch.apply(Ticked), OpenSeat) == []
    slot = opened[0].slot
    effects = watch.apply(SeatOpened, slot=slot, incarnation=5, release="r")
    assert of(effects, CreateSlot)[0].incarnation == 5
    watch.apply(SlotCreated, slot=slot, incarnation=5)
    assert of(watch.apply(Ticked), OpenSeat) == [], "it still starts"
    watch.apply(SlotSeen, slot=slot, incarnation=5, status=status(watch.now_ms))
    assert len(of(watch.apply(Ticked), OpenSeat)) == 1


def test_owner_that_lives_is_found_and_not_replaced() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={SLOT: owner(incarnation=4)})
    effects = watch.after(1_000).apply(Ticked)
    assert of(effects, OpenSeat) == []
    assert of(effects, AskSlot)[0].incarnation == 4


def test_refused_vacancy_looks_at_the_fences_again() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={})
    watch.apply(Ticked)
    watch.apply(SeatRefused, slot=SLOT, reason="fence 4")
    assert watch.place() is Place.UNSEEN
    watch.apply(FencesRead, owners={SLOT: owner(incarnation=2)})
    assert watch.place() is Place.STARTING


def test_failed_creation_is_tried_again_after_a_pause() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={})
    watch.apply(Ticked)
    watch.apply(SeatOpened, slot=SLOT, incarnation=1, release="r")
    watch.apply(CreateFailed, slot=SLOT, reason="no memory")
    assert of(watch.apply(Ticked), OpenSeat) == []
    assert len(of(watch.after(2_000).apply(Ticked), OpenSeat)) == 1


def test_actor_that_ray_gave_up_becomes_a_vacancy_that_names_the_fence() -> None:
    watch = Watch().live()
    watch.apply(SlotMissing, slot=SLOT, incarnation=1)
    assert watch.place() is Place.LIVE, "one look may race"
    watch.apply(SlotMissing, slot=SLOT, incarnation=1)
    opened = of(watch.apply(Ticked), OpenSeat)[0]
    assert (opened.expected_fence, opened.release) == (3, seat().who.attestation.release)


def test_vacancy_is_never_opened_for_code_that_was_not_granted() -> None:
    watch = Watch().live()
    granted = watch.state.slots[SLOT].release
    strange = status(watch.now_ms, state="claiming", release="ee" * 32)
    watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=strange)
    for _ in range(2):
        watch.apply(SlotMissing, slot=SLOT, incarnation=1)
    assert of(watch.apply(Ticked), OpenSeat)[0].release == granted


def test_hung_process_is_ended_by_id_once_and_said_once() -> None:
    watch = Watch().live(life="41-99")
    silent = {"slot": SLOT, "incarnation": 1, "reason": "no answer"}
    assert watch.after(HUNG_AFTER_MS - 1).apply(SlotSilent, **silent) == []
    effects = watch.after(1).apply(SlotSilent, **silent)
    assert of(effects, EndProcess)[0].life == "41-99"
    assert alarms(effects) == ["slot_hung"]
    assert watch.after(1_000).apply(SlotSilent, **silent) == []
    assert len(of(watch.after(KILL_PAUSES.first_ms).apply(SlotSilent, **silent), EndProcess)) == 1


def test_slot_that_still_warms_up_is_not_ended() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={SLOT: owner()})
    silent = {"slot": SLOT, "incarnation": 1, "reason": "no answer"}
    assert watch.after(STARTING_MS - 1).apply(SlotSilent, **silent) == []


def test_blocked_strategy_ends_its_process() -> None:
    watch = Watch().live()
    blocked = status(watch.now_ms, blocked_ms=15_001)
    effects = watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=blocked)
    assert alarms(effects) == ["strategy_blocked"]
    assert len(of(effects, EndProcess)) == 1


def test_slot_without_a_decision_by_its_deadline_is_an_alarm_once() -> None:
    watch = Watch().live()
    watch.apply(Ticked)
    watch.now_ms = DUE_MS + CYCLE_MS + 2_000
    late = {"slot": SLOT, "incarnation": 1, "status": status(watch.now_ms, decided_due_ms=OPEN_MS)}
    assert alarms(watch.apply(SlotSeen, **late)) == ["no_decision"]
    assert alarms(watch.apply(SlotSeen, **late)) == []


def test_points_of_a_downtime_are_no_alarm() -> None:
    """The supervisor stood still with the slot: nothing of that time is held against anyone."""
    away_ms = 10 * CYCLE_MS
    for watch in (Watch().live(), Watch().after(CYCLE_MS).live()):
        watch.apply(Ticked)
        before = status(watch.now_ms)
        watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=before)
        watch.after(away_ms).apply(Ticked)
        assert alarms(watch.apply(SlotSilent, slot=SLOT, incarnation=1, reason="woke")) == []
        late = {"slot": SLOT, "incarnation": 1}
        seen = status(watch.now_ms, decided_due_ms=DUE_MS)
        assert alarms(watch.apply(SlotSeen, **late, status=seen)) == [], "not given up yet"
        counts = msgspec.structs.replace(seen.counts, missed=9)
        gone_ms = watch.now_ms - CYCLE_MS // 2
        seen = status(watch.now_ms, decided_due_ms=gone_ms, counts=counts)
        assert alarms(watch.apply(SlotSeen, **late, status=seen)) == [], "given up"
        watch.apply(Ticked)
        counts = msgspec.structs.replace(seen.counts, missed=10)
        seen = status(watch.now_ms, decided_due_ms=watch.now_ms + CYCLE_MS, counts=counts)
        watch.after(2 * CYCLE_MS)
        assert alarms(watch.apply(SlotSeen, **late, status=seen)) == ["missed_decision"]


def test_a_life_whose_claim_is_not_known_yet_owes_nothing_of_the_time_before_it() -> None:
    watch = Watch().live()
    watch.apply(Ticked)
    watch.now_ms = DUE_MS + CYCLE_MS + 2_000
    fresh = status(watch.now_ms, life="8-8", decided_due_ms=OPEN_MS)
    assert alarms(watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=fresh)) == []


def overdue(watch: Watch, **fields: Any) -> list[AnyEffect]:
    last = LastDecision(
        due_ms=OPEN_MS,
        journaled_ms=OPEN_MS,
        action="no_trade",
        reason="points",
        snapshot="s",
        release=fields.pop("by", "aa" * 32),
    )
    fields = {"release": "aa" * 32, "last_decision": last, "decided_due_ms": OPEN_MS, **fields}
    return watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=status(watch.now_ms, **fields))


def test_loop_that_hangs_in_a_process_that_answers_is_ended() -> None:
    watch = Watch().live()
    watch.apply(Ticked)
    watch.now_ms = DUE_MS + CYCLE_MS + 2_000
    assert of(overdue(watch), EndProcess) == []
    assert of(overdue(watch.after(STUCK_AFTER_MS - 1)), EndProcess) == []
    assert len(of(overdue(watch.after(1)), EndProcess)) == 1
    assert of(overdue(watch.after(1_000)), EndProcess) == [], "not again before its pause is over"


def test_release_that_never_decided_a_full_disk_and_a_handoff_are_no_hanging_loop() -> None:
    for fields in ({"by": "bb" * 32}, {"journal_failure": "full"}, {"state": "quiesced"}):
        watch = Watch().live()
        watch.apply(Ticked)
        watch.now_ms = DUE_MS + CYCLE_MS + 2_000
        overdue(watch, **fields)
        assert of(overdue(watch.after(STUCK_AFTER_MS), **fields), EndProcess) == []


def test_decision_in_its_grace_is_no_alarm() -> None:
    watch = Watch().live()
    watch.now_ms = OPEN_MS + CYCLE_MS + 1_000
    decided = status(watch.now_ms, decided_due_ms=DUE_MS - CYCLE_MS)
    assert alarms(watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=decided)) == []


def test_process_that_cannot_start_says_why() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={SLOT: owner()})
    reason = SlotNotRunning(slot=SLOT, reason="StrategyError: x.py does not import")
    effects = watch.after(STARTING_MS + 1).apply(SlotSeen, slot=SLOT, incarnation=1, status=reason)
    assert of(effects, RaiseAlarm)[0].evidence == {"reason": reason.reason}


def test_successor_of_a_rollout_is_followed() -> None:
    watch = Watch().live()
    watch.apply(FencesRead, owners={SLOT: owner(incarnation=2, fence=4, life="8-8")})
    assert watch.state.slots[SLOT].incarnation == 2
    assert watch.apply(SlotMissing, slot=SLOT, incarnation=1) == [], "the old one may be gone"


def test_stop_ends_all_watching() -> None:
    watch = Watch().live()
    watch.apply(StopAsked)
    assert watch.after(60_000).apply(Ticked) == []
