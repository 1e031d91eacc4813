"""Runs the benches of evidence as processes of their own, as a person would."""

import subprocess
import sys

import pytest

from tests.bench.frame import ROOT


@pytest.mark.bench
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", ["tests.bench.audit", "tests.bench.audit.replay"])
def test_bench_of_evidence(name: str) -> None:
    done = subprocess.run([sys.executable, "-m", name], cwd=ROOT, check=False)
    assert done.returncode == 0
