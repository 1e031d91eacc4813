"""A question asked ahead of its due time: answered once, by whoever serves when it is due."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import ray

from actors.directory import MARKET_DATA_CURRENT
from actors.market_data.client import MarketDataClient

ASSET = "btc"
DUE_MS = 1_767_226_220_000


class Method:
    def __init__(self, name: str, fail: bool) -> None:  # noqa: FBT001 the fake's one choice
        self._name = name
        self.fail = fail
        self.asked: list[int] = []

    def remote(self, asset: str, due_ms: int) -> Any:
        self.asked.append(due_ms)
        return self._answer(asset)

    async def _answer(self, asset: str) -> tuple[str, bytes]:
        if self.fail:
            raise ray.exceptions.RayActorError
        return f"{self._name} {asset}", b"data"


class Actor:
    def __init__(self, name: str, *, fail: bool = False) -> None:
        self.snapshot = Method(name, fail)


class Actors:
    def __init__(self, root: Path) -> None:
        self._pointer = root / MARKET_DATA_CURRENT
        self._pointer.parent.mkdir()
        self.living: dict[str, Actor] = {"one": Actor("one"), "two": Actor("two")}
        self.client = MarketDataClient(str(root), self._find)

    def serve(self, name: str) -> None:
        self._pointer.write_text(name)

    def _find(self, name: str) -> Actor:
        if name not in self.living:
            raise ValueError(name)
        return self.living[name]

    def snapshot(self, due_ms: int = DUE_MS) -> str:
        return asyncio.run(self.client.snapshot(ASSET, due_ms))[0]


@pytest.fixture
def actors(tmp_path: Path) -> Actors:
    found = Actors(tmp_path)
    found.serve("one")
    return found


def test_a_point_asked_ahead_is_not_asked_again(actors: Actors) -> None:
    actors.client.expect(ASSET, DUE_MS)
    assert actors.snapshot() == "one btc"
    assert actors.living["one"].snapshot.asked == [DUE_MS]
    assert actors.snapshot() == "one btc"
    assert actors.living["one"].snapshot.asked == [DUE_MS, DUE_MS]


@pytest.mark.filterwarnings("ignore:coroutine")
def test_another_point_is_asked_for_itself(actors: Actors) -> None:
    actors.client.expect(ASSET, DUE_MS)
    assert actors.snapshot(DUE_MS + 1) == "one btc"
    assert actors.living["one"].snapshot.asked == [DUE_MS, DUE_MS + 1]


@pytest.mark.filterwarnings("ignore:coroutine")
def test_whoever_serves_when_it_is_due_answers(actors: Actors) -> None:
    actors.client.expect(ASSET, DUE_MS)
    actors.serve("two")
    assert actors.snapshot() == "two btc"


def test_one_that_died_meanwhile_is_asked_anew(actors: Actors) -> None:
    actors.living["one"].snapshot.fail = True
    actors.client.expect(ASSET, DUE_MS)
    actors.living["one"] = Actor("one again")
    assert actors.snapshot() == "one again btc"


def test_nobody_to_ask_ahead_is_said_when_it_is_due(actors: Actors) -> None:
    actors.living.clear()
    actors.client.expect(ASSET, DUE_MS)
    with pytest.raises(ValueError, match="one"):
        actors.snapshot()
