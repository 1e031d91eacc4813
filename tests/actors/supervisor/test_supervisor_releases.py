"""The supervisor and rollouts: a release that turns bad goes back, a lost rollout is put away."""

from typing import Any

import msgspec

from actors.messages import FenceRecord
from actors.slot.state import LastDecision
from actors.slot.status import SlotStatus
from actors.supervisor.conduct import POINTS_LOOKED, Made, Outcome
from actors.supervisor.events import (
    AskSlot,
    DecisionsRead,
    EndRollout,
    FencesRead,
    OpenSeat,
    PollRollout,
    RolloutSeen,
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
)
from tests.actors.slot.builders import CYCLE_MS, OPEN_MS
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, alarms, of, owner, status

TICKS_MS = 4_000
OLD, BAD = "aa" * 32, "bb" * 32


def record(release: str, fence: int, handoff: str | None) -> FenceRecord:
    owns = owner(incarnation=fence, fence=fence)
    at_ms = OPEN_MS - CYCLE_MS // 2
    changes = {"release": release, "handoff": handoff, "granted_wire_ms": at_ms}
    return msgspec.structs.replace(owns, **changes)


ROLLED = (record(OLD, 1, None), record(BAD, 2, "r0001-btc-5m"))


def made(
    watch: Watch,
    outcome: Outcome,
    release: str = BAD,
    due_ms: int | None = None,
    reason: str = "points",
    slot: str = SLOT,
) -> Made:
    """Return a decision that the journal holds, of the point that was due last."""
    at_ms = (watch.now_ms - 20_000) // CYCLE_MS * CYCLE_MS + 20_000 if due_ms is None else due_ms
    return Made(slot=slot, due_ms=at_ms, release=release, fence=2, outcome=outcome, reason=reason)


def read(watch: Watch, *decisions: Made, writable: bool = True) -> list[Any]:
    """Let the journal be read to its end now; it holds these decisions more."""
    return watch.apply(DecisionsRead, made=decisions, read_to_ms=watch.now_ms, writable=writable)


def decided(watch: Watch, outcome: Outcome, release: str = BAD, reason: str = "r") -> list[Any]:
    """Let one decision point pass and the journal say what was decided there."""
    for _ in range(CYCLE_MS // TICKS_MS):
        watch.after(TICKS_MS).apply(Ticked)
    return read(watch, made(watch, outcome, release, reason=reason))


def decision(watch: Watch, reason: str, incarnation: int, release: str) -> SlotStatus:
    """Return the status of a slot that decides now."""
    last = LastDecision(
        due_ms=watch.now_ms,
        journaled_ms=watch.now_ms,
        action="no_trade",
        reason=reason,
        snapshot="s",
        release=release,
    )
    return status(watch.now_ms, last_decision=last, release=release, incarnation=incarnation)


def watched(history: tuple[FenceRecord, ...] = ROLLED, *proven: str) -> Watch:
    """A slot that runs the last release of its history; those before it are proven in it."""
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={SLOT: history[-1]}, history={SLOT: history})
    before = proven or tuple(one.release for one in history[:-1])
    for release in before:
        for ago in (3, 2):
            due_ms = OPEN_MS - ago * CYCLE_MS + 20_000
            read(watch, made(watch, Outcome.GOOD, release, due_ms))
    return watch


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
        effects += watch.apply(FencesRead, owners={SLOT: claim}, history={SLOT: history})
        if decides:
            seen = decision(watch, "points", incarnation=2, release=BAD)
            effects += watch.apply(SlotSeen, slot=SLOT, incarnation=2, status=seen)
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
    effects = watch.apply(FencesRead, owners={SLOT: history[-1]}, history={SLOT: history})
    assert alarms(effects) == []


