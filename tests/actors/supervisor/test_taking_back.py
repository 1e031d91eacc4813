"""A slot goes back from a release that keeps it from deciding: when, whereto, and what it needs."""

from typing import Any

import msgspec
import pytest

from actors.detectors.policy import Reaction, reaction_of
from actors.supervisor.conduct import Outcome
from actors.supervisor.events import (
    AskSlot,
    CreateFailed,
    CreateSlot,
    DecisionsRead,
    Ends,
    FencesRead,
    KeepStanding,
    OpenSeat,
    RaiseAlarm,
    RolloutSeen,
    SeatOpened,
    SeatRefused,
    SlotCreated,
    SlotMissing,
    SlotSeen,
    SlotSilent,
    StartAsked,
    Ticked,
)
from actors.supervisor.state import HUNG_AFTER_MS, RETRY_MS, STARTING_MS, Place
from actors.supervisor.taking_back import MEMORY_MB_MAX
from tests.actors.slot.builders import CYCLE_MS
from tests.actors.supervisor.bad_course import OLDER, live, wait
from tests.actors.supervisor.test_supervisor_releases import (
    BAD,
    OLD,
    ROLLED,
    decided,
    decision,
    made,
    read,
    record,
    watched,
)
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, alarms, of


def test_two_failed_decisions_lead_back_to_the_proven_release() -> None:
    watch = live()
    assert of(decided(watch, Outcome.FAILED), OpenSeat) == []
    effects = decided(watch, Outcome.FAILED, reason="strategy_error: SystemExit: bye")
    (alarm,) = of(effects, RaiseAlarm)
    assert (alarm.kind, alarm.subject) == ("release_turned_bad", SLOT)
    assert alarm.evidence == {
        "release": BAD[:12],
        "slot": SLOT,
        "reason": "strategy_error: SystemExit: bye",
        "back_to": OLD[:12],
    }
    (opened,) = of(effects, OpenSeat)
    assert (opened.release, opened.expected_fence, opened.back) == (OLD, 2, True)
    assert opened.ends == Ends(incarnation=2, life="7-7", node_id="")
    (kept,) = of(effects, KeepStanding)
    assert (kept.standing.taken_back, kept.standing.led_back) == ((BAD,), {SLOT: OLD})


def test_the_seat_is_filled_with_the_proven_release_which_is_then_left_alone() -> None:
    watch = live()
    decided(watch, Outcome.FAILED)
    decided(watch, Outcome.FAILED)
    created = watch.apply(SeatOpened, slot=SLOT, incarnation=3, release=OLD)
    assert [(c.release, c.incarnation) for c in of(created, CreateSlot)] == [(OLD, 3)]
    watch.apply(SlotCreated, slot=SLOT, incarnation=3)
    assert of(wait(watch, STARTING_MS - 2_000), OpenSeat) == [], "its new owner is starting"
    granted = msgspec.structs.replace(record(OLD, 3, None), granted_wire_ms=watch.now_ms)
    watch.apply(FencesRead, owners={SLOT: granted}, history={SLOT: (*ROLLED, granted)})
    seen = decision(watch, "points", incarnation=3, release=OLD)
    watch.apply(SlotSeen, slot=SLOT, incarnation=3, status=seen)
    effects: list[Any] = []
    for _ in range(5):
        effects += decided(watch, Outcome.FAILED, OLD)
    assert of(effects, OpenSeat) == [], "nothing that was led back to is led away from"
    assert alarms(effects) == ["no_way_back"]


def test_an_answer_of_the_bad_one_that_comes_late_does_not_end_the_asking() -> None:
    watch = live()
    decided(watch, Outcome.FAILED)
    assert watch.state.slots[SLOT].asking
    decided(watch, Outcome.FAILED)
    watch.apply(SlotSilent, slot=SLOT, incarnation=2, reason="its process died")
    watch.apply(SeatOpened, slot=SLOT, incarnation=3, release=OLD)
    watch.apply(SlotCreated, slot=SLOT, incarnation=3)
    asked = of(watch.after(1_000).apply(Ticked), AskSlot)
    assert [effect.incarnation for effect in asked] == [3]


def test_a_hang_is_taken_back_at_the_second_point_before_the_third_is_due() -> None:
    watch = live()
    effects = wait(watch, 2 * CYCLE_MS)
    (opened,) = of(effects, OpenSeat)
    assert opened.release == OLD
    assert alarms(effects) == ["release_turned_bad"]


