"""Entry point of a job: rolls back to back, each the operator's `apply` of an archived release.

It is copied to the root of a tree, whose code drives: `python soak_drive.py ORDERS.json`. One job
for many rolls: a job costs two cores as much as the roll of four slots.
"""

import asyncio
import logging
import sys
from pathlib import Path

import msgspec
import ray

from actors.rollout.rollout_state import Options
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.rolling_update.apply import apply
from cluster.rolling_update.planning import Request


class Part(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    slots: tuple[str, ...]


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    storage: str
    parts: tuple[Part, ...]
    late_kinds: frozenset[str]
    """Of alarms that a busy machine raises: no roll is refused for them."""


def clear(storage_root: str, kinds: frozenset[str]) -> None:
    store = AlarmStore(LocalStorage(Path(storage_root)))
    for state in store.latched():
        if state.alarm.kind in kinds:
            store.clear(state.alarm.id, "a busy machine", "test")


def main() -> None:
    orders = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)
    ray.init(logging_level=logging.ERROR, log_to_driver=False)
    for part in orders.parts:
        clear(orders.storage, orders.late_kinds)
        request = Request(options=Options(shadow=0), slots=part.slots, to_release=part.release)
        report = asyncio.run(apply(orders.storage, request, lambda _: None))
        print(report.rollout, report.outcome, report.failure or "", flush=True)
        if report.outcome != "done":
            sys.exit(1)


if __name__ == "__main__":
    main()
