"""The shared actors' replacement over a fake fleet: each way it can end, and who serves then."""

import asyncio
from dataclasses import dataclass, field

import pytest

from actors.rollout.ports import CallFailedError
from actors.rollout.replacement.events import Back, Seen, SharedStep
from actors.rollout.report import Report, with_shared
from actors.rollout.shared import SharedReport, replace_shared
from actors.rollout.shared_back import check_shared, take_back_shared
from actors.shared_kind import Kind

OLD, NEW = "aa" * 32, "bb" * 32


@dataclass
class FakeActor:
    release: str
    alive: bool = True
    ready: bool = True


@dataclass
class FakeFleet:
    """Actors by name; each question costs a second of a clock of its own."""

    actors: dict[str, FakeActor] = field(default_factory=dict)
    named: dict[Kind, str] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    now: float = 0.0
    sick: dict[Kind, str] = field(default_factory=dict)
    remembered: list[tuple[Kind, str, str, bool]] = field(default_factory=list)
    breaks: str = ""
    """What does not work: a method, or ``ready``, ``serves`` or ``release`` of successors."""
    taken: bool = False
    """Another one was named meanwhile."""

    def __post_init__(self) -> None:
        for kind in Kind:
            self.named[kind] = f"{kind}/1"
            self.actors[f"{kind}/1"] = FakeActor(OLD)

    def current(self, kind: Kind) -> str:
        return self.named[kind]

    def next_name(self, kind: Kind) -> str:
        return f"{kind}/{int(self.named[kind].rpartition('/')[2]) + 1}"

    def _try(self, what: str) -> None:
        if self.breaks == what:
            raise CallFailedError(f"{what} failed")

    async def create(self, kind: Kind, name: str, release: str) -> None:
        assert kind in name
        self._try("create")
        runs = OLD if self.breaks == "release" else release
        self.actors[name] = FakeActor(runs, ready=self.breaks != "ready")

    async def poll(self, kind: Kind, name: str) -> Seen:
        self.now += 1_000
        actor = self.actors.get(name)
        if actor is None or not actor.alive:
            raise CallFailedError(f"no actor {name}")
        serves = self.named[kind] == name
        if self.breaks == "serves" and name.endswith("/2"):
            serves = False
        phase = "serving" if serves else "standing by"
        ready = actor.ready and not serves
        return Seen(phase=phase, release=actor.release, ready=ready, serves=serves)

    async def prepare(self, kind: Kind, old: str, new: str) -> None:
        assert old != new
        self.prepared.append(kind)

    async def name(self, kind: Kind, old: str, new: str) -> None:
        assert self.actors[old].alive
        self._try("name")
        self.named[kind] = new

    async def sickness(self, kind: Kind, name: str) -> str | None:
        assert kind in name
        return self.sick.get(kind)

    async def seize(self, kind: Kind, old: str, new: str) -> None:
        assert self.sick.get(kind), "the old one was well: it is asked"
        self._try("seize")
        self.actors[old].alive = False
        self.named[kind] = new

    async def remember(self, kind: Kind, new: str, release: str, before: Back | None) -> None:
        self.remembered.append((kind, new, release, before is not None))

    async def name_back(self, kind: Kind, old: str, new: str) -> bool:
        assert old != new
        assert not any(a.alive for n, a in self.actors.items() if n == f"{kind}/2"), "two may serve"
        self._try("name_back")
        if self.taken:
            return False
        self.named[kind] = old
        return True

    async def end(self, name: str) -> None:
        self._try("end")
        self.ended.append(name)
        if name in self.actors:
            self.actors[name].alive = False

    def now_ms(self) -> float:
        return self.now

    async def raise_alarm(self, kind: str, subject: str, reason: str) -> None:
        self.alarms.append(f"{kind} {subject} {reason}")


def roll(fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch) -> tuple[SharedReport, ...]:
    monkeypatch.setattr("actors.rollout.replacement.machine.LOOK_MS", 0)
    said: list[str] = []
    return asyncio.run(replace_shared(fleet, NEW, said.append))


def test_supervisor_market_data_and_last_the_gateway_change_hands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = FakeFleet()
    reports = roll(fleet, monkeypatch)
    assert [report.kind for report in reports] == ["supervisor", "market-data", "gateway"]
    assert {report.step for report in reports} == {SharedStep.DONE}
    assert all(name.endswith("/2") for name in fleet.named.values())
    assert fleet.ended == ["supervisor/1", "market-data/1", "gateway/1"]
    assert fleet.alarms == []


def test_what_runs_the_release_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = FakeFleet()
    fleet.actors["market-data/1"].release = NEW
    assert [r.kind for r in roll(fleet, monkeypatch)] == ["supervisor", "gateway"]
    assert fleet.named[Kind.MARKET_DATA] == "market-data/1"
    assert roll(fleet, monkeypatch) == ()


