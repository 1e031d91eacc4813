"""What every bench prints: where it ran, and a table of what was measured beside what was aimed at.

A bench never fails for a time: a missed aim is a row that says so.
"""

import math
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[2]
MISSING: Final = "-"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    measured: str
    aim: str = ""
    met: bool | None = None
    """None: there is no aim."""

    @property
    def verdict(self) -> str:
        return {None: "", True: "met", False: "MISSED"}[self.met]


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Order statistics of one measurement; nearest rank, so each is a value that was seen."""

    count: int
    p50: float
    p99: float
    worst: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f}, p99 {self.p99:.1f}, max {self.worst:.1f} (n={self.count})"


def spread(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    assert ordered, "nothing was measured"
    return Spread(
        count=len(ordered), p50=at(ordered, 0.5), p99=at(ordered, 0.99), worst=ordered[-1]
    )


def at(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def row_at_most(what: str, value: float, limit: float, unit: str, note: str = "") -> Row:
    """Make a row whose aim is an upper limit."""
    measured = f"{number(value)} {unit}" + (f" ({note})" if note else "")
    return Row(what=what, measured=measured, aim=f"<= {number(limit)} {unit}", met=value <= limit)


def row_free(what: str, value: float, unit: str, note: str = "") -> Row:
    return Row(what=what, measured=f"{number(value)} {unit}" + (f" ({note})" if note else ""))


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def where() -> str:
    """Say the machine, its load now, and which code."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; load {load}; commit {commit()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str:
    try:
        return _git("rev-parse", "--short", "HEAD") + ("-dirty" if _git("status", "-s") else "")
    except (OSError, subprocess.SubprocessError):
        return os.environ.get("MIDSTRIDE_BENCH_COMMIT", "unknown")


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()


def show(title: str, rows: Sequence[Row], began_load: float) -> None:
    """Print the table; `began_load`: the machine's load before the bench put its own on top."""
    print(f"\n## {title}\n\n{where()}; load before {began_load:.1f}\n")
    print("| what | measured | aim | |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.measured} | {row.aim} | {row.verdict} |", flush=True)


def bench(title: str, measure: Callable[[], Sequence[Row]]) -> None:
    """Measure, then print."""
    load = os.getloadavg()[0]
    show(title, measure(), load)


def median(values: Iterable[float]) -> float:
    return statistics.median(values)