@pytest.mark.parametrize(
    "course",
    [
        (Outcome.FAILED, None),
        (None, Outcome.FAILED),
        (Outcome.FAILED, Outcome.GOOD, None, Outcome.GOOD, Outcome.FAILED),
        (None, Outcome.GOOD, Outcome.FAILED, Outcome.GOOD, None),
    ],
)
def test_failed_and_missing_decisions_count_together(course: tuple[Outcome | None, ...]) -> None:
    watch = live()
    effects: list[Any] = []
    for outcome in course:
        assert of(effects, OpenSeat) == []
        effects = wait(watch, CYCLE_MS) if outcome is None else decided(watch, outcome)
    assert len(of(effects, OpenSeat)) == 1


@pytest.mark.parametrize("place", [Place.SILENT, Place.STARTING, Place.VACANT, Place.CREATING])
def test_it_does_not_matter_what_the_slot_is_doing(place: Place) -> None:
    watch = live()
    decided(watch, Outcome.FAILED)
    match place:
        case Place.SILENT:
            watch.after(HUNG_AFTER_MS)
            watch.apply(SlotSilent, slot=SLOT, incarnation=2, reason="no answer")
        case Place.STARTING:
            seen = msgspec.structs.replace(
                decision(watch, "points", 2, BAD), state="claiming", release=BAD
            )
            watch.apply(SlotSeen, slot=SLOT, incarnation=2, status=seen)
        case _:
            watch.apply(SlotMissing, slot=SLOT, incarnation=2)
            watch.apply(SlotMissing, slot=SLOT, incarnation=2)
    if place is Place.CREATING:
        watch.apply(Ticked)
        watch.apply(SeatOpened, slot=SLOT, incarnation=3, release=BAD)
    assert watch.place() is place
    effects = read(watch.after(CYCLE_MS), made(watch, Outcome.FAILED))
    (opened,) = of(effects, OpenSeat)
    assert (opened.release, opened.back) == (OLD, True)
    if place is Place.CREATING:
        watch.apply(SeatOpened, slot=SLOT, incarnation=4, release=OLD)
        watch.apply(CreateFailed, slot=SLOT, reason="late", incarnation=3)
        assert watch.place() is Place.CREATING, "that was the creation of the bad one"


def test_a_rollout_under_way_changes_nothing_about_two_bad_points() -> None:
    watch = live()
    watch.apply(RolloutSeen, rollout="r0001", beat_wire_ms=watch.now_ms)
    decided(watch, Outcome.FAILED)
    assert len(of(decided(watch, Outcome.FAILED), OpenSeat)) == 1


def test_a_way_back_that_could_not_be_created_is_tried_again_with_the_proven_release() -> None:
    watch = live()
    decided(watch, Outcome.FAILED)
    decided(watch, Outcome.FAILED)
    watch.apply(SeatOpened, slot=SLOT, incarnation=3, release=OLD)
    watch.apply(CreateFailed, slot=SLOT, reason="no worker", incarnation=3)
    watch.apply(FencesRead, owners={SLOT: ROLLED[-1]}, history={SLOT: ROLLED})
    again = of(watch.after(STARTING_MS).apply(Ticked), OpenSeat)
    assert [opened.release for opened in again] == [OLD]


def test_a_seat_that_is_refused_is_asked_for_again_under_the_fence_of_now() -> None:
    watch = live()
    decided(watch, Outcome.FAILED)
    decided(watch, Outcome.FAILED)
    watch.apply(SeatRefused, slot=SLOT, reason="the fence is 3, not 2")
    restarted = (*ROLLED, record(BAD, 3, None))
    assert (
        of(
            watch.apply(FencesRead, owners={SLOT: restarted[-1]}, history={SLOT: restarted}),
            OpenSeat,
        )
        == []
    ), "not at once"
    (opened,) = of(watch.after(RETRY_MS).apply(Ticked), OpenSeat)
    assert (opened.release, opened.expected_fence) == (OLD, 3)


