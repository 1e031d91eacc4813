"""Order books of outcome tokens as REST sends them, and the parts that the stream shares.

On the wire bids ascend and asks descend, so the best level is last; here a book is a map from price
to shares, which has no order to get wrong. A /books answer comes in any order.
"""

from decimal import Decimal
from typing import Final

import httpx
import msgspec

from actors.feeds.http import UNREADABLE, Malformed, Missing, Unreachable, fetch
from actors.market_data.events import BookLevels, BooksReceived, FetchBooks
from signals.units import MICRO, to_micro

STAMP_DIGITS_MAX: Final = 18
"""Of milliseconds: five more than those of now."""
TEXT_MAX: Final = 40
"""Characters of a number."""
ODD_MAX: Final = 5
"""Odd books of one answer that are told."""


class Level(msgspec.Struct):
    price: str
    size: str


class BookLine(msgspec.Struct):
    asset_id: str
    bids: list[Level]
    asks: list[Level]
    timestamp: str | int | None = None
    tick_size: str | float | None = None


_rows = msgspec.json.Decoder(list[msgspec.Raw])
_book = msgspec.json.Decoder(BookLine)


class ReadBooks(msgspec.Struct, frozen=True):
    """An answer to POST /books: one odd book hides no other."""

    books: tuple[BookLevels, ...]
    odd: tuple[str, ...]


def parse_books(body: bytes) -> ReadBooks:
    """Read a POST /books answer row by row; raise `Malformed` where it is no list."""
    try:
        rows = _rows.decode(body)
    except UNREADABLE as error:
        raise Malformed(f"{error!r}; it begins {body[:80]!r}") from error
    books: list[BookLevels] = []
    odd: list[str] = []
    for row in rows:
        try:
            books.append(book_levels(_book.decode(row)))
        except (*UNREADABLE, ArithmeticError, ValueError, Malformed) as error:
            odd.append(f"{error!r}; it begins {bytes(row)[:80]!r}")
    return ReadBooks(tuple(books), tuple(odd[:ODD_MAX]))


def book_levels(line: BookLine) -> BookLevels:
    """Read a whole book; raise `Malformed`, `ArithmeticError` or `ValueError`."""
    return BookLevels(
        token_id=line.asset_id,
        bids=_levels(line.bids),
        asks=_levels(line.asks),
        tick_micro_usd=read_micro(str(line.tick_size)) if line.tick_size else None,
        stamp_wire_ms=read_stamp(line.timestamp),
    )


def read_stamp(said: str | int | None) -> int:
    """Read milliseconds; 0 where nothing is said."""
    text = str(said or 0)
    if len(text) > STAMP_DIGITS_MAX or not (text.isascii() and text.isdecimal()):
        raise Malformed(f"a stamp of {text[:40]!r}")
    return int(text)


def read_micro(text: str) -> int:
    """Read whole units as micro-units; raise `ArithmeticError` or `ValueError`."""
    if len(text) > TEXT_MAX:
        raise Malformed(f"a number of {len(text)} characters")
    return to_micro(Decimal(text))


def _levels(rows: list[Level]) -> dict[int, int]:
    levels: dict[int, int] = {}
    for row in rows:
        price, shares = read_micro(row.price), read_micro(row.size)
        if not 0 < price < MICRO:
            raise Malformed("a price outside 0 .. 1")
        if shares > 0:
            levels[price] = shares
    return levels


async def fetch_books(client: httpx.AsyncClient, ask: FetchBooks) -> BooksReceived | Unreachable:
    body = await fetch(client, "/books", body=[{"token_id": token} for token in ask.token_ids])
    match body:
        case Missing():
            return Unreachable(reason="/books: HTTP 404")
        case Unreachable():
            return body
        case _:
            read = parse_books(body)
            return BooksReceived(books=read.books, polled=True, odd=read.odd)
