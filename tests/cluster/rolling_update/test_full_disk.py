"""A disk that takes nothing while a roll is under way: it is said, and nothing ends in a trace."""

import asyncio
from pathlib import Path

import pytest

from actors.rollout.errors import RolloutError
from actors.rollout.record import RolloutRecord
from actors.rollout.report import make_report
from actors.rollout.rollout_state import Options, Phase
from actors.rollout.turn import Turn
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.rolling_update.apply import apply
from cluster.rolling_update.planning import Request
from tests.actors.rollout.plans import plan
from tests.actors.rollout.rollouts import begun


class FullDisk(LocalStorage):
    """Takes writes until it is full."""

    full = False

    def write(self, name: str, data: bytes) -> None:
        if self.full:
            raise StorageError(f"cannot write {name}: No space left on device")
        super().write(name, data)


def test_a_roll_goes_on_and_its_end_says_what_could_not_be_recorded(tmp_path: Path) -> None:
    storage = FullDisk(tmp_path)
    said: list[str] = []
    rollout = begun(Options())

    async def roll() -> None:
        turn = Turn(RolloutRecord(storage, "r0001"), said.append)
        turn.begin(plan(rollout.order), lambda: None)
        storage.full = True
        turn._watcher.watch(rollout)
        await turn._watcher.settled()
        ended = begun(Options())
        turn.finish(make_report(ended, 0.0, {}))

    with pytest.raises(RolloutError, match=r"r0001|roll-1") as refusal:
        asyncio.run(roll())
    assert "No space left" in str(refusal.value)
    assert "abort" in str(refusal.value)
    assert any("state not stored" in line for line in said)
    assert rollout.phase is Phase.REST


def test_a_roll_that_cannot_even_begin_is_refused_with_the_disk_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_plan(*_: object) -> None:
        raise StorageError("cannot write releases: No space left on device")

    monkeypatch.setattr("cluster.rolling_update.apply.plan_for", no_plan)
    request = Request(options=Options())
    with pytest.raises(FleetError, match=r"refused: .*No space left"):
        asyncio.run(apply(str(tmp_path), request, lambda _: None))
