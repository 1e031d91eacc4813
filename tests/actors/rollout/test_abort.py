"""What `abort` does with what a dead driver left, without a cluster."""

# ruff: noqa: ARG002 a fake takes what the port takes

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.messages import (
    Attestation,
    FenceAnswer,
    FenceRecord,
    FenceRefused,
    FenceRequest,
    Granted,
    OpenAnswer,
    Opened,
    OpenIncarnation,
    OpenRefused,
    encode,
)
from actors.rollout import abort as abort_module
from actors.rollout import handoff_messages as said
from actors.rollout.abort import abort
from actors.rollout.errors import RolloutError
from actors.rollout.handoff_messages import HandoffAsk
from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.ports import CallFailedError
from actors.rollout.record import (
    ACTIVE,
    Active,
    RolloutRecord,
    encode_state,
    read_active,
    read_report,
    take_turn,
)
from actors.rollout.rollout_state import Options, Phase, Rollout
from actors.rollout.schedule import Schedule
from actors.runtime import wire_ms
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from signals.market_time import MarketClock
from tests.actors.rollout.plans import plan

SLOT = "btc-5m"
SPEED = 3_600.0
ATTESTED = Attestation(
    release="old",
    commit="c",
    message_version=1,
    schema_version=1,
    fingerprint="f",
    root="/r",
    pid=1,
    process_start=1,
)


def record(incarnation: int, fence: int, handoff: str | None) -> FenceRecord:
    return FenceRecord(
        slot=SLOT,
        fence=fence,
        incarnation=incarnation,
        life=f"life-{incarnation}",
        release="old" if incarnation == 1 else "new",
        commit="c",
        params="p",
        journal_sequence=9,
        outbox_sequence=3,
        handoff=handoff,
    )


OLD_OWNS, NEW_OWNS = record(1, 4, None), record(2, 5, "r0001-btc-5m")


def decision(fence: int, reason: str = "points", snapshot: str | None = "digest") -> JournalRow:
    return JournalRow(
        slot=SLOT,
        sequence=10,
        fence=fence,
        kind=RowKind.DECISION,
        incarnation=2,
        life="l",
        release="new",
        commit="c",
        params="p",
        market_ms=1,
        wire_ms=1,
        reason=reason,
        snapshot=snapshot,
    )


class Fleet:
    """`AbortCalls` over a table of one slot."""

    def __init__(self, owner: FenceRecord, living: list[int], rows: list[JournalRow]) -> None:
        self.table = owner
        self.alive = living
        self.rows = rows
        self.dismissed: list[int] = []
        self.alarms: list[str] = []
        self.old_adopts = True
        self.silent = 0
        self.sick: str | None = None
        self.vacancies: list[int] = []
        self.fills = True
        self.asked: list[FenceRequest] = []
        self.claims_meanwhile: list[FenceRecord] = []

    def living(self, slot: str) -> list[int]:
        return [number for number in self.alive if number not in self.dismissed]

    async def owner(self, slot: str) -> FenceRecord:
        if self.silent:
            self.silent -= 1
            raise CallFailedError("gateway: nobody there")
        return self.table

    async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
        return [row for row in self.rows if row.sequence > after_sequence]

    async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
        self.dismissed.append(incarnation)

    async def fence(self, request: FenceRequest) -> FenceAnswer:
        self.asked.append(request)
        if self.claims_meanwhile:
            self.table = self.claims_meanwhile.pop(0)
        if request.expected_fence != self.table.fence:
            return FenceRefused(reason="the fence moved", owner=self.table)
        self.table = record(request.incarnation, self.table.fence + 1, request.handoff)
        return Granted(record=self.table)

    async def ask_slot(
        self, slot: str, incarnation: int, ask: HandoffAsk, timeout_ms: int
    ) -> bytes:
        assert isinstance(ask, said.Adopt)
        if not self.old_adopts:
            return encode(said.HandoffFailed(handoff=ask.handoff, reason="no journal"))
        fence = ask.record.fence
        adopted = said.Adopted(handoff=ask.handoff, fence=fence, logical_hash="", verified="")
        return encode(adopted)

    async def raise_alarm(self, kind: str, subject: str, reason: str) -> None:
        self.alarms.append(f"{kind} {subject}: {reason}")

    async def unused(self, *_: Any) -> Any:
        raise AssertionError("an abort creates nothing")

    create_slot = hash_root = unused

    async def sickness(self, owner: FenceRecord) -> str | None:
        return self.sick

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer:
        assert request.vacant
        assert request.release == "old"
        if not self.fills:
            return OpenRefused(reason="no such release", fence=request.expected_fence)
        self.vacancies.append(request.expected_fence)
        return Opened(incarnation=3)

    async def fill_slot(self, owner: FenceRecord, incarnation: int, release: str) -> None:
        self.dismissed.append(owner.incarnation)
        self.alive.append(incarnation)
        filled = record(incarnation, owner.fence + 1, None)
        self.table = msgspec.structs.replace(filled, release=release)


def left_behind(tmp_path: Path, step: Step, *, back: bool = False) -> LocalStorage:
    """Store a rollout that stood at a step when its driver died."""
    storage = LocalStorage(tmp_path)
    take_turn(storage, Active(rollout="r0001", driver="999999999-1", begun_wire_ms=wire_ms()))
    handoff = Handoff(
        slot=SLOT,
        handoff="r0001-btc-5m",
        old_incarnation=1,
        old_fence=4,
        old_release="old",
        new_release="new",
        shadow=0,
        identical=False,
        recorded=False,
        confirmations=1,
        step=step,
        incarnation=2,
        base=said.BasePinned(
            handoff="r0001-btc-5m",
            digest="d",
            journal_sequence=8,
            fence=4,
            life="life-1",
            attestation=ATTESTED,
            params="p",
        ),
        quiesced=said.Quiesced(
            handoff="r0001-btc-5m",
            fence=4,
            journal_sequence=9,
            outbox_sequence=3,
            checkpoint="c",
            logical_hash="h",
            delta=b"",
        ),
        record=NEW_OWNS,
        back=back,
        vacated="no answer" if back else None,
    )
    rollout = Rollout(
        rollout="r0001",
        to_release="new",
        options=Options(),
        schedule=Schedule(offsets_ms=(20_000,), clock=MarketClock()),
        order=(SLOT,),
        handoffs={SLOT: handoff},
        phase=Phase.REST,
        started_wire_ms=wire_ms(),
    )
    storage.write("rollouts/r0001/plan.json", msgspec.json.encode(plan((SLOT,))))
    storage.write("rollouts/r0001/state.json", encode_state(rollout))
    return storage


def ended(tmp_path: Path, fleet: Fleet) -> dict[str, str]:
    return asyncio.run(abort(str(tmp_path), fleet, SPEED, lambda _: None)).slots


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abort_module, "WAIT_MS_MIN", 50)
    monkeypatch.setattr(abort_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(abort_module, "AGAIN_SECONDS", 0.01)


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
    monkeypatch.setattr(abort_module, "CLAIM_MS", 50)
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
                await asyncio.sleep(4 * abort_module.WAIT_MS_MIN / 1000)
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
