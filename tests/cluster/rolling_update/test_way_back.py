"""`rollback` from its first question to its report, over a fake fleet: who comes back, and when."""

# ruff: noqa: ARG002 a fake takes what the port takes

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.messages import FenceRecord, OpenAnswer, Opened, OpenIncarnation
from actors.rollout.errors import RolloutError
from actors.rollout.handoff_state import Step
from actors.rollout.ports import CallFailedError
from actors.rollout.record import Active, read_active, read_report, take_turn
from actors.rollout.replacement.events import SharedStep
from actors.rollout.report import Report
from actors.rollout.rollout_state import Options
from actors.runtime import CONFIG_FILE, wire_ms
from actors.shared_kind import Kind
from checkpoints.archive import archive_release
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.rolling_update.planning import Request
from cluster.rolling_update.way_back import roll_back
from tests.actors.rollout.handoffs import record
from tests.actors.rollout.test_shared import OLD, FakeFleet
from tests.cluster.rolling_update.test_params import config
from tests.rolling_update.trees import copy_tree, edit

BAD = OLD
SLOTS = ("btc-5m", "eth-5m", "sol-5m")


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """Keep a configuration and the archive of a good release."""
    root = tmp_path / "storage"
    found = LocalStorage(root)
    found.write(CONFIG_FILE, msgspec.json.encode(config(root)))
    return found


@pytest.fixture
def good(storage: LocalStorage, tmp_path: Path) -> str:
    tree = copy_tree(tmp_path / "tree")
    return archive_release(storage, tree, "good").release


class Slots:
    """`AbortCalls` over slots that all hang under the bad release."""

    def __init__(self) -> None:
        self.table = {
            slot: msgspec.structs.replace(
                record(fence=4, incarnation=1, handoff=None), slot=slot, release=BAD
            )
            for slot in SLOTS
        }
        self.did: list[str] = []
        self.fails: set[str] = set()
        self.gateway: FakeFleet | None = None
        self.alarms: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()

    def _check_gateway(self) -> None:
        if self.gateway is not None and self.gateway.sick.get(Kind.GATEWAY):
            raise CallFailedError("gateway: its process died")

    async def owners(self) -> tuple[FenceRecord, ...]:
        self._check_gateway()
        return tuple(self.table.values())

    async def owner(self, slot: str) -> FenceRecord:
        self._check_gateway()
        return self.table[slot]

    async def sickness(self, owner: FenceRecord) -> str | None:
        return "no answer in 2 s"

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer:
        assert request.vacant
        return Opened(incarnation=self.table[request.slot].incarnation + 1)

    async def fill_slot(self, owner: FenceRecord, incarnation: int, release: str) -> None:
        await self.hold.wait()
        if owner.slot in self.fails:
            raise CallFailedError("no memory")
        self.did.append(owner.slot)
        self.table[owner.slot] = msgspec.structs.replace(
            owner, incarnation=incarnation, fence=owner.fence + 1, release=release
        )

    async def raise_alarm(self, kind: str, subject: str, reason: str) -> None:
        self.alarms.append(f"{kind} {subject}: {reason}")

    async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
        self.did.append(f"dismiss {slot}/{incarnation}")

    def living(self, slot: str) -> list[int]:
        return [self.table[slot].incarnation]

    async def decisions(self, slot: str, after: int) -> list[Any]:
        return []

    async def unused(self, *_: Any) -> Any:
        raise AssertionError("a slot that hangs is asked nothing")

    ask_slot = create_slot = fence = hash_root = unused


class Shared(FakeFleet):
    """Sick ones get well by being replaced."""

    async def seize(self, kind: Kind, old: str, new: str) -> None:
        await super().seize(kind, old, new)
        self.sick.pop(kind, None)
        self.ended.append(f"seized {kind}")


def back(
    storage: LocalStorage, good: str, slots: Slots, shared: Shared, *, everything: bool = True
) -> Report:
    return asyncio.run(_back(storage, good, slots, shared, everything=everything))


async def _back(
    storage: LocalStorage, good: str, slots: Slots, shared: Shared, *, everything: bool = True
) -> Report:
    request = Request(
        options=Options(shadow=0), to_release=good[:8], everything=everything, verb="rollback"
    )
    root = str(storage.root)
    return await roll_back(root, request, lambda _: None, slots, shared)


