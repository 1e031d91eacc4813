"""The shared actors' handoff on the real fleet: Ray actors by name, their turns by files.

Runs inside a job or an actor, as `ray_calls` does and for the same reason.
"""

import asyncio
import time
from pathlib import Path
from typing import Any, Final, assert_never

import msgspec
import ray
from ray.exceptions import RayError

from actors.detectors.alarm_names import AlarmName
from actors.directory import serving, write_name
from actors.gateway.holder import name_heir, next_number
from actors.ray_actors import actor_named, create
from actors.rollout.gateway_restarts import gateway_restarts
from actors.rollout.ports import CallFailedError
from actors.rollout.ray_calls import RayCalls, answer_of, hash_of_process
from actors.rollout.shared import (
    BUSY_SECONDS,
    CALL_SECONDS,
    CREATE_SECONDS,
    NAME_CALL_SECONDS,
    Back,
    Seen,
)
from actors.rollout.shared_seen import STATUS, life_of, seen_of
from actors.rollout.succession import Succession, remember
from actors.runtime import wire_ms
from actors.shared_kind import Kind
from checkpoints.archive import archived_releases
from checkpoints.errors import CheckpointsError
from checkpoints.process_id import end_life, life_alive
from checkpoints.storage import LocalStorage

AGAIN_SECONDS: Final = 0.5
GONE_SECONDS: Final = 20.0
"""Wire. `ray.kill` lets a process go within a second; a stopped one is ended by its id."""
ANSWER_SECONDS: Final = 3.0
"""Wire, for the look that sorts sick from well; its files are hashed beside it."""


class RaySharedCalls:
    """`SharedCalls` on Ray."""

    def __init__(self, storage_root: str) -> None:
        self._root = storage_root
        self._storage = LocalStorage(Path(storage_root))
        self._alarms = RayCalls(storage_root)
        self._lives: dict[str, str] = {}
        """Actor name -> its process as last seen."""
        self._hashed: dict[str, str] = {}
        """Life -> release of the folder that it runs in."""
        self._released: dict[str, str] = {}
        """Actor name -> release as last seen."""

    def current(self, kind: Kind) -> str:
        return serving(self._storage, kind)

    def next_name(self, kind: Kind) -> str:
        """Name a successor as no actor of this kind that lives or served is named."""
        number = int(self.current(kind).rpartition("/")[2]) + 1
        if kind is Kind.GATEWAY:
            number = max(number, next_number(self._storage))
        while _handle(f"{kind}/{number}") is not None:
            number += 1  # left standing by when another driver died; it leaves by itself
        return f"{kind}/{number}"

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

    async def seize(self, kind: Kind, old: str, new: str) -> None:
        """Pass the turn on; the old one must not come up again, whatever it is doing."""
        handle = _handle(old)
        if handle is not None:
            ray.kill(handle, no_restart=True)
        match kind:
            case Kind.SUPERVISOR | Kind.MARKET_DATA:
                await self._stored(write_name, self._storage, kind, new)
            case Kind.GATEWAY:
                await self._ask(new, "take_over")
            case _:
                assert_never(kind)

    async def remember(self, kind: Kind, new: str, release: str, before: Back | None) -> None:
        """Name the release before only where it is archived: only then it can run again."""
        old = self.current(kind)
        replaced = "" if before is not None else self._released.get(old, "")
        if replaced not in archived_releases(self._storage):
            replaced = ""
        succession = Succession(
            kind=str(kind),
            name=new,
            release=release,
            before_name=old,
            before_release=replaced,
            wire_ms=int(wire_ms()),
            reason="" if before is None else before.sick or "asked for",
        )
        await self._stored(remember, self._storage, succession)

    async def ask_bytes(self, name: str, method: str) -> bytes:
        """Ask what takes no words and answers in bytes."""
        return bytes(await self._ask(name, method))

    async def prepare(self, kind: Kind, old: str, new: str) -> None:
        """Have the next gateway load the terms that the present one has loaded."""
        if kind is not Kind.GATEWAY:
            return
        try:
            for condition, tokens in (await self._ask(old, "warmed")).items():
                await self._ask(new, "warm", condition, tokens)
        except CallFailedError:
            return  # its first orders ask the venue themselves

    async def name(self, kind: Kind, old: str, new: str) -> None:
        match kind:
            case Kind.SUPERVISOR:
                await self._name_supervisor(old, new)
            case Kind.MARKET_DATA:
                await self._stored(write_name, self._storage, kind, new)
            case Kind.GATEWAY:
                await self._name_gateway(old, new)
            case _:
                assert_never(kind)

    async def _name_supervisor(self, old: str, new: str) -> None:
        """Wait until the old one creates nothing; pass over one that stays busy or silent.

        Two that create the same slot do no harm: the gateway opens each incarnation once.
        """
        end = time.monotonic() + BUSY_SECONDS
        while time.monotonic() < end:
            try:
                if await self._ask(old, "hand_over", new):
                    return
            except CallFailedError:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        await self._stored(write_name, self._storage, Kind.SUPERVISOR, new)

    async def _name_gateway(self, old: str, new: str) -> None:
        """Have the old one leave in order; end one that does not answer, so that its lock frees."""
        try:
            moved = await self._ask(old, "hand_over", new, seconds=NAME_CALL_SECONDS)
        except CallFailedError:
            await self._ask(new, "take_over")
            return
        if not moved:
            raise CallFailedError(f"{old} does not serve, or cannot name its heir")

    async def name_back(self, kind: Kind, old: str) -> None:
        match kind:
            case Kind.SUPERVISOR | Kind.MARKET_DATA:
                await self._stored(write_name, self._storage, kind, old)
            case Kind.GATEWAY:
                try:
                    await self._ask(old, "take_back")
                except CallFailedError:  # when Ray starts it again it finds itself named
                    await self._stored(name_heir, self._storage, old)
            case _:
                assert_never(kind)

    async def end(self, name: str) -> None:
        handle = _handle(name)
        if handle is not None:
            ray.kill(handle, no_restart=True)
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

    async def _stored(self, write: Any, *arguments: Any) -> None:
        try:
            await asyncio.to_thread(write, *arguments)
        except CheckpointsError as error:
            raise CallFailedError(f"storage: {error}") from error


def _handle(name: str) -> Any:
    if not ray.is_initialized():
        return None  # asking would join whatever cluster this machine started last
    try:
        return actor_named(name)
    except ValueError:
        return None
