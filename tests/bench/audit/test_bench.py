"""Runs the bench of audits as its own process, as a person would."""

import subprocess
import sys

import pytest

from tests.bench.frame import ROOT


@pytest.mark.bench
@pytest.mark.timeout(3_600)
def test_bench_of_audits() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.bench.audit"], cwd=ROOT, check=False)
    assert done.returncode == 0
