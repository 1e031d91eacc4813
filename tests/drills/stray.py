"""Entry point of a job: start a slot's next incarnation from this job's package, whatever it is.

The seat is declared vacant for the release that is named, as a rollout or the supervisor would.
"""

import asyncio
import logging
import sys

import ray

from actors.gateway.client import GatewayClient
from actors.gateway.status import FenceTable
from actors.messages import Opened, OpenIncarnation
from actors.runtime import RAY_NAMESPACE, wire_ms
from actors.slot.actor import SlotActor


async def open_seat(root: str, slot: str, release: str) -> int:
    gateway = GatewayClient(root)
    table = await gateway.fences()
    assert isinstance(table, FenceTable), table
    (fence,) = [owner.fence for owner in table.owners if owner.slot == slot]
    request = OpenIncarnation(
        slot=slot, expected_fence=fence, release=release, vacant=True, reason="drill"
    )
    opened = await gateway.open_incarnation(request)
    assert isinstance(opened, Opened), opened
    return opened.incarnation


def main() -> None:
    root, slot, release = sys.argv[1:]
    ray.init(logging_level=logging.ERROR, log_to_driver=False)
    number = asyncio.run(open_seat(root, slot, release))
    options = {"namespace": RAY_NAMESPACE, "lifetime": "detached", "num_cpus": 0}
    began = wire_ms()
    actor = SlotActor.options(name=f"{slot}/{number}", **options).remote(root, slot, number)
    ray.get(actor.__ray_ready__.remote(), timeout=180)
    print(f"STRAY {number} {began:.0f}", flush=True)


if __name__ == "__main__":
    main()