def test_deaths_that_are_far_apart_are_no_deaths_in_a_row() -> None:
    assert dying(watched(), 3 * DEATHS_MAX, every_ms=DEATHS_WINDOW_MS // DEATHS_MAX + 1) == []


def lively(watch: Watch) -> Watch:
    """Let the slot be live once, so that it is held to what it does from then on."""
    seen = decision(watch, "points", incarnation=2, release=BAD)
    watch.apply(SlotSeen, slot=SLOT, incarnation=2, status=seen)
    watch.apply(Ticked)
    return watch


def test_a_process_that_decides_between_its_deaths_dies_too_often_all_the_same() -> None:
    few = dying(lively(watched()), DEATHS_MAX, decides=True)
    assert of(few, OpenSeat) == []
    effects = dying(lively(watched()), DEATHS_MAX + 1, decides=True)
    assert alarms(effects) == ["release_turned_bad"]
    assert [opened.release for opened in of(effects, OpenSeat)] == [OLD]


def test_deaths_of_a_time_before_this_watch_are_not_counted() -> None:
    assert of(dying(watched(), 3 * DEATHS_MAX, decides=True), OpenSeat) == []


def test_deaths_of_more_than_an_hour_ago_are_not_counted() -> None:
    every_ms = POINTS_LOOKED * CYCLE_MS // DEATHS_MAX + 1
    watch = lively(watched())
    effects = dying(watch, 3 * DEATHS_MAX, every_ms=every_ms, decides=True)
    assert "release_turned_bad" not in alarms(effects)


def test_what_no_rollout_brought_is_not_undone_when_it_dies_but_an_alarm_says_so() -> None:
    effects = dying(watched((record(BAD, 2, None),)), DEATHS_MAX + 1, rolled=False)
    assert alarms(effects) == ["slot_dies", "release_fails"]
    assert of(effects, OpenSeat) == []


def test_a_slot_that_dies_under_a_living_rollout_is_its_drivers() -> None:
    watch = watched()
    watch.apply(RolloutSeen, rollout="r0001", beat_wire_ms=watch.now_ms)
    effects = dying(watch, DEATHS_MAX + 1)
    assert alarms(effects) == ["slot_dies"]
    assert of(effects, OpenSeat) == []


def test_replaced_release_is_found_behind_later_claims_of_the_same_release() -> None:
    restarted = (*ROLLED, record(BAD, 3, None))
    assert replaced_release(restarted, restarted[-1]) == OLD
    undone = (*ROLLED, record(OLD, 3, None))
    assert replaced_release(undone, undone[-1]) is None
    assert replaced_release(ROLLED[:1], ROLLED[0]) is None


def test_rollout_without_a_sign_of_its_driver_is_put_away_once() -> None:
    watch = watched()
    assert of(watch.after(ROLLOUT_EVERY_MS).apply(Ticked), PollRollout)
    beat_ms = watch.now_ms
    assert watch.apply(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms) == []
    watch.after(ROLLOUT_LEASE_MS)
    assert watch.apply(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms) == []
    effects = watch.after(1).apply(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms)
    assert of(effects, EndRollout)[0].rollout == "r0001"
    assert alarms(effects) == ["rollout_without_driver"]
    assert watch.apply(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms) == []
    watch.after(ROLLOUT_PAUSE_MS)
    assert of(watch.apply(RolloutSeen, rollout="r0001", beat_wire_ms=beat_ms), EndRollout)


def test_slot_that_was_taken_back_is_watched_in_its_old_incarnation() -> None:
    watch = watched()
    assert watch.state.slots[SLOT].incarnation == 2
    back = msgspec.structs.replace(record(OLD, 3, "r0001-btc-5m-back"), incarnation=1)
    watch.apply(FencesRead, owners={SLOT: back}, history={SLOT: (*ROLLED, back)})
    asked = of(watch.after(60_000).apply(Ticked), AskSlot)
    assert [effect.incarnation for effect in asked] == [1]


def test_no_rollout_is_no_news() -> None:
    watch = watched()
    assert watch.after(ROLLOUT_LEASE_MS).apply(RolloutSeen, rollout=None) == []
