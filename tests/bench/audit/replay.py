"""`python -m tests.bench.audit.replay [CYCLES]`: sixteen slots' decisions made again, by place."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from cluster.local.head import end_head, ensure_head
from cluster.local.state_folder import HeadPorts, StateFolder
from cluster.replay.result import Replayed
from cluster.replay.rooms import Where
from tests.bench.audit.replay_day import CYCLES, write_day
from tests.bench.frame import ROOT, Row, bench
from tests.rolling_update.fleet import free_ports

CORES: Final = len(os.sched_getaffinity(0))
REPLAY_SECONDS_MAX: Final = 1_800.0


def measure(cycles: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="ms-day-") as folder:
        state = StateFolder(Path(folder))
        state.prepare()
        decisions = write_day(state.storage, cycles)
        rows = [Row(what="decisions of sixteen slots", measured=f"{decisions:,}")]
        for processes in sorted({1, CORES}):
            rows += _replay(state, Where.PROCESSES, processes)
        with _head(state):
            for processes in sorted({1, CORES}):
                rows += _replay(state, Where.RAY, processes)
        return rows


@contextmanager
def _head(state: StateFolder) -> Iterator[None]:
    ensure_head(state, HeadPorts.starting_at(free_ports()))
    try:
        yield
    finally:
        end_head(state)


def _replay(state: StateFolder, where: Where, processes: int) -> list[Row]:
    """Run the command as a person would, start of Python included."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "cluster", "replay", f"--in={where}", f"--processes={processes}",
         f"--state={state.root}", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=REPLAY_SECONDS_MAX,
        check=True,
    )  # fmt: skip
    seconds = time.monotonic() - began
    found = msgspec.json.decode(done.stdout, type=Replayed)
    assert found.all_identical, found.differing[:1]
    start_seconds = max(one.start_seconds for one in found.releases)
    what = f"in {where}, {processes} at once"
    rates = (
        f"{found.decisions_per_second:,.0f}/s in all, "
        f"{found.decisions_per_second_per_process:,.0f}/s per core"
    )
    return [
        Row(what=f"{what}: whole command", measured=f"{seconds:.1f} s"),
        Row(what=f"{what}: decisions per second", measured=rates),
        Row(what=f"{what}: start of a release's environment", measured=f"{start_seconds:.1f} s"),
    ]


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else CYCLES
    bench("Replay of a day", lambda: measure(asked))
