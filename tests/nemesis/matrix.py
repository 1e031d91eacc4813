"""The cells, the runs of them, and the page that shows what became of each."""

import shutil
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import msgspec

from actors.rollout.record import read_active, rollout_ids
from checkpoints.archive import archive_release
from cluster.local.sandbox_process import read_ready
from tests.nemesis.drive import Cell, Ending, Orders
from tests.rolling_update.fleet import Fleet
from tests.rolling_update.trees import ROOT, copy_tree, edit, release_in

SLOT = "btc-5m"
STEPS = ("PinBase", "create", "Warm", "ShadowAsk", "Quiesce", "fence", "Adopt", "dismiss")
VICTIMS = ("old", "new", "gateway", "market-data", "supervisor", "driver")
FULL_AT = ("ShadowAsk", "Quiesce", "fence", "Adopt")
NEW_FROM = STEPS.index("create")
"""There is no new incarnation to hit before its creation has been answered."""
OTHER = (
    "signals/factors/pattern.py",
    "HALF_HOUR_MS = 1_800_000\n",
    "HALF_HOUR_MS = 1_800_000  # the other release\n",
)
"""What makes a tree the other release."""
GONE = "driver gone"
DRIVER_SECONDS = 300.0
"""Lease of a rollout without signs, the supervisor's abort, and a busy machine."""
JOB_SECONDS = 3_000.0
VENUE = (
    '{"kind": "restart", "delay_ms": 3000, "post_only_ms": 2000}',
    '{"kind": "drop_answer", "route": "POST /clob/order", "count": 2}',
    '{"kind": "ghost_fill", "count": 2}',
    '{"kind": "duplicate", "route": "ws/user", "count": 20}',
    '{"kind": "delay", "route": "POST /clob/*", "delay_ms": 2000, "count": 4}',
)

DOZEN = (
    Cell(victim="old", blow="kill", step="Quiesce"),
    Cell(victim="old", blow="kill", step="fence", after=True),
    Cell(victim="old", blow="stop", step="Quiesce"),
    Cell(victim="new", blow="kill", step="fence"),
    Cell(victim="new", blow="kill", step="fence", after=True),
    Cell(victim="new", blow="stop", step="Adopt"),
    Cell(victim="gateway", blow="kill", step="fence"),
    Cell(victim="gateway", blow="stop", step="fence"),
    Cell(victim="market-data", blow="kill", step="Adopt"),
    Cell(victim="supervisor", blow="kill", step="Quiesce"),
    Cell(victim="second driver", blow="apply", step="Warm"),
    Cell(victim="old", blow="full", step="Quiesce"),
    Cell(victim="gateway", blow="full", step="fence"),
    Cell(victim="driver", blow="kill", step="fence", after=True),
)


def all_cells() -> Iterator[Cell]:
    """Yield the whole matrix: every victim and blow before and after every step."""
    for victim, blow, step, after in product(VICTIMS, ("kill", "stop"), STEPS, (False, True)):
        if victim != "new" or STEPS.index(step) > NEW_FROM:
            yield Cell(victim=victim, blow=blow, step=step, after=after)
    for victim, step in product(("old", "new", "gateway", "supervisor"), FULL_AT):
        yield Cell(victim=victim, blow="full", step=step)
    yield Cell(victim="driver", blow="stop", step="fence", after=True, seconds=30.0)
    yield Cell(victim="base", blow="delete", step="Warm")
    yield Cell(victim="base", blow="delete", step="Adopt")
    yield Cell(victim="second driver", blow="apply", step="Warm")
    for fault in VENUE:
        yield Cell(victim="venue", blow=fault, step="Quiesce")


class Matrix:
    """A fleet with two releases in its archive, between which the slot is rolled."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self._fleet = fleet
        other = copy_tree(folder / "other")
        edit(other, *OTHER)
        new = archive_release(fleet.storage, other, "other").release
        self._releases = (release_in(fleet.tree), new)
        shutil.copy(ROOT / "tests/nemesis/drive.py", fleet.tree / "nemesis_drive.py")

    def run(self, cells: Sequence[Cell]) -> Iterator[Ending]:
        """Yield what became of each cell; a driver that dies takes its job with it."""
        left = list(cells)
        while left:
            count = next((n for n, c in enumerate(left) if c.victim == "driver"), len(left)) + 1
            batch, left = left[:count], left[count:]
            endings, said = self._job(batch)
            yield from endings
            missing = batch[len(endings) :]
            assert len(missing) <= 1, said
            if missing:
                assert missing[0].victim == "driver", said
                yield self._without_driver(missing[0], said)

    def _job(self, cells: Sequence[Cell]) -> tuple[list[Ending], str]:
        orders = Orders(
            storage=str(self._fleet.state.storage),
            slot=SLOT,
            releases=self._releases,
            admin_url=read_ready(self._fleet.state.sandbox_ready).urls["admin_url"],
            cells=tuple(cells),
        )
        tree = self._fleet.tree
        (tree / "orders.json").write_bytes(msgspec.json.encode(orders))
        said = self._fleet.job(
            tree, "nemesis_drive.py", "orders.json", seconds=JOB_SECONDS, must_succeed=False
        )
        found = [line.partition("ENDING ")[2] for line in said.splitlines() if "ENDING " in line]
        endings = [msgspec.json.decode(line, type=Ending) for line in found]
        # a job that fails has its last lines said twice
        return list({ending.cell.name: ending for ending in endings}.values()), said

    def _without_driver(self, cell: Cell, said: str) -> Ending:
        """Wait for the supervisor: it puts away what the dead driver left."""
        fleet = self._fleet
        fleet.wait(
            lambda: read_active(fleet.storage) is None,
            f"end of a lost rollout:\n{said}",
            DRIVER_SECONDS,
        )
        fleet.await_decisions(1, (SLOT,))
        alarms = tuple(state.alarm.kind for state in fleet.alarms())
        fleet.clear_alarms()
        _, listed = self._job(())
        living = msgspec.json.decode(listed.partition("LIVING ")[2].splitlines()[0])
        return Ending(
            cell=cell,
            struck="STRUCK" in said,
            outcome=GONE,
            failure=rollout_ids(fleet.storage)[-1],
            owner=fleet.owner(SLOT).incarnation,
            living=tuple(living),
            seconds=0.0,
            alarms=alarms,
        )


def faults_of(ending: Ending) -> list[str]:
    """Name what must not be, whatever the blow was."""
    found = [] if ending.struck else ["the blow was not dealt"]
    if ending.living != (ending.owner,):
        found.append(f"incarnations {ending.living} live, {ending.owner} owns the slot")
    if ending.outcome not in {"done", "stopped", GONE}:
        found.append(f"ended as {ending.outcome}")
    return found


def line(ending: Ending) -> str:
    bad = "; ".join(faults_of(ending)) or "clean"
    why = (ending.failure or "")[:60]
    alarms = ",".join(ending.alarms) or "-"
    name = ending.cell.name[:64]
    return f"{name:<64} {ending.outcome:<12} {ending.seconds:5.1f} s  {bad}  {alarms}  {why}"
