"""What `abort` does with what a dead driver left, without a cluster."""

import asyncio
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from actors.rollout import abandoned_slots
from actors.rollout.errors import RolloutError
from actors.rollout.handoff_state import Step
from actors.rollout.record import (
    ACTIVE,
    Active,
    RolloutRecord,
    read_active,
    read_report,
    take_turn,
)
from checkpoints.journal_rows import JournalRow
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from tests.actors.rollout.aborts import (
    NEW_OWNS,
    OLD_OWNS,
    SLOT,
    Fleet,
    decision,
    ended,
    left_behind,
    record,
)
from tests.actors.rollout.plans import plan


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned_slots, "WAIT_MS_MIN", 50)
    monkeypatch.setattr(abandoned_slots, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(abandoned_slots, "AGAIN_SECONDS", 0.01)


def test_standby_of_a_dead_driver_leaves_and_the_owner_stays(tmp_path: Path) -> None:
    storage = left_behind(tmp_path, Step.SHADOWING)
    fleet = Fleet(OLD_OWNS, [1, 2], [])
    assert ended(tmp_path, fleet) == {SLOT: "keeps its owner"}
    assert fleet.living(SLOT) == [1]
    assert read_active(storage) is None
    report = read_report(storage, "r0001")
    assert report is not None
    assert report.outcome == "stopped"


def test_successor_that_decides_stays_and_the_old_one_leaves(tmp_path: Path) -> None:
    left_behind(tmp_path, Step.FENCING)
    fleet = Fleet(NEW_OWNS, [1, 2], [decision(5)])
    assert "stays" in ended(tmp_path, fleet)[SLOT]
    assert fleet.living(SLOT) == [2]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [decision(5, "strategy_error: raised")],
        [decision(4)],
        [decision(5, "stale: no snapshot: no answer", snapshot=None)],
    ],
)
def test_successor_that_does_not_decide_gives_the_slot_back(
    tmp_path: Path, rows: list[JournalRow]
) -> None:
    left_behind(tmp_path, Step.CONFIRMING)
    fleet = Fleet(NEW_OWNS, [1, 2], rows)
    assert ended(tmp_path, fleet)[SLOT].startswith("taken back")
    assert (fleet.table.incarnation, fleet.table.fence) == (1, 6)
    assert fleet.living(SLOT) == [1]


def test_a_successor_that_cannot_decide_is_not_waited_for(tmp_path: Path) -> None:
    left_behind(tmp_path, Step.CONFIRMING)
    fleet = Fleet(NEW_OWNS, [1, 2], [])
    fleet.sick = "no answer in 2 s"
    assert ended(tmp_path, fleet)[SLOT] == "taken back: no answer in 2 s"


def test_what_a_successor_decided_before_it_was_lost_counts(tmp_path: Path) -> None:
    """Its decision is durable and its orders are out: a take-back would make that row void."""
    left_behind(tmp_path, Step.CONFIRMING)
    fleet = Fleet(NEW_OWNS, [1, 2], [decision(5)])
    fleet.sick = "no actor btc-5m/2"
    assert "stays" in ended(tmp_path, fleet)[SLOT]
    assert fleet.table == NEW_OWNS
    assert fleet.living(SLOT) == [2]


def test_where_the_old_one_cannot_act_its_release_comes_by_vacancy(tmp_path: Path) -> None:
    left_behind(tmp_path, Step.CONFIRMING)
    fleet = Fleet(NEW_OWNS, [1, 2], [])
    fleet.old_adopts = False
    assert ended(tmp_path, fleet)[SLOT].startswith("taken back by vacancy")
    assert fleet.vacancies == [6], "the old one had been fenced in again"
    assert (fleet.table.incarnation, fleet.table.release) == (3, "old")
    assert fleet.living(SLOT) == [3]


