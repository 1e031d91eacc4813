"""What a way back does to the bad incarnation before its seat is declared vacant."""

import asyncio
from pathlib import Path
from typing import Any

from actors.messages import Opened, OpenIncarnation
from actors.supervisor.conduct import Outcome
from actors.supervisor.events import (
    Ends,
    OpenSeat,
    SeatOpened,
    SeatRefused,
)
from actors.supervisor.requests import Requests
from checkpoints.storage import LocalStorage
from tests.actors.supervisor.bad_course import OLDER, live
from tests.actors.supervisor.test_supervisor_releases import (
    OLD,
    decided,
)
from tests.actors.supervisor.test_supervisor_step import SLOT, of


class Fleet:
    def __init__(self) -> None:
        self.done: list[str] = []

    async def end_actor(self, actor: str) -> bool:
        self.done.append(f"end {actor}")
        return True

    async def end_process(self, life: str, node_id: str) -> bool:
        self.done.append(f"kill {life}{node_id}")
        return True


def opening(root: Path, fleet: Fleet, effect: OpenSeat) -> Any:
    class Gateway:
        async def open_incarnation(self, request: OpenIncarnation) -> Opened:
            fleet.done.append(f"open {request.slot} {request.expected_fence}")
            return Opened(incarnation=3)

    class Archived(Requests, frozen=True, kw_only=True):
        def _archived(self, release: str) -> bool:
            return release == OLD

    requests = Archived(
        fleet=fleet,  # type: ignore[arg-type]
        gateway=Gateway(),  # type: ignore[arg-type]
        storage=LocalStorage(root),
        release="r",
    )
    return asyncio.run(requests.answer(effect))(0, 0)


def test_the_bad_incarnation_is_ended_for_good_before_its_seat_is_declared_vacant(
    tmp_path: Path,
) -> None:
    watch = live()
    decided(watch, Outcome.FAILED)
    (effect,) = of(decided(watch, Outcome.FAILED), OpenSeat)
    fleet = Fleet()
    assert isinstance(opening(tmp_path, fleet, effect), SeatOpened)
    assert fleet.done == [f"end {SLOT}/2", "kill 7-7", f"open {SLOT} 2"]


def test_nothing_is_ended_for_a_release_that_cannot_be_gone_back_to(tmp_path: Path) -> None:
    fleet = Fleet()
    effect = OpenSeat(
        slot=SLOT,
        expected_fence=2,
        release=OLDER,
        reason="r",
        back=True,
        ends=Ends(incarnation=2, life="7-7", node_id=""),
    )
    refused = opening(tmp_path, fleet, effect)
    assert isinstance(refused, SeatRefused)
    assert (refused.not_archived, fleet.done) == (OLDER, [])