@pytest.mark.parametrize("breaks", ["create", "ready", "release", "name", "serves"])
def test_any_failure_leaves_the_old_one_serving_and_stops_with_an_alarm(
    breaks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = FakeFleet(breaks=breaks)
    (report,) = roll(fleet, monkeypatch)
    assert report.step is SharedStep.FAILED
    assert report.failure
    assert set(fleet.named.values()) == {f"{kind}/1" for kind in Kind}
    assert "supervisor/2" in fleet.ended
    assert len(fleet.alarms) == 1


def test_a_successor_that_cannot_be_ended_is_never_joined_by_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = FakeFleet(breaks="serves")

    async def fails(name: str) -> None:
        raise CallFailedError(f"{name} does not end")

    monkeypatch.setattr(fleet, "end", fails)
    (report,) = roll(fleet, monkeypatch)
    assert report.step is SharedStep.STUCK
    assert fleet.named[Kind.SUPERVISOR] == "supervisor/2"


def test_an_old_one_that_does_not_come_back_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = FakeFleet(breaks="serves")

    async def name_back(kind: Kind, old: str, _new: str) -> bool:
        fleet.actors[old].alive = False
        raise CallFailedError(f"{kind} storage")

    monkeypatch.setattr(fleet, "name_back", name_back)
    (report,) = roll(fleet, monkeypatch)
    assert report.step is SharedStep.STUCK


def test_where_the_fleet_was_faster_the_old_one_is_not_named_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = FakeFleet(breaks="serves")
    fleet.taken = True
    (report,) = roll(fleet, monkeypatch)
    assert report.step is SharedStep.FAILED
    assert fleet.named[Kind.SUPERVISOR] == "supervisor/2", "whoever it is, it is left alone"


def test_an_old_one_that_does_not_end_is_no_reason_to_go_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = FakeFleet(breaks="end")
    reports = roll(fleet, monkeypatch)
    assert {report.step for report in reports} == {SharedStep.DONE}


def back(fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch) -> tuple[SharedReport, ...]:
    monkeypatch.setattr("actors.rollout.replacement.machine.LOOK_MS", 0)

    async def all_back() -> tuple[SharedReport, ...]:
        backs = await check_shared(fleet, NEW)
        return await take_back_shared(fleet, backs, NEW, lambda _: None)

    return asyncio.run(all_back())


def test_a_way_back_asks_nothing_of_sick_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = FakeFleet(sick=dict.fromkeys(Kind, "no answer"), breaks="name")
    reports = back(fleet, monkeypatch)
    assert [(r.kind, r.step) for r in reports] == [
        ("gateway", SharedStep.DONE),
        ("market-data", SharedStep.DONE),
        ("supervisor", SharedStep.DONE),
    ]
    assert fleet.prepared == []


def test_a_way_back_goes_on_past_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = FakeFleet(sick={Kind.GATEWAY: "no answer"}, breaks="seize")
    reports = back(fleet, monkeypatch)
    assert [r.step for r in reports][1:] == [SharedStep.DONE, SharedStep.DONE]
    assert reports[0].step is not SharedStep.DONE
    assert len(fleet.alarms) == 1


def test_a_way_back_leaves_what_is_well_on_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = FakeFleet(sick={Kind.MARKET_DATA: "it is starting"})
    fleet.actors["gateway/1"].release = fleet.actors["market-data/1"].release = NEW
    assert [r.kind for r in back(fleet, monkeypatch)] == ["market-data", "supervisor"]


def test_what_is_replaced_is_remembered_before_the_successor_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = FakeFleet(breaks="name")
    roll(fleet, monkeypatch)
    assert fleet.remembered == [(Kind.SUPERVISOR, "supervisor/2", NEW, False)]


def test_a_failed_shared_actor_makes_the_rollout_a_stopped_one() -> None:
    report = Report(
        rollout="r0001",
        to_release=NEW,
        outcome="done",
        failure=None,
        slots=(),
        switched=0,
        submit_to_last_adopt_ms=None,
        submit_to_last_confirm_ms=None,
        dark_ms_median=None,
        dark_ms_max=None,
    )
    good = SharedReport(kind="gateway", old="gateway/1", new="gateway/2", step=SharedStep.DONE)
    bad = SharedReport(kind="gateway", old="g", new="n", step=SharedStep.FAILED, failure="why")
    assert with_shared(report, (good,)).outcome == "done"
    stopped = with_shared(report, (good, bad))
    assert stopped.outcome == "stopped"
    assert "why" in str(stopped.failure)
