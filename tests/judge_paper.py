"""The paper account's side of the judge, and its fills recounted from books that a test recorded.

The store's records are read as plain JSON, and the books from the venue's own frames, token by
token: nothing of the paper venue's code takes part.
"""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from checkpoints.log import read_records
from tests.judge_ledger import LedgerSide, Terms, VenueFill, VenueSettled

STORE: Final = Path("paper", "log")
NEAR_MS: Final = 3_000
"""Wire: a recorder is another client than the venue, and each has its own delay."""


def is_paper(storage: Path) -> bool:
    return (storage / STORE).is_dir()


def read_paper(storage: Path) -> LedgerSide:
    """Read the paper store as if it were a venue's ledger."""
    side = LedgerSide()
    for row in rows(storage):
        match row["type"]:
            case "paper_placed":
                order = row["order"]
                side.orders.setdefault(order["order_id"], order["placed_wire_ms"])
            case "paper_refused":
                side.refused.add(row["order_id"])
            case "paper_filled":
                side.fills[f"{row['trade_id']}/{row['order_id']}"] = _fill(row)
            case "paper_resolved":
                side.settled[row["condition_id"]] = VenueSettled(
                    winner=row["winner"],
                    wire_ms=row["wire_ms"],
                    paid_micro_usd=row["paid_micro_usd"],
                )
    return side


def rows(storage: Path) -> list[dict[str, Any]]:
    return [json.loads(data) for data in read_records(storage / STORE)]


def _fill(row: dict[str, Any]) -> VenueFill:
    return VenueFill(
        trade_id=row["trade_id"],
        condition_id=row["condition_id"],
        terms=Terms(
            outcome=row["outcome"],
            side=row["side"],
            price=row["price"],
            shares=row["shares"],
            fee_micro_usd=row["fee_micro_usd"],
        ),
        wire_ms=row["wire_ms"],
        moved_wire_ms=row["wire_ms"],
    )


# ---- the books --------------------------------------------------------------------------------


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Offers of one token after a frame: what a buyer, or a seller, of it could meet."""

    at_ms: int
    asks: dict[int, int]
    bids: dict[int, int]


class PublicTrade(msgspec.Struct, frozen=True, kw_only=True):
    at_ms: int
    side: str
    price: int
    shares: int


class Tape(msgspec.Struct, kw_only=True):
    """What was recorded, by token."""

    books: dict[str, list[Seen]] = {}
    trades: dict[str, list[PublicTrade]] = {}


def read_tape(lines: Iterator[str]) -> Tape:
    """Replay the market stream's frames, one JSON text a line."""
    tape = Tape()
    for line in lines:
        said = json.loads(line)
        for frame in said if isinstance(said, list) else [said]:
            _take_frame(tape, frame)
    return tape


def _take_frame(tape: Tape, frame: dict[str, Any]) -> None:
    at_ms = int(frame.get("timestamp", 0))
    match frame.get("event_type"):
        case "book":
            seen = Seen(at_ms=at_ms, asks=_levels(frame["asks"]), bids=_levels(frame["bids"]))
            tape.books.setdefault(frame["asset_id"], []).append(seen)
        case "price_change":
            for change in frame["price_changes"]:
                _take_change(tape, change, at_ms)
        case "last_trade_price":
            told = PublicTrade(
                at_ms=at_ms,
                side=frame["side"],
                price=_micro(frame["price"]),
                shares=_micro(frame["size"]),
            )
            tape.trades.setdefault(frame["asset_id"], []).append(told)


def _take_change(tape: Tape, change: dict[str, Any], at_ms: int) -> None:
    before = tape.books.get(change["asset_id"])
    if not before:
        return
    asks, bids = dict(before[-1].asks), dict(before[-1].bids)
    side = bids if change["side"] == "BUY" else asks
    side[_micro(change["price"])] = _micro(change["size"])
    before.append(
        Seen(
            at_ms=at_ms,
            asks={price: size for price, size in asks.items() if size},
            bids={price: size for price, size in bids.items() if size},
        )
    )


def _levels(rows_of: list[dict[str, str]]) -> dict[int, int]:
    return {_micro(row["price"]): _micro(row["size"]) for row in rows_of}


