"""Rolls back to back while the fleet trades: a short soak, and `make soak` for hours."""

import time
from pathlib import Path

import pytest

from cluster.rolling_update.record import read_report, rollout_ids
from tests.rolling_update.fleet import SIXTEEN, Fleet, running_fleet
from tests.rolling_update.test_awkward_drivers import other_tree
from tests.rolling_update.trees import edit

LONG_DECISIONS = 10_000
LONG_ROLLS = 100
LONG_SECONDS = 6 * 3_600.0
LONG_OFFSETS_MS = (20_000, 95_000, 170_000, 245_000)
"""Four decision points a cycle instead of one: 16 slots come to 6.4 a second at speed 30."""
PARTS = 8
TURN = 1 + 2 * PARTS
"""One roll of all slots, then each eighth of them to the other release and back again."""
SHORT_DECISIONS = 300
SHORT_ROLLS = 3
SHORT_SECONDS = 400.0


def soak(fleet: Fleet, folder: Path, decisions: int, rolls: int, seconds: float) -> None:
    """Roll between two releases, back to back, until both counts are reached; judge all of it."""
    trees = [other_tree(folder / name, name) for name in ("one", "other")]
    deadline = time.monotonic() + seconds
    done = len(completed(fleet))
    of_all = 0
    while done < rolls or fleet.verdict().decisions < decisions:
        assert time.monotonic() < deadline, f"{done} rolls, {fleet.verdict().decisions} decisions"
        if done >= rolls:
            fleet.await_decisions(1)
            continue
        turn, part = divmod(done, TURN)
        chosen = fleet.slots[(part - 1) // 2 :: PARTS] if part else ()
        words = [f"--slots={','.join(chosen)}"] if chosen else []
        report = fleet.roll(trees[(turn + part) % 2], "--shadow=0", *words)
        assert report.outcome == "done", report.failure
        of_all += not chosen
        done += 1
    verdict = fleet.verdict()
    print(
        f"{verdict.decisions} decisions, {done} rolls ({of_all} of all slots), "
        f"missed {verdict.missed}, {verdict.slots_ordered} slots ordered, {verdict.fills} fills, "
        f"{len(verdict.differences)} differences"
    )
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []


def completed(fleet: Fleet) -> list[str]:
    """Return the rolls of this fleet that replaced every asked slot."""
    reports = {name: read_report(fleet.storage, name) for name in rollout_ids(fleet.storage)}
    return [name for name, report in reports.items() if report and report.outcome == "done"]


def decide_often(tree: Path) -> None:
    often = f"decision_offsets_ms = {list(LONG_OFFSETS_MS)}"
    edit(tree, "cluster/configs/sandbox.toml", "decision_offsets_ms = [20_000]", often)


@pytest.mark.ray
@pytest.mark.exchange
def test_a_short_soak_misses_loses_and_repeats_nothing(fleet: Fleet, tmp_path: Path) -> None:
    soak(fleet, tmp_path, SHORT_DECISIONS, SHORT_ROLLS, SHORT_SECONDS)


@pytest.mark.soak
@pytest.mark.ray
@pytest.mark.exchange
@pytest.mark.timeout(LONG_SECONDS + 3_600)
def test_ten_thousand_decisions_with_a_hundred_rolls(tmp_path: Path) -> None:
    with running_fleet(tmp_path / "fleet", SIXTEEN, prepare=decide_often) as fleet:
        fleet.await_decisions(1)
        soak(fleet, tmp_path, LONG_DECISIONS, LONG_ROLLS, LONG_SECONDS)
