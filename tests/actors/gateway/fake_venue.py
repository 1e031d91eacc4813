"""A venue in memory with the real one's rules of identity: one id once, "Duplicated" after that."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
from msgspec.structs import replace

from actors.venue.answers import AccountBalance, ListedMarket, OddRow, TokenBook
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    CancelOutcome,
    Duplicated,
    HeartbeatMismatch,
    HeartbeatOutcome,
    NotCancelled,
    PostOutcome,
    SignedOrder,
    SignOutcome,
    TradeStatus,
    Unknown,
    UnsignedOrder,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from signals.decision import Style
from signals.market import Outcome, Side, Timeframe, Window
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd


def listed_market(slug: str) -> ListedMarket:
    """The market of a window, as the builders' intents name it."""
    asset, _, timeframe, open_s = slug.split("-")
    window = Window(1_000 * int(open_s), Timeframe(timeframe))
    slot = f"{asset}-{timeframe}"
    return ListedMarket(
        slug=slug,
        condition_id=f"condition-{slot}",
        up_token_id=f"up-{slot}",
        down_token_id=f"down-{slot}",
        min_order_shares=MicroShares(5 * MICRO),
        open_ms=window.open_ms,
        close_ms=window.close_ms,
    )


def token_book(token_id: str, mid: int = 510_000, tick: int = 10_000) -> TokenBook:
    return TokenBook(
        token_id=token_id,
        condition_id=token_id.replace("up-", "condition-").replace("down-", "condition-"),
        tick_micro_usd=tick,
        bid=PriceMicroUsd(mid - tick),
        ask=PriceMicroUsd(mid + tick),
    )


class Book:
    """Orders and trades by id. Synchronous, so that pure machines can use it too."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.open: dict[str, VenueOrder] = {}
        self.trades: dict[str, VenueTrade] = {}
        self.winners: dict[str, Outcome] = {}
        self.heartbeat = ""
        self.signatures = 0

    def sign(self, order: UnsignedOrder, wire_ms: int) -> SignedOrder:
        self.signatures += 1
        order_id = f"0x{self.signatures:064x}"
        body = msgspec.json.encode((order_id, order))
        return SignedOrder(order_id=order_id, body=body, signed_wire_ms=wire_ms)

    def post(self, signed: SignedOrder, wire_ms: int) -> PostOutcome:
        order_id, order = msgspec.json.decode(signed.body, type=tuple[str, UnsignedOrder])
        if order_id in self.seen:
            return Duplicated()
        self.seen.add(order_id)
        self.open[order_id] = VenueOrder(
            order_id=order_id,
            condition_id=order.condition_id,
            token_id=order.token_id,
            side=order.side,
            price=order.price,
            shares=order.shares,
            filled_shares=MicroShares(0),
            status="LIVE",
            created_wire_ms=wire_ms,
        )
        if order.style is Style.REST:
            return Accepted(status=AcceptedStatus.LIVE, order_id=order_id)
        self.fill(order_id, order.shares // 20_000 * 10_000, wire_ms)
        self.open.pop(order_id, None)  # fill and kill: it never rests
        return Accepted(status=AcceptedStatus.MATCHED, order_id=order_id)

    def cancel(self, order_ids: Sequence[str]) -> Cancelled:
        gone = tuple(name for name in order_ids if self.open.pop(name, None) is not None)
        kept = tuple(
            NotCancelled(order_id=name, reason="not found")
            for name in order_ids
            if name not in gone
        )
        return Cancelled(cancelled=gone, not_cancelled=kept)

    def fill(self, order_id: str, shares: int, wire_ms: int) -> VenueTrade:
        """Match a part of an open order; it leaves the book when nothing is left."""
        order = self.open[order_id]
        trade = VenueTrade(
            fill_id=f"trade-{len(self.trades)}/{order_id}",
            order_id=order_id,
            condition_id=order.condition_id,
            token_id=order.token_id,
            side=order.side,
            price=order.price,
            shares=MicroShares(shares),
            maker=True,
            fee_micro_usd=MicroUsd(0),
            status=TradeStatus.MATCHED,
            matched_wire_ms=wire_ms,
        )
        self.trades[trade.fill_id] = trade
        filled = MicroShares(order.filled_shares + shares)
        self.open[order_id] = replace(order, filled_shares=filled)
        if filled >= order.shares:
            del self.open[order_id]
        return trade

    def held(self, token_id: str) -> int:
        """What the account owns of a token, trades that failed left out."""
        signs = {Side.BUY: 1, Side.SELL: -1}
        return sum(
            signs[trade.side] * trade.shares
            for trade in self.trades.values()
            if trade.token_id == token_id and trade.status is not TradeStatus.FAILED
        )

    def end_trade(self, fill_id: str, status: TradeStatus) -> VenueTrade:
        self.trades[fill_id] = replace(self.trades[fill_id], status=status)
        return self.trades[fill_id]

    def beat(self, heartbeat_id: str) -> HeartbeatOutcome:
        if heartbeat_id != self.heartbeat:
            return HeartbeatMismatch(heartbeat_id=self.heartbeat)
        self.heartbeat = f"beat-{int(self.heartbeat[5:] or 0) + 1}"
        return Beaten(heartbeat_id=self.heartbeat)


class FakeVenue:
    """`VenuePort` over a `Book`; the book outlives it as the venue outlives a process."""

    def __init__(self, book: Book) -> None:
        self.venue_book = book
        self.posts = 0
        self.lose_answers = 0
        """So many posts land but their answers are lost."""
        self.closed = False
        self._events: asyncio.Queue[VenueEvent] = asyncio.Queue()

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:  # noqa: ARG002 port
        return None

    async def sign(self, order: UnsignedOrder) -> SignOutcome:
        return self.venue_book.sign(order, 1_790_000_000_000)

    async def post(self, signed: SignedOrder) -> PostOutcome:
        self.posts += 1
        outcome = self.venue_book.post(signed, 1_790_000_000_000)
        if self.lose_answers:
            self.lose_answers -= 1
            return Unknown(reason="the answer was lost")
        return outcome

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome:
        return self.venue_book.cancel(order_ids)

    async def cancel_all(self) -> CancelOutcome:
        return self.venue_book.cancel(tuple(self.venue_book.open))

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        return tuple(self.venue_book.open.values())

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:  # noqa: ARG002 port
        return tuple(self.venue_book.trades.values())

    async def heartbeat(self, heartbeat_id: str) -> HeartbeatOutcome:
        return self.venue_book.beat(heartbeat_id)

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        return self.venue_book.winners.get(condition_id)

    def push(self, event: VenueEvent) -> None:
        self._events.put_nowait(event)

    async def events(self) -> AsyncIterator[VenueEvent]:
        while True:
            yield await self._events.get()

    async def version(self) -> str | Unknown:
        return "2"

    async def server_time_ms(self) -> int | Unknown:
        return Unknown(reason="no clock here")

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        return listed_market(slug)

    async def book(self, token_id: str) -> TokenBook | Unknown:
        return token_book(token_id)

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        return AccountBalance(
            cash_micro_usd=MicroUsd(1_000 * MICRO),
            shares={token: MicroShares(self.venue_book.held(token)) for token in token_ids},
        )

    def odd_rows(self) -> tuple[OddRow, ...]:
        return ()

    async def close(self) -> None:
        self.closed = True
