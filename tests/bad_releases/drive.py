"""Entry point of a job that lives as long as its fleet: it does the orders laid into a folder.

It is copied to the root of a tree, whose code drives. ``NUMBER.order`` is answered by
``NUMBER.outcome``; the file ``end`` ends it. One job for many rolls saves a start each.
"""

import asyncio
import logging
import sys
import time
from pathlib import Path

import msgspec
import ray

from actors.rollout.errors import RolloutError
from actors.rollout.ports import CallFailedError
from actors.rollout.record import rollout_ids
from actors.rollout.rollout_state import Options
from actors.rollout.shared_calls import RaySharedCalls
from actors.shared_kind import Kind
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError
from cluster.rolling_update.apply import apply
from cluster.rolling_update.planning import Request
from cluster.rolling_update.way_back import roll_back

POLL_SECONDS = 0.1


class Order(msgspec.Struct, frozen=True, kw_only=True):
    release: str | None
    """None: only look at the shared actors."""
    slots: tuple[str, ...] = ()
    canary: str | None = None
    shadow: int = 0
    everything: bool = False
    verb: str = "apply"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    outcome: str
    """``done``, ``stopped``, ``refused``, ``looked``."""
    rollout: str = ""
    switched: int = 0
    failure: str = ""
    shared: dict[str, str] = {}
    """Kind -> release that serves, or what was said instead."""
    heartbeat_gap_ms: int = 0


async def poll(root: str) -> Outcome:
    calls = RaySharedCalls(root)
    shared, gap_ms = {}, 0
    for kind in Kind:
        try:
            seen = await calls.poll(kind, calls.current(kind))
        except CallFailedError as error:
            shared[str(kind)] = f"no answer: {error}"
            continue
        shared[str(kind)] = seen.release if seen.serves else f"{seen.release[:12]} {seen.phase}"
        gap_ms = max(gap_ms, seen.heartbeat_gap_ms)
    return Outcome(outcome="looked", shared=shared, heartbeat_gap_ms=gap_ms)


async def roll(root: str, order: Order) -> Outcome:
    request = Request(
        options=Options(canary=order.canary, shadow=order.shadow),
        slots=order.slots,
        to_release=order.release,
        everything=order.everything,
        verb=order.verb,
    )
    begun = set(rollout_ids(LocalStorage(Path(root))))
    try:
        act = roll_back if order.verb == "rollback" else apply
        report = await act(root, request, lambda line: print(line, flush=True))
    except (ClusterError, RolloutError) as error:
        mine = [r for r in rollout_ids(LocalStorage(Path(root))) if r not in begun]
        return Outcome(outcome="refused", failure=str(error), rollout="".join(mine[:1]))
    return Outcome(
        outcome=report.outcome,
        rollout=report.rollout,
        switched=report.switched,
        failure=report.failure or "",
    )


async def do(root: str, order: Order) -> Outcome:
    return await (poll(root) if order.release is None else roll(root, order))


def main() -> None:
    root, folder = sys.argv[1], Path(sys.argv[2])
    ray.init(logging_level=logging.ERROR, log_to_driver=False)
    done = 0
    while not (folder / "end").exists():
        asked = folder / f"{done}.order"
        if not asked.exists():
            time.sleep(POLL_SECONDS)
            continue
        order = msgspec.json.decode(asked.read_bytes(), type=Order)
        print(f"ORDER {done} {order}", flush=True)
        outcome = asyncio.run(do(root, order))
        print(f"OUTCOME {done} {outcome}", flush=True)
        written = folder / f"{done}.written"
        written.write_bytes(msgspec.json.encode(outcome))
        written.rename(folder / f"{done}.outcome")
        done += 1


if __name__ == "__main__":
    main()
