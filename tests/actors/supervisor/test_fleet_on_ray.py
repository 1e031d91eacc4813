"""Real Ray, real slots, real disk: the supervisor brings slots up and back."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import ray

from actors.config import FleetConfig, Mode, SlotConfig, Timing, Venue
from actors.messages import decode
from actors.runtime import CONFIG_FILE, RAY_NAMESPACE, wire_ms
from actors.slot.status import AnySlotStatus, SlotStatus
from actors.supervisor.actor import SupervisorActor
from actors.supervisor.status import SupervisorStatus
from checkpoints.journal import Journal
from checkpoints.storage import LocalStorage
from signals.market_time import MarketClock
from signals.params import Params
from tests.actors.slot.builders import OPEN_MS
from tests.actors.supervisor.ray_fakes import start_neighbours
from tests.local_ray import TEST_ACTOR, local_ray

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1500)]
SLOTS = ("btc-5m", "eth-15m")
SPEED = 100
"""A cycle takes 3 s of wire time."""
LIMIT_SECONDS = 240.0
ANSWER_SECONDS = 90.0


def config(root: Path) -> FleetConfig:
    nowhere = "http://127.0.0.1:9"
    return FleetConfig(
        mode=Mode.SANDBOX,
        storage=str(root),
        clock=MarketClock(speed=SPEED, anchor_wire_ms=int(wire_ms()), anchor_market_ms=OPEN_MS),
        venue=Venue(
            clob_url=nowhere,
            gamma_url=nowhere,
            data_url=nowhere,
            relayer_url=nowhere,
            market_ws_url=nowhere,
            user_ws_url=nowhere,
            prices_ws_url=nowhere,
            binance_url=nowhere,
        ),
        slots=tuple(SlotConfig(slot=slot, strategy="five_factor") for slot in SLOTS),
        params=Params(),
        timing=Timing(),
    )


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    storage = tmp_path / "storage"
    LocalStorage(storage).write(CONFIG_FILE, msgspec.json.encode(config(storage)))
    with local_ray(tmp_path / "home", monkeypatch):
        yield storage


def until(met: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + LIMIT_SECONDS
    while not (found := met()):
        assert time.monotonic() < end, f"waited {LIMIT_SECONDS} s for {what}"
        time.sleep(0.1)
    return found


def supervisor_status(supervisor: Any) -> SupervisorStatus:
    return decode(ray.get(supervisor.status.remote(), timeout=ANSWER_SECONDS), SupervisorStatus)


def slot_status(name: str) -> SlotStatus | None:
    try:
        actor = ray.get_actor(name, namespace=RAY_NAMESPACE)
        answer = decode(ray.get(actor.status.remote(), timeout=30), AnySlotStatus)  # type: ignore[arg-type]
    except (ValueError, ray.exceptions.RayError):
        return None
    return answer if isinstance(answer, SlotStatus) else None


def decisions(name: str) -> int:
    status = slot_status(name)
    return 0 if status is None else status.counts.decisions


def newest(slot: str) -> str:
    """Return the name of the slot's newest incarnation."""
    named = [actor["name"] for actor in ray.util.list_named_actors(all_namespaces=True)]
    numbers = [int(name.partition("/")[2]) for name in named if name.startswith(f"{slot}/")]
    return f"{slot}/{max(numbers, default=0)}"


def active_again(name: str, life_before: str) -> SlotStatus | None:
    status = slot_status(name)
    if status is None or status.life == life_before or status.state != "active":
        return None
    return status


def live(supervisor: Any, **wanted: int) -> bool:
    slots = supervisor_status(supervisor).slots
    return len(slots) == len(SLOTS) and all(
        slot.live and slot.incarnation >= wanted.get(slot.slot.replace("-", "_"), 1)
        for slot in slots
    )


def test_slots_start_die_and_come_back_without_losing_or_repeating_a_decision(root: Path) -> None:
    gateway = start_neighbours(str(root))
    options = {"name": "supervisor/1", "max_restarts": -1}
    supervisor = SupervisorActor.options(**TEST_ACTOR, **options).remote(str(root), "supervisor/1")
    ray.get(supervisor.start_slots.remote(), timeout=ANSWER_SECONDS)
    until(lambda: live(supervisor), "both slots live")
    first = until(lambda: slot_status("btc-5m/1"), "a status")
    until(lambda: decisions("btc-5m/1") >= 2, "two decisions")

    os.kill(first.pid, signal.SIGKILL)
    again = until(
        lambda: (
            (s := slot_status("btc-5m/1")) and s.life != first.life and s.state == "active" and s
        ),
        "another life of the same incarnation",
    )
    assert again.fence > first.fence
    assert again.counts.decisions >= 2

    ray.kill(ray.get_actor("eth-15m/1", namespace=RAY_NAMESPACE), no_restart=True)
    until(lambda: live(supervisor, eth_15m=2), "the next incarnation of the lost slot")
    until(lambda: decisions(newest("eth-15m")) >= 3, "its decisions")

    frozen = until(lambda: slot_status("btc-5m/1"), "a status")
    os.kill(frozen.pid, signal.SIGSTOP)
    until(lambda: active_again("btc-5m/1", frozen.life), "the hung process ended and replaced")
    for slot in SLOTS:
        rows = Journal(LocalStorage(root), slot).rows_after(0).rows
        dues = [row.due_ms for row in rows if row.kind == "decision"]
        assert len(dues) == len(set(dues))
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    intents = ray.get(gateway.intents.remote(), timeout=ANSWER_SECONDS)
    assert len(set(intents)) == len(intents)
