"""The venue: one id once, answers that get lost, restarts, ghost fills, a stream that stutters."""

import random
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    Duplicated,
    HeartbeatMismatch,
    HeartbeatOutcome,
    NotCancelled,
    OrderChange,
    OrderEvent,
    PostOutcome,
    Rejected,
    SignedOrder,
    TradeStatus,
    Unavailable,
    UnavailableKind,
    UnsignedOrder,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd
from tests.simulation.venue_behaviours import Hard, VenueBehaviours
from tests.simulation.venue_books import Market, VenueBooks
from tests.simulation.virtual_loop import VirtualLoop

SILENCE_S: Final = 10.0
"""Without a heartbeat for so long the venue cancels everything."""
POST_ONLY_S: Final = 3.0
"""After a restart; two minutes at the venue."""
LIST_LAG_S: Final = 0.8
"""A new order may be missing from the list of open ones for so long."""


class Exchange(VenueBooks):
    """Its whole state; calls come through the network, time through the loop."""

    def __init__(self, loop: VirtualLoop, rng: random.Random, wire_ms: Callable[[], int]) -> None:
        super().__init__()
        self._loop = loop
        self.hard = VenueBehaviours(random.Random(f"hard/{rng.random()}"))
        self._rng = rng
        self._wire_ms = wire_ms
        self.posted: dict[str, UnsignedOrder] = {}
        """Every order that ever landed."""
        self.rejected: set[str] = set()
        """For good: a copy of the request that comes later gets the same answer."""
        self.open: dict[str, VenueOrder] = {}
        self.listed_s: dict[str, float] = {}
        self._restarting = False
        self._takes_from_s = 0.0
        """Until then only post-only orders pass."""
        self.ghosts = 0
        self.duplicates = 0
        self.signatures = 0
        self.listeners: list[Callable[[VenueEvent], None]] = []
        self.on_post: Callable[[SignedOrder], None] = lambda _: None
        self._beat = 0
        self._beat_s: float | None = None

    @property
    def restarting(self) -> bool:
        return self._restarting

    @restarting.setter
    def restarting(self, on: bool) -> None:
        if self._restarting and not on:
            self._takes_from_s = self._loop.now_s + POST_ONLY_S
        self._restarting = on

    # ---- markets ------------------------------------------------------------------------------

    def list_market(self, market: Market) -> None:
        if market.condition_id in self.markets:
            return
        self.markets[market.condition_id] = market
        self._at(market.close_s, lambda: self._close(market.condition_id))

    def _close(self, condition_id: str) -> None:
        for order in [o for o in self.open.values() if o.condition_id == condition_id]:
            del self.open[order.order_id]
        winner = self._rng.choice(list(Outcome))
        self._after(
            self._rng.uniform(0.5, 4.0), lambda: self.winners.setdefault(condition_id, winner)
        )

    # ---- orders -------------------------------------------------------------------------------

    def post(self, signed: SignedOrder) -> PostOutcome:
        if self.restarting:
            return Unavailable(kind=UnavailableKind.RESTARTING, retry_after_ms=500)
        self.on_post(signed)
        order_id, order = msgspec.json.decode(signed.body, type=tuple[str, UnsignedOrder])
        if order_id in self.posted:
            self.duplicates += 1
            return Duplicated()
        if self._loop.now_s >= self.markets[order.condition_id].close_s:
            return Rejected(code="market_closed", message="the market is closed")
        if order.style is Style.TAKE and self._loop.now_s < self._takes_from_s:
            self.hard.note(Hard.POST_ONLY)
            left_s = self._takes_from_s - self._loop.now_s
            return Unavailable(kind=UnavailableKind.POST_ONLY, retry_after_ms=int(left_s * 1_000))
        if order_id not in self.rejected and self.hard.strikes(Hard.UNAUTHORIZED):
            self.rejected.add(order_id)
            return Rejected(code="unauthorized", message="Unauthorized/Invalid api key")
        if order_id in self.rejected or self._rng.random() < 0.03:
            self.rejected.add(order_id)
            return Rejected(code="not_enough_balance", message="not now")
        self.posted[order_id] = order
        self.open[order_id] = self._resting(order_id, order)
        self.listed_s[order_id] = self._loop.now_s + self._rng.uniform(0, LIST_LAG_S)
        if order.style is Style.REST:
            self._fill_some_time(order_id)
            return Accepted(status=AcceptedStatus.LIVE, order_id=order_id)
        return self._take(order_id, order)

    def _resting(self, order_id: str, order: UnsignedOrder) -> VenueOrder:
        return VenueOrder(
            order_id=order_id,
            condition_id=order.condition_id,
            token_id=order.token_id,
            side=order.side,
            price=order.price,
            shares=order.shares,
            filled_shares=MicroShares(0),
            status="LIVE",
            created_wire_ms=self._wire_ms(),
        )

    def _take(self, order_id: str, order: UnsignedOrder) -> PostOutcome:
        """Fill a part and kill the rest, now or after the taker's delay."""
        asked = self._rng.choice((order.shares, order.shares // (2 * MICRO) * MICRO or MICRO))
        price, shares = int(order.price), asked
        if order.side is Side.BUY:
            price, shares = self.hard.spend(price, asked)
        if self._rng.random() < 0.5:
            self._trade(self.open[order_id], shares, price, maker=False)
            self.open.pop(order_id, None)
            return Accepted(status=AcceptedStatus.MATCHED, order_id=order_id)
        held = self.open.pop(order_id)

        def match() -> None:
            self.open[order_id] = held
            if self._loop.now_s < self.markets[order.condition_id].close_s:
                self._trade(held, shares, price, maker=False)
            self.open.pop(order_id, None)

        self._after(0.15, match)
        return Accepted(status=AcceptedStatus.DELAYED, order_id=order_id)

    def _fill_some_time(self, order_id: str) -> None:
        for _ in range(self._rng.choice((0, 1, 1, 2))):
            delay_s = self._rng.uniform(0.05, 6.0)
            share = self._rng.choice((0.5, 1.0))
            self._after(delay_s, lambda share=share: self._fill_part(order_id, share))

    def _fill_part(self, order_id: str, share: float) -> None:
        order = self.open.get(order_id)
        if order is None:
            return
        left = order.shares - order.filled_shares
        shares = min(left, max(MICRO, int(left * share) // MICRO * MICRO))
        filled = MicroShares(order.filled_shares + shares)
        self.open[order_id] = replace(order, filled_shares=filled)
        if filled >= order.shares:
            del self.open[order_id]
        self._trade(order, shares, int(order.price), maker=True)

    def _trade(self, order: VenueOrder, shares: int, price: int, *, maker: bool) -> None:
        trade = VenueTrade(
            fill_id=f"t{len(self.trades)}/{order.order_id}",
            order_id=order.order_id,
            condition_id=order.condition_id,
            token_id=order.token_id,
            side=order.side,
            price=PriceMicroUsd(price),
            shares=MicroShares(shares),
            maker=maker,
            fee_micro_usd=MicroUsd(0 if maker else shares // 100),
            status=TradeStatus.MATCHED,
            matched_wire_ms=self._wire_ms(),
        )
        self._report(trade)
        ghost = self._rng.random() < 0.1
        self.ghosts += ghost
        end = TradeStatus.FAILED if ghost else TradeStatus.CONFIRMED
        mined_s = self.hard.mined_s()
        self._after(mined_s, lambda: self._move(trade.fill_id, TradeStatus.MINED))
        end_s = mined_s + self._rng.uniform(1.2, 3.5)
        self._after(end_s, lambda: self._move(trade.fill_id, end))

    def _move(self, fill_id: str, status: TradeStatus) -> None:
        self._report(replace(self.trades[fill_id], status=status))

    def _report(self, trade: VenueTrade) -> None:
        self.trades[trade.fill_id] = trade
        self._stream(trade)

    def _stream(self, event: VenueEvent) -> None:
        """Tell the user stream: late, twice, out of order, or never."""
        for _ in range(self._rng.choice((0, 1, 1, 1, 1, 1, 2))):
            self._after(self._rng.expovariate(20.0), lambda: self._notify(event))

    def _notify(self, event: VenueEvent) -> None:
        for listener in list(self.listeners):
            listener(event)

    def cancel(self, order_ids: tuple[str, ...]) -> Cancelled | Unavailable:
        if self.restarting:
            return Unavailable(kind=UnavailableKind.RESTARTING, retry_after_ms=500)
        gone = tuple(name for name in dict.fromkeys(order_ids) if self._cancel_one(name))
        for name in gone:
            order = self.posted[name]
            as_update = self.hard.strikes(Hard.CANCEL_AS_UPDATE)
            self._stream(
                OrderEvent(
                    order_id=name,
                    condition_id=order.condition_id,
                    change=OrderChange.UPDATE if as_update else OrderChange.CANCELLATION,
                    filled_shares=MicroShares(0),
                )
            )
        kept = tuple(
            NotCancelled(order_id=n, reason="not found") for n in order_ids if n not in gone
        )
        return Cancelled(cancelled=gone, not_cancelled=kept)

    def _cancel_one(self, order_id: str) -> bool:
        """Take an order off; a match that was under way may fill it all the same."""
        order = self.open.pop(order_id, None)
        if order is not None and self.hard.strikes(Hard.LATE_FILL):
            shares = self.hard.late_shares(order.shares - order.filled_shares)
            self._after(self.hard.late_s(), lambda: self._fill_late(order, shares))
        return order is not None

    def _fill_late(self, order: VenueOrder, shares: int) -> None:
        if self._loop.now_s < self.markets[order.condition_id].close_s:
            self._trade(order, shares, int(order.price), maker=True)

    def list_trades(self, after_s: int) -> tuple[VenueTrade, ...]:
        """List trades since then; an odd row is left out, as the adapter does."""
        return tuple(
            trade
            for trade in self.trades.values()
            if trade.matched_wire_ms >= 1_000 * after_s and not self.hard.strikes(Hard.ODD_ROW)
        )

    def list_open(self) -> tuple[VenueOrder, ...]:
        now_s = self._loop.now_s
        return tuple(o for o in self.open.values() if self.listed_s[o.order_id] <= now_s)

    # ---- heartbeat ----------------------------------------------------------------------------

    def beat(self, heartbeat_id: str) -> HeartbeatOutcome:
        if self.hard.strikes(Hard.UNAUTHORIZED):
            return Rejected(code="unauthorized", message="Unauthorized/Invalid api key")
        present = f"beat-{self._beat}" if self._beat else ""
        if heartbeat_id != present:
            return HeartbeatMismatch(heartbeat_id=present)
        self._beat += 1
        if self._beat_s is None:
            self._after(1.0, self._watch)
        self._beat_s = self._loop.now_s
        return Beaten(heartbeat_id=f"beat-{self._beat}")

    def _watch(self) -> None:
        if self._beat_s is not None and self._loop.now_s - self._beat_s > SILENCE_S:
            for name in tuple(self.open):
                self._cancel_one(name)
        self._after(1.0, self._watch)

    def _after(self, delay_s: float, what: Callable[[], object]) -> None:
        self._at(self._loop.now_s + delay_s, what)

    def _at(self, when_s: float, what: Callable[[], object]) -> None:
        from tests.simulation.network import BARE

        self._loop.call_at(when_s, what, context=BARE)
