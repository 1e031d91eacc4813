"""Snapshots are made once, stored before they are answered, and nobody waits in vain."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from actors.market_data.snapshot import build_snapshot
from actors.market_data.snapshot_cache import Answer, SnapshotCache
from actors.runtime import wire_ms
from checkpoints.errors import CheckpointsError
from checkpoints.snapshots import SnapshotStore, decode_snapshot, encode_snapshot
from checkpoints.storage import LocalStorage
from signals.market import Asset
from signals.market_time import MarketClock
from signals.snapshot import Snapshot
from tests.actors.market_data.builders import T0, at
from tests.actors.market_data.journeys import warm_state

LIMIT_S = 90.0
_Value = TypeVar("_Value")


class Machine:
    """Stands for the step: makes what it is asked for, at once."""

    def __init__(self, store: SnapshotStore, ahead_ms: int = 0) -> None:
        clock = MarketClock(anchor_wire_ms=int(wire_ms()) + ahead_ms, anchor_market_ms=T0)
        self.asked: list[int] = []
        self.cache = SnapshotCache(store, clock, self.make)

    def make(self, asset: Asset, due_ms: int) -> None:
        self.asked.append(due_ms)
        self.cache.publish(snapshot(asset, due_ms))


def snapshot(asset: Asset, due_ms: int, taken_ms: int = 1_500) -> Snapshot:
    return build_snapshot(warm_state(), asset, due_ms, at(taken_ms).market_ms)


def run(work: Callable[[], Awaitable[_Value]]) -> _Value:
    async def limited() -> _Value:
        async with asyncio.timeout(LIMIT_S):
            return await work()

    return asyncio.run(limited())


def store_at(folder: Path) -> SnapshotStore:
    return SnapshotStore(LocalStorage(folder))


def test_sixteen_who_ask_get_one_snapshot_that_is_stored(tmp_path: Path) -> None:
    async def work() -> tuple[list[Answer], int]:
        machine = Machine(store_at(tmp_path))
        asks = [machine.cache.ask(Asset.BTC, T0) for _ in range(16)]
        return await asyncio.gather(*asks), len(machine.asked)

    answers, made = run(work)
    assert made == 1
    assert len(set(answers)) == 1
    assert store_at(tmp_path).winner(Asset.BTC, T0) == answers[0][0]


def test_the_first_durable_one_is_served_to_everyone(tmp_path: Path) -> None:
    other = encode_snapshot(snapshot(Asset.BTC, T0, taken_ms=1_000))
    digest, _ = store_at(tmp_path).put(Asset.BTC, T0, other)

    async def work() -> tuple[Answer, Answer]:
        machine = Machine(store_at(tmp_path))
        machine.cache.publish(snapshot(Asset.BTC, T0, taken_ms=1_900))
        made = await machine.cache.ask(Asset.BTC, T0)
        late = Machine(store_at(tmp_path))
        found = await late.cache.ask(Asset.BTC, T0)
        assert not late.asked
        return made, found

    assert run(work) == ((digest, other), (digest, other))


def test_one_that_the_clock_skipped_is_made_after_its_due_time(tmp_path: Path) -> None:
    async def work() -> tuple[Snapshot, list[int]]:
        machine = Machine(store_at(tmp_path), ahead_ms=50)
        _, data = await machine.cache.ask(Asset.BTC, T0)
        return decode_snapshot(data), machine.asked

    made, asked = run(work)
    assert asked == [T0]
    assert made.due_ms == T0


class FullStorage(LocalStorage):
    """A disk that is full until it is freed."""

    full = True

    def create(self, name: str, data: bytes) -> bool:
        if self.full:
            raise CheckpointsError("no space left")
        return super().create(name, data)


def test_a_full_disk_is_told_to_who_waits_and_the_next_ask_tries_again(tmp_path: Path) -> None:
    storage = FullStorage(tmp_path)

    async def work() -> Answer:
        machine = Machine(SnapshotStore(storage))
        with pytest.raises(CheckpointsError, match="no space"):
            await machine.cache.ask(Asset.BTC, T0)
        storage.full = False
        return await machine.cache.ask(Asset.BTC, T0)

    assert run(work)[0] == store_at(tmp_path).winner(Asset.BTC, T0)


def test_a_damaged_winner_is_told_and_never_replaced(tmp_path: Path) -> None:
    data = encode_snapshot(snapshot(Asset.BTC, T0))
    store_at(tmp_path).put(Asset.BTC, T0, data)
    [file] = tmp_path.rglob("*.arrow.zst")
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-100])

    async def work() -> None:
        machine = Machine(store_at(tmp_path))
        with pytest.raises(CheckpointsError):
            await machine.cache.ask(Asset.BTC, T0)
        assert not machine.asked

    run(work)


def test_closing_frees_everyone_who_waits(tmp_path: Path) -> None:
    async def work() -> None:
        machine = Machine(store_at(tmp_path), ahead_ms=600_000)
        waiting = asyncio.create_task(machine.cache.ask(Asset.BTC, T0))
        await asyncio.sleep(0)
        machine.cache.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(work)
