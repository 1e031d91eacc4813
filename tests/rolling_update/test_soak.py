"""Rolls back to back while the fleet trades: a short soak, and `make soak` for hours."""

import time
from pathlib import Path

import pytest

from cluster.rolling_update.record import read_report, rollout_ids
from tests.rolling_update.fleet import SIXTEEN, Fleet, running_fleet
from tests.rolling_update.test_awkward_drivers import other_tree

LONG_DECISIONS = 10_000
LONG_ROLLS = 100
LONG_SECONDS = 6 * 3_600.0
SHORT_DECISIONS = 300
SHORT_ROLLS = 3
SHORT_SECONDS = 400.0


def soak(fleet: Fleet, folder: Path, decisions: int, rolls: int, seconds: float) -> None:
    """Roll between two releases until both counts are reached; judge all of it."""
    trees = [other_tree(folder / name, name) for name in ("one", "other")]
    deadline = time.monotonic() + seconds
    done = len(completed(fleet))
    while fleet.verdict().decisions < decisions or done < rolls:
        assert time.monotonic() < deadline, f"{done} rolls, {fleet.verdict().decisions} decisions"
        if done >= rolls:
            fleet.await_decisions(1)
            continue
        report = fleet.roll(trees[done % 2], "--shadow=0")
        assert report.outcome == "done", report.failure
        done += 1
    verdict = fleet.verdict()
    print(f"{verdict.decisions} decisions, {done} rolls, missed {verdict.missed}")
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []


def completed(fleet: Fleet) -> list[str]:
    """Return the rolls of this fleet that replaced every asked slot."""
    reports = {name: read_report(fleet.storage, name) for name in rollout_ids(fleet.storage)}
    return [name for name, report in reports.items() if report and report.outcome == "done"]


@pytest.mark.ray
@pytest.mark.exchange
def test_a_short_soak_misses_loses_and_repeats_nothing(fleet: Fleet, tmp_path: Path) -> None:
    soak(fleet, tmp_path, SHORT_DECISIONS, SHORT_ROLLS, SHORT_SECONDS)


@pytest.mark.soak
@pytest.mark.ray
@pytest.mark.exchange
@pytest.mark.timeout(LONG_SECONDS + 3_600)
def test_ten_thousand_decisions_with_a_hundred_rolls(tmp_path: Path) -> None:
    with running_fleet(tmp_path / "fleet", slots=SIXTEEN) as fleet:
        fleet.await_decisions(1)
        soak(fleet, tmp_path, LONG_DECISIONS, LONG_ROLLS, LONG_SECONDS)
