"""What a paper fleet of sixteen slots costs between its decision points, at the wall's own time.

Counted is the processor time of every process of the fleet, Ray's own included, by the kernel's
count; the stand-ins of exchanges and venue are no part of the fleet.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster.local.head import head_processes
from cluster.local.processes import marked
from cluster.local.sandbox_process import read_ready
from tests.bench.frame import Row, bench, row_at_most
from tests.nemesis.test_paper_fleet import paper_fleet
from tests.process_kinds import kind_of
from tests.rolling_update.fleet import SIXTEEN, Fleet

AIM: Final = 25.0
CYCLE_MS: Final = 300_000
QUIET_FROM_MS: Final = 235_000
"""Market ms of the five minutes: their last decision is due at 230 s."""
QUIET_SECONDS: Final = 60.0
"""To just before the next window opens."""
TICKS: Final = os.sysconf("SC_CLK_TCK")
Parts = dict[str, float]


def measure() -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name, paper_fleet(Path(name), 1) as fleet:
        fleet.await_decisions(2)
        quiet = share(fleet, QUIET_FROM_MS, QUIET_SECONDS)
        load = os.getloadavg()[0]
    ordered = sorted(quiet.items(), key=lambda part: -part[1])
    parts = ", ".join(f"{what} {percent:.1f}" for what, percent in ordered)
    slots = len(SIXTEEN)
    return (
        row_at_most(
            f"paper fleet of {slots} slots between decision points",
            sum(quiet.values()),
            AIM,
            "% of a core",
            f"{QUIET_SECONDS:.0f} s, load {load:.1f}; {parts}",
        ),
    )


def share(fleet: Fleet, from_ms: int, seconds: float) -> Parts:
    """Return what each kind of process used from a moment of the cycle on, percent of a core."""
    clock = read_ready(fleet.state.sandbox_ready).clock
    now_ms = clock.market_ms(int(time.time() * 1_000))
    time.sleep((from_ms - now_ms % CYCLE_MS) % CYCLE_MS / 1_000)
    before, began = used(fleet), time.monotonic()
    time.sleep(seconds)
    after, took = used(fleet), time.monotonic() - began
    found: Parts = {}
    for pid, (what, ticks) in after.items():
        spent = ticks - before.get(pid, (what, 0))[1]
        found[what] = found.get(what, 0.0) + 100.0 * spent / TICKS / took
    return found


def used(fleet: Fleet) -> dict[int, tuple[str, int]]:
    """Return kind and processor ticks of each process of the fleet."""
    state, found = fleet.state, {}
    for process in (*head_processes(state), *marked(f"{state.owner}#watcher")):
        folder = Path(f"/proc/{process.pid}")
        try:
            what = kind_of((folder / "cmdline").read_bytes())
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[process.pid] = (what, int(fields[11]) + int(fields[12]))
    return found


if __name__ == "__main__":
    bench("a paper fleet between decision points", measure)
