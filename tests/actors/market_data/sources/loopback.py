"""The stand-ins in this very process, and the real adapters that speak to them over loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache

from actors.market_data.sources.catalogue import exchange_of
from actors.market_data.sources.connected import ExchangeSource
from actors.market_data.sources.port import SourceName
from cluster.sandbox.clock import Clock
from cluster.sandbox.prices.source import GENERATED_START_MS, Prices
from cluster.sandbox.server.serving import HOST, listen
from cluster.sandbox.standins.faults import Fault, Switch
from cluster.sandbox.standins.serving import Floor, make_server
from cluster.sandbox.standins.view import Data
from cluster.sandbox.wire_time import wire_clock_ms

LONG_S = 30.0
"""A generous limit of a wait for what comes at once."""


@cache
def prices() -> Prices:
    return Prices(1, None)


class StandIns:
    """Running stand-ins, with their clock and faults in the test's hands."""

    def __init__(self, start_ms: int = GENERATED_START_MS + 100_000, speed: int = 1) -> None:
        self._clock = Clock(speed=speed, anchor_wire_ms=wire_clock_ms(), anchor_market_ms=start_ms)
        self.floor = Floor(Data(prices(), self.now_ms))
        self.port = 0

    def now_ms(self) -> int:
        return self._clock.at(wire_clock_ms()).market_ms

    def move_to(self, market_ms: int) -> None:
        """Let market time be this now."""
        self._clock = Clock(
            speed=self._clock.speed, anchor_wire_ms=wire_clock_ms(), anchor_market_ms=market_ms
        )

    def switch(
        self, name: str, fault: Fault, *, on: bool = True, asset: str = "", value: int = 0
    ) -> None:
        order = Switch(exchange=name, fault=fault, on=on, asset=asset, value=value)
        self.floor.data.faults.set(order, self.now_ms())

    def source(self, name: SourceName) -> ExchangeSource:
        rest, socket = f"http://{HOST}:{self.port}/{name}", f"ws://{HOST}:{self.port}/{name}"
        return ExchangeSource(exchange_of(name), rest, socket, self.now_ms)


@asynccontextmanager
async def serving(stand_ins: StandIns) -> AsyncIterator[StandIns]:
    listener = listen(0)
    server = make_server(stand_ins.floor)
    await server.startup(sockets=[listener])
    stand_ins.port = listener.getsockname()[1]
    loop = asyncio.create_task(server.main_loop())
    try:
        yield stand_ins
    finally:
        server.should_exit = True
        await loop
        await server.shutdown(sockets=[listener])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not holds():  # noqa: ASYNC110 what is waited for is in another's hands
            await asyncio.sleep(0.01)


def run(work: Callable[[StandIns], Awaitable[None]], stand_ins: StandIns | None = None) -> None:
    """Run a test's work against stand-ins that serve."""

    async def main() -> None:
        async with serving(stand_ins or StandIns()) as found:
            await work(found)

    asyncio.run(main())
