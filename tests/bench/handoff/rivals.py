"""What else one can do on the same head: Ray checkpoint, kill and start; Ray Serve's own roll.

A driver of its own, JSON on stdout: `python -m tests.bench.handoff.rivals KIND --address A ...`.
Actors are defined inside functions, so that they travel by value: no release holds this file.
"""

import argparse
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any, Final

COUNT: Final = 16
READY_SECONDS: Final = 240.0
DEPLOYMENT: Final = "carrier"


def kill_and_start(archive: Path, folder: Path, records: int) -> dict[str, Any]:
    """Replace sixteen actors one by one: fsync'd Arrow checkpoint, kill, start, restore."""
    import ray

    class Carrier:
        def __init__(self, folder: str, name: str, records: int) -> None:
            import pyarrow as pa

            self._pa, self._path = pa, Path(folder) / f"{name}.arrow"
            if self._path.exists():
                with pa.OSFile(str(self._path), "rb") as file:
                    self._table = pa.ipc.open_file(file).read_all()
            else:
                numbers = list(range(records))
                text = ["carried"] * records
                self._table = pa.table(
                    {"key": numbers, "value": [n / 7 for n in numbers], "t": text}
                )

        def checkpoint(self) -> int:
            import os

            with self._path.open("wb") as file:
                with self._pa.ipc.new_file(file, self._table.schema) as writer:
                    writer.write_table(self._table)
                file.flush()
                os.fsync(file.fileno())
            return int(self._table.num_rows)

        def count(self) -> int:
            return int(self._table.num_rows)

    kind: Any = ray.remote(Carrier)
    environment = {"working_dir": f"file://{archive}"}

    def start(name: str) -> Any:
        options = kind.options(num_cpus=0, runtime_env=environment)
        return options.remote(str(folder), name, records)

    actors = {str(number): start(str(number)) for number in range(COUNT)}
    ray.get([actor.count.remote() for actor in actors.values()], timeout=READY_SECONDS)
    dark, began = [], time.perf_counter()
    for name in list(actors):
        since = time.perf_counter()
        ray.get(actors[name].checkpoint.remote(), timeout=READY_SECONDS)
        ray.kill(actors[name])
        actors[name] = start(name)
        kept = ray.get(actors[name].count.remote(), timeout=READY_SECONDS)
        assert kept == records
        dark.append((time.perf_counter() - since) * 1000)
    total = time.perf_counter() - began
    for actor in actors.values():
        ray.kill(actor)
    return {"dark_ms": dark, "total_s": total}


def serve_roll() -> dict[str, Any]:
    """Let Ray Serve roll sixteen replicas to a changed deployment; count what state they keep."""
    from ray import serve

    def deploy(shown: int) -> Any:
        @serve.deployment(
            name=DEPLOYMENT,
            num_replicas=COUNT,
            ray_actor_options={"num_cpus": 0},
            graceful_shutdown_wait_loop_s=0.1,
            graceful_shutdown_timeout_s=2.0,
        )
        class Carrier:
            def __init__(self, shown: int) -> None:
                import uuid

                self._shown, self._calls, self._id = shown, 0, uuid.uuid4().hex

            def call(self) -> tuple[str, int, int]:
                self._calls += 1
                return self._id, self._shown, self._calls

        bound = Carrier.bind(shown)  # type: ignore[attr-defined]
        return serve.run(bound, name="bench", route_prefix=None)

    serve.start(proxy_location="Disabled", logging_config={"log_level": "ERROR"})
    handle = deploy(1)
    before = _replicas(handle, 1)
    began = time.perf_counter()
    handle = deploy(2)
    after = _replicas(handle, 2)
    total = time.perf_counter() - began
    serve.shutdown()  # type: ignore[no-untyped-call]

    return {"total_s": total, "kept": len(before & after), "replicas": len(after)}


def _replicas(handle: Any, shown: int) -> set[str]:
    """Call until sixteen replicas of this version have answered and no other one did lately."""
    limit = time.monotonic() + READY_SECONDS
    seen: set[str] = set()
    while len(seen) < COUNT:
        assert time.monotonic() < limit, f"{len(seen)} replicas answered"
        answers = [handle.call.remote() for _ in range(COUNT)]
        for answer in answers:
            name, version, _ = answer.result(timeout_s=READY_SECONDS)
            if version == shown:
                seen.add(name)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["kill", "serve"])
    parser.add_argument("--address", required=True)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--records", type=int, default=100)
    asked = parser.parse_args()
    import ray

    ray.init(address=asked.address, logging_level=logging.ERROR, log_to_driver=False)
    own = asked.archive.with_name(f"rival-{time.time_ns()}.zip")
    shutil.copy2(asked.archive, own)
    folder = asked.folder / f"rival-{time.time_ns()}"
    folder.mkdir()
    try:
        found = (
            serve_roll() if asked.kind == "serve" else kill_and_start(own, folder, asked.records)
        )
        print(json.dumps(found), flush=True)
    finally:
        ray.shutdown()
        own.unlink()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
