"""Entry point of a job: roll out archived releases one after another, as a JSON file says.

It is copied to the root of a tree, whose code drives. One job for many rolls saves a start each.
Each line it prints is one `Outcome`.
"""

import asyncio
import logging
import sys
from pathlib import Path

import msgspec
import ray

from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError
from cluster.rolling_update.apply import Request, apply
from cluster.rollout_state import Options


class Order(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    release: str
    slots: tuple[str, ...]
    canary: str | None
    back: bool
    """Roll back to the release named here instead of rolling one out."""
    shadow: int = 0


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    storage: str
    orders: tuple[Order, ...]
    late_kinds: frozenset[str]
    """Of alarms that a busy machine raises: no roll is refused for them."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    rollout: str
    outcome: str
    switched: int
    failure: str | None
    began_wire_ms: float
    ended_wire_ms: float
    alarms: tuple[str, ...]
    """Kinds and reasons of the alarms that were latched when it ended; then they were cleared."""


def clear(storage_root: str, kinds: frozenset[str]) -> None:
    store = AlarmStore(LocalStorage(Path(storage_root)))
    for state in store.latched():
        if state.alarm.kind in kinds:
            store.clear(state.alarm.id, "a busy machine", "test")


async def run(storage_root: str, order: Order) -> Outcome:
    from actors.runtime import wire_ms

    request = Request(
        options=Options(canary=order.canary, shadow=order.shadow),
        slots=order.slots,
        to_release=order.release,
        verb="rollback" if order.back else "apply",
    )
    began = wire_ms()
    try:
        report = await apply(storage_root, request, lambda line: print(line, file=sys.stderr))
    except ClusterError as error:
        return _outcome(storage_root, order.name, began, "", "refused", 0, str(error))
    return _outcome(
        storage_root,
        order.name,
        began,
        report.rollout,
        report.outcome,
        report.switched,
        report.failure,
    )


def _outcome(
    storage_root: str,
    name: str,
    began: float,
    rollout: str,
    outcome: str,
    switched: int,
    failure: str | None,
) -> Outcome:
    from actors.runtime import wire_ms

    store = AlarmStore(LocalStorage(Path(storage_root)))
    latched = store.latched()
    for state in latched:
        store.clear(state.alarm.id, "seen by the test", "test")
    alarms = tuple(f"{s.alarm.kind}: {s.alarm.evidence.get('reason', '')}" for s in latched)
    return Outcome(
        name=name,
        rollout=rollout,
        outcome=outcome,
        switched=switched,
        failure=failure,
        began_wire_ms=began,
        ended_wire_ms=wire_ms(),
        alarms=alarms,
    )


def main() -> None:
    orders = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)
    ray.init(logging_level=logging.ERROR, log_to_driver=False)
    for order in orders.orders:
        clear(orders.storage, orders.late_kinds)
        outcome = asyncio.run(run(orders.storage, order))
        print(f"OUTCOME {msgspec.json.encode(outcome).decode()}", flush=True)


if __name__ == "__main__":
    main()
