"""Order books of outcome tokens: the venue's market stream, and REST where it is silent.

On the wire bids ascend and asks descend, so the best level is last; here a book is a map from price
to shares, which has no order to get wrong.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

import httpx
import msgspec
from polymarket.models.clob.market_events import (
    MarketBookEvent,
    MarketEvent,
    MarketPriceChangeEvent,
    MarketTickSizeChangeEvent,
)

from actors.feeds.http import Malformed, Missing, Unreachable, fetch
from actors.market_data.events import (
    BookChanged,
    BookLevels,
    BooksReceived,
    FetchBooks,
    LevelChange,
    StreamFault,
    TickSizeChanged,
)
from signals.units import MICRO, to_micro

MS_PER_S: Final = 1_000
STAMP_DIGITS_MAX: Final = 18
"""Of milliseconds: five more than those of now."""

BookEvent = BooksReceived | BookChanged | TickSizeChanged | StreamFault


class _Level(msgspec.Struct):
    price: str
    size: str


class _Book(msgspec.Struct):
    asset_id: str
    bids: list[_Level]
    asks: list[_Level]
    timestamp: str | None = None
    tick_size: str | float | None = None


_books = msgspec.json.Decoder(list[_Book])


def parse_books(body: bytes) -> tuple[BookLevels, ...]:
    """Read a POST /books answer; raise `Malformed`."""
    try:
        rows = _books.decode(body)
        return tuple(
            BookLevels(
                token_id=row.asset_id,
                bids=_levels((Decimal(at.price), Decimal(at.size)) for at in row.bids),
                asks=_levels((Decimal(at.price), Decimal(at.size)) for at in row.asks),
                tick_micro_usd=to_micro(Decimal(str(row.tick_size))) if row.tick_size else None,
                stamp_wire_ms=_stamp(row.timestamp or "0"),
            )
            for row in rows
        )
    except (msgspec.DecodeError, ArithmeticError, ValueError) as error:
        raise Malformed(f"{error!r}; it begins {body[:80]!r}") from error


def _stamp(text: str) -> int:
    if len(text) > STAMP_DIGITS_MAX or not text.isascii():
        raise Malformed(f"a stamp of {text[:40]!r}")
    return int(text)


def _levels(rows: Iterable[tuple[Decimal, Decimal]]) -> dict[int, int]:
    levels = {to_micro(price): to_micro(size) for price, size in rows if size > 0}
    if any(not 0 < price < MICRO for price in levels):
        raise Malformed("a price outside 0 .. 1")
    return levels


async def fetch_books(client: httpx.AsyncClient, ask: FetchBooks) -> BooksReceived | Unreachable:
    body = await fetch(client, "/books", body=[{"token_id": token} for token in ask.token_ids])
    match body:
        case Missing():
            return Unreachable(reason="/books: HTTP 404")
        case Unreachable():
            return body
        case _:
            return BooksReceived(books=parse_books(body), polled=True)


def read_book_event(event: MarketEvent) -> BookEvent | None:
    """Read a stream event; None for those that do not change a book."""
    try:
        match event:
            case MarketBookEvent(payload=book):
                levels = BookLevels(
                    token_id=str(book.asset_id),
                    bids=_levels((at.price, at.size) for at in book.bids),
                    asks=_levels((at.price, at.size) for at in book.asks),
                    tick_micro_usd=to_micro(book.tick_size) if book.tick_size else None,
                    stamp_wire_ms=_stamp_ms(book.timestamp),
                )
                return BooksReceived(books=(levels,), polled=False)
            case MarketPriceChangeEvent(payload=changed):
                return BookChanged(
                    changes=tuple(_change(row) for row in changed.price_changes),
                    stamp_wire_ms=_stamp_ms(changed.timestamp),
                )
            case MarketTickSizeChangeEvent(payload=tick):
                return TickSizeChanged(
                    token_id=str(tick.asset_id), tick_micro_usd=to_micro(tick.new_tick_size)
                )
            case _:
                return None
    except (Malformed, ArithmeticError, ValueError):
        return StreamFault(malformed=1)


class _WireChange(Protocol):
    @property
    def asset_id(self) -> str: ...
    @property
    def side(self) -> str: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def size(self) -> Decimal: ...


def _change(row: _WireChange) -> LevelChange:
    price = to_micro(row.price)
    if not 0 < price < MICRO:
        raise Malformed("a price outside 0 .. 1")
    return LevelChange(
        token_id=str(row.asset_id),
        bid=row.side == "BUY",
        price=price,
        shares=to_micro(row.size),
    )


def _stamp_ms(stamp: datetime | None) -> int:
    return 0 if stamp is None else round(stamp.timestamp() * MS_PER_S)
