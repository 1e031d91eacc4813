"""The whole table (`pytest -s -m nemesis tests/bad_releases`): a fleet for each group of cases."""

from pathlib import Path

import pytest

from tests.bad_releases.groups import GROUPS
from tests.bad_releases.table import HEAD, run_table

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("group", GROUPS)
def test_each_bad_release_does_no_harm_is_taken_back_and_is_named(
    group: str, tmp_path: Path
) -> None:
    print(f"\n{group}\n{HEAD}")
    endings, differences = run_table(GROUPS[group], tmp_path)
    assert {ending.case.name: ending.faults for ending in endings if ending.faults} == {}
    assert differences == []
