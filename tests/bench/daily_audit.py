"""The daily audit of sixteen slots: how long it takes, and whether decisions are later beside it.

A process of ordinary priority wakes at fixed moments and decides, as slots do. Beside it the audit
of a generated day runs and is paused, in turns of some seconds: what else the machine does is the
same in both.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from actors.runtime import CONFIG_FILE
from checkpoints.storage import LocalStorage
from cluster.daily_audit.report import DayAudit
from cluster.local.state_folder import StateFolder
from signals.decision import Position
from signals.market import Asset, Timeframe
from signals.params import load_params
from signals.strategy import load_strategy
from signals.units import MicroUsd
from tests.bench.audit.replay_day import CYCLES, write_day
from tests.bench.frame import ROOT, Row, bench, row_at_most, row_free, spread
from tests.cluster.audit.builders import DAY
from tests.cluster.audit.complete_record import make_config
from tests.signals.builders import make_snapshot

TURN_SECONDS: Final = 2.0
EVERY_SECONDS: Final = 0.05
RATIO_AIM: Final = 1.5
SECONDS_AIM: Final = 300.0
MEMORY_MB_AIM: Final = 1_500
MS: Final = 1_000


def measure(cycles: int = CYCLES) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(prefix="ms-audit-") as folder:
        state = StateFolder(Path(folder))
        state.prepare()
        decisions = write_day(state.storage, cycles)
        config = msgspec.json.encode(make_config(state.storage))
        LocalStorage(state.storage).write(CONFIG_FILE, config)
        output = state.root / "audit.json"
        began, used = time.monotonic(), _cpu_seconds()
        beside, paused, paused_s = _in_turns(_audit(state, output))
        took, cost = time.monotonic() - began - paused_s, _cpu_seconds() - used
        found = msgspec.json.decode(output.read_bytes(), type=DayAudit)
    made = next(check for check in found.checks if check.name == "decisions made again")
    assert made.state == "passed", made
    return _rows(decisions, found, (paused, beside), (took, cost))


def _in_turns(child: subprocess.Popen[bytes]) -> tuple[list[float], list[float], float]:
    """Return how late decisions were while the audit ran and while it was paused, and how long."""
    beside: list[float] = []
    paused: list[float] = []
    paused_s = 0.0
    while child.poll() is None:
        beside += probe(until(TURN_SECONDS))
        if child.poll() is not None:
            break
        began = time.monotonic()
        os.killpg(child.pid, signal.SIGSTOP)
        try:
            paused += probe(until(TURN_SECONDS))
        finally:
            os.killpg(child.pid, signal.SIGCONT)
        paused_s += time.monotonic() - began
    return beside, paused, paused_s


def probe(ended: Callable[[], bool]) -> list[float]:
    """Decide at fixed moments until the end; return from due to decided, ms."""
    strategy, snapshot = load_strategy("five_factor"), make_snapshot(asset=Asset.BTC)
    position, params = Position(allocation_micro_usd=MicroUsd(100_000_000)), load_params("")
    late: list[float] = []
    due = time.monotonic() + EVERY_SECONDS
    while not ended():
        time.sleep(max(0.0, due - time.monotonic()))
        strategy.decide(snapshot, Timeframe.M5, position, strategy.Memory(), params)
        now = time.monotonic()
        late.append((now - due) * MS)
        due = max(due + EVERY_SECONDS, now)
    return late


def until(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _audit(state: StateFolder, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as written:
        return subprocess.Popen(
            [sys.executable, "-m", "cluster.daily_audit", str(state.root), DAY],
            cwd=ROOT,
            stdout=written,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _cpu_seconds() -> float:
    used = os.times()
    return used.children_user + used.children_system


def _rows(
    decisions: int,
    found: DayAudit,
    late: tuple[list[float], list[float]],
    took: tuple[float, float],
) -> Sequence[Row]:
    quiet, beside = spread(late[0]), spread(late[1])
    seconds, cost = took
    parts = ", ".join(f"{check.name} {check.seconds:.1f} s" for check in found.checks)
    return (
        Row(what="decisions of sixteen slots in a day", measured=f"{decisions:,}"),
        row_at_most("the audit of the day took", seconds, SECONDS_AIM, "s"),
        row_free("processor time, all its processes", cost, "s"),
        Row(what="of it", measured=parts),
        row_at_most("most memory", found.memory_bytes_max / 2**20, MEMORY_MB_AIM, "MB"),
        Row(what="due to decided without it, ms", measured=str(quiet)),
        Row(what="due to decided beside it, ms", measured=str(beside)),
        row_at_most("p99 beside the audit against without", beside.p99 / quiet.p99, RATIO_AIM, "x"),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=CYCLES)
    asked = parser.parse_args()
    bench("the daily audit", lambda: measure(asked.cycles))
