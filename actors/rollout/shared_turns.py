"""Whose turn it is among the shared actors, and how it is passed on: by files, and by asking them.

Knows no Ray: how an actor is asked and ended is the subclass's.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, assert_never

import msgspec

from actors.directory import serving, write_name
from actors.gateway.holder import heir, name_heir, next_number
from actors.rollout.ports import CallFailedError
from actors.rollout.replacement.events import Back
from actors.rollout.shared import BUSY_SECONDS, CALL_SECONDS, NAME_CALL_SECONDS
from actors.rollout.succession import Succession, remember
from actors.shared_kind import Kind
from checkpoints.archive import archived_releases
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

AGAIN_SECONDS: Final = 0.5


class SharedTurns(ABC):
    """The part of `SharedCalls` that is about turns."""

    def __init__(self, storage: Storage, wire_ms: Callable[[], float]) -> None:
        self._storage = storage
        self._wire_ms = wire_ms
        self._released: dict[str, str] = {}
        """Actor name -> release as last seen."""

    @abstractmethod
    async def _ask(
        self, name: str, method: str, *arguments: Any, seconds: float = CALL_SECONDS
    ) -> Any:
        """Raise `CallFailedError`."""

    @abstractmethod
    def now_ms(self) -> float:
        """Return monotonic time."""

    @abstractmethod
    def _exists(self, name: str) -> bool:
        """Tell whether an actor of this name lives."""

    @abstractmethod
    def _end_for_good(self, name: str) -> None:
        """Have the actor ended and never started again; waits for nothing."""

    def current(self, kind: Kind) -> str:
        return serving(self._storage, kind)

    def next_name(self, kind: Kind) -> str:
        """Name a successor as no actor of this kind that lives or served is named."""
        number = int(self.current(kind).rpartition("/")[2]) + 1
        if kind is Kind.GATEWAY:
            number = max(number, next_number(self._storage))
        while self._exists(f"{kind}/{number}"):
            number += 1  # left standing by when another driver died; it leaves by itself
        return f"{kind}/{number}"

    async def seize(self, kind: Kind, old: str, new: str) -> None:
        """Pass the turn on; the old one must not come up again, whatever it is doing."""
        self._end_for_good(old)
        if kind is Kind.GATEWAY:
            await self._ask(new, "take_over")
        else:
            await self._write_name(kind, new)

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
            wire_ms=int(self._wire_ms()),
            reason="" if before is None else before.sick or "asked for",
        )
        await self._stored(remember, self._storage, succession)

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
                await self._write_name(kind, new)
            case Kind.GATEWAY:
                await self._name_gateway(old, new)
            case _:
                assert_never(kind)

    async def _name_supervisor(self, old: str, new: str) -> None:
        """Wait until the old one creates nothing; pass over one that stays busy or silent.

        Two that create the same slot do no harm: the gateway opens each incarnation once.
        """
        end_ms = self.now_ms() + 1_000 * BUSY_SECONDS
        while self.now_ms() < end_ms:
            try:
                if await self._ask(old, "hand_over", new):
                    return
            except CallFailedError:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        await self._write_name(Kind.SUPERVISOR, new)

    async def _name_gateway(self, old: str, new: str) -> None:
        """Have the old one leave in order; end one that does not answer, so that its lock frees."""
        try:
            moved = await self._ask(old, "hand_over", new, seconds=NAME_CALL_SECONDS)
        except CallFailedError:
            await self._ask(new, "take_over")
            return
        if not moved:
            raise CallFailedError(f"{old} does not serve, or cannot name its heir")

    async def name_back(self, kind: Kind, old: str, new: str) -> bool:
        """Pass the turn back, unless the supervisor has passed it on to another one meanwhile.

        That one serves; it would be barred for an actor that may be gone.
        """
        if await asyncio.to_thread(self._named, kind) not in (None, old, new):
            return False
        if kind is not Kind.GATEWAY:
            await self._write_name(kind, old)
            return True
        try:
            taken = await self._ask(old, "take_back")
        except CallFailedError:
            taken = False
        if not taken:  # it finds itself named in the files, also when it is started again
            await self._stored(name_heir, self._storage, old)
        return True

    def _named(self, kind: Kind) -> str | None:
        if kind is not Kind.GATEWAY:
            return serving(self._storage, kind)
        try:
            return heir(self._storage)
        except (CheckpointsError, msgspec.DecodeError) as error:
            raise CallFailedError(f"storage: {error}") from error

    async def _write_name(self, kind: Kind, name: str) -> None:
        await self._stored(write_name, self._storage, kind, name)

    async def _stored(self, write: Any, *arguments: Any) -> None:
        try:
            await asyncio.to_thread(write, *arguments)
        except CheckpointsError as error:
            raise CallFailedError(f"storage: {error}") from error