def _micro(text: str) -> int:
    return int(Decimal(text) * 1_000_000)


# ---- recounting -------------------------------------------------------------------------------


def recount(storage: Path, tape: Tape) -> Iterator[str]:
    """Name every fill that the recorded books do not bear out."""
    found = rows(storage)
    markets = {row["condition_id"]: row for row in found if row["type"] == "paper_market"}
    taken: dict[tuple[str, int], int] = defaultdict(int)
    for row in (one for one in found if one["type"] == "paper_filled"):
        if not was_recorded(row, tape):
            continue
        other = _other_token(markets[row["condition_id"]], row["token_id"])
        if row["maker"]:
            yield from _maker_problem(row, tape, other)
        else:
            yield from _taker_problem(row, tape, taken)


def was_recorded(row: dict[str, Any], tape: Tape) -> bool:
    """Tell whether the recording of a fill's market had begun well before it."""
    books = tape.books.get(row["token_id"])
    return bool(books) and books[0].at_ms < row["wire_ms"] - NEAR_MS // 3


def _taker_problem(
    row: dict[str, Any], tape: Tape, taken: dict[tuple[str, int], int]
) -> Iterator[str]:
    seen = _near(tape.books.get(row["token_id"], []), row["wire_ms"])
    if not seen:
        yield f"{row['trade_id']}: no book was recorded near it"
        return
    buys, price = row["side"] == "BUY", row["price"]
    offers = [book.asks if buys else book.bids for book in seen]
    shown = [side for side in offers if side.get(price, 0) >= row["shares"]]
    if not shown:
        yield f"{row['trade_id']}: {row['shares']} at {price} were never shown near it"
    best = [min(side) if buys else max(side) for side in offers if side]
    if all(price < found if buys else price > found for found in best):
        yield f"{row['trade_id']}: {price} is better than every best price near it"
    key = (f"{row['token_id']}/{row['side']}", price)
    taken[key] += row["shares"]
    refreshed = _most_shown(tape.books[row["token_id"]], price, buys=buys)
    if taken[key] > refreshed:
        yield f"{row['trade_id']}: level {price} was used for more than it ever showed"


def _most_shown(books: list[Seen], price: int, *, buys: bool) -> int:
    """Add up what a level has shown anew: all that came to it over the recording."""
    total, before = 0, 0
    for book in books:
        now = (book.asks if buys else book.bids).get(price, 0)
        total += max(0, now - before)
        before = now
    return total


def _maker_problem(row: dict[str, Any], tape: Tape, other: str) -> Iterator[str]:
    """A resting order fills only by a trade at its price or beyond, or by an offer that crosses."""
    buys, price = row["side"] == "BUY", row["price"]
    own = [
        trade.price
        for trade in _near(tape.trades.get(row["token_id"], []), row["wire_ms"])
        if (trade.side == "SELL") == buys or trade.price != price
    ]
    own += [
        1_000_000 - trade.price
        for trade in _near(tape.trades.get(other, []), row["wire_ms"])
        if (trade.side == "BUY") == buys or 1_000_000 - trade.price != price
    ]
    for book in _near(tape.books.get(row["token_id"], []), row["wire_ms"]):
        side = book.asks if buys else book.bids
        own += [min(side) if buys else max(side)] if side else []
    if not any(met <= price if buys else met >= price for met in own):
        yield (
            f"{row['trade_id']}: nothing traded at {price} or beyond near it, but "
            f"{sorted(own)}; its evidence is {row['evidence']!r}"
        )


def _near(seen: list[Any], at_ms: int) -> list[Any]:
    """Return what was in force or came within `NEAR_MS` of an instant."""
    first = bisect_left(seen, at_ms - NEAR_MS, key=lambda one: one.at_ms)
    last = bisect_right(seen, at_ms + NEAR_MS, key=lambda one: one.at_ms)
    before = first - 1 if first and isinstance(seen[0], Seen) else first
    return seen[before:last]


def _other_token(market: dict[str, Any], token_id: str) -> str:
    up, down = market["up_token_id"], market["down_token_id"]
    return str(down if token_id == up else up)
