"""Real gateway and market data on a real exchange: gone ones are created again, hung ones ended."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import ray

from actors.directory import MARKET_DATA_CURRENT as MARKET_DATA_FILE
from actors.gateway.actor import GatewayActor
from actors.gateway.lock import CURRENT_FILE, Current
from actors.gateway.status import GatewayStatus
from actors.market_data.actor import MarketDataActor
from actors.market_data.status import MarketDataStatus
from actors.market_data.turn_worker import SERVING
from actors.messages import decode
from actors.runtime import RAY_NAMESPACE
from actors.supervisor.actor import SupervisorActor
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from signals.market import Asset, Slot, Timeframe
from tests.actors.sandbox import sandbox, store_config
from tests.local_ray import TEST_ACTOR, local_ray

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]
LIMIT_SECONDS = 300.0
KINDS = {"gateway": GatewayActor, "market-data": MarketDataActor, "supervisor": SupervisorActor}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with sandbox(tmp_path) as served, local_ray(tmp_path / "home", monkeypatch):
        yield store_config(served.config((Slot(Asset.BTC, Timeframe.M5),)))


def start(root: str, kind: str) -> Any:
    name = f"{kind}/1"
    return KINDS[kind].options(**TEST_ACTOR, name=name, max_restarts=-1).remote(root, name)


def until(met: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + LIMIT_SECONDS
    while not (found := met()):
        assert time.monotonic() < end, f"waited {LIMIT_SECONDS} s for {what}"
        time.sleep(0.1)
    return found


def status(name: str, kind: type[Any]) -> Any:
    try:
        actor = ray.get_actor(name, namespace=RAY_NAMESPACE)
        return decode(ray.get(actor.status.remote(), timeout=30), kind)
    except (ValueError, ray.exceptions.RayError):
        return None


def gateway(root: str) -> GatewayStatus | None:
    with contextlib.suppress(OSError):
        data = (Path(root) / CURRENT_FILE).read_bytes()
        found = status(msgspec.json.decode(data, type=Current).name, GatewayStatus)
        return found if found is not None and found.phase == "serving" else None
    return None


def market_data(root: str) -> MarketDataStatus | None:
    with contextlib.suppress(OSError):
        found = status((Path(root) / MARKET_DATA_FILE).read_text().strip(), MarketDataStatus)
        return found if found is not None and found.phase == SERVING else None
    return None


def test_what_ray_gave_up_is_created_again_and_what_hangs_is_ended(root: str) -> None:
    handles = {kind: start(root, kind) for kind in KINDS}
    first = until(lambda: gateway(root), "the gateway")
    until(lambda: market_data(root), "market data")
    until(lambda: status("supervisor/1", dict[str, Any]), "the supervisor")

    ray.kill(handles["gateway"], no_restart=True)
    ray.kill(handles["market-data"], no_restart=True)
    second = until(lambda: (s := gateway(root)) and s.name == "gateway/2" and s, "the next gateway")
    assert second.generation > first.generation
    until(lambda: (s := market_data(root)) and s.name == "market-data/2", "the next market data")

    os.kill(second.pid, signal.SIGSTOP)
    third = until(lambda: (s := gateway(root)) and s.life != second.life and s, "another life")
    assert third.name == "gateway/2", "a hung process is ended and Ray starts its actor again"
    assert third.generation == second.generation + 1
    kinds = {state.alarm.kind for state in AlarmStore(LocalStorage(Path(root))).latched()}
    assert "actor_silent" in kinds
