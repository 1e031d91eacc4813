"""The supervisor and rollouts: a release that turns bad goes back, a lost rollout is put away."""

from typing import Any

import msgspec

from actors.messages import FenceRecord
from actors.slot.state import LastDecision
from actors.slot.status import SlotStatus
from actors.supervisor.events import (
    AskSlot,
    CreateFailed,
    CreateSlot,
    EndRollout,
    FencesRead,
    LookAtRollout,
    OpenSeat,
    RolloutSeen,
    SeatOpened,
    SlotCreated,
    SlotSeen,
    StartAsked,
    Ticked,
)
from actors.supervisor.releases import replaced_release
from actors.supervisor.state import (
    DEATHS_MAX,
    DEATHS_WINDOW_MS,
    ROLLOUT_EVERY_MS,
    ROLLOUT_LEASE_MS,
    ROLLOUT_PAUSE_MS,
    STRATEGY_ERRORS_MAX,
    Place,
)
from tests.actors.slot.builders import CYCLE_MS
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, alarms, of, owner, status

OLD, BAD = "aa" * 32, "bb" * 32


def record(release: str, fence: int, handoff: str | None) -> FenceRecord:
    made = owner(incarnation=fence, fence=fence)
    return msgspec.structs.replace(made, release=release, handoff=handoff)


ROLLED = (record(OLD, 1, None), record(BAD, 2, "r0001-btc-5m"))


def decided(
    watch: Watch,
    reason: str,
    incarnation: int = 2,
    release: str = BAD,
    snapshot: str | None = "s",
) -> list[Any]:
    """Let one decision point pass and the slot say what it decided there."""
    watch.after(CYCLE_MS)
    seen = decision(watch, reason, incarnation, release, snapshot)
    return watch.hear(SlotSeen, slot=SLOT, incarnation=incarnation, status=seen)


def decision(
    watch: Watch, reason: str, incarnation: int, release: str, snapshot: str | None = "s"
) -> SlotStatus:
    """Return the status of a slot that decides now."""
    last = LastDecision(
        due_ms=watch.now_ms,
        journaled_ms=watch.now_ms,
        action="no_trade",
        reason=reason,
        snapshot=snapshot,
        release=release,
    )
    return status(watch.now_ms, last_decision=last, release=release, incarnation=incarnation)


def watched(history: tuple[FenceRecord, ...] = ROLLED) -> Watch:
    watch = Watch()
    watch.hear(StartAsked, slots=(SLOT,))
    watch.hear(FencesRead, owners={SLOT: history[-1]}, history={SLOT: history})
    return watch


def test_release_that_turns_bad_goes_back_to_the_one_that_the_rollout_replaced() -> None:
    watch = watched()
    for _ in range(STRATEGY_ERRORS_MAX - 1):
        assert of(decided(watch, "strategy_error: raised"), OpenSeat) == []
    effects = decided(watch, "strategy_error: raised")
    assert alarms(effects) == ["release_turned_bad"]
    opened = of(effects, OpenSeat)[0]
    assert (opened.release, opened.expected_fence, opened.back) == (OLD, 2, True)
    effects = watch.hear(SeatOpened, slot=SLOT, incarnation=3, release=OLD)
    assert of(effects, CreateSlot)[0].release == OLD
    watch.hear(SlotCreated, slot=SLOT, incarnation=3)
    back = (*ROLLED, record(OLD, 3, None))
    watch.hear(FencesRead, owners={SLOT: back[-1]}, history={SLOT: back})
    for _ in range(STRATEGY_ERRORS_MAX + 1):
        effects = decided(watch, "strategy_error: raised", incarnation=3, release=OLD)
        assert of(effects, OpenSeat) == [], "no release is undone by a vacancy's release"
    assert watch.place() is Place.LIVE


def test_a_decision_without_a_snapshot_neither_counts_nor_clears() -> None:
    watch = watched()
    for _ in range(STRATEGY_ERRORS_MAX - 1):
        decided(watch, "strategy_error: raised")
    without = decided(watch, "stale: no snapshot: no answer", snapshot=None)
    assert of(without, OpenSeat) == [], "the strategy was not asked"
    assert alarms(decided(watch, "strategy_error: raised")) == ["release_turned_bad"]


def dying(
    watch: Watch, lives: int, *, every_ms: int = 2_000, rolled: bool = True, decides: bool = False
) -> list[Any]:
    """Let the bad release's process die and claim anew so many times; return what it led to."""
    history = ROLLED if rolled else (record(BAD, 2, None),)
    effects: list[Any] = []
    for number in range(lives):
        watch.after(every_ms)
        claim = msgspec.structs.replace(
            record(BAD, 3 + number, None),
            incarnation=2,
            life=f"life-{number}",
            granted_wire_ms=watch.now_ms,
        )
        history = (*history, claim)
        effects += watch.hear(FencesRead, owners={SLOT: claim}, history={SLOT: history})
        if decides:
            seen = decision(watch, "points", incarnation=2, release=BAD)
            effects += watch.hear(SlotSeen, slot=SLOT, incarnation=2, status=seen)
    return effects


