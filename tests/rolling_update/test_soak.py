"""Rolls back to back while the fleet trades: a short soak, and `make soak` for hours."""

import shutil
import time
from pathlib import Path

import msgspec
import pytest

from actors.rollout.record import read_report, rollout_ids
from checkpoints.archive import archive_release
from tests.rolling_update.fleet import LATE_KINDS, SIXTEEN, Fleet, running_fleet
from tests.rolling_update.soak_drive import Orders, Part
from tests.rolling_update.test_awkward_drivers import other_tree
from tests.rolling_update.trees import ROOT, edit

LONG_DECISIONS = 10_000
LONG_ROLLS = 100
LONG_SECONDS = 6 * 3_600.0
LONG_OFFSETS_MS = (20_000, 95_000, 170_000, 245_000)
"""Four decision points a cycle instead of one: 16 slots come to 6.4 a second at speed 30."""
EIGHTH = 8
SHORT_DECISIONS = 300
SHORT_ROLLS = 3
SHORT_SECONDS = 1_500.0
"""Six slots need 420 s for 300 decisions where no other test has used their fleet before."""
JOB_SECONDS = 1_800.0


def soak(
    fleet: Fleet, folder: Path, decisions: int, rolls: int, parts: int, seconds: float
) -> None:
    """Roll between two releases, back to back, until both counts are reached; judge all of it.

    A turn is a roll of all slots by the operator's command, then of so many parts of the fleet to
    the other release and back, in one job.
    """
    trees = [other_tree(folder / name, name) for name in ("one", "other")]
    releases = [archive_release(fleet.storage, tree, "soak").release for tree in trees]
    shutil.copy(ROOT / "tests/rolling_update/soak_drive.py", fleet.tree / "soak_drive.py")
    deadline = time.monotonic() + seconds
    turns, before = 0, len(completed(fleet))
    while (done := len(completed(fleet)) - before) < rolls:
        assert time.monotonic() < deadline, f"{done} rolls"
        here, there = turns % 2, (turns + 1) % 2
        report = fleet.roll(trees[here], "--shadow=0")
        assert report.outcome == "done", report.failure
        roll_parts(fleet, (releases[there], releases[here]), parts)
        turns += 1
    while (verdict := fleet.verdict()).decisions < decisions:
        assert time.monotonic() < deadline, f"{verdict.decisions} decisions"
        fleet.await_decisions(1)
    print(
        f"{verdict.decisions} decisions, {done} rolls ({turns} of all slots), "
        f"missed {verdict.missed}, {verdict.slots_ordered} slots ordered, {verdict.fills} fills, "
        f"{len(verdict.differences)} differences"
    )
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []


def roll_parts(fleet: Fleet, releases: tuple[str, str], parts: int) -> None:
    """Roll each eighth of the slots there and back again, as far as there are parts."""
    asked = tuple(
        Part(release=release, slots=fleet.slots[part::EIGHTH])
        for part in range(parts // 2)
        for release in releases
    )
    orders = Orders(storage=str(fleet.state.storage), parts=asked, late_kinds=LATE_KINDS)
    (fleet.tree / "orders.json").write_bytes(msgspec.json.encode(orders))
    fleet.job(fleet.tree, "soak_drive.py", "orders.json", seconds=JOB_SECONDS)


def completed(fleet: Fleet) -> list[str]:
    """Return the rolls of this fleet that replaced every asked slot."""
    reports = {name: read_report(fleet.storage, name) for name in rollout_ids(fleet.storage)}
    return [name for name, report in reports.items() if report and report.outcome == "done"]


def decide_often(tree: Path) -> None:
    often = f"decision_offsets_ms = {list(LONG_OFFSETS_MS)}"
    edit(tree, "cluster/configs/sandbox.toml", "decision_offsets_ms = [20_000]", often)


@pytest.mark.ray
@pytest.mark.exchange
@pytest.mark.timeout(2 * SHORT_SECONDS)
def test_a_short_soak_misses_loses_and_repeats_nothing(fleet: Fleet, tmp_path: Path) -> None:
    soak(fleet, tmp_path, SHORT_DECISIONS, SHORT_ROLLS, 2, SHORT_SECONDS)


@pytest.mark.soak
@pytest.mark.ray
@pytest.mark.exchange
@pytest.mark.timeout(LONG_SECONDS + 3_600)
def test_ten_thousand_decisions_with_a_hundred_rolls(tmp_path: Path) -> None:
    with running_fleet(tmp_path / "fleet", SIXTEEN, prepare=decide_often) as fleet:
        fleet.await_decisions(1)
        soak(fleet, tmp_path, LONG_DECISIONS, LONG_ROLLS, 2 * EIGHTH, LONG_SECONDS)
