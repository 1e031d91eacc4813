"""An order that is cancelled, or whose trade fails, followed at the real adapter."""

import time

from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import (
    Accepted,
    Cancelled,
    OrderChange,
    OrderEvent,
    TradeStatus,
    Unknown,
    VenueTrade,
)
from signals.decision import Style
from tests.actors.sandbox import Sandbox
from tests.actors.venue.trading import current_market, signed


class Cancelling:
    """Places orders and cancels them, and follows what is told of them."""

    def __init__(self, venue: PolymarketVenue, exchange: Sandbox) -> None:
        self._venue = venue
        self._exchange = exchange
        self._since_s = int(time.time()) - 1
        self._cancelled: set[str] = set()
        self._told: list[OrderEvent] = []

    async def listen(self) -> None:
        async for event in self._venue.events():
            if isinstance(event, OrderEvent):
                self._told.append(event)

    async def cancel_some(self) -> None:
        market = await current_market(self._exchange)
        for _ in range(5):
            order = await signed(self._venue, market, Style.REST, 10_000)
            if isinstance(await self._venue.post(order), Accepted):
                outcome = await self._venue.cancel([order.order_id])
                assert isinstance(outcome, Cancelled), outcome
                self._cancelled.update(outcome.cancelled)

    async def late_fill(self) -> VenueTrade | None:
        await self.cancel_some()
        trades = await self._venue.trades(self._since_s)
        assert not isinstance(trades, Unknown), trades
        return next((t for t in trades if t.order_id in self._cancelled), None)

    async def update(self) -> OrderEvent | None:
        await self.cancel_some()
        ended = [e for e in self._told if e.order_id in self._cancelled]
        return next((e for e in ended if e.change is OrderChange.UPDATE), None)


class Told:
    """Keeps what is told of own trades, by listing and stream."""

    def __init__(self, venue: PolymarketVenue) -> None:
        self._venue = venue
        self._since_s = int(time.time()) - 1
        self.listed: list[VenueTrade] = []
        self.streamed: list[VenueTrade] = []

    async def listen(self) -> None:
        async for event in self._venue.events():
            if isinstance(event, VenueTrade):
                self.streamed += [event]

    async def failed(self) -> VenueTrade | None:
        """Return the trade that both tell as failed."""
        trades = await self._venue.trades(self._since_s)
        assert not isinstance(trades, Unknown), trades
        self.listed += trades
        ended = {t.fill_id for t in self.streamed if t.status is TradeStatus.FAILED}
        failed = [t for t in trades if t.status is TradeStatus.FAILED]
        return next((t for t in failed if t.fill_id in ended), None)
