"""`python -m tests.bench.audit [DAYS]`: reports over a generated year, time and memory."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bench.audit.year import write_year
from tests.bench.frame import ROOT, Row, bench

DAYS: Final = 365
SECONDS_AIM: Final = 10.0
MEMORY_MB_AIM: Final = 1_500


def measure(days: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="midstride-year-") as folder:
        storage = Path(folder) / "storage"
        began = time.monotonic()
        decisions = write_year(storage, days)
        made_seconds = time.monotonic() - began
        rows = [
            Row(what=f"decisions in {days} generated days", measured=f"{decisions:,}"),
            Row(what="making them", measured=f"{made_seconds:.1f} s"),
        ]
        for command in ("releases", "windows --mixed", "trades --slot btc-5m"):
            rows += _measure(folder, command)
    return rows


def _measure(folder: str, command: str) -> list[Row]:
    """Run one command as a process of its own, start of Python included."""
    began, cpu = time.monotonic(), _cpu_seconds()
    arguments = [*command.split(), "--state", folder, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "cluster", "audit", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    what = f"audit {command}"
    used = f"{seconds:.1f} s, {_cpu_seconds() - cpu:.1f} s of processor"
    size = f"{used}, {len(done.stdout) // 1024} KB of JSON"
    return [
        Row(what=what, measured=size, aim=f"<= {SECONDS_AIM:.0f} s", met=seconds <= SECONDS_AIM),
        Row(
            what=f"{what}: largest memory so far",
            measured=f"{peak:.0f} MB",
            aim=f"<= {MEMORY_MB_AIM} MB",
            met=peak <= MEMORY_MB_AIM,
        ),
    ]


def _cpu_seconds() -> float:
    """Return what ended children used: on a busy machine the honest half of a time."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    bench("Audit over a generated year", lambda: measure(asked))
