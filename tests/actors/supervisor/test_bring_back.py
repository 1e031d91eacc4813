"""Bringing a shared actor's release back, and the guard of the supervisor: a fake fleet."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from actors.directory import MARKET_DATA_CURRENT as MARKET_DATA_FILE
from actors.directory import serving, write_name
from actors.gateway.holder import heir, name_heir
from actors.gateway.lock import CURRENT_FILE, Current
from actors.messages import encode
from actors.rollout.succession import WATCHED_MS, Succession, recall, remember, replaced
from actors.runtime import wire_ms
from actors.shared_kind import Kind
from actors.supervisor import shared as shared_module
from actors.supervisor.fleet_port import Missing, Silent
from actors.supervisor.guard import MISSING_MS, STARTING_MS, Guard
from actors.supervisor.shared import bring_back
from actors.supervisor.shared_watch import SILENT_MS, TURNED_BAD
from actors.supervisor.state import GATEWAY, MARKET_DATA
from actors.supervisor.status import SupervisorStatus
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage

BAD, GOOD = "bb" * 32, "aa" * 32
LOOK_MS = 2_000


class Phased(msgspec.Struct, frozen=True, kw_only=True):
    phase: str


class FakeFleet:
    """`FleetPort`: actors by name and the phase that each says; a hanging one says nothing."""

    def __init__(self) -> None:
        self.phases: dict[str, str | None] = {}
        self.created: list[tuple[str, str]] = []
        self.did: list[str] = []
        self.phase_of_new = "standing by"
        self.failure: str | None = None
        self.life = 1

    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
        if method == "take_over":
            self.did.append(f"take_over {actor}")
            return b"\0"
        if actor not in self.phases:
            return Missing()
        phase = self.phases[actor]
        if phase is None:
            return Silent(reason="no answer in 3 s")
        if actor.startswith(Kind.SUPERVISOR):
            return encode(supervisor_status(self.life, phase))
        return encode(Phased(phase=phase))

    async def create_shared(self, kind: str, number: int, release: str) -> str | None:
        if self.failure is None:
            self.created.append((f"{kind}/{number}", release))
            self.phases[f"{kind}/{number}"] = self.phase_of_new
        return self.failure

    async def end_actor(self, actor: str) -> bool:
        self.did.append(f"end {actor}")
        return self.phases.pop(actor, None) is not None

    async def end_process(self, life: str, node_id: str) -> bool:
        del node_id
        self.did.append(f"kill {life}")
        return True

    async def create_slot(self, slot: str, incarnation: int, release: str) -> str | None:
        raise AssertionError((slot, incarnation, release))

    async def end_rollout(self) -> str | None:
        raise AssertionError

    async def roll_back(self, to: str, slots: tuple[str, ...]) -> str | None:
        raise AssertionError((to, slots))


def supervisor_status(life: int, phase: str) -> SupervisorStatus:
    return SupervisorStatus(
        name="supervisor/2",
        phase=phase,
        slots=(),
        shared=(),
        conditions=(),
        market_ms=0,
        wire_ms=0,
        pid=life,
        process_start=1,
        node_id="",
        release=BAD,
    )


def brought(root: Path, who: str) -> LocalStorage:
    """Store that a roll has brought the bad release to ``<who>/2``."""
    storage = LocalStorage(root)
    storage.write(CURRENT_FILE, msgspec.json.encode(Current(name="gateway/2", generation=2)))
    storage.write(MARKET_DATA_FILE, b"market-data/2")
    write_name(storage, Kind.SUPERVISOR, "supervisor/2")
    succession = Succession(
        kind=who,
        name=f"{who}/2",
        release=BAD,
        before_name=f"{who}/1",
        before_release=GOOD,
        wire_ms=int(wire_ms()),
    )
    remember(storage, succession)
    return storage


def back(storage: LocalStorage, fleet: FakeFleet, who: str) -> str:
    return asyncio.run(bring_back(fleet, storage, who, (BAD, GOOD), "it hangs"))


def named(storage: LocalStorage, who: str) -> str | None:
    if who == GATEWAY:
        return heir(storage)
    if who == Kind.SUPERVISOR:
        return serving(storage, Kind.SUPERVISOR)
    return storage.read(MARKET_DATA_FILE).decode()


def test_a_gateway_that_was_named_and_never_served_is_ended_too(tmp_path: Path) -> None:
    """Ray would start it again and again, beside the one that callers are pointed to."""
    storage, fleet = brought(tmp_path, GATEWAY), FakeFleet()
    storage.write(CURRENT_FILE, msgspec.json.encode(Current(name="gateway/1", generation=1)))
    name_heir(storage, "gateway/2")
    fleet.phases |= {"gateway/1": "moved to gateway/2", "gateway/2": "starting"}
    assert back(storage, fleet, GATEWAY).startswith("gateway/3 serves")
    assert fleet.did == ["end gateway/2", "end gateway/1", "take_over gateway/3"]


@pytest.mark.parametrize("who", [GATEWAY, MARKET_DATA, Kind.SUPERVISOR])
def test_the_release_before_comes_back_and_needs_nothing_of_the_bad_one(
    who: str, tmp_path: Path
) -> None:
    storage, fleet = brought(tmp_path, who), FakeFleet()
    fleet.phases[f"{who}/2"] = None
    assert back(storage, fleet, who) == f"{who}/3 serves under {GOOD[:12]}"
    assert fleet.created == [(f"{who}/3", GOOD)]
    assert fleet.did[0] == f"end {who}/2"
    if who == GATEWAY:
        assert fleet.did[1] == "take_over gateway/3", "it names itself and ends who has the lock"
    else:
        assert named(storage, who) == f"{who}/3"
    latest = recall(storage, who)
    assert latest is not None
    assert (latest.release, latest.before_release) == (GOOD, ""), "nothing leads back from here"
    assert back(storage, fleet, who) == "another one replaced it meanwhile"


def test_the_bad_one_is_left_until_its_successor_stands_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_module, "READY_SECONDS", 0.05)
    monkeypatch.setattr(shared_module, "POLL_SECONDS", 0.01)
    storage, fleet = brought(tmp_path, GATEWAY), FakeFleet()
    fleet.phases["gateway/2"] = "serving"
    fleet.phase_of_new = "starting: waits for the venue"
    assert "does not stand by" in back(storage, fleet, GATEWAY)
    assert fleet.did == ["end gateway/3"]
    fleet.failure = "no archive"
    assert "not created: no archive" in back(storage, fleet, GATEWAY)
    assert "gateway/2" in fleet.phases


def guarded(root: Path, fleet: FakeFleet, seconds: int, lives: tuple[int, ...] = ()) -> None:
    """Look every two seconds; the supervisor's process is another one at each of `lives`."""
    guard = Guard(LocalStorage(root), fleet, lambda: True)

    async def looks() -> None:
        for second in range(0, seconds, LOOK_MS // 1_000):
            fleet.life += second in lives
            await guard.poll(1_000_000 + second * 1_000)

    asyncio.run(looks())


def test_a_supervisor_that_hangs_is_ended_and_one_that_a_roll_brought_goes_back(
    tmp_path: Path,
) -> None:
    class Hangs(FakeFleet):
        async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
            answer = await super().ask(actor, method)
            if actor == "supervisor/2":
                self.phases[actor] = None
            return answer

    plain, fleet = tmp_path / "plain", Hangs()
    fleet.phases["supervisor/1"] = "watching"
    write_name(LocalStorage(plain), Kind.SUPERVISOR, "supervisor/2")
    fleet.phases["supervisor/2"] = "watching"
    guarded(plain, fleet, SILENT_MS // 1_000 + 4)
    assert fleet.did == ["kill 1-1"]

    storage, fleet = brought(tmp_path / "rolled", Kind.SUPERVISOR), Hangs()
    fleet.phases["supervisor/2"] = "watching"
    guarded(tmp_path / "rolled", fleet, SILENT_MS // 1_000 + 4)
    assert serving(storage, Kind.SUPERVISOR) == "supervisor/3"
    assert fleet.created == [("supervisor/3", GOOD)]
    (alarm,) = AlarmStore(storage).latched()
    assert (alarm.alarm.kind, alarm.alarm.subject) == (TURNED_BAD, Kind.SUPERVISOR)


def test_a_supervisor_that_dies_again_and_again_goes_back(tmp_path: Path) -> None:
    storage, fleet = brought(tmp_path, Kind.SUPERVISOR), FakeFleet()
    fleet.phases["supervisor/2"] = "watching"
    guarded(tmp_path, fleet, 30, lives=(10, 20))
    assert serving(storage, Kind.SUPERVISOR) == "supervisor/3"


def test_a_supervisor_that_works_is_left_alone(tmp_path: Path) -> None:
    storage, fleet = brought(tmp_path, Kind.SUPERVISOR), FakeFleet()
    fleet.phases["supervisor/2"] = "watching"
    guarded(tmp_path, fleet, 60, lives=(10,))
    assert serving(storage, Kind.SUPERVISOR) == "supervisor/2"
    assert fleet.did == []


def test_where_the_named_supervisor_is_no_actor_the_old_one_that_lives_is_named(
    tmp_path: Path,
) -> None:
    """Seed 214 of the simulation: a driver died between ending one and naming the other."""
    storage, fleet = brought(tmp_path, Kind.SUPERVISOR), FakeFleet()
    fleet.phases["supervisor/1"] = "standing by"
    guarded(tmp_path, fleet, MISSING_MS // 1_000)
    assert serving(storage, Kind.SUPERVISOR) == "supervisor/2", "its driver may be about to do it"
    guarded(tmp_path, fleet, MISSING_MS // 1_000 + 4)
    assert serving(storage, Kind.SUPERVISOR) == "supervisor/1"
    assert fleet.created == []


def test_where_no_supervisor_lives_one_is_created_but_not_while_the_fleet_starts(
    tmp_path: Path,
) -> None:
    class Dies(FakeFleet):
        async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
            answer = await super().ask(actor, method)
            if actor == "supervisor/2":
                self.phases.pop(actor, None)
            return answer

    storage, fleet = LocalStorage(tmp_path), Dies()
    write_name(storage, Kind.SUPERVISOR, "supervisor/2")
    guarded(tmp_path, fleet, STARTING_MS // 1_000)
    assert fleet.created == [], "it was never heard"
    fleet.phases["supervisor/2"] = "watching"
    guarded(tmp_path, fleet, MISSING_MS // 1_000 + 6)
    assert fleet.created == [("supervisor/3", "")]
    assert serving(storage, Kind.SUPERVISOR) == "supervisor/3"

    fleet = FakeFleet()
    guarded(tmp_path, fleet, (STARTING_MS + MISSING_MS) // 1_000 + 4)
    assert fleet.created == [("supervisor/4", "")], "no start takes so long"


def test_what_has_worked_for_a_day_is_not_taken_back_for_its_surroundings(tmp_path: Path) -> None:
    storage = brought(tmp_path, GATEWAY)
    now_ms = wire_ms()
    assert replaced(storage, GATEWAY, now_ms) == (BAD, GOOD)
    assert replaced(storage, GATEWAY, now_ms + WATCHED_MS + 60_000) is None
    assert replaced(storage, MARKET_DATA, now_ms) is None
