"""Passing the turn of a shared actor back: never away from one that the fleet has brought since."""

import asyncio
from typing import Any

import msgspec
import pytest

from actors.directory import serving, write_name
from actors.gateway.holder import heir, name_heir
from actors.gateway.lock import CURRENT_FILE, Current
from actors.rollout.ports import CallFailedError
from actors.rollout.shared import CALL_SECONDS
from actors.rollout.shared_turns import SharedTurns
from actors.shared_kind import Kind
from tests.checkpoints.memory_storage import MemoryStorage


class Turns(SharedTurns):
    """Nobody answers: what is passed on is passed on by files."""

    async def _ask(
        self, name: str, method: str, *arguments: Any, seconds: float = CALL_SECONDS
    ) -> Any:
        raise CallFailedError(f"no actor {name}: {method} {arguments} {seconds}")

    def now_ms(self) -> float:
        return 0.0

    def _exists(self, name: str) -> bool:
        raise AssertionError(name)

    def _end_for_good(self, name: str) -> None:
        raise AssertionError(name)


def handed_over(kind: Kind, *names: str) -> MemoryStorage:
    """Return a storage in which each passed its turn on to the next."""
    storage = MemoryStorage()
    if kind is Kind.GATEWAY:
        storage.write(CURRENT_FILE, msgspec.json.encode(Current(name=names[0], generation=1)))
    for name in names:
        if kind is Kind.GATEWAY:
            name_heir(storage, name)
        else:
            write_name(storage, kind, name)
    return storage


def named(storage: MemoryStorage, kind: Kind) -> str | None:
    return heir(storage) if kind is Kind.GATEWAY else serving(storage, kind)


def back(storage: MemoryStorage, kind: Kind) -> bool:
    return asyncio.run(Turns(storage, lambda: 0.0).name_back(kind, f"{kind}/1", f"{kind}/2"))


@pytest.mark.parametrize("kind", Kind)
def test_from_its_successor_the_old_one_has_its_turn_back(kind: Kind) -> None:
    storage = handed_over(kind, f"{kind}/1", f"{kind}/2")
    assert back(storage, kind)
    assert named(storage, kind) == f"{kind}/1"


@pytest.mark.parametrize("kind", Kind)
def test_where_nobody_was_named_yet_it_keeps_it(kind: Kind) -> None:
    storage = handed_over(kind, f"{kind}/1")
    assert back(storage, kind)
    assert named(storage, kind) == f"{kind}/1"


@pytest.mark.parametrize("kind", Kind)
def test_one_that_the_fleet_brought_meanwhile_is_not_barred(kind: Kind) -> None:
    storage = handed_over(kind, f"{kind}/1", f"{kind}/2", f"{kind}/3")
    assert not back(storage, kind)
    assert named(storage, kind) == f"{kind}/3"
