"""Market data as Ray actors: served by name, back after a kill, handed over to a successor."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from actors.config import Timing
from actors.directory import MARKET_DATA_CURRENT as CURRENT
from actors.market_data.actor import MarketDataActor
from actors.market_data.status import MarketDataStatus
from actors.market_data.turn_worker import MOVED, SERVING, STANDING_BY
from actors.messages import decode
from checkpoints.snapshots import decode_snapshot, snapshot_digest
from checkpoints.storage import LocalStorage
from signals.market import Asset, Slot, Timeframe
from tests.actors.sandbox import Sandbox, sandbox, store_config
from tests.local_ray import TEST_ACTOR, local_ray

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]
LIMIT_S = 240.0
ANSWER_S = 120.0
SLOTS = (Slot(Asset.BTC, Timeframe.M5), Slot(Asset.BTC, Timeframe.M15))
TIMING = Timing(decision_offsets_ms=(20_000, 140_000, 260_000))


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox(tmp_path) as served:
        yield served


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with local_ray(tmp_path, monkeypatch):
        yield


def start(root: str, name: str) -> Any:
    options = {"name": name, "max_restarts": -1, "max_concurrency": 100}
    return MarketDataActor.options(**TEST_ACTOR, **options).remote(root, name)


def status(actor: Any) -> MarketDataStatus | None:
    try:
        return decode(ray.get(actor.status.remote(), timeout=30), MarketDataStatus)
    except (ray.exceptions.RayError, TimeoutError):
        return None


def until(poll: Callable[[], Any]) -> Any:
    limit = time.monotonic() + LIMIT_S
    while time.monotonic() < limit:
        found = poll()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("not in time")


def fresh(actor: Any) -> MarketDataStatus | None:
    said = status(actor)
    return said if said and all(feed.fresh for feed in said.feeds) else None


def next_due_ms(exchange: Sandbox) -> int:
    now_ms = exchange.clock.market_ms(time.time() * 1000) + 30_000
    offsets = TIMING.decision_offsets_ms
    base = now_ms - now_ms % 300_000
    return min(t for n in (0, 1) for o in offsets if (t := base + n * 300_000 + o) > now_ms)


def complete_and_shared(actor: Any, exchange: Sandbox) -> tuple[int, str] | None:
    """Ask sixteen times for one point; return it and its digest if a busy machine was in time."""
    due_ms = next_due_ms(exchange)
    asked = [actor.snapshot.remote("btc", due_ms) for _ in range(16)]
    answers = {(digest, bytes(data)) for digest, data in ray.get(asked, timeout=ANSWER_S)}
    ((digest, data),) = answers
    assert snapshot_digest(data) == digest
    return (due_ms, digest) if decode_snapshot(data).complete else None


def test_it_serves_comes_back_after_a_kill_and_is_handed_over(
    exchange: Sandbox, cluster: None, tmp_path: Path
) -> None:
    root = store_config(exchange.config(SLOTS, TIMING))
    first = start(root, "market-data/1")
    said = until(lambda: fresh(first))
    due_ms, digest = until(lambda: complete_and_shared(first, exchange))

    with contextlib.suppress(ProcessLookupError):
        os.kill(int(said.life.partition("-")[0]), signal.SIGKILL)
    again = until(lambda: (now := fresh(first)) and now.life != said.life and now)
    assert again.name == "market-data/1"
    # A decision point of the dead life is still the same snapshot.
    assert ray.get(first.snapshot.remote("btc", due_ms), timeout=ANSWER_S)[0] == digest

    pointer = Path(root) / CURRENT
    assert pointer.read_text() == "market-data/1"
    second = start(root, "market-data/2")
    until(lambda: (now := fresh(second)) and now.phase == STANDING_BY)
    assert pointer.read_text() == "market-data/1", "it is named, it does not name itself"
    LocalStorage(Path(root)).write(CURRENT, b"market-data/2")
    until(lambda: (now := status(second)) and now.phase == SERVING)
    due_ms = next_due_ms(exchange)
    both = [actor.snapshot.remote("btc", due_ms) for actor in (first, second)]
    (old_digest, _), (new_digest, _) = ray.get(both, timeout=ANSWER_S)
    assert old_digest == new_digest

    with contextlib.suppress(ProcessLookupError):
        os.kill(int(again.life.partition("-")[0]), signal.SIGKILL)
    until(lambda: (now := status(first)) and now.life != again.life and now.phase == MOVED)
    assert pointer.read_text() == "market-data/2", "one that is started again takes nothing back"
    ray.get([actor.stop.remote() for actor in (first, second)], timeout=ANSWER_S)