def test_a_release_that_the_archive_lacks_gives_way_to_the_one_before_it() -> None:
    history = (record(OLDER, 1, None), record(OLD, 2, "r0001"), record(BAD, 3, "r0002"))
    watch = watched(history)
    decided(watch, Outcome.FAILED)
    assert [o.release for o in of(decided(watch, Outcome.FAILED), OpenSeat)] == [OLD]
    watch.apply(SeatRefused, slot=SLOT, reason="not in the archive", not_archived=OLD)
    watch.apply(FencesRead, owners={SLOT: history[-1]}, history={SLOT: history})
    again = of(watch.after(RETRY_MS).apply(Ticked), OpenSeat)
    assert [opened.release for opened in again] == [OLDER]


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        ("answers", "its process answers and journals nothing"),
        ("blocked", "decide does not return"),
        ("cannot write", "its rows cannot be written (EFBIG)"),
        ("silent", "it does not answer (no answer in 3.0 s)"),
        ("died", "its process died"),
        ("restarted", "its process died once"),
        ("restarted twice", "its process died 2 times"),
    ],
)
def test_the_alarm_says_why_no_decision_was_journaled(seen: str, cause: str) -> None:
    watch = live()
    wait(watch, CYCLE_MS)
    lives = {"restarted": 1, "restarted twice": 2}.get(seen, 0)
    history = ROLLED
    for number in range(lives):
        claim = msgspec.structs.replace(
            record(BAD, 3 + number, None), life=f"life-{number}", granted_wire_ms=watch.now_ms
        )
        history = (*history, claim)
        watch.apply(FencesRead, owners={SLOT: claim}, history={SLOT: history})
    if seen in ("silent", "died"):
        reason = "no answer in 3.0 s" if seen == "silent" else "its process died"
        watch.apply(SlotSilent, slot=SLOT, incarnation=2, reason=reason)
    status = decision(watch, "points", 2, BAD)
    changes = {"blocked": {"blocked_ms": 900}, "cannot write": {"journal_failure": "EFBIG"}}
    status = msgspec.structs.replace(status, **changes.get(seen, {}))
    if seen in ("answers", *changes):
        watch.apply(SlotSeen, slot=SLOT, incarnation=2, status=status)
    (alarm,) = [a for a in of(wait(watch, CYCLE_MS), RaiseAlarm) if a.kind == "release_turned_bad"]
    assert alarm.evidence["reason"] == f"no decision by half its deadline: {cause}"


def test_a_process_that_grows_without_end_is_taken_back_before_the_machine_is_full() -> None:
    watch = live()
    now = {"made": (), "read_to_ms": watch.now_ms}
    assert watch.apply(DecisionsRead, **now, memory_mb={SLOT: MEMORY_MB_MAX}) == []
    effects = watch.apply(DecisionsRead, **now, memory_mb={SLOT: MEMORY_MB_MAX + 1})
    (alarm,) = of(effects, RaiseAlarm)
    assert alarm.evidence["reason"] == "its process holds 1537 MB, at most 1536"
    assert [opened.release for opened in of(effects, OpenSeat)] == [OLD]


# ---- where to ---------------------------------------------------------------------------------


def test_a_predecessor_that_never_proved_itself_here_is_no_way_back() -> None:
    history = (record(OLDER, 1, None), record(OLD, 2, "r0001"), record(BAD, 3, "r0002"))
    watch = watched(history, OLDER)
    decided(watch, Outcome.FAILED)
    (opened,) = of(decided(watch, Outcome.FAILED), OpenSeat)
    assert opened.release == OLDER


def test_without_a_proven_release_an_alarm_says_so_and_no_new_risk_is_taken() -> None:
    watch = watched(ROLLED, "dd" * 32)
    gone = msgspec.structs.replace(watch.state.standing, taken_back=("dd" * 32,))
    watch.state = msgspec.structs.replace(watch.state, standing=gone)
    decided(watch, Outcome.FAILED)
    effects = decided(watch, Outcome.FAILED)
    assert of(effects, OpenSeat) == []
    assert alarms(effects) == ["no_way_back"]
    assert reaction_of("no_way_back") is Reaction.REDUCE
    assert alarms(decided(watch, Outcome.FAILED)) == [], "said once"
    decided(watch, Outcome.GOOD)
    assert alarms(decided(watch, Outcome.FAILED)) == ["no_way_back"], "said again when it is back"


def test_the_first_release_of_a_slot_stays_and_an_alarm_names_what_fails() -> None:
    watch = watched((record(BAD, 2, None),))
    decided(watch, Outcome.FAILED)
    effects = decided(watch, Outcome.FAILED)
    assert (alarms(effects), of(effects, OpenSeat)) == (["release_fails"], [])
    assert reaction_of("release_fails") is Reaction.NOTIFY


def test_a_restarted_supervisor_still_knows_what_was_taken_back() -> None:
    watch = live()
    decided(watch, Outcome.FAILED)
    (kept,) = of(decided(watch, Outcome.FAILED), KeepStanding)
    again = Watch()
    again.state = msgspec.structs.replace(again.state, standing=kept.standing)
    again.apply(StartAsked, slots=(SLOT,))
    history = (record(BAD, 1, None), record(OLD, 2, "r0002"))
    again.apply(FencesRead, owners={SLOT: history[-1]}, history={SLOT: history})
    decided(again, Outcome.FAILED, OLD)
    effects = decided(again, Outcome.FAILED, OLD)
    assert of(effects, OpenSeat) == [], "the one before it was itself taken back"
    assert alarms(effects) == ["no_way_back"]
