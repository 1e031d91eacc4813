"""Hours of wall time in live mode at speed 1, sixteen slots, a roll at each quarter of an hour.

`MIDSTRIDE_LIVE_MINUTES` says how long, `MIDSTRIDE_LIVE_ROLL_MINUTES` how often it is rolled.
"""

import os
import time
from pathlib import Path

import pytest

from tests.cluster.gate.closed_fleet import clean_tree
from tests.cluster.live_fleet import LiveFleet, live_fleet
from tests.cluster.test_live_rehearsal import TUNED
from tests.nemesis.wear import HEADINGS, Sampler, trends
from tests.rolling_update.fleet import SIXTEEN
from tests.rolling_update.trees import release_in

MINUTES = float(os.environ.get("MIDSTRIDE_LIVE_MINUTES", "120"))
ROLL_MINUTES = float(os.environ.get("MIDSTRIDE_LIVE_ROLL_MINUTES", "15"))
SAMPLE_S = 60.0
GROWS_AT_MOST = 1.15
"""Last quarter over second quarter, for what must not grow with time: memory and open files."""
pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.soak,
    pytest.mark.timeout(60 * MINUTES + 3_600),
]


def roll(fleet: LiveFleet, tree: Path) -> float:
    """Roll a tree out with the operator's approval; return the seconds that it took."""
    began = time.monotonic()
    fleet.clear_late_alarms()
    code, said = fleet.apply(tree, fleet.approved(tree, "--shadow=0", "--replay=0"))
    assert code == 0, said
    return time.monotonic() - began


def await_minute(fleet: LiveFleet, began_s: float, minute: float) -> None:
    due_s = began_s + 60 * minute
    fleet.wait(lambda: time.monotonic() >= due_s, f"minute {minute:g}", 60 * MINUTES)


def log(fleet: LiveFleet, line: str) -> None:
    """Add a line of progress to a file beside the fleet, with the load of the machine."""
    text = f"{time.strftime('%H:%M:%S')} load {os.getloadavg()[0]:.1f}: {line}\n"
    with (fleet.folder / "hours.log").open("a") as file:
        file.write(text)


def test_hours_of_live_mode_with_a_roll_each_quarter_of_an_hour(tmp_path: Path) -> None:
    with live_fleet(tmp_path, SIXTEEN) as fleet:
        fleet.start_approved()
        fleet.await_decisions(1)
        other = clean_tree(tmp_path / "tuned", TUNED)
        trees = (other, fleet.tree)
        began = time.monotonic()
        took: list[float] = []
        with Sampler(fleet, SAMPLE_S, lambda line: log(fleet, line)) as sampler:
            while (at := (len(took) + 1) * ROLL_MINUTES) < MINUTES:
                await_minute(fleet, began, at)
                tree = trees[len(took) % 2]
                took.append(roll(fleet, tree))
                verdict = fleet.verdict()
                log(
                    fleet,
                    f"roll {len(took)} to {release_in(tree)} took {took[-1]:.0f} s: {verdict}",
                )
            await_minute(fleet, began, MINUTES)
        verdict = fleet.verdict()
        minutes = (time.monotonic() - began) / 60
        print(f"\nlive mode, {len(SIXTEEN)} slots, {minutes:.0f} minutes at speed 1: {verdict}")
        print(f"{len(took)} rolls of all slots, seconds: {[round(seconds) for seconds in took]}")
        rows = trends(sampler.samples)
        print("\n".join((HEADINGS, *(row.line() for row in rows))))
        print(f"alarms left: {[state.alarm.kind for state in fleet.alarms()]}")
        assert verdict.missed == 0, verdict.missed_points
        assert verdict.differences == []
        grown = [
            row.line()
            for row in rows
            if row.what in {"memory, MB", "open files", "processes"}
            and row.last > GROWS_AT_MOST * row.first
        ]
        assert not grown, grown
