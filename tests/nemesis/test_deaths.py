"""Everything, the raylet or the head is killed; then the same start again (`MIDSTRIDE_ROUNDS`)."""

import os
from pathlib import Path

import pytest

from tests.nemesis.after_death import EVERYTHING, HEAD, RAYLET, Deaths
from tests.rolling_update.fleet import running_fleet
from tests.rolling_update.trees import copy_tree, edit

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(7200)]

ROUNDS = int(os.environ.get("MIDSTRIDE_ROUNDS", "10"))
SPEED = 40


@pytest.mark.parametrize("blow", [EVERYTHING, RAYLET, HEAD])
def test_a_killed_fleet_comes_back_as_it_says_and_blames_no_release(
    blow: str, tmp_path: Path
) -> None:
    with running_fleet(tmp_path, ("btc-5m", "eth-5m"), SPEED) as fleet:
        other = copy_tree(tmp_path / "other")
        file, line = "signals/factors/pattern.py", "HALF_HOUR_MS = 1_800_000\n"
        edit(other, file, line, line.replace("\n", "  # the other release\n"))
        fleet.await_decisions(2)
        ports = fleet.state.read_run().ports
        again = ("--detach", f"--config={tmp_path / 'fleet.toml'}", f"--head-port={ports.gcs}")
        deaths = Deaths(fleet, (other, fleet.tree), (*again, f"--speed={SPEED}", "--seed=1"))
        rounds = []
        for number in range(ROUNDS):
            rounds.append(deaths.round(number, blow))
            print(rounds[-1].line, flush=True)
        verdict = fleet.verdict()
    assert {this.number: this.faults for this in rounds if this.faults} == {}
    assert verdict.differences == []