def test_a_dead_gateway_comes_first_and_every_slot_and_actor_after_it(
    storage: LocalStorage, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.rollout.replacement.machine.LOOK_MS", 0)
    shared, slots = Shared(sick={Kind.GATEWAY: "no answer in 3 s"}), Slots()
    slots.gateway = shared
    report = back(storage, good, slots, shared)
    assert (report.outcome, report.switched) == ("done", len(SLOTS))
    assert [one.kind for one in report.shared] == ["gateway", "market-data", "supervisor"]
    assert sorted(slots.did) == sorted(SLOTS)
    assert read_active(storage) is None


def test_a_gateway_that_nobody_asked_to_replace_is_named_with_what_to_say(
    storage: LocalStorage, good: str
) -> None:
    shared, slots = Shared(sick={Kind.GATEWAY: "no answer in 3 s"}), Slots()
    slots.gateway = shared
    with pytest.raises(FleetError, match="--all"):
        back(storage, good, slots, shared, everything=False)
    assert read_active(storage) is None, "no turn is left behind"


def test_a_gateway_that_cannot_be_replaced_keeps_no_other_shared_actor(
    storage: LocalStorage, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.rollout.replacement.machine.LOOK_MS", 0)
    shared, slots = Shared(sick={Kind.GATEWAY: "no answer in 3 s"}, breaks="seize"), Slots()
    slots.gateway = shared
    with pytest.raises(FleetError, match="seize failed"):
        back(storage, good, slots, shared)
    assert shared.named[Kind.MARKET_DATA] == "market-data/2"
    assert shared.named[Kind.SUPERVISOR] == "supervisor/2"


def test_one_slot_that_fails_keeps_no_other_and_is_named(storage: LocalStorage, good: str) -> None:
    slots = Slots()
    slots.fails = {"eth-5m"}
    report = back(storage, good, slots, Shared(), everything=False)
    assert report.outcome == "stopped"
    assert {s.slot: s.step for s in report.slots} == {
        "btc-5m": Step.DONE,
        "eth-5m": Step.STUCK,
        "sol-5m": Step.DONE,
    }
    assert "eth-5m: by vacancy, since no answer in 2 s; no memory" in str(report.failure)
    again = Slots()
    again.table = slots.table
    assert back(storage, good, again, Shared(), everything=False).outcome == "done"
    assert again.did == ["eth-5m"]


def test_the_second_of_two_at_once_is_refused_and_disturbs_nothing(
    storage: LocalStorage, good: str
) -> None:
    async def two() -> Report:
        slots = Slots()
        slots.hold.clear()
        first = asyncio.create_task(_back(storage, good, slots, Shared(), everything=False))
        while read_active(storage) is None:  # noqa: ASYNC110 a file has no event
            await asyncio.sleep(0.01)
        with pytest.raises(RolloutError, match="under way"):
            await _back(storage, good, Slots(), Shared(), everything=False)
        slots.hold.set()
        return await first

    assert asyncio.run(two()).outcome == "done"
    assert read_active(storage) is None


def test_a_roll_that_lost_its_driver_is_ended_first(storage: LocalStorage, good: str) -> None:
    take_turn(storage, Active(rollout="r0001", driver="999999999-1", begun_wire_ms=wire_ms()))
    report = back(storage, good, Slots(), Shared(), everything=False)
    assert report.outcome == "done"
    assert read_report(storage, report.rollout) is not None


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_without_a_whole_archive_nothing_is_touched(
    damage: str, storage: LocalStorage, good: str
) -> None:
    archive = storage.root / f"releases/{good}.zip"
    if damage == "missing":
        archive.unlink()
    else:
        archive.write_bytes(archive.read_bytes()[:-40])
    slots = Slots()
    with pytest.raises(FleetError, match=good[:8]):
        back(storage, good, slots, Shared(), everything=False)
    assert slots.did == []
    assert read_active(storage) is None


def test_what_runs_the_release_already_is_refused_in_words(
    storage: LocalStorage, good: str
) -> None:
    slots = Slots()
    slots.table = {
        slot: msgspec.structs.replace(owner, release=good) for slot, owner in slots.table.items()
    }
    with pytest.raises(FleetError, match="already"):
        back(storage, good, slots, Shared(), everything=False)


def test_an_edited_tree_is_another_release(tmp_path: Path, good: str) -> None:
    tree = copy_tree(tmp_path / "edited")
    edit(tree, "actors/messages.py", "MESSAGES_READ = 1", "MESSAGES_READ = 2")
    assert archive_release(LocalStorage(tmp_path / "other"), tree, "x").release != good


def test_shared_steps_are_said_in_the_report(storage: LocalStorage, good: str) -> None:
    shared = Shared(sick={Kind.MARKET_DATA: "it is starting"})
    report = back(storage, good, Slots(), shared)
    assert {one.step for one in report.shared} == {SharedStep.DONE}