@pytest.mark.parametrize("claims", [True, False])
def test_what_a_way_back_has_begun_is_let_finish_and_never_undone(
    tmp_path: Path,
    claims: bool,  # noqa: FBT001 a case
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(abandoned_slots, "CLAIM_MS", 50)
    left_behind(tmp_path, Step.FILLING, back=True)
    fleet = Fleet(OLD_OWNS, [1, 2], [])
    if claims:
        fleet.table = NEW_OWNS
    said = "is on the release gone back to" if claims else "keeps its owner: roll back again"
    assert ended(tmp_path, fleet) == {SLOT: said}
    assert fleet.living(SLOT) == [fleet.table.incarnation]
    assert fleet.asked == []


def test_a_decision_that_came_durable_during_a_slow_look_is_found_by_one_more(
    tmp_path: Path,
) -> None:
    class SlowDisk(Fleet):
        async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
            found = await super().decisions(slot, after_sequence)
            if not self.rows:
                await asyncio.sleep(4 * abandoned_slots.WAIT_MS_MIN / 1000)
                self.rows.append(decision(5))
            return found

    left_behind(tmp_path, Step.CONFIRMING)
    fleet = SlowDisk(NEW_OWNS, [1, 2], [])
    assert "stays" in ended(tmp_path, fleet)[SLOT]
    assert fleet.living(SLOT) == [2]


def test_successor_that_dies_and_claims_anew_is_still_under_trial(tmp_path: Path) -> None:
    """Seed 40 of the simulation: its own claim looked like an owner that nobody had switched to."""
    left_behind(tmp_path, Step.FENCING)
    again = msgspec.structs.replace(record(2, 9, None), journal_sequence=17)
    fleet = Fleet(again, [1, 2], [])
    assert ended(tmp_path, fleet)[SLOT].startswith("taken back")
    assert (fleet.table.incarnation, fleet.table.fence) == (1, 10)
    assert fleet.asked[-1].journal_sequence == 9, "rows of the successor are void"
    assert fleet.living(SLOT) == [1]


def test_successor_that_claims_anew_between_the_look_and_the_fence_is_followed(
    tmp_path: Path,
) -> None:
    left_behind(tmp_path, Step.CONFIRMING)
    fleet = Fleet(NEW_OWNS, [1, 2], [])
    fleet.claims_meanwhile = [record(2, 6, None), record(2, 7, None)]
    assert ended(tmp_path, fleet)[SLOT].startswith("taken back")
    assert [request.expected_fence for request in fleet.asked] == [5, 6, 7]
    assert (fleet.table.incarnation, fleet.table.fence) == (1, 8)


def test_gateway_that_restarts_meanwhile_is_asked_again(tmp_path: Path) -> None:
    left_behind(tmp_path, Step.SHADOWING)
    fleet = Fleet(OLD_OWNS, [1, 2], [])
    fleet.silent = 3
    assert ended(tmp_path, fleet) == {SLOT: "keeps its owner"}
    assert fleet.living(SLOT) == [1]
    assert not fleet.alarms


def test_slot_that_cannot_be_taken_back_is_an_alarm_and_nobody_is_dismissed(
    tmp_path: Path,
) -> None:
    left_behind(tmp_path, Step.CONFIRMING)
    fleet = Fleet(NEW_OWNS, [1, 2], [])
    fleet.old_adopts = fleet.fills = False
    assert ended(tmp_path, fleet)[SLOT].startswith("stuck")
    assert fleet.living(SLOT) == [1, 2]
    assert fleet.alarms[0].startswith(f"handoff_stuck {SLOT}")


def test_for_the_supervisor_a_slot_that_is_stuck_keeps_the_turn_until_a_person_must_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 345 of the simulation: the gateway was away for longer than the tries of one abort."""
    storage = left_behind(tmp_path, Step.SHADOWING)
    fleet = Fleet(OLD_OWNS, [1, 2], [])
    fleet.silent = abandoned_slots.PATIENT_TRIES_MAX
    with pytest.raises(RolloutError, match=f"{SLOT} is stuck; tried again later"):
        ended(tmp_path, fleet, comes_again=True)
    assert read_active(storage) is not None
    assert ended(tmp_path, fleet, comes_again=True) == {SLOT: "keeps its owner"}
    assert fleet.living(SLOT) == [1], "its standby has left"
    assert read_active(storage) is None

    storage = left_behind(tmp_path, Step.SHADOWING)
    fleet.silent = 9 * abandoned_slots.PATIENT_TRIES_MAX
    monkeypatch.setattr("actors.rollout.abort.STUCK_MS_MAX", 0)
    assert ended(tmp_path, fleet, comes_again=True)[SLOT].startswith("stuck")
    assert read_active(storage) is None


def test_driver_that_hangs_is_ended_before_anything_else(tmp_path: Path) -> None:
    left_behind(tmp_path, Step.SHADOWING)
    storage = LocalStorage(tmp_path)
    hanging = subprocess.Popen(["sleep", "60"])
    driver = ProcessId.of(hanging.pid).life
    storage.delete(ACTIVE)
    take_turn(storage, Active(rollout="r0001", driver=driver, begun_wire_ms=0.0))
    try:
        # a zombie keeps its process id until its parent, this test, has looked
        reaper = asyncio.new_event_loop()
        waiting = reaper.run_in_executor(None, hanging.wait)
        assert ended(tmp_path, Fleet(OLD_OWNS, [1], [])) == {SLOT: "keeps its owner"}
        reaper.run_until_complete(waiting)
        reaper.close()
        assert hanging.returncode == -9
    finally:
        hanging.kill()
        hanging.wait()


def test_abort_without_a_rollout_says_so(tmp_path: Path) -> None:
    with pytest.raises(RolloutError, match="no roll is under way"):
        ended(tmp_path, Fleet(OLD_OWNS, [1], []))


def test_second_rollout_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    first = RolloutRecord(storage, "r0001")
    first.begin(plan((SLOT,)))
    with pytest.raises(RolloutError, match="r0001 is under way"):
        RolloutRecord(storage, "r0002").begin(plan((SLOT,)))


def test_rollout_that_was_put_away_gives_no_more_signs(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    mine = RolloutRecord(storage, "r0001")
    mine.begin(plan((SLOT,)))
    assert mine.beat()
    storage.delete(ACTIVE)
    assert not mine.beat()
    take_turn(storage, Active(rollout="r0002", driver=f"{os.getpid()}-1"))
    assert not mine.beat()
