"""The shared actors' handoff on the real fleet: Ray actors by name, their turns by files.

Runs inside a job or an actor, as `ray_calls` does and for the same reason.
"""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import ray
from ray.exceptions import RayError

from actors.detectors.alarm_names import AlarmName
from actors.ray_actors import actor_named, create
from actors.rollout.gateway_restarts import gateway_restarts
from actors.rollout.ports import CallFailedError
from actors.rollout.ray_calls import RayCalls, answer_of, hash_of_process
from actors.rollout.replacement.events import Seen
from actors.rollout.shared import CALL_SECONDS, CREATE_SECONDS
from actors.rollout.shared_seen import STATUS, life_of, seen_of
from actors.rollout.shared_turns import AGAIN_SECONDS, SharedTurns
from actors.runtime import wire_ms
from actors.shared_kind import Kind
from checkpoints.process_id import end_life, life_alive
from checkpoints.storage import LocalStorage

GONE_SECONDS: Final = 20.0
"""Wire. `ray.kill` lets a process go within a second; a stopped one is ended by its id."""
ANSWER_SECONDS: Final = 3.0
"""Wire, for the look that sorts sick from well; its files are hashed beside it."""


class RaySharedCalls(SharedTurns):
    """`SharedCalls` on Ray."""

    def __init__(self, storage_root: str) -> None:
        super().__init__(LocalStorage(Path(storage_root)), wire_ms)
        self._root = storage_root
        self._alarms = RayCalls(storage_root)
        self._lives: dict[str, str] = {}
        """Actor name -> its process as last seen."""
        self._hashed: dict[str, str] = {}
        """Life -> release of the folder that it runs in."""

    async def create(self, kind: Kind, name: str, release: str) -> None:
        del kind  # the name says it
        try:
            created = create(name, self._root, release)
        except (RayError, ValueError) as error:
            raise CallFailedError(f"{name} cannot be created: {error}") from error
        await answer_of(created.__ray_ready__.remote(), CREATE_SECONDS)

    async def poll(self, kind: Kind, name: str) -> Seen:
        data = await self._ask(name, "status")
        try:
            status = msgspec.msgpack.decode(data, type=STATUS[kind])
        except msgspec.DecodeError as error:
            raise CallFailedError(f"{name}: status: {error}") from error
        life = life_of(status)
        self._lives[name] = life
        if life not in self._hashed:
            pid = int(life.partition("-")[0])
            self._hashed[life] = await asyncio.to_thread(hash_of_process, "", pid)
        seen = seen_of(status, self._hashed[life], named=self.current(kind) == name)
        self._released[name] = seen.release
        return seen

    async def sickness(self, kind: Kind, name: str) -> str | None:
        try:
            seen = await asyncio.wait_for(self.poll(kind, name), ANSWER_SECONDS)
        except TimeoutError:
            return f"no answer in {ANSWER_SECONDS:.0f} s"
        except CallFailedError as error:
            return str(error)
        if not seen.serves:
            return f"it is {seen.phase}"
        if kind is not Kind.GATEWAY:
            return None
        return await asyncio.to_thread(gateway_restarts, Path(self._root), name, wire_ms())

    async def ask_bytes(self, name: str, method: str) -> bytes:
        """Ask what takes no words and answers in bytes."""
        return bytes(await self._ask(name, method))

    async def end(self, name: str) -> None:
        self._end_for_good(name)
        life = self._lives.get(name)
        if life is None:
            return
        end = time.monotonic() + GONE_SECONDS
        while life_alive(life):
            if time.monotonic() > end - GONE_SECONDS / 2:
                end_life(life)
            if time.monotonic() > end:
                raise CallFailedError(f"process {life} of {name} does not end")
            await asyncio.sleep(AGAIN_SECONDS / 5)

    def now_ms(self) -> float:
        return 1_000 * time.monotonic()

    async def raise_alarm(self, kind: AlarmName, subject: str, reason: str) -> None:
        await self._alarms.raise_alarm(kind, subject, reason)

    async def _ask(
        self, name: str, method: str, *arguments: Any, seconds: float = CALL_SECONDS
    ) -> Any:
        handle = _handle(name)
        if handle is None:
            raise CallFailedError(f"no actor {name}")
        return await answer_of(getattr(handle, method).remote(*arguments), seconds)

    def _exists(self, name: str) -> bool:
        return _handle(name) is not None

    def _end_for_good(self, name: str) -> None:
        handle = _handle(name)
        if handle is not None:
            ray.kill(handle, no_restart=True)


def _handle(name: str) -> Any:
    if not ray.is_initialized():
        return None  # asking would join whatever cluster this machine started last
    try:
        return actor_named(name)
    except ValueError:
        return None