def test_a_release_whose_process_dies_again_and_again_goes_back_and_an_alarm_says_so() -> None:
    watch = watched()
    assert alarms(dying(watch, DEATHS_MAX)) == []
    watch = watched()
    effects = dying(watch, DEATHS_MAX + 1)
    assert alarms(effects) == ["slot_dies", "release_turned_bad"]
    assert [opened.release for opened in of(effects, OpenSeat)] == [OLD]


def test_incarnations_that_rollouts_bring_are_no_deaths() -> None:
    watch = watched()
    rolls = tuple(
        msgspec.structs.replace(
            record(BAD, 3 + number, f"r{number:04d}-btc-5m"),
            life=f"life-{number}",
            granted_wire_ms=watch.now_ms,
        )
        for number in range(2 * DEATHS_MAX)
    )
    history = (*ROLLED, *rolls)
    effects = watch.hear(FencesRead, owners={SLOT: history[-1]}, history={SLOT: history})
    assert alarms(effects) == []


def test_deaths_that_are_far_apart_change_nothing() -> None:
    assert dying(watched(), 3 * DEATHS_MAX, every_ms=DEATHS_WINDOW_MS // DEATHS_MAX + 1) == []


def test_a_process_that_decides_between_its_deaths_is_no_bad_release() -> None:
    effects = dying(watched(), 3 * DEATHS_MAX, decides=True)
    assert of(effects, OpenSeat) == []
    assert "slot_dies" not in alarms(effects)


def test_what_no_rollout_brought_is_not_undone_when_it_dies_but_an_alarm_says_so() -> None:
    effects = dying(watched((record(BAD, 2, None),)), DEATHS_MAX + 1, rolled=False)
    assert alarms(effects) == ["slot_dies"]
    assert of(effects, OpenSeat) == []


def test_a_slot_that_dies_under_a_living_rollout_is_its_drivers() -> None:
    watch = watched()
    watch.hear(RolloutSeen, rollout="r0001", beat_wire_ms=watch.now_ms)
    effects = dying(watch, DEATHS_MAX + 1)
    assert alarms(effects) == ["slot_dies"]
    assert of(effects, OpenSeat) == []


def test_one_error_between_good_decisions_changes_nothing() -> None:
    watch = watched()
    for reason in ("strategy_error: raised", "points", "strategy_error: raised", "points"):
        assert of(decided(watch, reason), OpenSeat) == []


def test_the_same_decision_seen_again_counts_once() -> None:
    watch = watched()
    decided(watch, "strategy_error: raised")
    seen = watch.state.slots[SLOT].status
    for _ in range(STRATEGY_ERRORS_MAX):
        effects = watch.hear(SlotSeen, slot=SLOT, incarnation=2, status=seen)
        assert of(effects, OpenSeat) == []


def test_way_back_that_could_not_be_created_is_tried_again_with_the_old_release() -> None:
    watch = watched()
    for _ in range(STRATEGY_ERRORS_MAX):
        decided(watch, "strategy_error: raised")
    watch.hear(SeatOpened, slot=SLOT, incarnation=3, release=OLD)
    watch.hear(CreateFailed, slot=SLOT, reason="no worker")
    watch.hear(FencesRead, owners={SLOT: ROLLED[-1]}, history={SLOT: ROLLED})
    again = of(watch.after(60_000).hear(Ticked), OpenSeat)
    assert [opened.release for opened in again] == [OLD]


def test_release_without_a_predecessor_stays() -> None:
    watch = watched((record(BAD, 2, None),))
    for _ in range(STRATEGY_ERRORS_MAX + 1):
        effects = decided(watch, "strategy_error: raised")
        assert of(effects, OpenSeat) == []


def test_replaced_release_is_found_behind_later_claims_of_the_same_release() -> None:
    restarted = (*ROLLED, record(BAD, 3, None))
    assert replaced_release(restarted, restarted[-1]) == OLD
    undone = (*ROLLED, record(OLD, 3, None))
    assert replaced_release(undone, undone[-1]) is None
    assert replaced_release(ROLLED[:1], ROLLED[0]) is None


def test_rollout_without_a_sign_of_its_driver_is_put_away_once() -> None:
    watch = watched()
    assert of(watch.after(ROLLOUT_EVERY_MS).hear(Ticked), LookAtRollout)
    beat_ms = watch.now_ms
    assert watch.hear(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms) == []
    watch.after(ROLLOUT_LEASE_MS)
    assert watch.hear(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms) == []
    effects = watch.after(1).hear(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms)
    assert of(effects, EndRollout)[0].rollout == "r0001"
    assert alarms(effects) == ["rollout_without_driver"]
    assert watch.hear(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms) == []
    watch.after(ROLLOUT_PAUSE_MS)
    assert of(watch.hear(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms), EndRollout)


def test_slot_that_was_taken_back_is_watched_in_its_old_incarnation() -> None:
    watch = watched()
    assert watch.state.slots[SLOT].incarnation == 2
    back = msgspec.structs.replace(record(OLD, 3, "r0001-btc-5m-back"), incarnation=1)
    watch.hear(FencesRead, owners={SLOT: back}, history={SLOT: (*ROLLED, back)})
    asked = of(watch.after(60_000).hear(Ticked), AskSlot)
    assert [effect.incarnation for effect in asked] == [1]


def test_no_rollout_is_no_news() -> None:
    watch = watched()
    assert watch.after(ROLLOUT_LEASE_MS).hear(RolloutSeen, rollout=None) == []
