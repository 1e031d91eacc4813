"""An exchange with its two connections: what the port promises."""

from collections.abc import Callable

from actors.market_data.sources.exchange import Exchange
from actors.market_data.sources.health import Health
from actors.market_data.sources.port import (
    Ask,
    Clock,
    Deliver,
    Instruments,
    Refusal,
    Value,
)
from actors.market_data.sources.rest import RestSide
from actors.market_data.sources.socket import SocketSide
from signals.market import Asset


class ExchangeSource:
    """A `Source` over REST and one socket."""

    def __init__(
        self, exchange: Exchange, rest_url: str, socket_url: str, market_ms: Callable[[], int]
    ) -> None:
        self.name = exchange.name
        self.kind = exchange.kind
        self._rest = RestSide(exchange, rest_url, market_ms)
        self._socket = SocketSide(exchange, socket_url)

    @property
    def health(self) -> Health:
        return self._rest.health

    async def backfill(self, ask: Ask) -> tuple[Value, ...] | Refusal:
        return await self._rest.backfill(ask)

    def stream(self, assets: tuple[Asset, ...], deliver: Deliver) -> None:
        self._socket.follow(assets, deliver)

    async def clock(self) -> Clock | Refusal:
        return await self._rest.clock()

    async def instruments(self, assets: tuple[Asset, ...]) -> Instruments | Refusal:
        return await self._rest.instruments(assets)

    async def close(self) -> None:
        await self._socket.close()
        await self._rest.close()
