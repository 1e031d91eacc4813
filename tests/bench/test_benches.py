"""Runs every bench as its own process, as a person would: `make bench`.

A bench that ends badly fails here; a missed aim does not, it is printed.
"""

import subprocess
import sys

import pytest

from tests.bench.frame import ROOT

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3_600)]
BENCHES = (
    "decide",
    "journaling",
    "order",
    "halt",
    "start_and_memory",
    "latency",
    "roll_lateness",
    "handoff",
    "gateway_growth",
    "market_stream",
    "back_fill",
    "paper_fills",
    "daily_audit",
    "paper_quiet",
    "console_pages",
)


@pytest.mark.parametrize("name", BENCHES)
def test_bench(name: str) -> None:
    done = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], cwd=ROOT, check=False)
    assert done.returncode == 0
