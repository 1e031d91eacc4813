"""Bare Ray actors under a release's own runtime environment: the floor for starts and memory.

Runs as a driver of its own: `python -m tests.bench.bare --address A --archive ZIP`, JSON on stdout.
Every group has its own copy of the archive, so that no group finds an environment already made,
unless it is asked to (`--warm`).
"""

import argparse
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any, Final

import msgspec

READY_SECONDS: Final = 240.0


class Started(msgspec.Struct, frozen=True, kw_only=True):
    seconds: float
    """From the first creation asked to the last actor ready."""
    memory: tuple[tuple[float, float], ...]
    """Resident and private memory of each, MB."""


def memory_mb(pid: int) -> tuple[float, float]:
    """Return resident and private memory of a process in MB (2**20 bytes)."""
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, _, rest = line.partition(":")
        fields[name] = int(rest.split()[0])
    private = fields["Private_Clean"] + fields["Private_Dirty"]
    return fields["Rss"] / 1024, private / 1024


def start(count: int, imports: tuple[str, ...], environment: dict[str, Any]) -> Started:
    """Start so many actors at once, measure them, end them."""
    import ray

    class Bare:  # defined here, so that it travels by value: the archive holds no tests
        def __init__(self, imports: tuple[str, ...]) -> None:
            import importlib

            for name in imports:
                importlib.import_module(name)

        def pid(self) -> int:
            import os

            return os.getpid()

    kind: Any = ray.remote(Bare).options(num_cpus=0, runtime_env=environment)
    began = time.perf_counter()
    actors = [kind.remote(imports) for _ in range(count)]
    pids = ray.get([actor.pid.remote() for actor in actors], timeout=READY_SECONDS)
    seconds = time.perf_counter() - began
    found = Started(seconds=seconds, memory=tuple(memory_mb(pid) for pid in pids))
    for actor in actors:
        ray.kill(actor)
    return found


def last_json(said: str) -> Any:
    """Return the JSON document among a driver's lines; Ray prints warnings of its own there."""
    lines = [line for line in said.splitlines() if line.startswith("{")]
    assert lines, said[-2_000:]
    return json.loads(lines[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--imports", nargs="*", default=[])
    parser.add_argument("--warm", action="store_true", help="make the environment ready first")
    asked = parser.parse_args()
    import ray

    ray.init(address=asked.address, logging_level=logging.ERROR, log_to_driver=False)
    own = asked.archive.with_name(f"bare-{time.time_ns()}.zip")
    shutil.copy2(asked.archive, own)
    environment = {"working_dir": f"file://{own}"}
    try:
        if asked.warm:
            start(2, (), environment)
        found = start(asked.count, tuple(asked.imports), environment)
        print(json.dumps(msgspec.to_builtins(found)), flush=True)
    finally:
        ray.shutdown()
        own.unlink()


if __name__ == "__main__":
    main()
