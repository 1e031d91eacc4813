"""`python -m cluster.halting.drill_gateway STORAGE COUNT`: what stands in for a gateway in a drill.

It holds the gateway's lock, rests orders at the drill's own exchange, writes how many, and sends
heartbeats until it is ended. Never for an exchange that is not on this machine.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from actors.config import Mode
from actors.gateway.authority.events import Holder
from actors.gateway.lock import GatewayLock, acquire
from actors.runtime import load_config, wire_ms
from actors.venue.answers import ListedMarket
from actors.venue.connect import connect
from actors.venue.port import (
    Accepted,
    Beaten,
    HeartbeatMismatch,
    Rejected,
    SignedOrder,
    Unknown,
    UnsignedOrder,
    VenuePort,
)
from checkpoints.process_id import ProcessId
from cluster.errors import FleetError
from signals.decision import Style
from signals.market import Asset, Side, Timeframe, Window, market_slug
from signals.units import PriceMicroUsd

NAME: Final = "gateway/1"
TIMEOUT_S: Final = 10.0
BEAT_S: Final = 3.0
CENT: Final = PriceMicroUsd(10_000)
"""Far below any ask, so that the orders rest."""


def main(arguments: list[str]) -> None:
    asyncio.run(_rest(Path(arguments[0]), int(arguments[1])))


async def _rest(root: Path, count: int) -> None:
    config = load_config(str(root))
    assert config.mode is Mode.SANDBOX, "a drill is held on a sandbox"
    own = ProcessId.own()
    holder = Holder(
        name=NAME,
        fleet="drill",
        node=os.uname().nodename,
        pid=own.pid,
        process_start=own.start,
        wire_ms=int(wire_ms()),
    )
    if not isinstance(acquire(root, holder), GatewayLock):
        raise FleetError(f"another process holds the gateway's lock of {root}")
    venue = await connect(config, TIMEOUT_S)
    if isinstance(venue, Rejected | Unknown):
        raise FleetError(f"the drill's exchange did not let it in: {venue}")
    window = Window.at(config.clock.market_ms(wire_ms()), Timeframe.H4)
    market = await venue.market(market_slug(Asset.BTC, window))
    if not isinstance(market, ListedMarket):
        raise FleetError(f"the drill's exchange lists no market: {market}")
    await _post(venue, market, count)
    sys.stdout.write(f"{count}\n")
    sys.stdout.flush()
    await _beat(venue)


async def _post(venue: VenuePort, market: ListedMarket, count: int) -> None:
    await venue.warm(market.condition_id, market.up_token_id)
    order = UnsignedOrder(
        condition_id=market.condition_id,
        token_id=market.up_token_id,
        side=Side.BUY,
        style=Style.REST,
        price=CENT,
        shares=market.min_order_shares,
    )
    for _ in range(count):
        signed = await venue.sign(order)
        if not isinstance(signed, SignedOrder):
            raise FleetError(f"the drill's order could not be signed: {signed}")
        posted = await venue.post(signed)
        if not isinstance(posted, Accepted):
            raise FleetError(f"the drill's exchange did not take an order: {posted}")


async def _beat(venue: VenuePort) -> None:
    """Send heartbeats, as a gateway does, until this process is ended."""
    chain = ""
    while True:
        beaten = await venue.heartbeat(chain)
        if isinstance(beaten, Beaten | HeartbeatMismatch):
            chain = beaten.heartbeat_id
        await asyncio.sleep(BEAT_S)


if __name__ == "__main__":
    main(sys.argv[1:])
