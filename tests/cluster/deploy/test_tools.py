"""A program that is not installed: CI fails, a developer's run skips with how to install it."""

import re
from pathlib import Path

import pytest

from tests.cluster.deploy.tools import PACKAGES, tool

CI_RUN = Path(__file__).parents[3] / ".ci/run"


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ({"HYPOTHESIS_PROFILE": "ci"}, pytest.fail.Exception),
        ({"CI": "true"}, pytest.fail.Exception),
        ({}, pytest.skip.Exception),
    ],
)
def test_a_missing_program_fails_in_ci_and_is_skipped_elsewhere(
    environment: dict[str, str], outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "HYPOTHESIS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        outcome, match=r"promtool is not installed: .*apt-get install .* prometheus"
    ):
        tool("promtool")


def test_the_ci_script_sets_the_switch_and_installs_the_programs_before_the_tests() -> None:
    before, found, _ = CI_RUN.read_text(encoding="utf-8").partition("-m pytest")
    assert found
    assert 'export HYPOTHESIS_PROFILE="${HYPOTHESIS_PROFILE:-ci}"' in before
    (programs,) = re.findall(r'^PROGRAMS="(.*)"$', before, re.MULTILINE)
    installed = {pair.partition(":")[2] for pair in programs.split()}
    assert set(PACKAGES.values()) <= installed
