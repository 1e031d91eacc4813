"""Frames of the venue's market stream, read without its SDK, whose queue drops without a word.

A frame is one object or an array of them. Each price change says the best bid and ask that the book
has after it: a book that disagrees has missed something. Pure.
"""

from functools import lru_cache
from typing import Final

import msgspec

from actors.feeds.books import BookLine, Level, book_levels, read_micro, read_stamp
from actors.feeds.http import UNREADABLE, Malformed
from actors.market_data.events import (
    BookChanged,
    BooksReceived,
    LevelChange,
    StreamFault,
    TickSizeChanged,
)
from signals.units import MICRO

BookEvent = BooksReceived | BookChanged | TickSizeChanged | StreamFault
NO_DATA: Final = (b"PONG", b"PING", b"")
REFUSED: Final = b"INVALID OPERATION"
SIDES: Final = {"BUY": True, "SELL": False}
TEXTS_CACHED: Final = 8_192
"""Prices have at most a thousand texts; the rest is for sizes that come again."""
LOST: Final = StreamFault(malformed=1, dropped=1)
"""What an unreadable frame said is missing from some book."""


class _Book(msgspec.Struct, tag_field="event_type", tag="book"):
    asset_id: str
    bids: list[Level]
    asks: list[Level]
    timestamp: str | int | None = None
    tick_size: str | float | None = None


class _Change(msgspec.Struct):
    asset_id: str
    price: str
    size: str
    side: str
    best_bid: str | None = None
    best_ask: str | None = None


class _Changes(msgspec.Struct, tag_field="event_type", tag="price_change"):
    price_changes: list[_Change]
    timestamp: str | int | None = None


class _Tick(msgspec.Struct, tag_field="event_type", tag="tick_size_change"):
    asset_id: str
    new_tick_size: str | float


class _Trade(msgspec.Struct, tag_field="event_type", tag="last_trade_price"):
    """Books say what a trade leaves; the trade itself is of no use here."""


class _Best(msgspec.Struct, tag_field="event_type", tag="best_bid_ask"):
    """Comes apart from its book, and may come before it: no check of it."""


class _Kind(msgspec.Struct):
    event_type: str | None = None


_Frame = _Book | _Changes | _Tick | _Trade | _Best
_one = msgspec.json.Decoder(_Frame)
_many = msgspec.json.Decoder(list[_Frame])
_rows = msgspec.json.Decoder(list[msgspec.Raw])
_kind = msgspec.json.Decoder(_Kind)
KINDS: Final = frozenset(
    {"book", "price_change", "tick_size_change", "last_trade_price", "best_bid_ask"}
)


def read_frame(frame: bytes) -> list[BookEvent]:
    """Read what one frame changes; unknown kinds change nothing, unreadable ones are a fault."""
    if frame in NO_DATA:
        return []
    try:
        found = _many.decode(frame) if frame[:1] == b"[" else [_one.decode(frame)]
    except msgspec.ValidationError:
        return _row_by_row(frame)
    except UNREADABLE:
        return [LOST]
    return [event for one in found if (event := _event(one)) is not None]


def _row_by_row(frame: bytes) -> list[BookEvent]:
    """Read a frame in which something is odd: its other rows count."""
    try:
        rows = _rows.decode(frame) if frame[:1] == b"[" else [msgspec.Raw(frame)]
    except UNREADABLE:
        return [LOST]
    found = [event for row in rows if (event := _row(row)) is not None]
    return [event for event in found if event is not LOST] + [LOST] * (LOST in found)


def _row(row: msgspec.Raw) -> BookEvent | None:
    try:
        if _kind.decode(row).event_type not in KINDS:
            return None
        return _event(_one.decode(row))
    except UNREADABLE:
        return LOST


def _event(frame: _Frame) -> BookEvent | None:
    try:
        match frame:
            case _Changes():
                return BookChanged(
                    changes=tuple(_change(row) for row in frame.price_changes),
                    stamp_wire_ms=read_stamp(frame.timestamp),
                )
            case _Book():
                line = BookLine(
                    asset_id=frame.asset_id,
                    bids=frame.bids,
                    asks=frame.asks,
                    timestamp=frame.timestamp,
                    tick_size=frame.tick_size,
                )
                return BooksReceived(books=(book_levels(line),), polled=False)
            case _Tick():
                tick = read_micro(str(frame.new_tick_size))
                return TickSizeChanged(token_id=frame.asset_id, tick_micro_usd=tick)
            case _Trade() | _Best():
                return None
    except (Malformed, ArithmeticError, ValueError):
        return LOST


def _change(row: _Change) -> LevelChange:
    bid = SIDES.get(row.side)
    if bid is None:
        raise Malformed(f"a side {row.side[:20]!r}")
    price, shares = _micro(row.price), _micro(row.size)
    if not 0 < price < MICRO or shares < 0:
        raise Malformed(f"a level of {row.size[:20]} at {row.price[:20]}")
    return LevelChange(
        token_id=row.asset_id,
        bid=bid,
        price=price,
        shares=shares,
        best_bid=_best(row.best_bid),
        best_ask=_best(row.best_ask),
    )


def _best(text: str | None) -> int | None:
    """Read a best price; 0 and 1 USD are how the stream writes an empty side."""
    return _micro(text) if text else None


@lru_cache(maxsize=TEXTS_CACHED)
def _micro(text: str) -> int:
    return read_micro(text)
