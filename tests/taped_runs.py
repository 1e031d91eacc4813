"""Two runs of a fleet held against each other: the recorded one, and the one that replays its tape.

Compared is what both knew of one decision point. What had not come to one of them by that moment
is counted, not compared: when a message arrives is no part of a tape.
"""

from collections.abc import Callable, Hashable

import msgspec

from checkpoints.journal_rows import JournalRow
from checkpoints.storage import Storage
from signals.market import Slot
from signals.params import Params
from signals.snapshot import Candles, MarketView, Snapshot
from signals.strategies.five_factor import Memory, decide
from tests.stored_decisions import stored_decisions
from tests.tape_decisions import HELD

Made = dict[tuple[str, int], tuple[JournalRow, Snapshot]]
"""Slot and due point -> what was decided, and from what."""
Values = dict[Hashable, object]


class Comparison(msgspec.Struct, kw_only=True):
    """Of one input."""

    same: int = 0
    other: int = 0
    alone: int = 0
    """Values that only one of both had by then."""


def made(storage: Storage, slots: tuple[str, ...]) -> Made:
    """Return every decision of a fleet with the snapshot it was made from."""
    return {
        (row.slot, due_ms): (row, snapshot)
        for due_ms, row, snapshot in stored_decisions(storage, slots)
    }


def rows_of(candles: Candles) -> dict[int, tuple[float | None, ...]]:
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    rows = zip(*columns, candles.taker_buy, strict=True)
    return dict(zip(candles.open_time_ms, rows, strict=True))


def _candles(one: Snapshot) -> Values:
    return {(c.interval, at): row for c in one.candles for at, row in rows_of(c).items()}


def _rules(market: MarketView) -> object:
    return (market.fee_rate, market.min_order_shares, market.twap_lookback_seconds)


def _levels(market: MarketView) -> object:
    books = (market.up_book, market.down_book)
    return tuple(book and (book.bids, book.asks) for book in books)


INPUTS: dict[str, Callable[[Snapshot], Values]] = {
    "candles": _candles,
    "funding": lambda one: {point.time_ms: point.rate for point in one.funding},
    "open interest": lambda one: {point.time_ms: point.base_units for point in one.open_interest},
    "averages": lambda one: dict(zip(one.ticks.observed_ms, one.ticks.twap, strict=True)),
    "strikes": lambda one: {market.window: market.price_to_beat for market in one.markets},
    "rules of markets": lambda one: {market.window: _rules(market) for market in one.markets},
    "books": lambda one: {market.window: _levels(market) for market in one.markets},
}


def compare(first: Made, second: Made) -> dict[str, Comparison]:
    """Count the values of each input over the points that both met."""
    found = {name: Comparison() for name in INPUTS}
    for key in first.keys() & second.keys():
        for name, values in INPUTS.items():
            one, other = values(first[key][1]), values(second[key][1])
            both = one.keys() & other.keys()
            same = sum(one[at] == other[at] for at in both)
            found[name].same += same
            found[name].other += len(both) - same
            found[name].alone += len(one) + len(other) - 2 * len(both)
    return found


def as_second(one: Snapshot, other: Snapshot) -> Snapshot:
    """Return the first run's snapshot with the second run's values, as far as it had them by then.

    Books stay the first run's.
    """
    candles = {c.interval: rows_of(c) for c in other.candles}
    funding = {point.time_ms: point for point in other.funding}
    interest = {point.time_ms: point for point in other.open_interest}
    averages = dict(zip(other.ticks.observed_ms, other.ticks.twap, strict=True))
    strikes = {market.window: market.price_to_beat for market in other.markets}
    known = zip(one.ticks.observed_ms, one.ticks.twap, strict=True)
    return msgspec.structs.replace(
        one,
        candles=tuple(_with_rows(c, candles.get(c.interval, {})) for c in one.candles),
        funding=tuple(funding.get(point.time_ms, point) for point in one.funding),
        open_interest=tuple(interest.get(point.time_ms, point) for point in one.open_interest),
        ticks=msgspec.structs.replace(
            one.ticks, twap=tuple(averages.get(at, twap) for at, twap in known)
        ),
        markets=tuple(
            msgspec.structs.replace(
                market, price_to_beat=strikes.get(market.window, market.price_to_beat)
            )
            for market in one.markets
        ),
    )


def _with_rows(candles: Candles, rows: dict[int, tuple[float | None, ...]]) -> Candles:
    known = rows_of(candles)
    if not known:
        return candles
    taken = [rows.get(at, known[at]) for at in candles.open_time_ms]
    opened, high, low, close, volume, taker_buy = zip(*taken, strict=True)
    return msgspec.structs.replace(
        candles,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        taker_buy=taker_buy,
    )


def decides_the_same(slot: str, one: Snapshot, other: Snapshot, params: Params) -> bool:
    timeframe = Slot.parse(slot).timeframe
    mixed = as_second(one, other)
    return decide(one, timeframe, HELD, Memory(), params) == decide(
        mixed, timeframe, HELD, Memory(), params
    )
