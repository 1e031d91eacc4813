"""A dozen fixed cells of the nemesis; `make nemesis` runs the whole matrix."""

from pathlib import Path

import pytest

from tests.nemesis.matrix import DOZEN, Matrix, faults_of, line
from tests.rolling_update.fleet import running_fleet

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1800)]


def test_a_dozen_blows_at_steps_of_a_handoff_do_no_harm(tmp_path: Path) -> None:
    with running_fleet(tmp_path / "fleet", slots=("btc-5m", "eth-5m")) as fleet:
        fleet.await_decisions(2)
        bad = {}
        for ending in Matrix(fleet, tmp_path).run(DOZEN):
            print(line(ending))
            if faults_of(ending):
                bad[ending.cell.name] = faults_of(ending)
        fleet.await_decisions(2)
        verdict = fleet.verdict()
    assert bad == {}
    assert verdict.differences == []
    assert verdict.missed == 0, verdict.missed_points
