"""What the paper venue's fills are worth, on recorded books: `python -m tests.bench.paper_fills`.

At every fifth recorded second two orders are tried, each in an account of its own: a taker of about
ten dollars, and a maker of ten shares at the best bid for half a minute. Beside them stands what
simpler models say: a taker who pays the best price, a maker who is filled once the best ask comes
within a tick of the limit. The recording holds no trades, so a maker fills here only where
the book moves through its price: a lower bound.
"""

import os
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.parquet as pq

from actors.venue.paper.exchange import PaperExchange
from actors.venue.paper.records import Opened, OrderKind, PaperMarket, PaperOrder
from actors.venue.paper.state import PaperState
from signals.market import Outcome, Side
from signals.units import MICRO
from tests.bench.frame import ROOT, Row, bench

DATA: Final = Path(os.environ.get("MIDSTRIDE_DATA", ROOT.parent / "shared" / "data"))
BOOKS: Final = DATA / "books_btc_5m.parquet"
LEVELS: Final = 5
TICK: Final = 10_000
EVERY: Final = 5
"""Of the recorded seconds: each order is followed to its window's end."""
REST_SECONDS: Final = 30
TEN_DOLLARS: Final = 10 * MICRO
MAKER_SHARES: Final = 10 * MICRO


class Second(msgspec.Struct, frozen=True, kw_only=True):
    at_ms: int
    bids: dict[int, int]
    asks: dict[int, int]


class Tally(msgspec.Struct, kw_only=True):
    takers: int = 0
    takers_filled: int = 0
    taker_shares: int = 0
    taker_worse_micro: int = 0
    """Dollars that ten-dollar takers paid above the price they saw."""
    better: int = 0
    makers: int = 0
    makers_filled: int = 0
    touched: int = 0


def windows() -> Iterator[list[Second]]:
    table = pq.read_table(BOOKS).sort_by([("window_start", "ascending"), ("sec", "ascending")])
    for _, rows in groupby(table.to_pylist(), key=lambda row: row["window_start"]):
        yield [
            Second(at_ms=row["server_ms"], bids=_levels(row, "bid"), asks=_levels(row, "ask"))
            for row in rows
        ]


def _levels(row: dict[str, Any], side: str) -> dict[int, int]:
    found = ((row[f"{side}_p{place}"], row[f"{side}_s{place}"]) for place in range(LEVELS))
    levels = (
        (round(price / 0.01) * TICK, round(size * 100) * 10_000)
        for price, size in found
        if price is not None and size and price == price  # noqa: PLR0124 not a number
    )
    return {price: size for price, size in levels if 0 < price < MICRO}


def _account(first: Second, close_ms: int) -> PaperExchange:
    state = PaperState()
    state.apply(Opened(cash_micro_usd=1_000 * MICRO, wire_ms=first.at_ms))
    made = PaperExchange(state)
    made.add_market(
        PaperMarket(
            condition_id="c",
            up_token_id="1",
            down_token_id="2",
            tick_micro_usd=TICK,
            min_order_shares=5 * MICRO,
            fee_rate="0.07",
            fee_exponent="1",
            close_ms=close_ms,
        )
    )
    _show(made, first)
    return made


def _show(made: PaperExchange, second: Second) -> None:
    made.book_replaced("c", second.bids, second.asks, second.at_ms, second.at_ms)


def _order(kind: OrderKind, price: int, shares: int) -> PaperOrder:
    return PaperOrder(
        order_id="o",
        condition_id="c",
        token_id="1",
        outcome=Outcome.UP,
        side=Side.BUY,
        kind=kind,
        post_only=kind is OrderKind.GTC,
        price=price,
        shares=shares,
        budget_micro_usd=price * shares // MICRO if kind.immediate else None,
    )


def try_taker(seconds: list[Second], start: int, tally: Tally) -> None:
    """Take about ten dollars' worth, up to five cents above the best ask."""
    now = seconds[start]
    if not now.asks or start + 1 >= len(seconds):
        return
    best = min(now.asks)
    limit = min(best + 5 * TICK, MICRO - TICK)
    made = _account(now, now.at_ms + 400_000)
    shares = TEN_DOLLARS // limit * MICRO
    made.place(_order(OrderKind.FAK, limit, shares), now.at_ms, now.at_ms)
    _show(made, seconds[start + 1])
    tally.takers += 1
    bought = sum(fill.shares for fill in made.state.fills)
    tally.takers_filled += bought > 0
    tally.taker_shares += bought
    spent = sum(fill.price * fill.shares // MICRO for fill in made.state.fills)
    tally.taker_worse_micro += spent - best * bought // MICRO
    tally.better += sum(fill.price < best for fill in made.state.fills)


def try_maker(seconds: list[Second], start: int, tally: Tally) -> None:
    """Rest at the best bid for a while."""
    now = seconds[start]
    if not now.bids or not now.asks:
        return
    price = max(now.bids)
    made = _account(now, now.at_ms + 400_000)
    made.place(_order(OrderKind.GTC, price, MAKER_SHARES), now.at_ms, now.at_ms)
    touched = False
    for second in seconds[start + 1 : start + 1 + REST_SECONDS]:
        _show(made, second)
        touched = touched or bool(second.asks and min(second.asks) <= price + TICK)
        if made.state.fills:
            break
    tally.makers += 1
    tally.makers_filled += bool(made.state.fills)
    tally.touched += touched
    tally.better += sum(fill.price > price for fill in made.state.fills)


def measure() -> list[Row]:
    tally = Tally()
    for seconds in windows():
        for start in range(0, len(seconds), EVERY):
            try_taker(seconds, start, tally)
            try_maker(seconds, start, tally)
    return list(rows(tally))


def rows(tally: Tally) -> Iterator[Row]:
    cents = 100 * tally.taker_worse_micro / max(1, tally.taker_shares)
    yield Row(
        what="fills better than the limit or than the best price shown",
        measured=str(tally.better),
        aim="0",
        met=tally.better == 0,
    )
    yield Row(what="takers tried, filled", measured=f"{tally.takers}, {tally.takers_filled}")
    yield Row(what="paid above the best ask", measured=f"{cents:.3f} cents a share")
    yield Row(what="makers tried, filled", measured=f"{tally.makers}, {tally.makers_filled}")
    yield Row(what="makers if a touch were a fill", measured=str(tally.touched))


if __name__ == "__main__":
    if BOOKS.exists():
        bench("paper fills against recorded books", measure)
    else:
        sys.stdout.write(f"no recorded books in {DATA}: set MIDSTRIDE_DATA\n")
