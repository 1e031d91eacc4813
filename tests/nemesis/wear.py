"""What a running fleet takes, sampled over hours: memory, open files, files and bytes on disk."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Final, Self

import msgspec

from tests.process_kinds import kind_of
from tests.rolling_update.fleet import Fleet, left_behind

MB: Final = 1_000_000
HOUR_S: Final = 3_600.0


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    at_s: float
    """Monotonic."""
    processes: int
    memory_mb: dict[str, float]
    """By kind of process: private memory and its share of what is shared (PSS)."""
    open_files: int
    stored_files: int
    stored_mb: float
    ray_mb: float
    """Logs and sessions of Ray."""

    @property
    def all_memory_mb(self) -> float:
        return sum(self.memory_mb.values())


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    first: float
    """Median of the second quarter of the samples: the start is over."""
    last: float
    """Median of the last quarter."""
    slope: float
    """Per hour, least squares over all but the first quarter."""

    def line(self) -> str:
        return f"{self.what:<34}{self.first:>12.1f}{self.last:>12.1f}{self.slope:>+14.2f}"


HEADINGS: Final = f"{'':<34}{'2nd quarter':>12}{'4th quarter':>12}{'slope an hour':>14}"


def sample(fleet: Fleet) -> Sample:
    memory: Counter[str] = Counter()
    opened = count = 0
    for process in left_behind(fleet):
        try:
            pss_kb = _field_kb(process / "smaps_rollup", "Pss:")
            name = kind_of((process / "cmdline").read_bytes())
            opened += sum(1 for _ in (process / "fd").iterdir())
        except OSError:
            continue  # it ended meanwhile
        count += 1
        memory[name] += pss_kb * 1_024
    files = [file for file in fleet.state.storage.rglob("*") if file.is_file()]
    return Sample(
        at_s=time.monotonic(),
        processes=count,
        memory_mb={name: used / MB for name, used in memory.items()},
        open_files=opened,
        stored_files=len(files),
        stored_mb=_size(files) / MB,
        ray_mb=_size(file for file in fleet.state.ray.rglob("*") if file.is_file()) / MB,
    )


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except OSError:
            continue
    return total


def _field_kb(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


class Sampler:
    """Samples in a thread until it is left."""

    def __init__(self, fleet: Fleet, every_s: float, say: Callable[[str], None]) -> None:
        self.samples: list[Sample] = []
        self._fleet, self._every_s, self._say = fleet, every_s, say
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            taken = sample(self._fleet)
            self.samples.append(taken)
            self._say(
                f"{taken.processes} processes, {taken.all_memory_mb:.0f} MB, "
                f"{taken.open_files} open files, {taken.stored_files} stored, "
                f"{taken.stored_mb:.1f} MB stored, {taken.ray_mb:.1f} MB of Ray"
            )


def trends(samples: Sequence[Sample]) -> list[Trend]:
    """Return a row for each figure; at least eight samples."""
    kinds = sorted({kind for taken in samples for kind in taken.memory_mb})
    rows = [trend(f"memory of {kind}, MB", samples, _memory_of(kind)) for kind in kinds]
    return [
        trend("memory, MB", samples, lambda taken: taken.all_memory_mb),
        *rows,
        trend("processes", samples, lambda taken: taken.processes),
        trend("open files", samples, lambda taken: taken.open_files),
        trend("stored files", samples, lambda taken: taken.stored_files),
        trend("stored, MB", samples, lambda taken: taken.stored_mb),
        trend("Ray's folder, MB", samples, lambda taken: taken.ray_mb),
    ]


def _memory_of(kind: str) -> Callable[[Sample], float]:
    return lambda taken: taken.memory_mb.get(kind, 0.0)


def trend(what: str, samples: Sequence[Sample], figure: Callable[[Sample], float]) -> Trend:
    quarter = len(samples) // 4
    assert quarter >= 2, f"{len(samples)} samples are too few"
    after = samples[quarter:]
    hours = [(taken.at_s - after[0].at_s) / HOUR_S for taken in after]
    values = [figure(taken) for taken in after]
    middle, mean = sum(hours) / len(hours), sum(values) / len(values)
    spread = sum((hour - middle) ** 2 for hour in hours)
    up = sum((h - middle) * (v - mean) for h, v in zip(hours, values, strict=True))
    return Trend(
        what=what,
        first=median(values[:quarter]),
        last=median(values[-quarter:]),
        slope=up / spread,
    )
