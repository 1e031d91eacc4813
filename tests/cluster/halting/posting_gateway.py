"""A process that holds the gateway's lock and is stopped just before it posts a signed order.

`python -m tests.cluster.halting.posting_gateway CONFIG_JSON STORAGE`: prints the order's id, stops
itself, posts when it goes on, prints the outcome.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec

from actors.config import FleetConfig
from actors.gateway.authority.events import Holder
from actors.gateway.lock import GatewayLock, acquire
from actors.venue.polymarket.opening import Absent, connect
from actors.venue.polymarket.venue import PolymarketVenue
from checkpoints.process_id import ProcessId
from signals.decision import Style
from tests.actors.venue.trading import TIMEOUT_S, signed
from tests.cluster.halting.halted import PRICE, long_market_at


async def main(config: FleetConfig, root: Path) -> None:
    own = ProcessId.own()
    holder = Holder(
        name="gateway/1", fleet="f", node="n", pid=own.pid, process_start=own.start, wire_ms=0
    )
    assert isinstance(acquire(root, holder), GatewayLock)
    venue = await connect(config.venue, TIMEOUT_S, Absent.MAKE)
    assert isinstance(venue, PolymarketVenue), venue
    market = await long_market_at(config.venue.gamma_url, config.clock)
    order = await signed(venue, market, Style.REST, PRICE, 5_000_000)
    print(order.order_id, flush=True)
    os.kill(own.pid, signal.SIGSTOP)
    print(await venue.post(order), flush=True)


if __name__ == "__main__":
    given = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=FleetConfig)
    asyncio.run(main(given, Path(sys.argv[2])))
