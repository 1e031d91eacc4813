"""The bad releases that every run of the tests makes, on one fleet."""

from pathlib import Path

import pytest

from tests.bad_releases.groups import GROUPS
from tests.bad_releases.table import HEAD, run_table

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(900)]


def test_a_bad_release_does_no_harm_is_taken_back_and_is_named(tmp_path: Path) -> None:
    cases = [case for group in GROUPS.values() for case in group if case.short]
    print(f"\n{HEAD}")
    endings, differences = run_table(cases, tmp_path)
    assert {ending.case.name: ending.faults for ending in endings if ending.faults} == {}
    assert differences == []
