"""A look over real files: processes, journal, deployment; kept over restarts; never fatal."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from actors.messages import encode
from actors.rollout.record import Active
from actors.slot.status import SlotNotRunning
from actors.supervisor import detecting as module
from actors.supervisor import polling
from actors.supervisor.detecting import read_kept
from actors.supervisor.events import SlotCreated, SlotMissing, SlotSeen
from actors.supervisor.fleet_port import Missing, Silent
from actors.supervisor.plans import read_planned
from actors.supervisor.polling import find_strangers
from actors.supervisor.sightings import LINGER_MS, Planned, Stranger, allowed
from checkpoints.archive import archive_release
from checkpoints.journal import Journal
from checkpoints.storage import LocalStorage
from signals.params import Params, params_id
from tests.actors.rollout.plans import plan as plan_of
from tests.actors.slot.builders import CYCLE_MS, DUE_MS
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, status
from tests.actors.supervisor.watchers import RELEASE, STRANGE, detecting, fleet, poll
from tests.checkpoints.builders import row

LATE_MS = 2_500


def test_a_fleet_that_runs_what_was_granted_raises_nothing(tmp_path: Path) -> None:
    one = detecting(tmp_path)
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    assert one.poll(fleet().state, (), DUE_MS) == ()


def test_a_process_of_other_code_is_named_at_the_first_look(tmp_path: Path) -> None:
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    watch = fleet()
    strange = status(DUE_MS, release=STRANGE, state="claiming", life="8-8")
    watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=strange)
    assert poll(detecting(tmp_path), watch) == [f"wrong_code/{SLOT}/1"]


def test_a_process_that_cannot_attest_is_named_by_its_own_words(tmp_path: Path) -> None:
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    watch = fleet()
    said = SlotNotRunning(slot=SLOT, reason="1 problems under /x: signals.blend was changed")
    watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=said)
    assert poll(detecting(tmp_path), watch) == [f"wrong_code/{SLOT}/1"]


def test_a_stray_actor_of_another_package_is_named(tmp_path: Path) -> None:
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    stray = status(DUE_MS, release=STRANGE, life="8-8")
    stranger = Stranger(slot=SLOT, incarnation=9, status=stray)
    assert poll(detecting(tmp_path), fleet(), stranger) == [f"wrong_code/{SLOT}/9"]


def decide(root: Path, sequence: int, due_ms: int, params: str) -> None:
    made = row(
        sequence,
        fence=3,
        release=RELEASE,
        due_ms=due_ms,
        market_ms=due_ms,
        params=params,
        probability_up=0.5,
        complete=True,
    )
    Journal(LocalStorage(root), SLOT).append([made])


def test_what_is_deployed_and_never_decides_is_found_and_ends_with_a_decision(
    tmp_path: Path,
) -> None:
    one = detecting(tmp_path)
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    late = fleet(DUE_MS + 2 * CYCLE_MS + LATE_MS)
    assert poll(one, fleet(DUE_MS + CYCLE_MS + LATE_MS)) == []
    assert poll(one, late) == [f"release_never_decided/{SLOT}"]
    decide(tmp_path, 1, DUE_MS + 2 * CYCLE_MS, "p")
    (ended,) = one.poll(late.state, (), late.now_ms)
    assert (ended.kind, ended.holds) == ("release_never_decided", False)
    assert one.poll(late.state, (), late.now_ms) == (), "what ended is told once"


def test_decisions_with_other_parameters_than_the_release_and_configuration_give_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).resolve().parents[3]
    release = archive_release(LocalStorage(tmp_path), root, "c").release
    expected = detecting(tmp_path, release)._params.of(SLOT, release, module.ParamsSet())
    assert expected == params_id(Params()), "the shipped file holds the defaults"
    one = detecting(tmp_path)
    monkeypatch.setattr(one._params, "of", lambda *_: expected)
    for number in range(2):
        decide(tmp_path, number + 1, DUE_MS + number * CYCLE_MS, "other")
    assert f"params_never_read/{SLOT}" in poll(one, fleet(DUE_MS + 2 * CYCLE_MS + LATE_MS))


def test_a_supervisor_that_restarts_goes_on_where_it_was(tmp_path: Path) -> None:
    one = detecting(tmp_path)
    decide(tmp_path, 1, DUE_MS, "p")
    poll(one, fleet())
    one.keep()
    kept = read_kept(LocalStorage(tmp_path))
    assert kept.positions == {SLOT: {"3": 1}}
    again = detecting(tmp_path)
    decide(tmp_path, 2, DUE_MS + CYCLE_MS, "p")
    poll(again, fleet())
    assert [seen.sequence for seen in again.watch.recent[SLOT]] == [1, 2]
    LocalStorage(tmp_path).write(module.KEPT_FILE, b"of another version")
    assert read_kept(LocalStorage(tmp_path)).positions == {}


def test_a_detectors_own_fault_is_an_alarm_and_the_others_look_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = detecting(tmp_path)
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")

    def torn() -> None:
        raise OSError("no disk")

    monkeypatch.setattr(one._tail, "read", torn)
    late = fleet(DUE_MS + 2 * CYCLE_MS + LATE_MS)
    assert poll(one, late) == ["detectors_failed/journal"], "what was not read is not judged"


class Names:
    def __init__(self, *names: str) -> None:
        self._names = list(names)
        self.asked: list[str] = []

    async def names(self) -> list[str]:
        return self._names

    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
        del method
        self.asked.append(actor)
        return Silent(reason="starts") if actor == "eth-5m/4" else encode(status(DUE_MS))


def test_only_actors_that_are_named_like_a_slots_and_not_watched_are_asked() -> None:
    names = Names("btc-5m/1", "btc-5m/9", "eth-5m/4", "gateway/1", "btc-5m/x", "supervisor/1")
    found = asyncio.run(find_strangers(names, fleet().state))
    assert names.asked == ["btc-5m/9", "eth-5m/4"]
    assert [(one.slot, one.incarnation) for one in found] == [("btc-5m", 9)]


def test_a_partial_roll_may_leave_two_releases(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert not read_planned(storage, frozenset({SLOT})).partial
    plan = replace(plan_of(("eth-5m",)), to_release="b", from_releases={"a": (SLOT,)})
    storage.write("rollouts/r0001/plan.json", msgspec.json.encode(plan))
    planned = read_planned(storage, frozenset({SLOT, "eth-5m"}))
    assert (planned.rollout, planned.partial) == (None, True)
    storage.write(
        "rollouts/active.json", msgspec.json.encode(Active(rollout="r0001", driver="1-1"))
    )
    assert read_planned(storage, frozenset({SLOT})).rollout == "r0001"


def test_a_change_of_parameters_names_no_release() -> None:
    watch = fleet()
    turn = Planned(rollout="p1")
    expected, lately = allowed(watch.state, turn, {"cc" * 32: DUE_MS}, frozenset(), DUE_MS)
    assert expected.releases == {RELEASE, "cc" * 32} == set(lately)
    later_ms = DUE_MS + LINGER_MS + 1
    expected, _ = allowed(watch.state, Planned(), lately, frozenset(), later_ms)
    assert expected.releases == {RELEASE}, "the last owner of the other left long ago"


def test_a_slot_that_is_being_created_is_allowed_what_it_was_issued_for(tmp_path: Path) -> None:
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    watch = fleet()
    for _ in range(2):
        watch.apply(SlotMissing, slot=SLOT, incarnation=1)
    watch.apply(SlotCreated, slot=SLOT, incarnation=2)
    assert poll(detecting(tmp_path), watch) == []


class Slow(Names):
    """Its actor does not answer before it is let."""

    def __init__(self) -> None:
        super().__init__("btc-5m/9")
        self.answers = asyncio.Event()

    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
        await self.answers.wait()
        return await super().ask(actor, method)


class Board:
    """A loop that only keeps what is posted."""

    def __init__(self, watch: Watch) -> None:
        self.state = watch.state
        self.posted: list[Any] = []

    def post(self, event: Any) -> None:
        self.posted.append(event(DUE_MS, DUE_MS))


def test_a_stranger_that_does_not_answer_holds_up_no_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "POLL_SECONDS", 0.0)
    LocalStorage(tmp_path).write(f"releases/{RELEASE}.zip", b"")
    one, board, names = detecting(tmp_path), Board(fleet()), Slow()

    async def play() -> None:
        looking = asyncio.create_task(polling.poll_forever(one, board, names, lambda: DUE_MS))  # type: ignore[arg-type]
        async with asyncio.timeout(90):
            while one._looks < 3:  # noqa: ASYNC110 a thread counts
                await asyncio.sleep(0.001)
            assert board.posted == []
            names.answers.set()
            while not board.posted:  # noqa: ASYNC110 a thread finds it
                await asyncio.sleep(0.001)
        looking.cancel()
        await asyncio.wait([looking])

    asyncio.run(play())
    (finding,) = [one for one in board.posted[0].findings if one.holds]
    assert finding.key == "wrong_code/btc-5m/9"
