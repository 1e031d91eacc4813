"""The public market socket: books and trades of the tokens that a client asks for."""

from collections.abc import Callable
from typing import Final, assert_never

import msgspec
from starlette.websockets import WebSocket

from cluster.sandbox.events import (
    BestChanged,
    BookReplaced,
    LastTrade,
    MarketOpened,
    MarketResolved,
    PricesChanged,
    TickSizeChanged,
)
from cluster.sandbox.faults import FaultBoard
from cluster.sandbox.model import BookView, Outcome
from cluster.sandbox.server.wire import to_json
from cluster.sandbox.sockets.frames import (
    best_frame,
    book_frame,
    last_trade_frame,
    market_frame,
    price_change_frame,
    tick_size_frame,
)
from cluster.sandbox.sockets.line import Line

TOKENS_MAX: Final = 500
"""Per connection: what operators report of the venue (undocumented)."""
ROUTE: Final = "ws/market"

MarketEvent = (
    BookReplaced
    | PricesChanged
    | BestChanged
    | LastTrade
    | TickSizeChanged
    | MarketOpened
    | MarketResolved
)


class MarketRequest(msgspec.Struct, frozen=True, kw_only=True):
    """First frame (`type`) or a later change (`operation`)."""

    type: str | None = None
    operation: str | None = None
    assets_ids: tuple[str, ...] = ()
    custom_feature_enabled: bool | None = None


class MarketLine(Line):
    def __init__(self, websocket: WebSocket, faults: FaultBoard) -> None:
        super().__init__(websocket, ROUTE, faults)
        self.tokens: set[str] = set()
        self.custom = False
        self.asked = False

    @property
    def subscribed(self) -> bool:
        return self.asked


class MarketFeed:
    """Who listens to which token."""

    def __init__(self, book_of: Callable[[str], BookView | None]) -> None:
        self._book_of = book_of
        self._lines: set[MarketLine] = set()
        self._by_token: dict[str, set[MarketLine]] = {}

    def add(self, line: MarketLine) -> None:
        self._lines.add(line)

    def remove(self, line: MarketLine) -> None:
        self._lines.discard(line)
        self._forget(line, line.tokens.copy())

    def receive(self, line: MarketLine, text: str | bytes) -> None:
        """Act on one frame of the client."""
        try:
            request = msgspec.json.decode(text, type=MarketRequest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            line.reply("INVALID OPERATION")
            return
        if request.custom_feature_enabled is not None:
            line.custom = request.custom_feature_enabled
        if request.operation == "unsubscribe":
            self._forget(line, set(request.assets_ids))
        elif request.operation == "subscribe" or request.type is not None:
            self._subscribe(line, request.assets_ids)
        else:
            line.reply("INVALID OPERATION")

    def _subscribe(self, line: MarketLine, tokens: tuple[str, ...]) -> None:
        fresh = [token for token in dict.fromkeys(tokens) if token not in line.tokens]
        if len(line.tokens) + len(fresh) > TOKENS_MAX:
            line.reply("INVALID OPERATION")
            return
        line.asked = True
        line.tokens.update(fresh)
        for token in fresh:
            self._by_token.setdefault(token, set()).add(line)
        books = [book for token in fresh if (book := self._book_of(token)) is not None]
        for book in books:
            line.offer(to_json([book_frame(book)]).decode(), book.token_id)

    def _forget(self, line: MarketLine, tokens: set[str]) -> None:
        for token in tokens & line.tokens:
            line.tokens.discard(token)
            listeners = self._by_token[token]
            listeners.discard(line)
            if not listeners:
                del self._by_token[token]

    def publish(self, event: MarketEvent) -> None:
        """Send one event to those who asked for its token."""
        if not self._lines:
            return
        for outgoing in outgoing_of(event):
            listening = self._listeners(outgoing)
            if listening:
                frame = to_json(outgoing.frame).decode()
                for line in listening:
                    line.offer(frame, outgoing.key)

    def _listeners(self, outgoing: "Outgoing") -> list[MarketLine]:
        if outgoing.tokens is None:
            lines = self._lines
        else:
            lines = {line for token in outgoing.tokens for line in self._by_token.get(token, ())}
        return [line for line in lines if line.custom or not outgoing.custom]


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    frame: msgspec.Struct
    tokens: tuple[str, ...] | None
    """Send to those who asked for any of these; None: to all."""
    key: str
    custom: bool = False
    """Only to connections with `custom_feature_enabled`."""


def outgoing_of(event: MarketEvent) -> tuple[Outgoing, ...]:
    """Return the frames of one event and who gets them."""
    match event:
        case BookReplaced(book=book, after_trade=after_trade):
            token = book.token_id
            frame_of_book = book_frame(book, after_trade=after_trade)
            return (Outgoing(frame=frame_of_book, tokens=(token,), key=token),)
        case PricesChanged():
            tokens = tuple(prices.token_id for prices in event.best)
            frame = price_change_frame(event)
            return (Outgoing(frame=frame, tokens=tokens, key=event.condition_id),)
        case BestChanged():
            token = event.best.token_id
            return (Outgoing(frame=best_frame(event), tokens=(token,), key=token, custom=True),)
        case LastTrade():
            token = event.token_id
            return (Outgoing(frame=last_trade_frame(event), tokens=(token,), key=token),)
        case TickSizeChanged():
            return tuple(
                Outgoing(frame=tick_size_frame(event, outcome), tokens=(token,), key=token)
                for outcome in Outcome
                for token in (event.market.token_id(outcome),)
            )
        case MarketOpened():
            slug = event.market.slug
            return (Outgoing(frame=market_frame(event), tokens=None, key=slug, custom=True),)
        case MarketResolved():
            market = event.market
            tokens = (market.up_token_id, market.down_token_id)
            frame_of_end = market_frame(event)
            return (Outgoing(frame=frame_of_end, tokens=tokens, key=market.slug, custom=True),)
        case _:
            assert_never(event)
