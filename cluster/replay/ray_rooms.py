"""Where a release decides again on Ray: an actor in that release's own runtime environment.

A driver outside a job pushes its own folder in front of every worker's path unless the job itself
has a working directory; so the driver joins with a release's archive as that of the job, and each
actor names its own. The guest's attestation proves which code it got.
"""

import os
import threading
from pathlib import Path
from typing import Any, Final

import msgspec

from checkpoints.archive import load_archive
from checkpoints.storage import LocalStorage
from cluster.local.head import gcs_address, head_environment
from cluster.local.joining import join_ray
from cluster.local.state_folder import HeadPorts, StateFolder
from cluster.replay import decider
from cluster.replay.decider import Answers, Batch, Ready
from cluster.replay.errors import GuestError
from cluster.replay.guests import BATCH_SECONDS_MAX, Guest, check_identity

START_SECONDS_MAX: Final = 120.0
"""A worker with a runtime environment of its own is up in a few seconds; a busy box needs more."""


class RayRooms:
    """Actors on this fleet's head; they end with this process."""

    kind = "Ray actors in the releases' own runtime environments"

    def __init__(self, folder: StateFolder, ports: HeadPorts) -> None:
        self._folder = folder
        self._storage = LocalStorage(folder.storage)
        self._ports = ports
        self._joined = False
        self._joining = threading.Lock()

    def open(self, release: str) -> Guest:
        load_archive(self._storage, release)
        uri = f"file://{Path(self._folder.storage).resolve()}/releases/{release}.zip"
        with self._joining:
            self._join(uri)
        return RayGuest(release, uri)

    def close(self) -> None:
        import ray

        if self._joined:
            ray.shutdown()

    def _join(self, uri: str) -> None:
        if self._joined:
            return
        os.environ.update(head_environment(self._folder))
        os.environ.pop("RAY_ADDRESS", None)
        import ray

        try:
            join_ray(address=gcs_address(self._ports), runtime_env={"working_dir": uri})
        except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
            raise GuestError(f"the Ray head cannot be joined: {error}") from error
        self._joined = True


class RayGuest:
    def __init__(self, release: str, uri: str) -> None:
        import ray

        self._release = release
        source = Path(decider.__file__).read_text(encoding="utf-8")
        options: dict[str, Any] = {"num_cpus": 0, "runtime_env": {"working_dir": uri}}
        self._actor: Any = (
            ray.remote(_worker_class()).options(**options).remote(source, decider.NICENESS)
        )
        try:
            self.ready = self._confirm(START_SECONDS_MAX)
        except BaseException:
            self.close()
            raise

    def ask(self, batch: Batch) -> Answers:
        data = self._wait(self._actor.answer.remote(msgspec.msgpack.encode(batch)))
        return msgspec.msgpack.decode(data, type=Answers)

    def confirm(self) -> Ready:
        return self._confirm(BATCH_SECONDS_MAX)

    def close(self) -> None:
        import ray

        ray.kill(self._actor)

    def _confirm(self, limit_seconds: float) -> Ready:
        data = self._wait(self._actor.attest.remote(), limit_seconds)
        found = msgspec.msgpack.decode(data, type=Ready)
        check_identity(self._release, found)
        return found

    def _wait(self, reference: Any, limit_seconds: float = BATCH_SECONDS_MAX) -> bytes:
        import ray

        try:
            return bytes(ray.get(reference, timeout=limit_seconds))
        except ray.exceptions.RayError as error:
            said = str(error).strip().splitlines()[-1]
            raise GuestError(f"release {self._release}: its Ray actor failed: {said}") from error


def _worker_class() -> type[Any]:
    """Return the actor's class, made here so that Ray sends it by value.

    By reference it would have to be found in the archived release, which may be older than this.
    """

    class ReplayWorker:
        def __init__(self, source: str, niceness: int) -> None:
            import os
            import time

            os.nice(niceness)
            began = time.monotonic()
            self.names: dict[str, Any] = {"__name__": "decider"}
            exec(compile(source, "decider.py", "exec"), self.names)  # noqa: S102 our own file, sent whole
            self.root = os.getcwd()  # noqa: PTH109 nothing imported that is not needed
            self.attest()
            self.start_seconds = time.monotonic() - began
            self.decider = self.names["Decider"]()

        def attest(self) -> bytes:
            import msgspec

            found = self.names["attested"](self.root, getattr(self, "start_seconds", 0.0))
            return msgspec.msgpack.encode(found)

        def answer(self, data: bytes) -> bytes:
            import time

            import msgspec

            batch = msgspec.msgpack.decode(data, type=self.names["Batch"])
            began = time.process_time()
            made = self.decider.answer(batch)
            answers = self.names["Answers"](made=made, seconds=time.process_time() - began)
            return msgspec.msgpack.encode(answers)

    return ReplayWorker
