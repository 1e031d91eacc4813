"""Frames of the venue's public market stream, as far as the paper venue needs them. Pure.

Prices are turned into Up's terms. Books come from the Up token alone: the Down token repeats them.
A trade is told once, for the token that the taker asked for; one that is told for both counts once.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from actors.venue.paper.book import in_up_terms, is_bid
from actors.venue.paper.makers import PublicTrade
from actors.venue.paper.records import PaperMarket
from signals.market import Side
from signals.units import MICRO, to_micro

NO_BID: Final = 0
NO_ASK: Final = MICRO
"""How the stream writes that a side is empty."""


class BookSeen(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    bids: dict[int, int]
    asks: dict[int, int]
    stamp_ms: int


class LevelSeen(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    bid: bool
    up_price: int
    shares: int
    best_bid: int | None
    best_ask: int | None
    """What the stream says that the best prices are now, after all changes of its frame."""
    last: bool
    """The last change of its frame: now the best prices must agree."""
    stamp_ms: int


class TradeSeen(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    trade: PublicTrade
    key: str
    """The same for both tokens' word of one trade."""
    token_id: str


class TickSeen(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    tick_micro_usd: int


Seen = BookSeen | LevelSeen | TradeSeen | TickSeen


class _Kind(msgspec.Struct):
    event_type: str = ""


class _Level(msgspec.Struct):
    price: Decimal
    size: Decimal


class _Book(msgspec.Struct):
    asset_id: str
    market: str
    timestamp: int
    bids: list[_Level]
    asks: list[_Level]


class _Change(msgspec.Struct):
    asset_id: str
    price: Decimal
    size: Decimal
    side: Side
    best_bid: Decimal | None = None
    best_ask: Decimal | None = None


class _Changes(msgspec.Struct):
    market: str
    timestamp: int
    price_changes: list[_Change]


class _Trade(msgspec.Struct):
    asset_id: str
    market: str
    price: Decimal
    size: Decimal
    side: Side
    timestamp: int
    transaction_hash: str = ""


class _Tick(msgspec.Struct):
    market: str
    new_tick_size: Decimal


_kind = msgspec.json.Decoder(_Kind)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_book = msgspec.json.Decoder(_Book, strict=False)
_changes = msgspec.json.Decoder(_Changes, strict=False)
_trade = msgspec.json.Decoder(_Trade, strict=False)
_tick = msgspec.json.Decoder(_Tick, strict=False)


class FrameError(ValueError):
    """A frame is not as the venue writes it: the book that it belongs to cannot be trusted."""


def read_frames(text: str | bytes, markets: dict[str, PaperMarket]) -> Iterator[Seen]:
    """Yield what one message says of followed markets (by token); raise `FrameError`.

    Kinds of frames that say nothing about books or trades are passed over.
    """
    data = text.encode() if isinstance(text, str) else text
    try:
        for raw in _raws.decode(data) if data.lstrip()[:1] == b"[" else [data]:
            yield from _one(bytes(raw), markets)
    except (msgspec.DecodeError, ArithmeticError, ValueError, RecursionError) as error:
        raise FrameError(f"{error!r}; it begins {data[:80]!r}") from error


def _one(data: bytes, markets: dict[str, PaperMarket]) -> Iterator[Seen]:
    match _kind.decode(data).event_type:
        case "book":
            yield from _whole_book(_book.decode(data), markets)
        case "price_change":
            yield from _levels(_changes.decode(data), markets)
        case "last_trade_price":
            yield from _one_trade(_trade.decode(data), markets)
        case "tick_size_change":
            tick = _tick.decode(data)
            yield TickSeen(condition_id=tick.market, tick_micro_usd=_positive(tick.new_tick_size))
        case _:
            return


def _whole_book(book: _Book, markets: dict[str, PaperMarket]) -> Iterator[BookSeen]:
    market = markets.get(book.asset_id)
    if market is None or book.asset_id != market.up_token_id:
        return
    yield BookSeen(
        condition_id=market.condition_id,
        bids={_price(level.price): to_micro(level.size) for level in book.bids if level.size > 0},
        asks={_price(level.price): to_micro(level.size) for level in book.asks if level.size > 0},
        stamp_ms=book.timestamp,
    )


def _levels(frame: _Changes, markets: dict[str, PaperMarket]) -> Iterator[LevelSeen]:
    own = [
        (market, change)
        for change in frame.price_changes
        if (market := markets.get(change.asset_id)) and change.asset_id == market.up_token_id
    ]
    for place, (market, change) in enumerate(own, 1):
        yield LevelSeen(
            condition_id=market.condition_id,
            bid=change.side is Side.BUY,
            up_price=_price(change.price),
            shares=max(0, to_micro(change.size)),
            best_bid=_best(change.best_bid, NO_BID),
            best_ask=_best(change.best_ask, NO_ASK),
            last=place == len(own) and change.best_bid is not None,
            stamp_ms=frame.timestamp,
        )


def _one_trade(frame: _Trade, markets: dict[str, PaperMarket]) -> Iterator[TradeSeen]:
    market = markets.get(frame.asset_id)
    outcome = None if market is None else market.outcome_of(frame.asset_id)
    if market is None or outcome is None:
        return
    trade = PublicTrade(
        up_price=in_up_terms(outcome, _price(frame.price)),
        shares=_positive(frame.size),
        buys_up=is_bid(outcome, frame.side),
        stamp_ms=frame.timestamp,
    )
    told = f"{trade.up_price}/{trade.shares}/{trade.stamp_ms}"
    yield TradeSeen(
        condition_id=market.condition_id,
        trade=trade,
        key=f"{frame.transaction_hash}/{told}",
        token_id=frame.asset_id,
    )


def _price(price: Decimal) -> int:
    micro = to_micro(price)
    if not 0 < micro < MICRO:
        raise FrameError(f"a price of {price}")
    return micro


def _best(price: Decimal | None, absent: int) -> int | None:
    micro = absent if price is None else to_micro(price)
    return None if micro == absent else micro


def _positive(number: Decimal) -> int:
    micro = to_micro(number)
    if micro <= 0:
        raise FrameError(f"a size of {number}")
    return micro
